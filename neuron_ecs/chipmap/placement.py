"""Draws the devices of instances, and folds instances that look the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from neuron_ecs.chipmap.pools import DrawnPool
from planning.placing import Instance, Picture, Placement, Role

State = Literal["taken", "job", "free"]
"""Of a device: held by a model's task; free, and a job takes it while it runs; free."""


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
