"""Device slots: how the chips of an instance are cut, and how replicas are dealt to the slots.

Pure arithmetic. A *cut* is a set of disjoint legal device sets, the same on every instance of a
pool. A task with explicit ids goes to the slot that contains them. A task with a count goes to a
slot that is large enough and takes the slot's first devices. Only one task at a time can use a
slot, so a slot with R tasks needs R instances. The pool needs the largest R.

`arrange` prefers the fewest instances, then the fewest services (pairs of workload and slot), then
the fewest devices in slots that contain explicit ids, then the fewest slots, then the lowest device
ids and the first names. The number of instances is always exact. The number of services is exact
for up to `EXACT_WORKLOADS` workloads with a count; beyond that it is found by best fit.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

EXACT_WORKLOADS = 6


@dataclass(frozen=True, slots=True, order=True)
class Demand:
    """What one workload requests of a pool: `tasks` tasks, each on `size` devices or on `ids`.

    A job has `tasks` 0: it only needs a slot that is large enough.
    """

    name: str
    size: int
    tasks: int
    ids: tuple[int, ...] | None = None
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class Deal:
    """How many tasks of a workload run on a slot, and on which of its devices."""

    name: str
    devices: tuple[int, ...]
    tasks: int
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The slots in order of their devices, each with its deals in order of names."""

    slots: tuple[tuple[int, ...], ...]
    deals: tuple[tuple[Deal, ...], ...]

    @property
    def instances(self) -> int:
        """Instances that suffice in any placement order: the most tasks on one slot."""
        return max((sum(d.tasks for d in deals) for deals in self.deals), default=0)

    @property
    def services(self) -> int:
        """Pairs of workload and slot; each is a service, or the slot of a job."""
        return sum(len(deals) for deals in self.deals)


@dataclass(frozen=True, slots=True)
class _Slot:
    first: int
    size: int
    fixed: int  # tasks of workloads that name their devices here

    @property
    def devices(self) -> tuple[int, ...]:
        return tuple(range(self.first, self.first + self.size))


@lru_cache(maxsize=4096)
def arrange(
    devices: int, legal_sets: tuple[tuple[int, int], ...], demands: tuple[Demand, ...]
) -> Cut | None:
    """Returns the best cut and dealing. Returns `None` if no cut has a slot for every demand.

    `legal_sets` are pairs of first device and number of devices. Each demand must be legal by
    itself: its count is the size of a legal set, or its ids are one.
    """
    demands = tuple(sorted(demands))
    named = [d for d in demands if d.ids is not None]
    counted = [d for d in demands if d.ids is None and d.tasks > 0]
    waiting = [d for d in demands if d.ids is None and d.tasks == 0]
    if devices == 1:
        return _single(demands)
    best: tuple[tuple[int, int, int, tuple[int, ...]], Cut] | None = None
    fewest: int | None = None
    candidates: list[tuple[int, tuple[_Slot, ...]]] = []
    for slots in _cuts(devices, frozenset(legal_sets), named, [d.size for d in counted + waiting]):
        if any(all(s.size < d.size for s in slots) for d in waiting):
            continue
        needed = _instances(slots, counted)
        if needed is None or (fewest is not None and needed > fewest):
            continue
        if fewest is None or needed < fewest:
            fewest, candidates = needed, []
        candidates.append((needed, slots))
    seen: set[tuple[tuple[int, int], ...]] = set()
    for needed, slots in sorted(candidates, key=lambda c: _rank(c[1])):
        alike = tuple(sorted((s.size, s.fixed) for s in slots))
        if alike in seen:
            continue  # the same sizes and tasks as a cut that ranks higher
        seen.add(alike)
        if best is not None and _fewest_services(counted, needed) + len(named) >= best[0][0]:
            break
        beat = best[0][0] - len(named) if best is not None else None
        dealt = _deal(slots, needed, counted, beat)
        cut = _cut(slots, named, counted, waiting, dealt)
        key = (cut.services - len(waiting), *_rank(slots))
        if best is None or key < best[0]:
            best = (key, cut)
    return best[1] if best else None


def without_tasks(cut: Cut, stopped: Collection[str]) -> Cut:
    """Returns the cut with no task of these models. They keep their slots."""
    return replace(
        cut,
        deals=tuple(
            tuple(replace(d, tasks=0) if d.name in stopped and not d.is_job else d for d in deals)
            for deals in cut.deals
        ),
    )


def _rank(slots: Sequence[_Slot]) -> tuple[int, int, tuple[int, ...]]:
    """Sort key of a cut: devices in slots with explicit ids, slots, first devices; low is best."""
    covered = sum(s.size for s in slots if s.fixed)
    return covered, len(slots), tuple(s.first for s in slots)


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


def _single(demands: Sequence[Demand]) -> Cut:
    if not demands:
        return Cut((), ())
    return Cut(((0,),), (tuple(Deal(d.name, (0,), d.tasks, d.is_job) for d in demands),))


def _cuts(
    devices: int,
    legal: frozenset[tuple[int, int]],
    named: Sequence[Demand],
    counts: Sequence[int],
) -> Iterator[tuple[_Slot, ...]]:
    """Yields every cut that can be the best: slots of a requested size or around explicit ids.

    A slot that is larger than the largest count it serves wastes devices, so other sizes never need
    fewer instances. On a ring, free devices are cut in one order of sizes only: the largest first.
    """
    sizes = sorted(set(counts), reverse=True)
    spans: dict[tuple[int, int], int] = {}
    for demand in named:
        span = _span(demand)
        spans[span] = spans.get(span, 0) + demand.tasks
    fixed = sorted(spans)
    owner = {d: span for span in fixed for d in range(span[0], span[0] + span[1])}
    aligned = any((first, 2) not in legal for first in range(devices - 1))

    def options(at: int, largest: int) -> Iterator[tuple[int, int]]:
        """Yields the sizes of slots that can start at a device, each with the largest size that may
        follow among the same free devices."""
        inside = owner.get(at)
        if inside is not None and inside[0] != at:
            return
        for size in sorted({*sizes, *(f + n - at for f, n in fixed if f >= at)}, reverse=True):
            end = at + size
            if end > devices or (at, size) not in legal:
                continue
            last = owner.get(end - 1)
            if last is not None and last[0] + last[1] != end:
                continue
            touches = any(d in owner for d in range(at, end))
            if touches:
                if inside == (at, size) or needed(at, size):
                    yield size, devices
            elif size <= largest and size in sizes:
                yield size, size

    def needed(at: int, size: int) -> bool:
        """Whether a slot around explicit ids is as small as it can be for the size that it serves:
        without the ids at either end it would be too small."""
        served = max((s for s in sizes if s <= size), default=0)
        ends = (owner.get(at), owner.get(at + size - 1))
        return served > 0 and all(size - span[1] < served for span in ends if span)

    def walk(at: int, largest: int) -> Iterator[tuple[_Slot, ...]]:
        if at >= devices:
            yield ()
            return
        untouched = False
        for size, following in options(at, devices if aligned else largest):
            untouched = untouched or not any(d in owner for d in range(at, at + size))
            fixed_tasks = sum(
                tasks for (f, n), tasks in spans.items() if at <= f and f + n <= at + size
            )
            for rest in walk(at + size, following):
                yield (_Slot(at, size, fixed_tasks), *rest)
        if at not in owner and not untouched:
            # unused devices come last among the free ones, so that each cut is yielded once
            after = min((f for f, _ in fixed if f > at), default=devices)
            yield from walk(at + 1 if aligned else after, devices)

    yield from walk(0, devices)


def _span(demand: Demand) -> tuple[int, int]:
    """Returns the first of the demand's ids and their number."""
    ids = demand.ids or ()
    return min(ids), len(ids)


def _instances(slots: Sequence[_Slot], counted: Sequence[Demand]) -> int | None:
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


def _fewest_services(counted: Sequence[Demand], instances: int) -> int:
    """Returns a lower bound of the services: a slot takes at most `instances` tasks."""
    return sum(max(1, -(-d.tasks // max(instances, 1))) for d in counted)


Dealt = dict[tuple[str, int], int]  # (workload, index of the slot) -> tasks


def _deal(
    slots: Sequence[_Slot], instances: int, counted: Sequence[Demand], beat: int | None
) -> Dealt:
    """Returns the dealing with the fewest pairs of workload and slot.

    Returns any dealing if none has fewer pairs than `beat`.
    """
    rooms = [instances - s.fixed for s in slots]
    order = sorted(counted, key=lambda d: (-d.size, d.name))
    greedy = _best_fit(slots, rooms, order) or _in_sequence(slots, rooms, order)
    fewest = _fewest_services(counted, instances)
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


def _best_fit(
    slots: Sequence[_Slot], rooms: Sequence[int], order: Sequence[Demand]
) -> Dealt | None:
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


def _in_sequence(slots: Sequence[_Slot], rooms: Sequence[int], order: Sequence[Demand]) -> Dealt:
    """Deals the largest tasks to the largest slots and fills one slot after the other.

    Succeeds whenever any dealing does (see `_instances`). It splits a workload only where a slot is
    full, so the pairs are at most the workloads plus the slots, less one.
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
    slots: Sequence[_Slot], rooms: Sequence[int], order: Sequence[Demand], below: int
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


def _cut(
    slots: Sequence[_Slot],
    named: Sequence[Demand],
    counted: Sequence[Demand],
    waiting: Sequence[Demand],
    dealt: Dealt,
) -> Cut:
    deals: list[list[Deal]] = [[] for _ in slots]
    for demand in named:
        ids = demand.ids or ()
        index = next(i for i, s in enumerate(slots) if set(ids) <= set(s.devices))
        deals[index].append(Deal(demand.name, ids, demand.tasks, demand.is_job))
    sizes = {d.name: d.size for d in counted}
    for (name, index), tasks in dealt.items():
        deals[index].append(Deal(name, slots[index].devices[: sizes[name]], tasks))
    for demand in waiting:
        index = min(
            (i for i, s in enumerate(slots) if s.size >= demand.size),
            key=lambda i: (sum(d.tasks for d in deals[i]), slots[i].size, i),
        )
        deals[index].append(
            Deal(demand.name, slots[index].devices[: demand.size], 0, demand.is_job)
        )
    used = [i for i, d in enumerate(deals) if d]
    return Cut(
        tuple(slots[i].devices for i in used),
        tuple(
            tuple(sorted(deals[i], key=lambda d: (not d.is_job, d.name, d.devices))) for i in used
        ),
    )
