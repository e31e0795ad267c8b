"""CPU and memory: what an instance has for tasks, and what a task gets of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog import Catalog, InstanceType
from planning import choices


@dataclass(frozen=True, slots=True)
class Room:
    """CPU units and memory that an instance has for tasks, or that a task gets."""

    cpu_units: int
    memory_mib: int

    @property
    def memory_gib(self) -> int:
        """Memory in whole GiB, rounded down."""
        return self.memory_mib // 1024

    def without(self, other: "Room") -> "Room":
        """Returns what is left beside another task."""
        return Room(self.cpu_units - other.cpu_units, self.memory_mib - other.memory_mib)


NOTHING = Room(0, 0)


def together(rooms: Iterable[Room]) -> Room:
    """Returns what several tasks or containers take."""
    found = tuple(rooms)
    return Room(sum(r.cpu_units for r in found), sum(r.memory_mib for r in found))


DAEMONS = together(Room(*size) for size in choices.DAEMON_SIZES)
"""What default sizes leave for the daemons of an instance."""


def room_of(kind: InstanceType, catalog: Catalog) -> Room:
    """Returns what default sizes share: CPU and memory less what we keep back for the host, and on
    Neuron types for the daemons that watch the chips, whether these run or not."""
    cpu = registered_by(kind, catalog).cpu_units - catalog.limits.value("host_cpu_units")
    room = Room(cpu, _estimated_memory(kind, catalog))
    return room if kind.neuron is None else room.without(DAEMONS)


def _estimated_memory(kind: InstanceType, catalog: Catalog) -> int:
    """MiB that an instance registers, where no reading is recorded."""
    limit = catalog.limits.value
    host = kind.memory_mib * limit("host_memory_percent") // 100 + limit("host_memory_fixed_mib")
    return kind.memory_mib - host


def registered_by(kind: InstanceType, catalog: Catalog) -> Room:
    """Returns the most that an instance registers for tasks.

    Every CPU unit; the memory that was seen to be registered, or all that is installed where no
    reading is recorded. Tasks that need more are never placed.
    """
    cpu = kind.vcpus * catalog.limits.value("cpu_units_per_vcpu")
    return Room(cpu, catalog.instances.registered_memory.get(kind.name, kind.memory_mib))


def counted_on(kind: InstanceType, catalog: Catalog) -> Room:
    """Returns what the plan counts on: as registered, with an estimate of unrecorded memory."""
    registered = registered_by(kind, catalog)
    if kind.name in catalog.instances.registered_memory:
        return registered
    return Room(registered.cpu_units, _estimated_memory(kind, catalog))


def share_of(kind: InstanceType, devices: int, catalog: Catalog, others: Room = NOTHING) -> Room:
    """Returns the part of the room that goes with a number of the type's devices, rounded down.

    Tasks whose devices fit an instance together thus fit its CPU and memory as well. `others` is
    what tasks without devices take of the instance; it is not counted if it is more than half.
    """
    room, total = room_of(kind, catalog), kind.neuron.devices if kind.neuron else 1
    left = room.without(others)
    if 2 * left.cpu_units >= room.cpu_units and 2 * left.memory_mib >= room.memory_mib:
        room = left
    return Room(room.cpu_units * devices // total, room.memory_mib * devices // total)


def beyond_share(
    needed: int, wanted: int | tuple[int, ...] | str | None, kind: InstanceType, catalog: Catalog
) -> int | None:
    """Returns the memory that a task needs, where that is more than the part that goes with its
    devices and no more than an instance registers beside its daemons."""
    part = share_of(kind, device_count(wanted, kind), catalog).memory_mib
    most = registered_by(kind, catalog).memory_mib - (DAEMONS.memory_mib if kind.neuron else 0)
    return needed if part < needed <= most else None


def device_count(wanted: int | tuple[int, ...] | str | None, kind: InstanceType | None) -> int:
    """Returns the devices of one task on an instance of the type: a number, the number of ids, or
    all of the instance."""
    if wanted is None:
        return 0
    if isinstance(wanted, str):
        return kind.neuron.devices if kind and kind.neuron else 0
    return wanted if isinstance(wanted, int) else len(wanted)


def first_fit(room: Room, tasks: Sequence[tuple[Room, str, frozenset[int]]], ports: int) -> int:
    """Returns the instances for tasks of these sizes, names and host ports, by decreasing memory.

    Two tasks with one host port never run on one instance, which has `ports` of them.
    """
    bins: list[tuple[int, int, frozenset[int]]] = []
    for size, _, mine in sorted(tasks, key=lambda t: (-t[0].memory_mib, t[1])):
        for index, (cpu, memory, held) in enumerate(bins):
            fits = cpu >= size.cpu_units and memory >= size.memory_mib
            if fits and mine.isdisjoint(held) and len(mine | held) <= ports:
                bins[index] = (cpu - size.cpu_units, memory - size.memory_mib, mine | held)
                break
        else:
            bins.append((room.cpu_units - size.cpu_units, room.memory_mib - size.memory_mib, mine))
    return len(bins)
