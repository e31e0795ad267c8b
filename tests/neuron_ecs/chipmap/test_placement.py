"""Laws of who sits where: every device once, every task once, on legal devices."""

import pytest
from hypothesis import given

from catalog import load
from neuron_ecs.chipmap.picture import links, positions
from neuron_ecs.chipmap.placement import Fold, cells, counts, folded, moved, numbers
from neuron_ecs.chipmap.pools import DrawnPool
from planning.placing import Placement, picture
from planning.plan import Assignment
from tests.neuron_ecs.chipmap import drawn

SIZES = pytest.mark.parametrize("full", [False, True], ids=["minimum", "maximum"])


def a_pool(
    *placements: Placement, limit: int | None = 4, jobs: tuple[Assignment, ...] = ()
) -> DrawnPool:
    slots = tuple(dict.fromkeys(placement.slot for placement in placements))
    tasks = [sum(s.tasks(full=True) for s in placements if s.slot == slot) for slot in slots]
    most = max(tasks, default=0)
    return DrawnPool(
        *(most, most, limit, placements, jobs, ()),
        *("pool", "auto_scaling", ("inf1.6xlarge",), "on_demand", "ring", 4, False, slots, ()),
    )


def placement(
    model: str, devices: tuple[int, ...], tasks: int, low: int = 100, high: int = 200
) -> Placement:
    return Placement(devices, Assignment(model, devices, tasks, tasks), low, high)


def job(name: str, *devices: int) -> Assignment:
    return Assignment(name, devices, 0, 1, is_job=True)


def check(pool: DrawnPool, *, full: bool) -> None:
    seen = picture(pool, full=full)
    assert len(seen.running) == pool.instances(full=full)
    for instance in (*seen.instances, *seen.surge):
        drawn_devices = [cell.device for cell in cells(pool, instance)]
        assert drawn_devices == list(range(pool.devices)), "every device exactly once"
        held = [d for task in instance.tasks for d in task.devices]
        assert len(held) == len(set(held)), "no two tasks of an instance share a device"
    held = counts(pool, seen)
    assert sum(held.values()) == len(seen.running) * pool.devices, "free and taken are all"
    placed = [(t.workload, t.slot, t.devices) for i in seen.running for t in i.tasks]
    wished = [
        (s.model, s.slot, s.devices) for s in pool.placements for _ in range(s.tasks(full=full))
    ]
    assert sorted(placed) == sorted(wished), "every task exactly once"
    names = [(t.workload, t.number) for i in seen.running for t in i.tasks]
    assert len(names) == len(set(names))
    if pool.devices:
        legal = set(load().neuron.device_sets(pool.types[0]))
        for _, _, devices in placed:
            assert (devices[0], len(devices)) in legal
            assert devices == tuple(range(devices[0], devices[0] + len(devices)))
    for s in pool.placements:
        assert len(numbers(seen, s)) == s.tasks(full=full)


def check_growth(pool: DrawnPool, *, full: bool) -> None:
    seen = picture(pool, full=full)
    models = {d for s in pool.placements for d in s.devices}
    for instance in seen.instances:
        taken = {d for task in instance.tasks for d in task.devices}
        for job in instance.jobs:
            assert not taken & set(job.devices), "a job takes devices that no model holds"
    lent = sorted(t.workload for i in seen.instances for t in i.jobs)
    assert sorted([*lent, *seen.waiting]) == sorted(j.workload for j in pool.jobs), "every job once"
    for waiting in pool.jobs:
        if waiting.workload in seen.waiting:
            assert models & set(waiting.devices) or not pool.limit
    if pool.limit is not None:
        assert len(seen.instances) <= pool.limit, "jobs do not grow a pool beyond its limit"
        most = max(pool.limit, len(seen.running))
        assert all(i.number <= most for i in seen.surge), "nor do rollouts"
    for rollout in seen.rollouts:
        tasks = rollout.placement.tasks(full=full)
        assert 0 <= rollout.at_once <= tasks
        assert rollout.instances <= len(seen.surge), "all at once take what one takes, and more"
        if not rollout.placement.surges:
            assert rollout.instances == 0


@given(drawn.pools())
def test_a_drawn_pool_has_every_device_and_every_task_once(pool: DrawnPool) -> None:
    for full in (False, True):
        check(pool, full=full)
        check_growth(pool, full=full)


@SIZES
def test_the_pools_of_the_shipped_stacks_keep_the_same_laws(full: bool) -> None:
    for pool in drawn.shipped():
        check(pool, full=full)
        check_growth(pool, full=full)


@given(drawn.pools())
def test_folding_loses_no_instance_and_keeps_their_order(pool: DrawnPool) -> None:
    for full in (False, True):
        seen = picture(pool, full=full)
        folds: list[Fold] = list(folded(pool, seen.instances))
        told = [n for f in folds for n in range(f.first, f.first + f.count)]
        assert told == [i.number for i in seen.instances]
        by_number = {i.number: i for i in seen.instances}
        for fold in folds:
            for n in range(fold.first, fold.first + fold.count):
                faces = [c.holders for c in cells(pool, by_number[n])]
                assert faces == [c.holders for c in fold.cells]


@given(drawn.pools())
def test_nothing_moves_between_a_pool_and_itself(pool: DrawnPool) -> None:
    seen = picture(pool, full=True)
    assert moved(pool, seen, pool, seen) == frozenset()


@given(drawn.pools(), drawn.pools())
def test_what_moves_is_where_the_two_pictures_differ(one: DrawnPool, other: DrawnPool) -> None:
    mine, theirs = picture(one, full=True), picture(other, full=True)
    here = moved(one, mine, other, theirs)
    there = moved(other, theirs, one, mine)
    both = {
        (i.number, d)
        for i in mine.instances
        for d in range(min(one.devices, other.devices))
        if i.number <= len(theirs.instances)
    }
    assert here & both == there & both, "a device that differs differs from both sides"


def test_tasks_fill_the_instances_of_a_slot_in_the_order_of_the_seats() -> None:
    pool = a_pool(placement("a", (0, 1), 1), placement("b", (0, 1), 2), placement("c", (2,), 1))
    seen = picture(pool, full=True)
    assert [[t.workload for t in i.tasks] for i in seen.instances] == [["a", "c"], ["b"], ["b"]]
    assert numbers(seen, pool.placements[1]) == (2, 3)


def test_a_surge_takes_free_slots_before_more_instances() -> None:
    pool = a_pool(placement("a", (0, 1), 3), placement("b", (2,), 1), limit=None)
    a, b = picture(pool, full=True).rollouts
    assert (a.at_once, a.instances) == (3, 3)
    assert (b.at_once, b.instances) == (1, 0), "device 2 is free on the second instance"


def test_a_surge_ends_at_the_limit_of_its_pool() -> None:
    pool = a_pool(placement("a", (0, 1), 3), limit=4)
    seen = picture(pool, full=True)
    assert (seen.rollouts[0].at_once, seen.rollouts[0].instances) == (1, 1)
    assert [i.number for i in seen.surge] == [4]
    assert seen.new_tasks == 1


@pytest.mark.parametrize(("tasks", "low", "stops"), [(1, 0, 1), (2, 50, 1), (3, 66, 1), (4, 50, 2)])
def test_in_place_as_many_stop_as_the_minimum_lets_go(tasks: int, low: int, stops: int) -> None:
    pool = a_pool(placement("a", (0,), tasks, low, 100))
    rollout = picture(pool, full=True).rollouts[0]
    assert (rollout.at_once, rollout.instances) == (stops, 0)


def test_a_job_takes_free_devices_before_an_instance_of_its_own() -> None:
    free, whole = job("small", 2, 3), job("whole", 0, 1, 2, 3)
    seen = picture(a_pool(placement("a", (0, 1), 1), jobs=(free, whole)), full=True)
    assert [[j.workload for j in i.jobs] for i in seen.instances] == [["small"], ["whole"]]
    assert seen.instances[1].role == "job"


def test_a_job_without_room_waits() -> None:
    whole = job("whole", 0, 1, 2, 3)
    assert picture(
        a_pool(placement("a", (0, 1), 1), limit=1, jobs=(whole,)), full=True
    ).waiting == ("whole",)


def test_rings_and_toruses_are_drawn_with_the_links_they_have() -> None:
    """A link on the page joins neighbours, except that a ring closes and a torus wraps."""
    for pool in drawn.shipped():
        places = positions(pool)
        assert len(set(places)) == max(pool.devices, 1), "no two devices in one place"
        for a, b in links(pool):
            (x1, y1), (x2, y2) = places[a], places[b]
            assert abs(x1 - x2) + abs(y1 - y2) == 1
        degree = [sum(d in link for link in links(pool)) for d in range(pool.devices)]
        if pool.shape == "ring":
            assert set(degree) == {2}
        if pool.shape == "torus_4x4":
            assert sorted(degree) == [2] * 4 + [3] * 8 + [4] * 4, "the rest are stubs"
