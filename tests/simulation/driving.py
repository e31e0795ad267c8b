"""Draws the events of a run at random, and lets a world come to rest.

`Driver.step` makes one event happen; `settle` stops the disturbances (nothing crashes, no instance
goes, jobs end, slow agents answer, bad revisions are put right) and goes on until nothing more can
happen, the metric's points included. All randomness is a `random.Random` that the caller seeds.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.model import World
from tests.simulation.states import (
    PENDING,
    RUNNING,
    SCALE_IN_POINTS,
    STOPPING,
    Event,
    Instance,
    Service,
    Task,
)

CALM_TICKS = 3 * SCALE_IN_POINTS  # metric points without any effect that make a world at rest


@dataclass(frozen=True, slots=True)
class Weather:
    """How often what comes from outside comes: shares of the draws, and of each other."""

    disturbance: float = 0.04
    tick: float = 0.05
    kinds: tuple[tuple[str, float], ...] = (
        ("scale", 5.0),
        ("deploy", 3.0),
        ("bad", 0.7),
        ("run_job", 2.0),
        ("crash", 2.0),
        ("lose", 0.5),
        ("drain", 0.5),
        ("stall", 1.0),
    )


class Driver:
    """Chooses the next event. `packing` is how often placement follows binpack on memory, the
    strategy of the services; the rest of the time any feasible instance will do."""

    def __init__(
        self,
        world: World,
        rng: random.Random,
        *,
        weather: Weather | None = None,
        packing: float = 0.5,
        extra: Callable[[random.Random], Event | None] | None = None,
    ) -> None:
        self.world = world
        self.rng = rng
        self.weather = weather or Weather()
        self.packing = packing
        self.extra = extra  # events of a change of the stack file
        self.trace: list[Event] | None = None
        self.count = 0
        self._kinds = [k for k, _ in self.weather.kinds]
        total, self._limits = 0.0, list[float]()
        for _, weight in self.weather.kinds:
            total += weight
            self._limits.append(total)

    def happen(self, event: Event | None) -> bool:
        if event is None or not self.world.apply(event):
            return False
        self.count += 1
        if self.trace is not None:
            self.trace.append(event)
        return True

    def step(self) -> None:
        """One event, whatever it takes to find one that can happen."""
        rng, weather = self.rng, self.weather
        while True:
            draw = rng.random()
            if draw < weather.disturbance:
                done = self.happen(self._disturbance())
            elif draw < weather.disturbance + weather.tick:
                done = self.happen(self._group())
            elif self.extra is not None and draw > 0.95:
                done = self.happen(self.extra(rng))
            else:
                done = self.happen(self._progress())
            if done:
                return

    def run(self, events: int, *, until_collision: bool = True) -> None:
        target = self.count + events
        while self.count < target:
            self.step()
            if until_collision and self.world.collision is not None:
                return

    # -- what goes on by itself ----------------------------------------------------------------

    def _progress(self) -> Event | None:
        world, rng = self.world, self.rng
        tasks, services = world.task_list, world.service_list
        number = int(rng.random() * (len(tasks) + len(services)))
        if number < len(tasks):
            return self.of_task(tasks[number])
        if number - len(tasks) < len(services):
            return self.of_service(services[number - len(tasks)])
        return None

    def of_service(self, service: Service) -> Event | None:
        return ("start", service.spec.key) if self.world.may_start(service) else None

    def of_task(self, task: Task) -> Event | None:
        world = self.world
        state = task.state
        if state is STOPPING:
            if not task.process:
                return ("stopped", task.id)
            return ("exit", task.id)
        service = task.owner
        if service is not None and world.may_stop(task):
            return ("stop", task.id)
        if state is RUNNING:
            if task.healthy:
                return None
            if service is not None and task.revision in service.bad:
                return ("crash", task.id)
            return ("ready", task.id)
        if state is PENDING:
            return ("run", task.id)
        where = self.instance_for(task)
        return ("place", task.id, where.id) if where is not None else None

    def instance_for(self, task: Task) -> Instance | None:
        world, rng = self.world, self.rng
        found = [i for i in world.instance_list if world.feasible(task, i)]
        if not found:
            return None
        if len(found) > 1 and rng.random() < self.packing:
            return min(found, key=lambda i: i.memory)
        return found[int(rng.random() * len(found))]

    def _group(self) -> Event | None:
        """The Auto Scaling group and its metric."""
        world, rng = self.world, self.rng
        if len(world.instances) < min(world.desired_instances, world.pool.max_size):
            return ("launch",)
        if rng.random() < 0.5 and world.instance_list:
            instance = rng.choice(world.instance_list)
            if not instance.registered:
                return ("register", instance.id)
            if not instance.connected:
                return ("resume", instance.id)
            return ("terminate", instance.id)
        world.apply(("tick",))
        return None

    # -- what comes from outside ---------------------------------------------------------------

    def _disturbance(self) -> Event | None:
        world, rng = self.world, self.rng
        draw = rng.random() * self._limits[-1]
        kind = next(k for k, top in zip(self._kinds, self._limits, strict=True) if draw < top)
        if kind in ("lose", "drain", "stall"):
            return (kind, rng.choice(world.instance_list).id) if world.instance_list else None
        if kind == "crash":
            return ("crash", rng.choice(world.task_list).id) if world.task_list else None
        if kind == "run_job":
            waiting = sum(1 for t in world.task_list if t.owner is None)
            if not world.jobs or waiting >= 2:
                return None
            return ("run_job", rng.choice(sorted(world.jobs)))
        if not world.service_list:
            return None
        service = rng.choice(world.service_list)
        spec = service.spec
        if kind == "scale":
            # to nothing and back is an operator's doing; between them it is the scaling's
            low = 0 if rng.random() < 0.2 else spec.least
            return ("scale", spec.key, str(rng.randint(low, spec.most)))
        return ("deploy", spec.key, "bad" if kind == "bad" else "good")


def settle(driver: Driver, *, counts: Callable[[Service], int] | None = None) -> bool:
    """Lets the world come to rest, each service at the desired count that `counts` gives.

    True where it came to rest; False where it still moved after a bound that no sound run needs.
    """
    world = driver.world
    for instance in world.instance_list:
        driver.happen(("resume", instance.id))
    for service in world.service_list:
        if service.deleting:
            continue
        spec = service.spec
        if counts is not None:
            driver.happen(("scale", spec.key, str(counts(service))))
        elif not spec.least <= service.desired <= spec.most:
            driver.happen(
                ("scale", spec.key, str(min(max(service.desired, spec.least), spec.most)))
            )
        if service.failed or (
            service.revision in service.bad and service.completed == service.revision
        ):
            # at a desired count of 0 a bad revision completes, and the breaker has seen nothing
            driver.happen(("deploy", spec.key, "good"))
    if not rest(driver):
        return False
    overdue = [i for i in world.instance_list if i.draining]
    for instance in overdue:
        # Without room for what it runs a drained instance never empties; managed draining ends it
        # after 48 hours.
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html
        driver.happen(("lose", instance.id))
    return not overdue or rest(driver)


def cancel_waiting_jobs(driver: Driver) -> bool:
    """Stops the jobs that found no room, and comes to rest again."""
    for task in list(driver.world.task_list):
        driver.happen(("cancel", task.id))
    return rest(driver)


def rest(driver: Driver, bound: int = 20_000) -> bool:
    """Goes on without disturbances until nothing can happen any more."""
    world, rng = driver.world, driver.rng
    calm, before = 0, driver.count
    while driver.count - before < bound:
        moved = False
        entities: list[Task | Service | Instance] = [
            *world.task_list, *world.service_list, *world.instance_list
        ]  # fmt: skip
        rng.shuffle(entities)
        for entity in entities:
            moved |= driver.happen(_calm_event(driver, entity))
        while driver.happen(("launch",)):
            moved = True
        if driver.extra is not None:
            moved |= driver.happen(driver.extra(rng))
        if moved:
            calm = 0
            continue
        if world.apply(("tick",)):
            calm = 0
            continue
        calm += 1
        if calm > CALM_TICKS:
            return True
    return False


def _calm_event(driver: Driver, entity: Task | Service | Instance) -> Event | None:
    world = driver.world
    if isinstance(entity, Service):
        return driver.of_service(entity) if world.services.get(entity.spec.key) is entity else None
    if isinstance(entity, Instance):
        if world.instances.get(entity.id) is not entity:
            return None
        if not entity.registered:
            return ("register", entity.id)
        return ("terminate", entity.id)
    if world.tasks.get(entity.id) is not entity:
        return None
    if entity.owner is None and entity.state is RUNNING and entity.healthy:
        return ("crash", entity.id)  # a job comes to its end
    return driver.of_task(entity)
