"""Tasks that a pool holds for certain: a cut of its devices by hand, and replicas dealt to it."""

from dataclasses import dataclass

from tests.wishes import facts
from tests.wishes.drawing import Hand
from tests.wishes.pools import MANAGED_NEURON, NEURON, Pool, Want
from tests.wishes.tasks import Entry


@dataclass
class Seat:
    """One workload's devices, as written, and its replicas; `most` is 0 for a job."""

    group: str
    written: int | list[int] | str | None
    devices: int
    ids: tuple[int, ...] | None
    replicas: Entry | int
    least: int
    most: int
    spot: frozenset[int] = frozenset()  # devices of its slot
    apart: bool = True  # whether no other workload has one of them


def seats(hand: Hand, pool: Pool, want: Want) -> list[Seat]:
    """Workloads for the pool, the wanted one first; sets what instances they need."""
    found = _with_devices(hand, pool, want)
    if pool.neuron and not want.alone and hand.chance(15):
        for _ in range(1 + hand.index(2)):
            replicas, least, most = _replicas(hand, "models", 1)
            found.append(Seat("models", 0, 0, None, replicas, least, most))
    return found


def _with_devices(hand: Hand, pool: Pool, want: Want) -> list[Seat]:
    wanted = bool(want.work)
    others = 0 if want.alone else hand.index(3)
    count = others + wanted
    if not count:
        return []
    if pool.sort == NEURON or (pool.sort == MANAGED_NEURON and by_name(hand, pool, want)):
        return _on_slots(hand, pool, want, count)
    written = "all" if pool.neuron else None
    devices = facts.devices_of(pool.kind) if pool.neuron else 0
    found: list[Seat] = []
    for index in range(count):
        group = _group(hand, want if index == 0 else Want())
        replicas, least, most = _replicas(hand, group, want.tasks if index == 0 else 1)
        found.append(Seat(group, written, devices, None, replicas, least, most))
    return found


def by_name(hand: Hand, pool: Pool, want: Want) -> bool:
    """Whether tasks on Managed Instances name devices: possible with one exact type."""
    patterns = pool.entry.get("allowed_instance_types", ["*"])
    possible = len(patterns) == 1 and "*" not in patterns[0]
    named = {"count", "ids"} & set(want.devices)
    if "all" not in want.devices and named:
        return True
    return possible and bool(named) and "host" in want.modes and hand.chance(35)


def _on_slots(hand: Hand, pool: Pool, want: Want, count: int) -> list[Seat]:
    """Workloads on disjoint slots of the pool's one type."""
    kind = pool.kind
    slots = _cut(hand, pool, want)
    found: list[Seat] = []
    for index in range(count):
        mine = want if index == 0 else Want()
        spot = hand.index(len(slots))
        group = _group(hand, mine)
        written, devices, ids = _devices(hand, pool, mine, slots[spot], whole=len(slots) == 1)
        replicas, least, most = _replicas(hand, group, mine.tasks)
        if group == "jobs":
            if written != "all" and ids is not None and hand.chance(30) and not mine.work:
                first, size = hand.one(facts.sets(kind))
                ids = tuple(range(first, first + size))
                written, devices = list(ids), size
        held = set(ids or ()) | set(range(slots[spot][0], sum(slots[spot])))
        found.append(Seat(group, written, devices, ids, replicas, least, most, frozenset(held)))
    for seat in found:
        seat.apart = all(seat.spot.isdisjoint(o.spot) for o in found if o is not seat)
    return found


def _cut(hand: Hand, pool: Pool, want: Want) -> list[tuple[int, int]]:
    """Disjoint legal sets in order of their first devices."""
    total, legal = facts.devices_of(pool.kind), set(facts.sets(pool.kind))
    if total == 1:
        return [(0, 1)]
    if want.devices == ("all",) or (not want.work and hand.chance(20)):
        return [(0, total)]
    slots: list[tuple[int, int]] = []
    at = 0
    while at < total and len(slots) < 4:
        fitting = [size for first, size in sorted(legal) if first == at]
        size = hand.one(fitting)
        slots.append((at, size))
        at += size
        if hand.chance(20):
            at += hand.index(3)
            while at < total and not any(first == at for first, _ in legal):
                at += 1
    return slots


def _devices(
    hand: Hand, pool: Pool, want: Want, slot: tuple[int, int], *, whole: bool
) -> tuple[int | list[int] | str, int, tuple[int, ...] | None]:
    """How a workload on the slot names its devices, how many they are, and their ids."""
    first, size = slot
    total = facts.devices_of(pool.kind)
    forms = [f for f in ("count", "ids") if f in want.devices]
    if whole and size == total and "all" in want.devices and not pool.managed:
        forms.append("all")
    match hand.one(forms):
        case "all":
            return "all", total, None
        case "ids":
            ids = tuple(range(first, first + size))
            return (list(ids)[:: 1 - 2 * hand.index(2)]), size, ids
        case _:
            smaller = [n for n in facts.sizes(pool.kind) if n <= size]
            count = hand.one(smaller[::-1])
            return count, count, None


def _group(hand: Hand, want: Want) -> str:
    return hand.one(want.work) if want.work else hand.one(("models", "models", "jobs"))


def _replicas(hand: Hand, group: str, tasks: int) -> tuple[Entry | int, int, int]:
    """Replicas as written, and the least and the most tasks that they mean."""
    if group == "jobs":
        return {}, 0, 0
    most = hand.near(tasks, 12, spread=tasks + 3)
    least = hand.number(0, most)
    match hand.index(5):
        case 0 if tasks == 1:
            return {}, 1, 1
        case 1 if most > 0:
            return {"min": most}, most, most
        case 2:
            return most, most, most
        case 3 if hand.chance(20):
            return 0, 0, 0
        case _:
            apart: Entry = {"spread": "instances"} if least > 1 and hand.chance(30) else {}
            return {"min": least, "max": most, **apart}, least, most
