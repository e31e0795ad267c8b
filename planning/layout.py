"""Device slots: how the devices of an instance are cut, and how replicas are dealt to the slots.

Pure arithmetic. A *cut* is a set of disjoint legal device sets, the same on every instance of a
pool. A task with explicit ids goes to the slot that contains them. A task with a count goes to a
slot that is large enough and takes the slot's first devices. Tasks that meet on a device or on a
host port are never on one instance (see `planning.sharing`).

A workload with a host port has one slot: its tasks need an instance each wherever they are. A
workload without locks has slots of its own. A job takes the devices that the fewest tasks use,
whatever the slots are.

`arrange` prefers the fewest instances, then jobs that find free devices on them, then the fewest
services (pairs of workload and slot), then the fewest devices in slots that contain explicit ids,
then the fewest slots, then the lowest device ids and the first names. The number of instances is
exact as long as at most `_TRIES` ways to give slots to workloads with host ports or without locks
have to be tried. The number of services is exact for up to `EXACT_WORKLOADS` workloads with a
count; beyond that it is found by best fit.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

from planning import plan
from planning.dealing import (
    Dealt,
    Demand,
    Slot,
    deal_tasks,
    fewest_services,
    least_instances,
    share_evenly,
)
from planning.sharing import Supply, Use, enough_instances, fewest_instances

ALL_PORTS = 65_536
_TRIES = 200  # choices of slots for workloads with host ports or without locks, for one cut
_CUTS = 64  # cuts that are compared where a job finds no free devices


@dataclass(frozen=True, slots=True)
class Deal:
    """How many tasks of a workload run on a slot, and on which of its devices."""

    name: str
    devices: tuple[int, ...]
    tasks: int
    host_ports: tuple[int, ...] = ()
    locked: bool = True

    @property
    def use(self) -> Use:
        """What its tasks take of an instance."""
        return Use(frozenset(self.devices), frozenset(self.host_ports), self.tasks, self.locked)


@dataclass(frozen=True, slots=True)
class Cut:
    """The slots in order of their devices, each with its deals in order of names, and the jobs."""

    slots: tuple[tuple[int, ...], ...]
    deals: tuple[tuple[Deal, ...], ...]
    jobs: tuple[Deal, ...]
    ports: int  # host ports that an instance has for tasks

    @property
    def uses(self) -> tuple[Use, ...]:
        """What the tasks of the models take of an instance."""
        return tuple(deal.use for deal in chain(*self.deals))

    @property
    def instances(self) -> int:
        """Instances whose devices and host ports suffice in any placement order."""
        return enough_instances(self.uses, Supply(self.ports))

    @property
    def fewest(self) -> int:
        """Instances below which no placement order suffices."""
        return fewest_instances(self.uses, self.ports)

    @property
    def services(self) -> int:
        """Pairs of model and slot; each is a service."""
        return sum(len(deals) for deals in self.deals)


@lru_cache(maxsize=4096)
def arrange(
    devices: int,
    legal_sets: tuple[tuple[int, int], ...],
    demands: tuple[Demand, ...],
    ports: int = ALL_PORTS,
) -> Cut | None:
    """Returns the best cut and dealing.

    `legal_sets` are pairs of first device and number of devices. Each demand must be legal by
    itself: its count is the size of a legal set, or its ids are one. A workload can have several
    demands, of which at most one has a count. `ports` is the number of host ports that an instance
    has for tasks. Returns `None` if a workload without locks finds no devices for itself alone.
    """
    parts = chain.from_iterable(_apart(d) for d in demands)
    in_order = sorted(parts, key=lambda d: (d.name, d.size, d.tasks, d.ids or ()))
    pool = _Pool(devices, frozenset(legal_sets), in_order, ports)
    needed, candidates = pool.candidates(0)
    best = _best(pool, needed, candidates)
    while best is None and candidates:  # jobs need devices that workloads without locks leave free
        needed, candidates = pool.candidates(needed + 1)
        best = _best(pool, needed, candidates)
    return best


def _best(pool: "_Pool", instances: int, candidates: list[tuple[Slot, ...]]) -> Cut | None:
    best: tuple[tuple[int, int, tuple[int, int, tuple[int, ...]]], Cut] | None = None
    seen: set[tuple[tuple[int, int], ...]] = set()
    without = [d for d in pool.counted if d.name not in pool.placed]
    for tried, slots in enumerate(sorted(candidates, key=_rank)):
        filled, counted, own = pool.with_its_own(slots, instances)
        alike = tuple(sorted((s.size, s.fixed) for s in filled))
        beat = None
        if best is not None and (best[0][0] == 0 or tried >= _CUTS):
            if alike in seen:
                continue  # the same sizes and tasks as a cut that ranks higher
            beat = best[0][1] - pool.settled(slots)
            if fewest_services(without, instances) >= beat:
                break
        seen.add(alike)
        cut = pool.cut(slots, deal_tasks(filled, instances, counted, beat) | own)
        if cut is not None:
            key = pool.jobs_without_room(cut), cut.services - len(pool.waiting), _rank(slots)
            if best is None or key < best[0]:
                best = (key, cut)
    return best[1] if best else None


def without_tasks(cut: Cut, stopped: Collection[str]) -> Cut:
    """Returns the cut with no task of these models. They keep their slots."""
    return replace(
        cut,
        deals=tuple(
            tuple(replace(d, tasks=0) if d.name in stopped else d for d in deals)
            for deals in cut.deals
        ),
    )


class _Pool:
    """The demands of a pool, by how they find their slots."""

    def __init__(
        self, devices: int, legal: frozenset[tuple[int, int]], demands: Sequence[Demand], ports: int
    ) -> None:
        self.devices, self.legal, self.ports = devices, legal, ports
        given = [
            replace(d, ids=tuple(range(devices))) if d.is_job and d.size == devices else d
            for d in demands
        ]
        self.jobs = [d for d in given if d.is_job and d.locked]
        slotted = [d for d in given if d not in self.jobs]
        self.named = [d for d in slotted if d.ids is not None]
        counts = [d for d in slotted if d.ids is None]
        self.pinned = sorted(
            (d for d in counts if not d.locked or d.together or (d.host_ports and d.tasks)),
            key=lambda d: (d.locked, -d.size, -d.tasks, d.name),
        )
        self.counted = [d for d in counts if d.tasks and d not in self.pinned]
        self.waiting = [d for d in counts if not d.tasks and d not in self.pinned]
        self.placed = {d.name for d in (*self.named, *self.pinned)}  # may need no further service
        self.jobs_devices = frozenset(d for job in self.jobs for d in job.ids or ())
        serving = [d for d in (*self.named, *self.pinned) if d.host_ports]
        self.mates = {  # tasks of other workloads with one of its host ports
            d.name: sum(o.tasks for o in serving if o.name != d.name and _share_port(o, d))
            for d in serving
        }

    # -- slots ---------------------------------------------------------------------------------

    def settled(self, slots: Sequence[Slot]) -> int:
        """Returns the pairs of model and slot that are the same in every dealing."""
        pinned = [d for s in slots for d in s.pinned if d.ids is None]
        return sum(1 for d in (*self.named, *pinned) if not d.is_job)

    def candidates(self, least: int) -> tuple[int, list[tuple[Slot, ...]]]:
        """Returns the fewest instances, `least` or more, and the cuts that hold all tasks then."""
        sizes = [d.size for d in (*self.pinned, *self.counted, *self.waiting)]
        cuts = [
            tuple(self._with_names(slot) for slot in slots)
            for slots in _cuts(self.devices, self.legal, self.named, sizes)
        ]
        lower = [(self._lower(slots), slots) for slots in cuts]
        if not self.pinned and not any(s.pinned for slots in cuts for s in slots):
            needed = min((n for n, _ in lower if n is not None), default=0)
            return needed, [slots for n, slots in lower if n == needed]
        bounds = [n for n, _ in lower if n is not None]
        most = sum(d.tasks for d in (*self.named, *self.pinned, *self.counted))

        def filled(instances: int) -> list[tuple[Slot, ...]]:
            tried = (
                self._pin(slots, instances)
                for n, slots in lower
                if n is not None and n <= instances
            )
            return [slots for slots in tried if slots is not None]

        low = max(least, min(bounds, default=0))
        found = filled(low) if low <= most else []
        if found or low >= most or not filled(most):
            return low, found
        low, high = low + 1, most
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if filled(middle) else (middle + 1, high)
        return high, filled(high)

    def _with_names(self, slot: Slot) -> Slot:
        """Returns the slot with the demands in it that share ports with others, or no devices."""
        special = [d for d in self.named if d.host_ports or not d.locked]
        if not special:
            return slot
        inside = tuple(d for d in self.named if set(d.ids or ()) <= set(slot.devices))
        return replace(slot, pinned=inside) if set(inside) & set(special) else slot

    def _lower(self, slots: Sequence[Slot]) -> int | None:
        """Returns a number of instances that the cut needs at least; `None` if no slot is large
        enough for some demand."""
        if any(all(s.size < d.size for s in slots) for d in (*self.waiting, *self.pinned)):
            return None
        running = [d for d in (*self.pinned, *self.counted) if d.tasks]
        needed = least_instances(slots, running)
        ported = [d.tasks + self.mates[d.name] for d in self.pinned if d.host_ports]
        return None if needed is None else max(needed, *ported, 0)

    def _pin(self, slots: tuple[Slot, ...], instances: int) -> tuple[Slot, ...] | None:
        """Gives slots to the workloads with host ports or without locks, so that all tasks fit."""
        parts = [part for d in self.pinned for part in _parts(d, instances)]
        tries = 0

        def place(index: int, slots: tuple[Slot, ...]) -> tuple[Slot, ...] | None:
            nonlocal tries
            tries += 1
            if index == len(parts):
                return self._settled(slots, instances)
            part = parts[index]
            options = [
                (load, -len(s.pinned), s.size, i)
                for i, s in enumerate(slots)
                if s.size >= part.size
                and (part.locked or not self._has_names(s))
                and (load := self._load(s, (*s.pinned, part), instances)) <= instances
            ]
            alike: set[tuple[int, int, tuple[Demand, ...]]] = set()
            for *_, i in sorted(options):
                slot = slots[i]
                if (slot.size, slot.fixed, slot.pinned) in alike and not self.jobs_devices:
                    continue
                alike.add((slot.size, slot.fixed, slot.pinned))
                full = replace(slot, fixed=slot.fixed + part.tasks, pinned=(*slot.pinned, part))
                done = place(index + 1, (*slots[:i], full, *slots[i + 1 :]))
                if done is not None or tries > _TRIES:
                    return done
            return None

        return place(0, slots)

    def _has_names(self, slot: Slot) -> bool:
        return any(not set(d.ids or ()).isdisjoint(slot.devices) for d in self.named)

    def _load(self, slot: Slot, members: tuple[Demand, ...], instances: int) -> int:
        """Returns the tasks that can keep a task of these workloads out of an instance, itself
        included. More than `instances` if a workload without locks is not alone."""
        if not all(d.locked for d in members):
            (first, *others) = members
            taken = set(first.ids or slot.devices[: first.size])
            alone = not others and taken.isdisjoint(self.jobs_devices)
            return instances if alone and first.tasks <= instances else instances + 1
        total = slot.fixed + sum(d.tasks for d in members if d not in slot.pinned)
        return max(
            (
                total
                + self.mates[d.name]
                - sum(o.tasks for o in members if o.name != d.name and _share_port(o, d))
                for d in members
                if d.host_ports
            ),
            default=total,
        )

    def _settled(self, slots: tuple[Slot, ...], instances: int) -> tuple[Slot, ...] | None:
        """Returns the slots with the tasks that count against each, if the rest fits as well."""
        slots = tuple(
            replace(s, fixed=self._load(s, s.pinned, instances)) if s.pinned else s for s in slots
        )
        open_ = [s for s in slots if all(d.locked for d in s.pinned)]
        if any(all(s.size < d.size for s in open_) for d in self.waiting):
            return None
        needed = least_instances(slots, self.counted)
        return slots if needed is not None and needed <= instances else None

    # -- the result ----------------------------------------------------------------------------

    def with_its_own(
        self, slots: tuple[Slot, ...], instances: int
    ) -> tuple[tuple[Slot, ...], list[Demand], Dealt]:
        """Deals tasks to slots with ids of their own workload, as far as all others still fit.

        Returns the slots and the demands after that. These tasks need no further service.
        """
        counted, own = list(self.counted), Dealt()
        for at, demand in enumerate(self.counted):
            if demand.name not in self.placed:
                continue
            mine = [set(d.ids or ()) for d in self.named if d.name == demand.name]
            for index, slot in enumerate(slots):
                tasks = min(counted[at].tasks, instances - slot.fixed)
                here = any(ids <= set(slot.devices) for ids in mine)
                if tasks < 1 or not (here or any(d.name == demand.name for d in slot.pinned)):
                    continue
                full = (
                    *slots[:index],
                    replace(slot, fixed=slot.fixed + tasks),
                    *slots[index + 1 :],
                )
                rest = replace(counted[at], tasks=counted[at].tasks - tasks)
                left = [rest if d.name == rest.name else d for d in counted]
                needed = least_instances(full, [d for d in left if d.tasks])
                if needed is not None and needed <= instances:
                    slots, counted = full, left
                    own[demand.name, index] = tasks
        return slots, [d for d in counted if d.tasks], own

    def cut(self, slots: Sequence[Slot], dealt: Dealt) -> Cut | None:
        """Returns the cut with its deals; `None` if a job finds no devices."""
        deals: list[list[Deal]] = [[] for _ in slots]
        jobs: list[Deal] = []

        def put(demand: Demand, index: int, tasks: int) -> None:
            devices = demand.ids or slots[index].devices[: demand.size]
            held = jobs if demand.is_job else deals[index]
            same = next((d for d in held if d.name == demand.name), None)
            if same is not None and demand.ids is None:  # its own service takes them
                held[held.index(same)] = replace(same, tasks=same.tasks + tasks)
                return
            held.append(Deal(demand.name, devices, tasks, demand.host_ports, demand.locked))

        for demand in self.named:
            inside = set(demand.ids or ())
            index = next(i for i, s in enumerate(slots) if inside <= set(s.devices))
            put(demand, index, demand.tasks)
        for index, slot in enumerate(slots):
            for part in (d for d in slot.pinned if d.ids is None):
                put(part, index, part.tasks)
        by_name = {d.name: d for d in self.counted}
        for (name, index), tasks in dealt.items():
            put(by_name[name], index, tasks)
        for demand in self.waiting:
            shared = [i for i, s in enumerate(slots) if all(d.locked for d in s.pinned)]
            fitting = [
                (sum(d.tasks for d in deals[i]), slots[i].size, i)
                for i in shared
                if slots[i].size >= demand.size
            ]
            put(demand, min(fitting)[-1], 0)
        placed = self._jobs([d for held in deals for d in held], jobs)
        if placed is None:
            return None
        used = [i for i, held in enumerate(deals) if held]
        return Cut(
            tuple(slots[i].devices for i in used),
            tuple(tuple(sorted(deals[i], key=lambda d: (d.name, d.devices))) for i in used),
            placed,
            self.ports,
        )

    def _jobs(self, deals: Sequence[Deal], alone: Sequence[Deal]) -> tuple[Deal, ...] | None:
        """Returns all jobs, each on the devices that the fewest tasks, then the fewest other jobs
        use; `None` if one finds none beside the workloads without locks."""
        uses = [d.use for d in deals]
        shut = {d for held in (*deals, *alone) if not held.locked for d in held.devices}
        found = list(alone)
        for job in sorted(self.jobs, key=lambda d: (d.ids is None, -d.size, d.name)):
            sets = [tuple(range(f, f + n)) for f, n in sorted(self.legal) if n == job.size]
            fitting: list[tuple[int, int, tuple[int, ...]]] = []
            for ids in [job.ids] if job.ids else sets:
                if shut.isdisjoint(ids):
                    use = Deal(job.name, ids, 0, job.host_ports).use
                    fitting.append((_met(use, uses), sum(use.meets(j.use) for j in found), ids))
            if not fitting:
                return None
            found.append(Deal(job.name, min(fitting)[-1], 0, job.host_ports))
        return tuple(sorted(found, key=lambda d: d.name))

    def jobs_without_room(self, cut: Cut) -> int:
        """Returns the number of jobs with a count that need an instance more than the models."""
        counts = {d.name for d in self.jobs if d.ids is None}
        most = max(1, cut.instances)
        return sum(j.name in counts and _met(j.use, cut.uses) >= most for j in cut.jobs)


def _share_port(first: Demand, second: Demand) -> bool:
    return not set(first.host_ports).isdisjoint(second.host_ports)


def _parts(demand: Demand, instances: int) -> list[Demand]:
    """Returns the demand by slot: without locks on as few slots as hold it, else on one."""
    if demand.locked or demand.tasks <= instances:
        return [demand]
    number = -(-demand.tasks // max(1, instances))
    return [replace(demand, tasks=n) for n in share_evenly(demand.tasks, [instances] * number)]


def _apart(demand: Demand) -> Iterator[Demand]:
    """Yields the two tasks that run apart, which have one slot, and the others."""
    alone = demand.ids is None and demand.locked and not demand.host_ports and demand.tasks > 1
    if not demand.together or not alone:
        yield replace(demand, together=False)
        return
    yield replace(demand, tasks=2)
    if demand.tasks > 2:
        yield replace(demand, tasks=demand.tasks - 2, together=False)


def _met(use: Use, others: Sequence[Use]) -> int:
    return sum(other.tasks for other in others if use.meets(other))


def _rank(slots: Sequence[Slot]) -> tuple[int, int, tuple[int, ...]]:
    """Sort key of a cut: devices in slots with explicit ids, slots, first devices; low is best."""
    covered = sum(s.size for s in slots if s.fixed)
    return covered, len(slots), tuple(s.first for s in slots)


def _cuts(
    devices: int,
    legal: frozenset[tuple[int, int]],
    named: Sequence[Demand],
    counts: Sequence[int],
) -> Iterator[tuple[Slot, ...]]:
    """Yields every cut that can be the best: slots of a requested size or around explicit ids.

    A slot that is larger than the largest count it serves wastes devices, so other sizes never need
    fewer instances. On a ring, free devices are cut in one order of sizes only: the largest first.
    """
    sizes = sorted(set(counts), reverse=True)
    spans: dict[tuple[int, int], int] = {}
    for first, size, tasks in sorted((*_span(d), d.tasks) for d in named):
        last = next(reversed(spans), (0, 0))
        if first < last[0] + last[1]:  # ids that meet are in one slot
            tasks += spans.pop(last)
            first, size = last[0], max(last[1], first + size - last[0])
        spans[first, size] = spans.get((first, size), 0) + tasks
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

    def walk(at: int, largest: int) -> Iterator[tuple[Slot, ...]]:
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
                yield (Slot(at, size, fixed_tasks), *rest)
        if at not in owner and not untouched:
            # unused devices come last among the free ones, so that each cut is yielded once
            after = min((f for f, _ in fixed if f > at), default=devices)
            yield from walk(at + 1 if aligned else after, devices)

    yield from walk(0, devices)


def _span(demand: Demand) -> tuple[int, int]:
    """Returns the first of the demand's ids and their number."""
    ids = demand.ids or ()
    return min(ids), len(ids)


def plan_slots(
    cut: Cut, least: Mapping[str, int], apart: Collection[str] = ()
) -> tuple[plan.Slot, ...]:
    """Returns the slots of a cut. Each model's minimum is spread evenly over its slots.

    Of the models `apart`, two tasks of the minimum have the same devices where a slot has two.
    """
    minimum: dict[tuple[str, tuple[int, ...]], int] = {}
    for name, tasks_min in least.items():
        mine = [deal for deal in chain(*cut.deals) if deal.name == name]
        limits = [deal.tasks for deal in mine]
        shares = share_evenly(tasks_min, limits)
        double = next((i for i, n in enumerate(limits) if n > 1), None)
        if name in apart and tasks_min > 1 and double is not None and max(shares) < 2:
            others = [n - 2 if i == double else n for i, n in enumerate(limits)]
            shares = share_evenly(tasks_min - 2, others)
            shares = tuple(n + 2 * (i == double) for i, n in enumerate(shares))
        minimum |= {(name, d.devices): n for d, n in zip(mine, shares, strict=True)}
    return tuple(
        plan.Slot(
            devices,
            tuple(
                plan.Assignment(
                    deal.name,
                    deal.devices,
                    minimum[deal.name, deal.devices],
                    deal.tasks,
                    host_ports=deal.host_ports,
                )
                for deal in deals
            ),
        )
        for devices, deals in zip(cut.slots, cut.deals, strict=True)
    )
