"""From one stack file to the next: what the engine does to the services of a pool, in any order.

The engine creates and updates in parallel whatever does not depend on each other, waits for each
service to be steady, and deletes what is gone from the program last, dependents first
(https://www.pulumi.com/docs/iac/concepts/how-pulumi-works/: deletions come after all creations and
updates). Group and capacity provider are updated before the services, which depend on them.
A scaling target is registered after its service; the count then moves between its limits.

Left out: the engine's timeouts. A change that can only go on after a timeout counts as stuck: the
engine gives up, deletes nothing, and the next `pulumi up` starts from there.
"""

import random
from dataclasses import dataclass

from tests.planning.stacks import Config, Entry
from tests.simulation.driving import Driver, Weather, settle
from tests.simulation.model import World
from tests.simulation.states import Event, Rules, ServiceSpec
from tests.simulation.worlds import (
    KINDS,
    Case,
    config_of,
    only_case,
    random_entries,
    random_model,
)

# No new revision by somebody else, and no bad one, while the engine is at work.
DURING = Weather(
    kinds=(("scale", 2.0), ("run_job", 1.0), ("crash", 2.0), ("lose", 0.5), ("stall", 1.0))
)


class Update:
    """One `pulumi up` on the services of a pool."""

    def __init__(self, world: World, after: Case, *, wait: bool = True) -> None:
        self.world = world
        self.wait = wait  # for a steady state
        new = {s.key: s for s in after.services}
        self.deletes = {k for k in world.services if k not in new}
        self.changes = {
            k for k, s in new.items()
            if k not in world.services or world.services[k].spec != s
        }  # fmt: skip
        self.begun: set[str] = set()
        self.done: set[str] = set(new) - self.changes
        self.after = {k: frozenset(s.after) & new.keys() for k, s in new.items()}
        for key in self.deletes:
            self.after[key] = frozenset(
                k for k in self.deletes if key in world.services[k].spec.after
            )
        world.pool = after.pool
        world.jobs = dict(after.jobs)
        world.wanted = new

    @property
    def finished(self) -> bool:
        self._look()
        return self.changes | self.deletes <= self.done

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Services that were created or updated and are not steady."""
        self._look()
        return tuple(sorted(self.begun - self.done))

    def next(self, rng: random.Random) -> Event | None:
        """The next call of the engine, or of the scaling whose limits have moved."""
        self._look()
        world = self.world
        candidates: list[Event] = [
            ("update" if key in world.services else "create", key)
            for key in sorted(self.changes - self.begun)
            if self.after[key] <= self.done
        ]
        if self.changes <= self.done:
            candidates += [
                ("delete", key)
                for key in sorted(self.deletes - self.begun)
                if self.after[key] <= self.done
            ]
        for key in sorted(self.changes & self.done):
            service = world.services.get(key)
            if service is not None and not service.deleting:
                low, high = service.spec.least, service.spec.most
                if service.desired > high or 0 < service.desired < low:
                    candidates.append(("scale", key, str(min(max(service.desired, low), high))))
        if not candidates:
            return None
        event = rng.choice(candidates)
        if event[0] != "scale":
            self.begun.add(event[1])
        return event

    def _look(self) -> None:
        for key in self.begun - self.done:
            service = self.world.services.get(key)
            if key in self.deletes:
                if service is None:
                    self.done.add(key)
            elif service is not None and (service.steady or not self.wait):
                self.done.add(key)


@dataclass(frozen=True)
class Outcome:
    """How a change ended: at its wish, or waiting for services that find no room."""

    settled: bool
    collided: bool
    waiting_for: tuple[str, ...]
    events: int


def change(
    before: Case,
    after: Case,
    rng: random.Random,
    *,
    rules: Rules | None = None,
    noise: int = 0,
    wait: bool = True,
    at_most: bool = False,
) -> Outcome:
    """Leads the pool from the one plan to the other.

    `noise` events with disturbances happen first and again while the engine is at work; `at_most`
    has every service at its maximum when the change begins, and else at its minimum.
    """
    world = before.world(rules)
    driver = Driver(world, rng)
    driver.run(noise)
    settle(driver, counts=lambda s: s.spec.most if at_most else s.spec.least)
    update = Update(world, after, wait=wait)
    driver = Driver(world, rng, weather=DURING, extra=update.next)
    driver.run(noise)
    settle(driver)
    steady = all(s.steady for s in world.service_list) and world.services.keys() == {
        s.key for s in after.services
    }
    return Outcome(
        update.finished and steady, world.collision is not None, update.waiting_for, driver.count
    )


def overlapping(first: ServiceSpec, second: ServiceSpec) -> bool:
    """Whether two tasks of the services cannot be on one instance."""
    return not (
        set(first.task.devices).isdisjoint(second.task.devices)
        and first.task.host_ports.isdisjoint(second.task.host_ports)
    )


def room_needed(before: Case, after: Case, *, at_most: bool = True) -> int:
    """Instances with which the change settles in every order, from the counts at which it begins.

    A task finds room on some instance if fewer tasks than instances hold any of its devices. While
    the engine is at work those are the tasks of the new plan's services, and those of the services
    that it deletes last. A deployment that starts first takes one more, where tasks of an earlier
    one run; and a scaled service keeps its count until the engine, after it, moves its limits.
    """
    new = {s.key: s for s in after.services}
    old = {s.key: s for s in before.services}

    def count(service: ServiceSpec) -> int:
        return service.most if at_most else service.least

    def wished(service: ServiceSpec) -> int:
        # anything between its limits, since the scaling may move it while the engine works
        return service.most

    def renewed(service: ServiceSpec) -> bool:
        earlier = old.get(service.key)
        return earlier is not None and earlier.task != service.task

    def present(service: ServiceSpec) -> int:
        """Tasks until the service is steady: a scaled one that is renewed keeps those it has."""
        tasks = wished(service)
        if renewed(service) and service.least != service.most:
            tasks = max(tasks, count(old[service.key]))
        return tasks

    def surge(service: ServiceSpec) -> int:
        first = service.minimum_healthy_percent == 100
        some = service.least != service.most or count(old.get(service.key, service))
        return 1 if renewed(service) and first and some else 0

    going = [s for k, s in old.items() if k not in new]

    def crowded(service: ServiceSpec) -> int:
        """Instances that tasks without devices can fill, while some of them are still to go."""
        small = [s for s in (*new.values(), *going) if not s.task.devices]
        if not any(not s.task.devices for s in going):
            return 0
        cpu = service.task.cpu + sum(s.most * s.task.cpu for s in small)
        memory = service.task.memory + sum(s.most * s.task.memory for s in small)
        fits = cpu <= after.pool.cpu and memory <= after.pool.memory
        return 0 if fits else sum(s.most for s in small)

    needed = 0
    for key, service in new.items():
        if old.get(key) == service or not service.task.devices:
            continue
        kept = sum(present(s) for s in new.values() if overlapping(s, service))
        gone = sum(count(s) for s in going if overlapping(s, service))
        needed = max(needed, kept + gone + surge(service) + crowded(service))
    return needed


def cannot_roll(before: Case, after: Case, *, at_most: bool = True) -> tuple[str, ...]:
    """Services whose update can neither stop nor start a task at the count that it finds.

    The percents follow from the new minimum of replicas, but the count of a scaled service is still
    the old one: the engine leaves it alone, and moves its limits only after the service is steady.
    """
    old = {s.key: s for s in before.services}
    found: list[str] = []
    for service in after.services:
        earlier = old.get(service.key)
        if earlier is None or earlier.task == service.task or service.least == service.most:
            continue
        live = earlier.most if at_most else earlier.least
        fewest = -(-live * service.minimum_healthy_percent // 100)
        most = live * service.maximum_percent // 100
        if live and fewest >= live and most <= live:
            found.append(service.key)
    return tuple(found)


def random_change(rng: random.Random) -> tuple[Case, Case, bool]:
    """Two stack files of one pool that differ in one or two models, on a pool that holds either;
    whether the first has every model at its maximum."""
    while True:
        before, after = map(only_case, random_configs(rng))
        if before is not None and after is not None and before.services != after.services:
            return before, after, rng.random() < 0.5


def random_configs(rng: random.Random) -> tuple[Config, Config]:
    """The stack files of a change; the planner may refuse either."""
    while True:
        pool, models, jobs = random_entries(rng, of_groups=True)
        changed = _changed_models(rng, pool["instance_type"], models)
        if not changed:
            continue
        roomy = [only_case(config_of(pool, m, jobs)) for m in (models, changed)]
        needed = [c.layout.instances_max for c in roomy if c is not None]
        if len(needed) < 2:
            continue
        pool["max_size"] = max(1, pool["min_size"], *needed) + rng.choice((0, 0, 1, 2))
        return config_of(pool, models, jobs), config_of(pool, changed, jobs)


def _changed_models(rng: random.Random, kind: str, models: dict[str, Entry]) -> dict[str, Entry]:
    counts = dict(KINDS)[kind]
    changed = dict(models)
    for _ in range(rng.randint(1, 2)):
        what = rng.choice(("add", "remove", "change", "renew"))
        name = rng.choice(sorted(changed)) if changed else ""
        if what == "add":
            changed[f"n{rng.randint(0, 9)}"] = random_model(rng, counts)
        elif what == "remove" and len(changed) > 1:
            del changed[name]
        elif what == "change" and name:
            changed[name] = random_model(rng, counts)
        elif what == "renew" and name:
            changed[name] = {**changed[name], "image": f"renewed:{rng.randint(1, 99)}"}
    return changed
