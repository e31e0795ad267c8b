"""How replicas are dealt to slots: on few instances, as few services as possible.

Pure arithmetic. Only one task at a time can use a slot, so a slot with R tasks needs R instances.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

EXACT_WORKLOADS = 6


@dataclass(frozen=True, slots=True, order=True)
class Demand:
    """What one workload requests of a pool: `tasks` tasks, each on `size` devices or on `ids`.

    A job has `tasks` 0: it only needs devices that are free at some time.
    """

    name: str
    size: int
    tasks: int
    ids: tuple[int, ...] | None = None
    is_job: bool = False
    host_ports: tuple[int, ...] = ()
    locked: bool = True  # whether host ports lock its devices
    together: bool = False  # whether two tasks have the same devices, so that they run apart


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot while tasks are dealt to it."""

    first: int
    size: int
    fixed: int  # tasks that count against the slot beside those that are dealt to it
    pinned: tuple[Demand, ...] = ()  # with ids in it, or with the slot as the only place

    @property
    def devices(self) -> tuple[int, ...]:
        return tuple(range(self.first, self.first + self.size))


def share_evenly(tasks: int, limits: Sequence[int]) -> tuple[int, ...]:
    """Deals `tasks` one at a time to the slots in their order, up to the limit of each slot.

    A minimum thus spreads over the slots of one instance before it needs a second instance.
    """
    dealt = [0] * len(limits)
    left = min(tasks, sum(limits))
    while left:
        for index, limit in enumerate(limits):
            if left and dealt[index] < limit:
                dealt[index] += 1
                left -= 1
    return tuple(dealt)


def least_instances(slots: Sequence[Slot], counted: Sequence[Demand]) -> int | None:
    """Returns the fewest instances on which all tasks fit these slots.

    Returns `None` if no slot is large enough for some task. A slot that is large enough for a task
    is large enough for every smaller one. The tasks therefore fit if, and only if, for every size
    the tasks of at least that size fit the slots of at least that size.
    """
    needed = max((s.fixed for s in slots), default=0)
    for size in {d.size for d in counted}:
        large = [s for s in slots if s.size >= size]
        if not large:
            return None
        wanted = sum(d.tasks for d in counted if d.size >= size)
        needed = max(needed, _level(wanted, sorted(s.fixed for s in large)))
    return needed


def _level(wanted: int, filled: Sequence[int]) -> int:
    """Returns the lowest number of tasks per slot at which the slots take `wanted` more tasks.

    `filled` are the tasks that the slots have already, in ascending order. A slot that has more
    than the result takes none of the others.
    """
    level = 0
    for used in range(1, len(filled) + 1):
        level = -(-(wanted + sum(filled[:used])) // used)
        if used < len(filled) and level <= filled[used]:
            break
    return level


def fewest_services(counted: Sequence[Demand], instances: int) -> int:
    """Returns a lower bound of the services: a slot takes at most `least_instances` tasks."""
    return sum(max(1, -(-d.tasks // max(instances, 1))) for d in counted)


Dealt = dict[tuple[str, int], int]  # (workload, index of the slot) -> tasks


def deal_tasks(
    slots: Sequence[Slot], instances: int, counted: Sequence[Demand], beat: int | None
) -> Dealt:
    """Returns the dealing with the fewest pairs of workload and slot.

    Returns any dealing if none has fewer pairs than `beat`.
    """
    rooms = [instances - s.fixed for s in slots]
    order = sorted(counted, key=lambda d: (-d.size, d.name))
    greedy = _best_fit(slots, rooms, order) or _in_sequence(slots, rooms, order)
    fewest = fewest_services(counted, instances)
    if len(greedy) <= fewest or len(order) > EXACT_WORKLOADS:
        return greedy
    bound = len(greedy) if beat is None else min(beat, len(greedy))
    groups = _groups(slots, rooms, order, bound - len(order))
    exact: Dealt = {}
    for members, bins in groups:
        part = _in_sequence([slots[i] for i in bins], [rooms[i] for i in bins], members)
        for (name, index), tasks in part.items():
            exact[name, bins[index]] = tasks
    return exact if groups and len(exact) < len(greedy) else greedy


def _best_fit(slots: Sequence[Slot], rooms: Sequence[int], order: Sequence[Demand]) -> Dealt | None:
    """Deals each workload to one slot, or to full slots and one for the rest.

    Returns `None` if that leaves tasks without a slot.
    """
    left = list(rooms)
    dealt: Dealt = {}
    for demand in sorted(order, key=lambda d: (-d.size, -d.tasks, d.name)):
        tasks = demand.tasks
        while tasks:
            fits = [i for i, s in enumerate(slots) if s.size >= demand.size and left[i] > 0]
            if not fits:
                return None
            sufficient = [i for i in fits if left[i] >= tasks]
            if sufficient:
                index = min(sufficient, key=lambda i: (slots[i].size, left[i], i))
            else:
                index = min(fits, key=lambda i: (-left[i], slots[i].size, i))
            moved = min(tasks, left[index])
            dealt[demand.name, index] = dealt.get((demand.name, index), 0) + moved
            left[index] -= moved
            tasks -= moved
    return dealt


def _in_sequence(slots: Sequence[Slot], rooms: Sequence[int], order: Sequence[Demand]) -> Dealt:
    """Deals the largest tasks to the largest slots and fills one slot after the other.

    Succeeds whenever any dealing does (see `least_instances`). It splits a workload only where a
    slot is full, so the pairs are at most the workloads plus the slots, less one.
    """
    left = {i: room for i, room in enumerate(rooms) if room > 0}
    dealt: Dealt = {}
    queue = sorted(left, key=lambda i: (-slots[i].size, i))
    for demand in sorted(order, key=lambda d: (-d.size, d.name)):
        tasks = demand.tasks
        for index in queue:
            moved = min(tasks, left[index]) if slots[index].size >= demand.size else 0
            if moved:
                dealt[demand.name, index] = dealt.get((demand.name, index), 0) + moved
                left[index] -= moved
                tasks -= moved
    return dealt


Group = tuple[tuple[Demand, ...], tuple[int, ...]]
Parts = tuple[tuple[int, tuple[int, ...]], ...]  # workloads as bits, number of slots by kind


def _groups(
    slots: Sequence[Slot], rooms: Sequence[int], order: Sequence[Demand], below: int
) -> tuple[Group, ...]:
    """Returns the partition into groups, each with slots of its own, that needs the fewest pairs.

    Returns no groups if every partition needs at least `below` pairs more than there are workloads.
    A dealing is a graph of workloads and slots. A connected part with w workloads and s slots needs
    at least w + s - 1 pairs, and `_in_sequence` reaches that. So few slots and many groups need the
    fewest pairs.
    """
    kinds = sorted({(s.size, room) for s, room in zip(slots, rooms, strict=True) if room > 0})
    members = {
        kind: [i for i, s in enumerate(slots) if (s.size, rooms[i]) == kind] for kind in kinds
    }
    start = tuple(len(members[kind]) for kind in kinds)
    all_workloads = (1 << len(order)) - 1

    @cache
    def cumulated(mask: int) -> tuple[tuple[int, int], ...]:
        """Returns each size of the group with the number of its tasks of at least that size."""
        group = [d for i, d in enumerate(order) if mask >> i & 1]
        sizes = sorted({d.size for d in group})
        return tuple((size, sum(d.tasks for d in group if d.size >= size)) for size in sizes)

    def feasible(mask: int, used: Sequence[int]) -> bool:
        return all(
            sum(n * room for n, (large, room) in zip(used, kinds, strict=True) if large >= size)
            >= wanted
            for size, wanted in cumulated(mask)
        )

    @cache
    def smallest(mask: int, most: int) -> list[tuple[int, ...]]:
        return _minimal(start, most, lambda used: feasible(mask, used))

    @cache
    def partition(mask: int, free: tuple[int, ...], extra: int) -> Parts | None:
        """Returns the first partition with at most `extra` pairs more than workloads, or `None`."""
        if not mask:
            return ()
        if not feasible(mask, free):
            return None
        lowest = mask & -mask
        rest = part = mask ^ lowest
        while True:
            for used in smallest(part | lowest, extra + 1):
                if all(u <= f for f, u in zip(free, used, strict=True)):
                    left = tuple(f - u for f, u in zip(free, used, strict=True))
                    tail = partition(rest & ~part, left, extra + 1 - sum(used))
                    if tail is not None:
                        return ((part | lowest, used), *tail)
            if not part:
                return None
            part = (part - 1) & rest

    tried = (partition(all_workloads, start, extra) for extra in range(below))
    found = next((parts for parts in tried if parts is not None), None)
    if found is None:
        return ()
    pools = {kind: list(members[kind]) for kind in kinds}
    groups: list[Group] = []
    for mask, used in sorted(
        found, key=lambda g: min(d.name for i, d in enumerate(order) if g[0] >> i & 1)
    ):
        chosen = [pools[kind].pop(0) for kind, n in zip(kinds, used, strict=True) for _ in range(n)]
        demands = tuple(d for i, d in enumerate(order) if mask >> i & 1)
        groups.append((demands, tuple(sorted(chosen))))
    return tuple(groups)


def _minimal(
    free: Sequence[int], most: int, feasible: Callable[[tuple[int, ...]], bool]
) -> list[tuple[int, ...]]:
    """Returns the minimal numbers of slots of each kind that suffice for a group.

    At most `most` slots in all. None of the results can lose a slot.
    """
    found: list[tuple[int, ...]] = []

    def walk(at: int, left: int, used: tuple[int, ...]) -> None:
        if at == len(free):
            if left < most and feasible(used):
                found.append(used)
            return
        for n in range(min(free[at], left) + 1):
            walk(at + 1, left - n, (*used, n))

    walk(0, most, ())
    return [
        f
        for f in found
        if not any(o != f and all(a <= b for a, b in zip(o, f, strict=True)) for o in found)
    ]
