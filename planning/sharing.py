"""Which tasks cannot share an instance, and how many instances tasks therefore need.

ECS places a task on any instance that has what the task reserves, in the order in which tasks
start, and never moves it (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html).
Two tasks that meet on a Neuron device or on a host port are never on one instance. An instance also
reserves a limited number of host ports at a time (API_PortMapping, hostPort).
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """What each of some alike tasks takes of an instance: devices, and host ports beside locks."""

    devices: frozenset[int]
    host_ports: frozenset[int]
    tasks: int
    locked: bool = True  # whether a host port locks each device

    @property
    def reserved(self) -> int:
        """Host ports that one task reserves, locks included."""
        return len(self.host_ports) + (len(self.devices) if self.locked else 0)

    def meets(self, other: "Use") -> bool:
        """Whether tasks of the two cannot be on one instance."""
        return not (
            self.devices.isdisjoint(other.devices) and self.host_ports.isdisjoint(other.host_ports)
        )


def blocked_instances(task: Use, others: Collection[Use], ports: int) -> int:
    """Returns how many instances can have no room for the task while the others run.

    Each instance without room has a task that meets it, or so many reserved host ports that its own
    do not fit. `ports` is what an instance has for tasks. `others` can include `task` itself.
    """
    meeting = sum(other.tasks for other in others if task.meets(other))
    if not task.reserved or _distinct_ports([task, *others]) <= ports:
        return meeting
    rest = sum(other.tasks * other.reserved for other in others if not task.meets(other))
    return meeting + rest // max(1, ports + 1 - task.reserved)


def enough_instances(uses: Collection[Use], ports: int) -> int:
    """Returns the instances on which all tasks find room in any order of placement.

    A task waits only if every instance is without room for it, because of the other tasks.
    """
    running = [use for use in uses if use.tasks]
    # two tasks of one use meet, unless they reserve nothing; then none of them is ever without room
    return max((max(1, blocked_instances(use, running, ports)) for use in running), default=0)


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
