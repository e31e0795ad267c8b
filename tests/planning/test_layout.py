"""Laws of the slots: legal, disjoint, sufficient in any order, and as few as can be.

The exhaustive search here knows nothing of the planner's: it tries every cut of the devices into
slots and every dealing of the tasks to them.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import load
from planning.dealing import Demand, share_evenly
from planning.layout import Cut, arrange
from tests.pace import least

Sets = tuple[tuple[int, int], ...]

RING_4 = load().neuron.device_sets("inf1.6xlarge")
RING_6 = load().neuron.device_sets("inf2.24xlarge")
RING_12 = load().neuron.device_sets("inf2.48xlarge")
RING_16 = load().neuron.device_sets("inf1.24xlarge")
TORUS = load().neuron.device_sets("trn1.32xlarge")
HOSTS = {4: RING_4, 6: RING_6, 16: TORUS}


@st.composite
def demands(
    draw: st.DrawFn, *, devices: int, legal: Sets, most: int, tasks: int
) -> tuple[Demand, ...]:
    """Workloads that are legal by themselves; ids that are named are equal or disjoint."""
    found: list[Demand] = []
    taken: dict[int, tuple[int, ...]] = {}
    sizes = sorted({size for _, size in legal})
    for index in range(draw(st.integers(1, most))):
        size = draw(st.sampled_from(sizes))
        number = draw(st.integers(0, tasks))
        ids: tuple[int, ...] | None = None
        if number and draw(st.integers(0, 2)) == 0:
            first = draw(st.sampled_from([f for f, n in legal if n == size]))
            wanted = tuple(range(first, first + size))
            if {taken.get(d) for d in wanted} <= {None} or taken.get(first) == wanted:
                ids = wanted
                taken |= dict.fromkeys(wanted, wanted)
        found.append(Demand(f"m{index}", size, number, ids))
    assert all(d.size <= devices for d in found)
    return tuple(found)


def on_any_host(
    *, most: int = 4, tasks: int = 4
) -> st.SearchStrategy[tuple[int, Sets, tuple[Demand, ...]]]:
    def of(devices: int) -> st.SearchStrategy[tuple[int, Sets, tuple[Demand, ...]]]:
        legal = HOSTS[devices]
        return st.tuples(
            st.just(devices),
            st.just(legal),
            demands(devices=devices, legal=legal, most=most, tasks=tasks),
        )

    return st.sampled_from(sorted(HOSTS)).flatmap(of)


# ---- the exhaustive search -------------------------------------------------------------------


@cache
def every_cut(devices: int, legal: Sets) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Every set of disjoint legal sets, as (first device, devices) each."""
    known = frozenset(legal)

    def walk(at: int) -> Iterator[tuple[tuple[int, int], ...]]:
        if at == devices:
            yield ()
            return
        for size in range(1, devices - at + 1):
            if (at, size) in known:
                for rest in walk(at + size):
                    yield ((at, size), *rest)
        yield from walk(at + 1)

    return tuple(sorted(set(walk(0))))


@cache
def rows_of_the_torus() -> tuple[tuple[tuple[int, int], ...], ...]:
    """The cuts of a torus that leave nothing uncovered; any other is one of them less a slot."""

    def pair(at: int) -> list[tuple[tuple[int, int], ...]]:
        return [((at, 2),), ((at, 1), (at + 1, 1))]

    def quarter(at: int) -> list[tuple[tuple[int, int], ...]]:
        return [((at, 4),), *(a + b for a in pair(at) for b in pair(at + 2))]

    def half(at: int) -> list[tuple[tuple[int, int], ...]]:
        return [((at, 8),), *(a + b for a in quarter(at) for b in quarter(at + 4))]

    return (((0, 16),), *(a + b for a in half(0) for b in half(8)))


def fewest_services(
    slots: Sequence[tuple[int, int]], wanted: Sequence[Demand], instances: int, beat: int
) -> int:
    """The fewest pairs of workload and slot with which all tasks fit; `beat` where there is none
    below it."""
    places: list[list[int]] = []
    for demand in wanted:
        if demand.ids is None:
            places.append([i for i, (_, n) in enumerate(slots) if n >= demand.size])
        else:
            inside = set(demand.ids)
            places.append([i for i, (f, n) in enumerate(slots) if inside <= set(range(f, f + n))])
        if not places[-1]:
            return beat
    best = beat
    seen: dict[tuple[int, int, int, tuple[int, ...]], int] = {}

    def spread(which: int, at: int, tasks: int, left: tuple[int, ...], pairs: int) -> None:
        """Tries the tasks of a demand on its slots from the one at `at`, and then all others."""
        nonlocal best
        while not tasks:
            which, at = which + 1, 0
            if which == len(wanted):
                best = min(best, pairs)
                return
            tasks = wanted[which].tasks
        open_ = sum(1 for d in wanted[which:] if d.tasks)
        state = (which, at, tasks, left)
        if pairs + open_ >= best or at == len(places[which]) or seen.get(state, 99) <= pairs:
            return
        seen[state] = pairs
        slot = places[which][at]
        for some in range(min(tasks, left[slot]), -1, -1):
            rest = (*left[:slot], left[slot] - some, *left[slot + 1 :])
            spread(which, at + 1, tasks - some, rest, pairs + (some > 0))

    spread(-1, 0, 0, (instances,) * len(slots), 0)
    return best


def exhaustive(devices: int, legal: Sets, wanted: Sequence[Demand]) -> tuple[int, int] | None:
    """The fewest instances, and with them the fewest services; None where no cut holds all."""
    cuts = rows_of_the_torus() if legal == TORUS else every_cut(devices, legal)
    jobs = [d for d in wanted if not d.tasks]
    models = sorted((d for d in wanted if d.tasks), key=lambda d: (d.ids is None, -d.size))
    holding = [c for c in cuts if all(any(n >= j.size for _, n in c) for j in jobs)]
    if all(d.ids is None for d in wanted):
        by_sizes = {tuple(sorted(n for _, n in cut)): cut for cut in holding}
        holding = list(by_sizes.values())
    total = sum(d.tasks for d in models)
    for instances in range(total + 1):
        best = 99
        for cut in (c for c in holding if len(c) * instances >= total):
            best = fewest_services(cut, models, instances, best)
        if best < 99:
            return instances, best
    return None


def by_slot(cut: Cut) -> int:
    """The most tasks on one slot."""
    return max(sum(d.tasks for d in deals) for deals in cut.deals)


# ---- laws ------------------------------------------------------------------------------------


@given(on_any_host())
@settings(max_examples=250)
def test_slots_are_disjoint_and_legal(case: tuple[int, Sets, tuple[Demand, ...]]) -> None:
    devices, legal, wanted = case
    cut = arrange(devices, legal, wanted)
    assert cut is not None, "all devices are a legal set, which has room for every task"
    covered = [d for slot in cut.slots for d in slot]
    assert len(covered) == len(set(covered)), "two slots share a chip: their tasks would meet"
    assert set(covered) <= set(range(devices))
    for slot in cut.slots:
        assert (slot[0], len(slot)) in legal
        assert slot == tuple(range(slot[0], slot[0] + len(slot)))
    assert list(cut.slots) == sorted(cut.slots)


@given(on_any_host())
@settings(max_examples=250)
def test_each_task_takes_a_legal_set_inside_its_slot(
    case: tuple[int, Sets, tuple[Demand, ...]],
) -> None:
    devices, legal, wanted = case
    cut = arrange(devices, legal, wanted)
    assert cut is not None, "all devices are a legal set, which has room for every task"
    by_name = {d.name: d for d in wanted}
    for slot, deals in zip(cut.slots, cut.deals, strict=True):
        assert deals, "a slot that nobody sits on is no slot"
        assert [d.name for d in deals] == sorted({d.name for d in deals})
        for deal in deals:
            demand = by_name[deal.name]
            assert set(deal.devices) <= set(slot)
            assert (deal.devices[0], len(deal.devices)) in legal
            assert len(deal.devices) == demand.size
            if demand.ids is not None:
                assert deal.devices == demand.ids, "ids that are named are promises"
            else:
                assert deal.devices == slot[: demand.size]


@given(on_any_host())
@settings(max_examples=250)
def test_all_tasks_are_dealt_and_the_fullest_slot_is_the_number_of_instances(
    case: tuple[int, Sets, tuple[Demand, ...]],
) -> None:
    cut = arrange(*case)
    assert cut is not None, "all devices are a legal set, which has room for every task"
    dealt: Counter[str] = Counter()
    for deal in itertools.chain.from_iterable(cut.deals):
        dealt[deal.name] += deal.tasks
    assert dict(dealt) == {d.name: d.tasks for d in case[2]}
    assert cut.instances <= by_slot(cut), "named devices of a slot may differ"
    assert cut.instances == by_slot(cut) or any(d.ids for d in case[2])
    assert cut.fewest <= cut.instances
    for demand in case[2]:
        deals = [d for d in itertools.chain.from_iterable(cut.deals) if d.name == demand.name]
        if demand.tasks:
            assert all(d.tasks for d in deals), "a service that never has a task"
        else:
            assert len(deals) == 1, "a job has one slot to run on"


@given(on_any_host(tasks=4))
@settings(max_examples=300)
def test_no_cut_and_no_dealing_needs_fewer_instances_nor_then_fewer_services(
    case: tuple[int, Sets, tuple[Demand, ...]],
) -> None:
    devices, legal, wanted = case
    cut = arrange(devices, legal, wanted)
    jobs = sum(1 for d in wanted if not d.tasks)
    found = (by_slot(cut), cut.services - jobs) if cut else None
    assert found == exhaustive(devices, legal, wanted)


@given(on_any_host(), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_the_order_of_the_demands_never_matters(
    case: tuple[int, Sets, tuple[Demand, ...]], chance: random.Random
) -> None:
    devices, legal, wanted = case
    mixed = list(wanted)
    chance.shuffle(mixed)
    sets = list(legal)
    chance.shuffle(sets)
    assert arrange(devices, tuple(sets), tuple(mixed)) == arrange(devices, legal, wanted)


def placed_in_any_order(cut: Cut, instances: int, chance: random.Random) -> bool:
    """Whether all tasks find an instance whose devices are free, placed one by one at random."""
    tasks = [d.devices for deals in cut.deals for d in deals for _ in range(d.tasks)]
    chance.shuffle(tasks)
    locked: list[set[int]] = [set() for _ in range(instances)]
    for devices in tasks:
        free = [host for host in locked if not host & set(devices)]
        if not free:
            return False
        chance.choice(free).update(devices)
    return True


@given(on_any_host(most=6, tasks=9), st.randoms(use_true_random=False))
@settings(max_examples=250)
def test_whatever_order_ecs_places_the_tasks_in_the_planned_instances_are_enough(
    case: tuple[int, Sets, tuple[Demand, ...]], chance: random.Random
) -> None:
    cut = arrange(*case)
    assert cut is not None, "all devices are a legal set, which has room for every task"
    for _ in range(5):
        assert placed_in_any_order(cut, cut.instances, chance)


@given(on_any_host(most=5, tasks=6), st.data())
@settings(max_examples=150)
def test_a_minimum_is_dealt_whole_and_within_its_slots(
    case: tuple[int, Sets, tuple[Demand, ...]], data: st.DataObject
) -> None:
    cut = arrange(*case)
    assert cut is not None, "all devices are a legal set, which has room for every task"
    for demand in case[2]:
        limits = [d.tasks for deals in cut.deals for d in deals if d.name == demand.name]
        least = data.draw(st.integers(0, demand.tasks))
        shares = share_evenly(least, limits)
        assert sum(shares) == least
        assert all(share <= limit for share, limit in zip(shares, limits, strict=True))
        open_ = [s for s, limit in zip(shares, limits, strict=True) if s < limit]
        assert not open_ or max(shares) - min(open_) <= 1, "spread before a second instance"


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=6),
)
def test_one_device_is_one_slot_whoever_wants_it(wanted: list[tuple[int, bool]]) -> None:
    named = tuple(
        Demand(f"m{i}", 1, tasks, (0,) if ids and tasks else None)
        for i, (tasks, ids) in enumerate(wanted)
    )
    cut = arrange(1, ((0, 1),), named)
    assert cut is not None
    assert cut.slots == ((0,),)
    assert cut.instances == sum(tasks for tasks, _ in wanted)


def test_no_demands_are_no_slots() -> None:
    for devices, legal in HOSTS.items():
        cut = arrange(devices, legal, ())
        assert cut is not None
        assert (cut.slots, cut.instances) == ((), 0)


@pytest.mark.parametrize(
    ("wanted", "instances"),
    [
        ([(4, 1), (4, 1), (1, 2), (1, 1)], 1),  # 11 of 12 chips
        ([(12, 1), (1, 1)], 2),
        ([(6, 2), (6, 2)], 2),
        ([(5, 2), (2, 1)], 1),
        ([(5, 3), (2, 1)], 2),
        ([(7, 2)], 2),
        ([(3, 8)], 2),
        ([(1, 13)], 2),
    ],
)
def test_what_fits_a_ring_of_twelve_can_be_counted(
    wanted: list[tuple[int, int]], instances: int
) -> None:
    cut = arrange(
        12, RING_12, tuple(Demand(f"m{i}", size, n) for i, (size, n) in enumerate(wanted))
    )
    assert cut is not None
    assert cut.instances == instances


def test_named_devices_that_leave_no_room_are_refused() -> None:
    named = (Demand("a", 1, 1, (2,)), Demand("b", 1, 1, (3,)), Demand("c", 4, 1))
    # c's tasks could only sit on a slot around a or b, which is legal: one slot, a queue of its own
    assert arrange(6, RING_6, named) is not None
    apart = (Demand("a", 1, 1, (5,)), Demand("b", 8, 1))
    cut = arrange(16, TORUS, apart)
    assert cut is not None
    assert cut.slots == ((5,), tuple(range(8, 16)))


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_shares_never_exceed_their_limits(size: int) -> None:
    assert (
        share_evenly(size, (2, 0, 1))
        == {0: (0, 0, 0), 1: (1, 0, 0), 2: (1, 0, 1), 5: (2, 0, 1)}[size]
    )


# ---- speed -----------------------------------------------------------------------------------

WORST: dict[str, tuple[Demand, ...]] = {
    "twelve distinct sizes": tuple(Demand(f"m{n:02}", n, 20 - n) for n in range(1, 13)),
    "twelve workloads of twelve sizes and many tasks": tuple(
        Demand(f"m{n:02}", n, 500 - 7 * n) for n in range(1, 13)
    ),
    "sixteen sizes": tuple(Demand(f"m{n:02}", n, n) for n in range(1, 17)),
    "every device named": tuple(Demand(f"m{n:02}", 1, n % 3 + 1, (n,)) for n in range(16)),
    "every other device named": tuple(
        [Demand(f"n{n:02}", 1, 1, (n,)) for n in range(0, 16, 2)]
        + [Demand(f"m{n:02}", n, n + 1) for n in (1, 3, 5, 7)]
    ),
    "one hundred workloads": tuple(Demand(f"m{n:03}", n % 5 + 1, n % 4 + 1) for n in range(100)),
    "six that are searched exactly": tuple(
        Demand(f"m{i}", size, tasks)
        for i, (size, tasks) in enumerate([(4, 3), (1, 8), (3, 3), (3, 2), (1, 4), (2, 8)])
    ),
    "named devices of many fillings and six that are searched exactly": tuple(
        [Demand(f"n{n}", 1, n % 5 + 1, (n,)) for n in range(10)]
        + [Demand(f"m{i}", size, 7 + i) for i, size in enumerate((1, 1, 1, 2, 2, 3))]
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORST)
def test_the_widest_ring_is_cut_while_somebody_waits_for_it(name: str) -> None:
    def cut() -> None:
        arrange.cache_clear()
        assert arrange(16, RING_16, WORST[name]) is not None

    # the last is made to be slow: sixteen workloads, ten of them with named devices
    most = 1.0 if name == list(WORST)[-1] else 0.2
    assert least(cut, most) < most
