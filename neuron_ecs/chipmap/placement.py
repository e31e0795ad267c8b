"""Places the tasks of a pool on its instances, and what a rollout and the jobs add to them.

ECS chooses the instances; the plan has enough of them for every choice (see `planning.sharing`). So
the map shows one choice, always the same: slot by slot, each task goes to the first instance where
no other task has one of its devices or host ports.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from neuron_ecs.chipmap.pools import DrawnPool, Placement
from planning.plan import Assignment

Role = Literal["running", "job", "rollout"]
"""Why an instance is there: for the models; started for a job; while a rollout lasts."""

State = Literal["taken", "job", "free"]
"""Of a device: held by a model's task; free, and a job takes it while it runs; free."""


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


@dataclass(frozen=True, slots=True)
class Cell:
    """A device of an instance as it is drawn."""

    device: int
    state: State
    holders: tuple[str, ...]  # the model, or the jobs; empty where it is free
    slot: int | None  # index among the pool's slots
    task: int  # which task of the instance holds it, from 0; -1 for none
    changed: bool = False  # whether somebody else holds it in the picture beside this one

    @property
    def holder(self) -> str:
        """The model, or the jobs in words; empty where it is free."""
        return " or ".join(self.holders)


@dataclass(frozen=True, slots=True)
class Fold:
    """Instances one after the other that look the same."""

    first: int
    count: int
    role: Role
    cells: tuple[Cell, ...]
    tasks: tuple[str, ...]  # workloads, for instances whose devices are not known


def picture(pool: DrawnPool, *, full: bool) -> Picture:
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

    def __init__(self, pool: DrawnPool) -> None:
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


def _meeting(pool: DrawnPool, placement: Placement) -> list[Placement]:
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
    pool: DrawnPool, number: Callable[[Placement], int]
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
    pool: DrawnPool, running: Sequence[Instance]
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


def _rollout(pool: DrawnPool, placement: Placement, running: int, *, full: bool) -> Rollout:
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
    pool: DrawnPool, places: _Places, running: int, *, full: bool
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


# -- drawing ---------------------------------------------------------------------------------


def cells(
    pool: DrawnPool, instance: Instance, changed: frozenset[tuple[int, int]] = frozenset()
) -> tuple[Cell, ...]:
    """Every device of the instance, once, in order."""
    owner = {d: i for i, slot in enumerate(pool.slots) for d in slot}
    holding = {d: i for i, task in enumerate(instance.tasks) for d in task.devices}
    jobs: dict[int, list[str]] = {}
    for task in instance.jobs:
        for device in task.devices:
            jobs.setdefault(device, []).append(task.workload)
    found: list[Cell] = []
    for device in range(pool.devices):
        task = holding.get(device, -1)
        state: State = "taken" if task >= 0 else "job" if device in jobs else "free"
        holders = (instance.tasks[task].workload,) if task >= 0 else tuple(jobs.get(device, ()))
        mark = (instance.number, device) in changed
        found.append(Cell(device, state, holders, owner.get(device), task, mark))
    return tuple(found)


def folded(
    pool: DrawnPool,
    instances: Iterable[Instance],
    changed: frozenset[tuple[int, int]] = frozenset(),
) -> tuple[Fold, ...]:
    """The instances in their order, those that look the same together."""

    def face(instance: Instance) -> tuple[Role, tuple[Cell, ...], tuple[str, ...]]:
        held = (*instance.tasks, *instance.jobs)
        names = tuple(task.workload for task in held if not task.devices)
        return instance.role, cells(pool, instance, changed), names

    folds: list[Fold] = []
    for (role, devices, names), group in groupby(instances, face):
        alike = list(group)
        folds.append(Fold(alike[0].number, len(alike), role, devices, names))
    return tuple(folds)


def numbers(drawn: Picture, placement: Placement) -> tuple[int, ...]:
    """The instances on which the tasks of a placement sit."""
    return tuple(
        instance.number
        for instance in drawn.running
        if any(
            t.workload == placement.model
            and (t.slot, t.devices) == (placement.slot, placement.devices)
            for t in instance.tasks
        )
    )


def counts(pool: DrawnPool, drawn: Picture) -> dict[State, int]:
    """Devices of the instances that run, by state."""
    found: dict[State, int] = {"taken": 0, "job": 0, "free": 0}
    for instance in drawn.running:
        for cell in cells(pool, instance):
            found[cell.state] += 1
    return found


def moved(
    pool: DrawnPool, drawn: Picture, other_pool: DrawnPool | None, other: Picture | None
) -> frozenset[tuple[int, int]]:
    """(instance, device) of `drawn` that another workload, or none, takes in `other`."""
    if other_pool is None or other is None:
        return frozenset()

    def held(its: DrawnPool, seen: Picture) -> dict[tuple[int, int], tuple[str, str]]:
        return {
            (instance.number, cell.device): (cell.state, cell.holder)
            for instance in seen.instances
            for cell in cells(its, instance)
        }

    mine, theirs = held(pool, drawn), held(other_pool, other)
    free = ("free", "")
    return frozenset(place for place, holder in mine.items() if holder != theirs.get(place, free))
