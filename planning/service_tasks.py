"""The services of a model, and whether an update can start a new task before it stops an old one.

Rules and the plan both read it here, so that they cannot disagree.
"""

from dataclasses import dataclass

from planning import plan
from planning.situation import RegionalWorkload, Situation


@dataclass(frozen=True, slots=True)
class ServiceTasks:
    """The tasks of one service: a model on one slot, or on a whole pool without slots."""

    devices: tuple[int, ...]  # empty where the planner assigns none
    tasks_min: int
    tasks_max: int
    busy_instances: int | None  # can be full at maximum replicas; None without a maximum size
    surges: bool  # whether an update can start a new task before it stops an old one


def services(s: Situation, work: RegionalWorkload) -> tuple[ServiceTasks, ...]:
    """Returns the services of a model in the order of their devices; none without a layout."""
    placed = s.layout(work.pool)
    if placed is None:
        return ()
    tasks = sorted(
        (a.devices, a.tasks_min, a.tasks_max)
        for slot in (() if work.managed_devices else placed.slots)
        for a in slot.assignments
        if a.workload == work.name and not a.is_job
    ) or [((), work.replicas.min, work.tasks_max)]
    found: list[ServiceTasks] = []
    for devices, least, most in tasks:
        busy = _busy_instances(s, work, placed, devices)
        surges = (
            work.pool.purchase != "reserved"
            if busy is None or work.pool.max_size is None
            else busy < work.pool.max_size
        )
        found.append(ServiceTasks(devices, least, most, busy, surges))
    return tuple(found)


def _busy_instances(
    s: Situation, work: RegionalWorkload, placed: plan.Layout, devices: tuple[int, ...]
) -> int | None:
    """How many instances can have no room for another task of the service at maximum replicas.

    On these another task uses one of its `devices`, or tasks without devices fill the instance.
    `None` on Managed Instances, which have no maximum size.
    """
    if work.pool.max_size is None:
        return None
    return (placed.tasks_on(devices)[1] if devices else 0) + s.crowded(work)
