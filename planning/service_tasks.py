"""The services of a model, and whether an update can start a new task before it stops an old one.

Rules and the plan both read it here, so that they cannot disagree.
"""

from dataclasses import dataclass

from planning.entries import RegionalWorkload
from planning.lines import numbers
from planning.once import once_for_each
from planning.situation import Situation


@dataclass(frozen=True, slots=True)
class ServiceTasks:
    """The tasks of one service: a model on one slot, or on a whole pool without slots."""

    number: int  # among the services of the model on the pool; it stands in their names
    devices: tuple[int, ...]  # empty where the planner assigns none
    tasks_min: int
    tasks_max: int
    busy_instances: int | None  # can be full at maximum replicas; None without a maximum size
    surges: bool  # whether an update can start a new task before it stops an old one

    @property
    def percentages(self) -> tuple[int, int]:
        """Minimum and maximum percent with which every desired count of the plan can roll.

        With room for one more task the new one starts first. Without it an old one must stop first.
        ECS rounds the minimum up, so floor(100 (d - 1) / d) percent of d tasks lets one stop
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html).
        """
        if self.surges:
            return 100, 200
        desired = self.tasks_min
        return (100 * (desired - 1) // desired if desired >= 2 else 0), 100

    @property
    def counts_that_cannot_roll(self) -> range:
        """Desired counts from 1, below the plan's minimum, at which an update stops no task."""
        low, high = self.percentages
        moving = (d for d in range(1, self.tasks_min + 1) if -(-d * low // 100) < d or high > 100)
        return range(1, next(moving, self.tasks_min + 1))

    @property
    def fewest_that_cannot_roll(self) -> int | None:
        """The lowest desired count above the maximum at which all tasks that find room must stay
        up; `None` if there is none. From there on an update stops no task."""
        low, _ = self.percentages
        if self.surges or not low:
            return None
        return max(self.tasks_max, 100 * (self.tasks_max - 1) // low) + 1


@once_for_each
def services(s: Situation, work: RegionalWorkload) -> tuple[ServiceTasks, ...]:
    """Returns the services of a model in the order of their numbers; none without a layout.

    Without lines of `layout` the numbers follow the devices.
    """
    placed = s.layout(work.pool)
    if placed is None:
        return ()
    tasks = sorted(
        (a.devices, a.tasks_min, a.tasks_max)
        for slot in (() if work.managed_devices else placed.slots)
        for a in slot.assignments
        if a.workload == work.name
    ) or [((), work.replicas.min, work.tasks_max)]
    found: list[ServiceTasks] = []
    numbered = zip(numbers(s.lines(work), [devices for devices, _, _ in tasks]), tasks, strict=True)
    for number, (devices, least, most) in sorted(numbered):
        busy = _busy_instances(s, work, devices)
        surges = (
            work.pool.purchase != "reserved" or work.pool.falls_back
            if busy is None or work.pool.max_size is None
            else busy < work.pool.max_size
        )
        found.append(ServiceTasks(number, devices, least, most, busy, surges))
    return tuple(found)


def _busy_instances(s: Situation, work: RegionalWorkload, devices: tuple[int, ...]) -> int | None:
    """How many instances can have no room for another task of the service at maximum replicas.

    `None` on Managed Instances, which have no maximum size.
    """
    if work.pool.max_size is None:
        return None
    return s.blocked(work.pool, s.use(work, devices), s.uses(work.pool))
