"""Places the tasks of a pool on its instances, and what a rollout and the jobs add to them.

ECS chooses the instances; the plan has enough of them for every choice (see `planning.sharing`). So
this is one choice, always the same: slot by slot, each task goes to the first instance where
no other task has one of its devices or host ports.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from planning.plan import Assignment, AutoScalingPool, ModelPlan, Pool, RegionPlan

Role = Literal["running", "job", "rollout"]
"""Why an instance is there: for the models; started for a job; while a rollout lasts."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A model's assignment with its slot, and how the service on it rolls out.

    The slot and the devices are empty where the pool admits types of different sizes.
    """

    slot: tuple[int, ...]
    assignment: Assignment
    minimum_percent: int  # of the tasks: how many stay healthy during a rollout
    maximum_percent: int  # and how many may run

    @property
    def model(self) -> str:
        return self.assignment.workload

    @property
    def devices(self) -> tuple[int, ...]:
        return self.assignment.devices

    @property
    def surges(self) -> bool:
        """Whether new tasks start before old ones stop."""
        return self.maximum_percent > 100

    def tasks(self, *, full: bool) -> int:
        """Tasks at the pool's maximum, or at its minimum."""
        return self.assignment.tasks_max if full else self.assignment.tasks_min


@dataclass(frozen=True, slots=True)
class PlacedPool:
    """A pool's tasks and the instances that they have."""

    least: int  # instances at minimum
    most: int  # instances at maximum
    limit: int | None  # the largest number of instances; None: no limit
    placements: tuple[Placement, ...]
    jobs: tuple[Assignment, ...]
    without_devices: tuple[Assignment, ...]  # models that ECS places by CPU units and memory

    def instances(self, *, full: bool) -> int:
        """Instances at maximum, or at minimum."""
        return self.most if full else self.least


@dataclass(frozen=True, slots=True)
class Task:
    """A task on an instance. `devices` is empty where ECS assigns them on a type not yet known."""

    workload: str
    number: int  # among the tasks of the workload in this pool, from 1
    slot: tuple[int, ...]
    devices: tuple[int, ...]
    host_ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance with its tasks; jobs are what could run there, one at a time on a device."""

    number: int  # from 1; those added for jobs and rollouts follow those that run
    role: Role
    tasks: tuple[Task, ...]
    jobs: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the deployment of one placement's service takes."""

    placement: Placement
    at_once: int  # tasks that start (or stop first) at the same time; 0 without tasks
    instances: int  # added while it lasts


@dataclass(frozen=True, slots=True)
class Picture:
    """A pool at its minimum or maximum."""

    full: bool
    instances: tuple[Instance, ...]  # running, then those started for jobs
    surge: tuple[Instance, ...]  # added while every model of the pool rolls out at once
    new_tasks: int  # that such a rollout starts beside the old ones
    rollouts: tuple[Rollout, ...]  # one for each placement of the pool
    waiting: tuple[str, ...]  # jobs for which no instance has room

    @property
    def running(self) -> tuple[Instance, ...]:
        """The instances that models, or the pool's smallest size, keep."""
        return tuple(i for i in self.instances if i.role == "running")


def placed(region: RegionPlan, pool: Pool) -> PlacedPool:
    """Returns the tasks of a pool."""
    layout = pool.layout
    models = {m.name: m for m in region.models if m.pool == pool.key}
    placements = [
        Placement(slot.devices, taken, *_percentages(models[taken.workload], taken.devices))
        for slot in layout.slots
        for taken in slot.assignments
        if not taken.is_job
    ]
    placed = {placement.model for placement in placements}
    without: list[Assignment] = []
    for name, model in models.items():
        if name in placed:
            continue
        whole = Assignment(name, (), model.replicas_min, model.replicas_max)
        if any(s.task_definition.devices == "all" for s in model.services):
            placements.append(Placement((), whole, *_percentages(model, ())))
        else:
            without.append(whole)
    limit = pool.max_size if isinstance(pool, AutoScalingPool) else None
    return PlacedPool(*layout.instances, limit, tuple(placements), layout.jobs, tuple(without))


def _percentages(model: ModelPlan, devices: tuple[int, ...]) -> tuple[int, int]:
    """Minimum and maximum percent of the model's service on these devices."""
    on = (s for s in model.services if s.task_definition.devices in (devices, "all"))
    service = next(on, model.services[0])
    return service.minimum_healthy_percent, service.maximum_percent


def picture(pool: PlacedPool, *, full: bool) -> Picture:
    """The pool at its maximum, or at its minimum."""
    places = _Places(pool)
    tasks: list[list[Task]] = [[] for _ in range(pool.instances(full=full))]
    numbers: dict[str, int] = {}
    for placement, number in _in_order(pool, lambda p: p.tasks(full=full)):
        for at in places.take(placement, number, None):
            while at >= len(tasks):
                tasks.append([])
            tasks[at].append(_task(placement, numbers))
    running = len(tasks)
    instances = [Instance(i, "running", tuple(t)) for i, t in enumerate(tasks, start=1)]
    instances, waiting = _with_jobs(pool, instances)
    rollouts = tuple(_rollout(pool, p, running, full=full) for p in pool.placements)
    surge, new = _surge(pool, places, running, full=full)
    return Picture(full, tuple(instances), surge, new, rollouts, waiting)


class _Places:
    """Which placements have a task on each instance."""

    def __init__(self, pool: PlacedPool) -> None:
        self._held: list[set[Placement]] = []
        self._meeting = {p: set(_meeting(pool, p)) for p in pool.placements}

    def take(self, placement: Placement, number: int, limit: int | None) -> Iterator[int]:
        """Yields the instance, from 0 and below `limit`, for each of so many tasks."""
        at, met = 0, self._meeting[placement]
        while number and (limit is None or at < limit):
            if at == len(self._held):
                self._held.append(set())
            if met.isdisjoint(self._held[at]):
                self._held[at].add(placement)
                number -= 1
                yield at
            at += 1


def _meeting(pool: PlacedPool, placement: Placement) -> list[Placement]:
    """The placements whose tasks cannot be on an instance with one of this placement, itself among
    them. Without devices ECS gives each task a whole instance."""
    return [
        other
        for other in pool.placements
        if not placement.devices
        or not other.devices
        or placement.assignment.meets(other.assignment)
    ]


def _in_order(
    pool: PlacedPool, number: Callable[[Placement], int]
) -> Iterator[tuple[Placement, int]]:
    """Yields the placements slot by slot, with their numbers of tasks."""
    slots: dict[tuple[int, ...], list[Placement]] = {}
    for placement in pool.placements:
        slots.setdefault(placement.slot, []).append(placement)
    for placements in slots.values():
        for placement in placements:
            yield placement, number(placement)


def _task(placement: Placement, numbers: dict[str, int]) -> Task:
    numbers[placement.model] = numbers.get(placement.model, 0) + 1
    return Task(
        placement.model,
        numbers[placement.model],
        placement.slot,
        placement.devices,
        placement.assignment.host_ports,
    )


# -- jobs ------------------------------------------------------------------------------------


def _with_jobs(
    pool: PlacedPool, running: Sequence[Instance]
) -> tuple[list[Instance], tuple[str, ...]]:
    """Each job on the first instance with free devices: one that runs, or one more."""
    tasks = [list(i.tasks) for i in running]
    jobs: list[list[Task]] = [[] for _ in running]
    waiting: list[str] = []
    for job in pool.jobs:
        here = _room(job, tasks, jobs)
        if here is None and (pool.limit is None or len(tasks) < pool.limit):
            here = len(tasks)
            tasks.append([])
            jobs.append([])
        if here is None:  # it takes turns with another job
            here = _room(job, tasks, [[] for _ in tasks])
        if here is None:
            waiting.append(job.workload)
        else:
            jobs[here].append(Task(job.workload, 1, job.devices, job.devices, job.host_ports))
    return [
        Instance(i, "running" if i <= len(running) else "job", tuple(t), tuple(j))
        for i, (t, j) in enumerate(zip(tasks, jobs, strict=True), start=1)
    ], tuple(waiting)


def _room(
    job: Assignment, tasks: Sequence[Sequence[Task]], jobs: Sequence[Sequence[Task]]
) -> int | None:
    for index, (here, lent) in enumerate(zip(tasks, jobs, strict=True)):
        held = {d for task in (*here, *lent) for d in task.devices}
        ports = {p for task in (*here, *lent) for p in task.host_ports}
        free = held.isdisjoint(job.devices) and ports.isdisjoint(job.host_ports)
        if free and (job.devices or not (here or lent)):
            return index
    return None


# -- rollouts --------------------------------------------------------------------------------


def _rollout(pool: PlacedPool, placement: Placement, running: int, *, full: bool) -> Rollout:
    """ECS rounds the minimum of healthy tasks up and the maximum of running ones down
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html)."""
    tasks = placement.tasks(full=full)
    if not placement.surges:
        return Rollout(placement, tasks - -(-tasks * placement.minimum_percent // 100), 0)
    held = sum(other.tasks(full=full) for other in _meeting(pool, placement))
    wanted = held + _fresh(placement, full=full)
    needed = wanted if pool.limit is None else min(wanted, max(pool.limit, held))
    return Rollout(placement, needed - held, max(0, needed - running))


def _fresh(placement: Placement, *, full: bool) -> int:
    """New tasks that may run beside the old ones."""
    tasks = placement.tasks(full=full)
    return tasks * placement.maximum_percent // 100 - tasks if placement.surges else 0


def _surge(
    pool: PlacedPool, places: _Places, running: int, *, full: bool
) -> tuple[tuple[Instance, ...], int]:
    """Instances that are added, and tasks that start, while all placements roll out at once."""
    added: dict[int, list[Task]] = {}
    numbers: dict[str, int] = {}
    new = 0
    limit = None if pool.limit is None else max(pool.limit, running)
    for placement, number in _in_order(pool, lambda p: _fresh(p, full=full)):
        for at in places.take(placement, number, limit):
            new += 1
            task = _task(placement, numbers)
            if at >= running:
                added.setdefault(at + 1, []).append(task)
    return tuple(Instance(n, "rollout", tuple(added[n])) for n in sorted(added)), new
