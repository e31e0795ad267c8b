"""Which tasks cannot share an instance, and how many instances tasks therefore need.

ECS places a task on any instance that has what the task reserves, in the order in which tasks
start, and never moves it (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html).
Two tasks that meet on a Neuron device or on a host port are never on one instance. An instance also
has limited CPU and memory, and reserves a limited number of host ports at a time (API_PortMapping,
hostPort).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from planning.rooms import NOTHING, Room


@dataclass(frozen=True, slots=True)
class Use:
    """What each of some alike tasks takes of an instance: devices, and host ports beside locks."""

    devices: frozenset[int]
    host_ports: frozenset[int]
    tasks: int
    locked: bool = True  # whether a host port locks each device
    size: Room = NOTHING

    @property
    def reserved(self) -> int:
        """Host ports that one task reserves, locks included."""
        return len(self.host_ports) + (len(self.devices) if self.locked else 0)

    def meets(self, other: "Use") -> bool:
        """Whether tasks of the two cannot be on one instance."""
        return not (
            self.devices.isdisjoint(other.devices) and self.host_ports.isdisjoint(other.host_ports)
        )


@dataclass(frozen=True, slots=True)
class Supply:
    """What an instance has for tasks: host ports at a time, and CPU and memory."""

    ports: int
    room: Room | None = None  # None if CPU and memory are not counted


def blocked_instances(task: Use, others: Collection[Use], each: Supply) -> int:
    """Returns how many instances can have no room for the task while the others run.

    Each instance without room has a task that meets it, or is full: too many host ports are
    reserved, or too much CPU or memory. `others` can include `task` itself.
    """
    meeting = sum(other.tasks for other in others if task.meets(other))
    apart = [other for other in others if other.tasks and not task.meets(other)]
    if task.reserved and _distinct_ports([task, *others]) > each.ports:
        rest = sum(other.tasks * other.reserved for other in apart)
        meeting += rest // max(1, each.ports + 1 - task.reserved)
    return meeting + (_full_instances(task, apart, each.room) if each.room else 0)


def _full_instances(task: Use, apart: Sequence[Use], room: Room) -> int:
    """Returns how many instances can have too little CPU or memory for the task.

    Where it fits beside the largest tasks with devices that can be on one instance, a full instance
    has more tasks without devices than fit as well. Otherwise the tasks on full instances need more
    than the task leaves of each.
    """
    small = [use for use in apart if not use.devices]
    number = sum(use.tasks for use in small)
    full, beside = 0, number
    sizes: tuple[Callable[[Room], int], ...] = (lambda r: r.cpu_units, lambda r: r.memory_mib)
    for size in sizes:
        left = size(room) - size(task.size)
        total = sum(use.tasks * size(use.size) for use in apart)
        instances = min(sum(use.tasks for use in apart), total // max(1, left + 1))
        free = left - _largest_together(apart, size)
        if free >= 0:
            largest = max((size(use.size) for use in small), default=0)
            fitting = free // largest if largest else number
            instances = min(instances, number // (fitting + 1))
            beside = min(beside, fitting)
        else:
            beside = -1
        full += instances
    return full if beside < 0 else min(full, number // (beside + 1))


def _largest_together(uses: Iterable[Use], size: Callable[[Room], int]) -> int:
    """Returns the most that tasks on disjoint devices, which are contiguous, take together."""
    ends: dict[int, list[tuple[int, int]]] = {}
    for use in uses:
        if use.devices:
            ends.setdefault(max(use.devices), []).append((min(use.devices), size(use.size)))
    most = [0]
    for end in range(max(ends, default=-1) + 1):
        most.append(max([most[end], *(most[first] + n for first, n in ends.get(end, ()))]))
    return most[-1]


@lru_cache(maxsize=4096)  # a pool is the same in most of its Regions
def enough_instances(uses: tuple[Use, ...], each: Supply) -> int:
    """Returns the instances on which all tasks find room in any order of placement.

    A task waits only if every instance is without room for it, because of the other tasks.
    """
    running = [use for use in uses if use.tasks]
    return max(
        (
            1
            + blocked_instances(
                use, [replace(o, tasks=o.tasks - 1) if o is use else o for o in running], each
            )
            for use in running
        ),
        default=0,
    )


def fewest_instances(uses: Iterable[Use], ports: int) -> int:
    """Returns a number of instances below which the tasks fit in no order of placement.

    The tasks on one device, or with one host port, are on as many instances as there are tasks.
    """
    on_device, on_port, reserved, tasks = Counter[int](), Counter[int](), 0, 0
    for use in uses:
        for device in use.devices:
            on_device[device] += use.tasks
        for port in use.host_ports:
            on_port[port] += use.tasks
        reserved += use.tasks * use.reserved if use.reserved <= ports else 0  # NE715 refuses more
        tasks += use.tasks
    return max(*on_device.values(), *on_port.values(), -(-reserved // ports), int(tasks > 0))


def _distinct_ports(uses: Iterable[Use]) -> int:
    """Host ports that one instance can ever reserve for these tasks: each port once."""
    ports: set[int] = set()
    locks: set[int] = set()
    for use in uses:
        ports |= use.host_ports
        locks |= use.devices if use.locked else set()
    return len(ports) + len(locks)
