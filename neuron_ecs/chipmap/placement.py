"""Places the tasks of a pool on its instances, and what a rollout and the jobs add to them.

ECS chooses the instances; that slots are disjoint makes the choice immaterial (see
`planning.layout`). So the map shows one choice, always the same: on each slot the tasks of its
placements, in their order, go to instance 1, 2, 3 and so on.
"""

from collections.abc import Iterable, Sequence
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
    running = pool.instances(full=full)
    places: list[list[Task]] = [[] for _ in range(running)]
    numbers: dict[str, int] = {}
    for _, placements in _by_slot(pool.placements):
        for at, placement in enumerate(s for s in placements for _ in range(s.tasks(full=full))):
            while at >= len(places):
                places.append([])
            places[at].append(_task(placement, numbers))
    instances = [Instance(i, "running", tuple(t)) for i, t in enumerate(places, start=1)]
    instances, waiting = _with_jobs(pool, instances)
    surge, new = _surge(pool, len(places), full=full)
    return Picture(
        full,
        tuple(instances),
        surge,
        new,
        tuple(_rollout(pool, placement, len(places), full=full) for placement in pool.placements),
        waiting,
    )


def _by_slot(placements: Iterable[Placement]) -> list[tuple[tuple[int, ...], list[Placement]]]:
    slots: dict[tuple[int, ...], list[Placement]] = {}
    for placement in placements:
        slots.setdefault(placement.slot, []).append(placement)
    return list(slots.items())


def _task(placement: Placement, numbers: dict[str, int]) -> Task:
    numbers[placement.model] = numbers.get(placement.model, 0) + 1
    return Task(placement.model, numbers[placement.model], placement.slot, placement.devices)


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
            jobs[here].append(Task(job.workload, 1, job.devices, job.devices))
    return [
        Instance(i, "running" if i <= len(running) else "job", tuple(t), tuple(j))
        for i, (t, j) in enumerate(zip(tasks, jobs, strict=True), start=1)
    ], tuple(waiting)


def _room(
    job: Assignment, tasks: Sequence[Sequence[Task]], jobs: Sequence[Sequence[Task]]
) -> int | None:
    for index, (here, lent) in enumerate(zip(tasks, jobs, strict=True)):
        held = {d for task in (*here, *lent) for d in task.devices}
        if not held & set(job.devices) and (job.devices or not (here or lent)):
            return index
    return None


# -- rollouts --------------------------------------------------------------------------------


def _rollout(pool: DrawnPool, placement: Placement, running: int, *, full: bool) -> Rollout:
    """ECS rounds the minimum of healthy tasks up and the maximum of running ones down
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html)."""
    tasks = placement.tasks(full=full)
    if not placement.surges:
        return Rollout(placement, tasks - -(-tasks * placement.minimum_percent // 100), 0)
    held = sum(s.tasks(full=full) for s in pool.placements if s.slot == placement.slot)
    wanted = held + _fresh(placement, full=full)
    needed = wanted if pool.limit is None else min(wanted, max(pool.limit, held))
    return Rollout(placement, needed - held, max(0, needed - running))


def _fresh(placement: Placement, *, full: bool) -> int:
    """New tasks that may run beside the old ones."""
    tasks = placement.tasks(full=full)
    return tasks * placement.maximum_percent // 100 - tasks if placement.surges else 0


def _surge(pool: DrawnPool, running: int, *, full: bool) -> tuple[tuple[Instance, ...], int]:
    """Instances that are added, and tasks that start, while all placements roll out at once."""
    added: dict[int, list[Task]] = {}
    numbers: dict[str, int] = {}
    new = 0
    for _, placements in _by_slot(pool.placements):
        held = sum(s.tasks(full=full) for s in placements)
        fresh = [placement for placement in placements for _ in range(_fresh(placement, full=full))]
        for at, placement in enumerate(fresh, start=held + 1):
            if pool.limit is not None and at > pool.limit:
                break
            new += 1
            task = _task(placement, numbers)
            if at > running:
                added.setdefault(at, []).append(task)
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
