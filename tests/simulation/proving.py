"""What is claimed of every plan, checked on one case after the other.

1. No two processes hold one device of one host at one time, whatever happens in whatever order,
   with both reservations of a host port, and with either of them alone.
2. When nothing disturbs any more, every service reaches its desired count, whichever that is
   between minimum and maximum: `Layout.instances_max` instances suffice, in every order of
   placement. An instance that drains without room for what it runs ends when managed draining does.
3. In the end the pool has its minimum size, or every instance of it has a task.
   A job that waits then is one of which a finding says so: that it waits above the minimum of
   replicas, or that it may never start again. An update of every service that begins then ends,
   also at a desired count outside minimum and maximum of which no note says that it does not.
4. Started from no instance, with binpack, a pool with devices uses at most `instances_max`
   instances; what the first step of two costs is measured.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.simulation.driving import Driver, Weather, cancel_waiting_jobs, rest, settle
from tests.simulation.model import World
from tests.simulation.states import PROVISIONING, Rules, Service
from tests.simulation.worlds import Case, random_case, written

GUARDS = (
    Rules(),
    Rules(scheduler_holds_stopping=False),
    Rules(agent_books=False),
)


@dataclass(frozen=True)
class Start:
    """A pool that starts from no instance: what it launched, what it needed, what stood idle."""

    launched: int
    used: int
    idle_points: int  # minutes of one instance without a task, until it went

    @property
    def too_many(self) -> int:
        return self.launched - self.used


@dataclass
class Report:
    """What a proof has seen."""

    events: int = 0
    cases: int = 0
    settled: int = 0
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    broken: list[str] = field(default_factory=list[str])


def waiting_without_a_finding(case: Case, world: World) -> Iterator[str]:
    """The part of claim 2 about jobs, of a world at rest."""
    least = all(s.desired <= s.spec.least for s in world.service_list)
    told = case.lost if least else case.lost | case.waiting
    for task in world.task_list:
        name = task.id.rpartition("#")[0]
        if task.owner is None and task.state is PROVISIONING and name not in told:
            yield f"{case.name}: {task.id} waits, at {'the minimum' if least else 'any count'}"


def broken_at_rest(case: Case, world: World) -> Iterator[str]:
    """Claims 2 and 3, of a world at rest."""
    for service in world.service_list:
        if not service.steady and not case.cramped:
            yield f"{case.name}: {service.spec.key} has no room for {service.desired} tasks"
    empty = [i.id for i in world.instance_list if not i.tasks]
    if len(world.instances) > case.pool.min_size and empty:
        yield f"{case.name}: {', '.join(empty)} stay without a task"
    if len(world.instances) > case.pool.max_size:
        yield f"{case.name}: {len(world.instances)} instances of at most {case.pool.max_size}"


def prove_case(case: Case, rng: random.Random, rules: Rules, events: int, report: Report) -> None:
    """Rounds of disturbance and rest, so many events in all."""
    world = case.world(rules)
    driver = Driver(
        world,
        rng,
        weather=Weather(disturbance=rng.choice((0.01, 0.04, 0.15))),
        packing=rng.choice((0.0, 0.5, 1.0)),
    )
    report.cases += 1
    while driver.count < events and not report.broken:
        driver.run(min(400, events))
        if world.collision is not None:
            break
        wish = rng.choice(("most", "least", "any", "by hand"))

        def counts(service: Service, wish: str = wish) -> int:
            spec = service.spec
            if wish == "by hand":
                return rng.choice([n for n in range(spec.most + 1) if case.rolls(spec, n)])
            return {"most": spec.most, "least": spec.least}.get(
                wish, rng.randint(spec.least, spec.most)
            )

        at_rest = settle(driver, counts=counts)
        report.broken += waiting_without_a_finding(case, world)
        at_rest = at_rest and cancel_waiting_jobs(driver)
        for service in world.service_list:
            driver.happen(("deploy", service.spec.key, "good"))
        at_rest = at_rest and rest(driver)
        if not at_rest:
            report.broken.append(f"{case.name}: never comes to rest")
        report.broken += broken_at_rest(case, world)
        report.settled += 1
    if world.collision is not None:
        report.broken.append(f"{case.name}, {rules}: {world.collision}")
    report.events += driver.count


def prove(seed: int, events: int, *, per_case: int = 2_000) -> Report:
    """The written stack files first, then random ones, under each of the guards in turn."""
    rng, report = random.Random(seed), Report()
    for number, case in enumerate(_all_cases(rng)):
        if report.events >= events or report.broken:
            break
        left = max(1, min(per_case, events - report.events))
        prove_case(case, rng, GUARDS[(number + seed) % len(GUARDS)], left, report)
    return report


def _all_cases(rng: random.Random) -> Iterator[Case]:
    yield from written()
    while True:
        yield random_case(rng)


def start_from_zero(case: Case, rng: random.Random, *, packing: float = 1.0) -> Start:
    """The whole pool at its maximum, from no instance, until nothing happens any more."""
    world = case.world()
    driver = Driver(world, rng, packing=packing)
    for service in world.service_list:
        driver.happen(("scale", service.spec.key, str(service.spec.most)))
    assert rest(driver), f"{case.name} never comes to rest"
    used = sum(1 for i in world.instance_list if i.tasks)
    return Start(world.measures.launched, used, world.measures.idle_points)
