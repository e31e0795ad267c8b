"""No two processes ever hold one device of one host, and every service reaches its wish."""

import os
import random
from collections.abc import Callable

import pytest

from tests.planning.stacks import groups, work
from tests.simulation.driving import Driver, Weather, rest, settle
from tests.simulation.proving import (
    GUARDS,
    Report,
    broken_at_rest,
    prove,
    prove_case,
    start_from_zero,
)
from tests.simulation.shrinking import collisions, counterexample, replay, told
from tests.simulation.states import NEURON_DEVICES, Rules
from tests.simulation.worlds import Case, config_of, distinct_only, only_case, random_case, written
from tests.simulation.wrong import (
    distinct_instance,
    distinct_instance_and_job,
    naive_replicas,
    naive_update,
    pool,
)

SEED = int(os.environ.get("SIMULATION_SEED", "1"))
EVENTS = int(os.environ.get("SIMULATION_EVENTS", "100000"))


# ---- the proof -------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", GUARDS, ids=["both", "agent-alone", "scheduler-alone"])
def test_no_two_processes_meet_on_a_device_of_a_written_stack(rules: Rules) -> None:
    report = Report()
    for number, case in enumerate(written()):
        prove_case(case, random.Random(number), rules, 500, report)
    assert report.broken == []
    assert report.events >= 500 * len(written())


def test_no_two_processes_meet_on_a_device_of_random_stacks() -> None:
    rng, report = random.Random(SEED), Report()
    for number in range(45):
        prove_case(random_case(rng), rng, GUARDS[number % len(GUARDS)], 600, report)
    assert report.broken == []


def test_the_proof_at_length() -> None:
    report = prove(SEED, EVENTS)
    assert report.broken == []
    assert report.events >= EVENTS


def test_every_task_locks_exactly_its_devices() -> None:
    for case in written():
        for task in (*(s.task for s in case.services), *(t for _, t in case.jobs)):
            if NEURON_DEVICES in task.host_ports:
                continue  # ECS itself gives all devices to one task
            locks = {p - 20000 for p in task.host_ports if 20000 <= p < 20000 + case.pool.devices}
            assert locks == set(task.devices), case.name


# ---- what the plan claims of its instances ---------------------------------------------------


def as_small_as_claimed(rng: random.Random) -> Case:
    """A random pool without an instance to spare."""
    while True:
        case = random_case(rng)
        if case.pool.max_size == max(1, case.layout.instances_max):
            return case


def test_the_instances_of_the_plan_suffice_in_every_order_of_placement() -> None:
    rng = random.Random(SEED)
    for _ in range(40):
        case = as_small_as_claimed(rng)
        world = case.world()
        driver = Driver(world, rng, packing=rng.choice((0.0, 1.0)))
        driver.run(200)
        assert settle(driver, counts=lambda s: s.spec.most)
        assert list(broken_at_rest(case, world)) == []


def test_a_slot_has_no_more_tasks_than_the_pool_has_instances() -> None:
    for case in (*written(), *(random_case(random.Random(n)) for n in range(40))):
        for slot in case.layout.slots:
            assert slot.tasks_max <= case.layout.instances_max <= case.pool.max_size


def test_from_no_instance_binpack_uses_no_more_than_the_plan_says() -> None:
    rng = random.Random(SEED)
    for case in (*written(), *(random_case(rng) for _ in range(60))):
        start = start_from_zero(case, rng)
        if case.pool.devices:
            running = max(start.used, case.pool.min_size)
            assert running <= case.layout.instances_max, case.name


def test_the_first_step_of_two_costs_one_instance_for_fifteen_points() -> None:
    """AWS launches two for the first task; the second stands idle until the metric has been low for
    fifteen minutes. Only `max_size: 1` or a minimum size avoids it."""
    for size, extra in ((1, 0), (2, 1), (3, 1)):
        case = pool(size, {"chat": work(2)})
        start = start_from_zero(case, random.Random(SEED))
        assert (start.used, start.too_many) == (1, extra)
        assert start.idle_points == 15 * extra


def test_without_binpack_the_second_instance_may_never_go() -> None:
    """Tasks of two slots on two instances: each has one, so none is idle."""
    case = pool(2, {"chat": work(2), "draft": work(2)})
    used = {start_from_zero(case, random.Random(s), packing=0.0).used for s in range(20)}
    assert used == {1, 2}
    packed = {start_from_zero(case, random.Random(s), packing=1.0).used for s in range(20)}
    assert packed == {1}, "the services' strategy"


def test_a_pool_without_chips_holds_its_tasks_in_any_order_on_the_instances_of_the_plan() -> None:
    """ECS places tasks as they come: two small ones on one instance leave a large one without room.
    The best packing of these is two instances; the plan says four, and two are not enough."""
    models = {
        "large": work(cpu_units=2600, memory_mib=5000, replicas={"min": 2}),
        "small": work(cpu_units=1300, memory_mib=2400, replicas={"min": 2}),
    }
    for size, expected in ((2, {True, False}), (4, {True})):
        case = only_case(config_of(groups("c7g.xlarge", size), models, {}))
        assert case is not None
        assert case.layout.instances_max == 4
        ends: set[bool] = set()
        for seed in range(30):
            world = case.world()
            assert rest(Driver(world, random.Random(seed), packing=1.0))
            ends.add(all(s.steady for s in world.service_list))
        assert ends == expected


# ---- the model finds what is wrong -----------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "most"),
    [
        (naive_replicas, 8),
        (naive_update, 9),
        (distinct_instance, 10),
        (distinct_instance_and_job, 8),
    ],
)
def test_without_locks_the_collision_is_found_and_cut_down(
    wrong: Callable[[], Case], most: int
) -> None:
    case = wrong()
    found = counterexample(case, Rules(), seeds=range(20), events=400)
    assert found is not None, "a model that cannot see this proves nothing"
    trace, collision, first = found
    assert first <= 400
    assert len(trace) <= most, told(trace, collision)
    for leave_out in range(len(trace)):
        rest_of_it = [*trace[:leave_out], *trace[leave_out + 1 :]]
        assert replay(case, Rules(), rest_of_it)[1].collision is None, "each event is needed"


def test_the_shortest_collision_without_locks_stays_as_it_is() -> None:
    found = counterexample(distinct_instance(), Rules(), seeds=range(20), events=400)
    assert found is not None
    assert told(found[0], found[1]).splitlines()[3:] == [
        "  4  chat 1#1 is placed on i1 (PENDING)",
        "  5  the agent starts chat 1#1: its process opens its devices",
        "  6  service chat 1 is updated: a new deployment",
        "  7  the service scheduler stops chat 1#1: STOPPING, its process lives on",
        "  8  service chat 1 starts a task (PROVISIONING)",
        "  9  chat 1#2 is placed on i1 (PENDING)",
        " 10  the agent starts chat 1#2: its process opens its devices",
        "     => chat 1#2 opens /dev/neuron0 of i1, which chat 1#1 still holds",
    ]


def test_locks_that_nobody_reserves_protect_nothing() -> None:
    """The proof rests on the reservation of host ports, and on nothing else."""
    case = pool(2, {"chat": work(2, replicas={"min": 2})})
    assert any(collisions(case, Rules(False, False), seeds=range(20), events=400))
    for rules in GUARDS:
        assert not any(collisions(case, rules, seeds=range(10), events=400))


def test_every_written_pool_that_shares_chips_needs_its_locks() -> None:
    """Where one task fills the instance its CPU and memory are a lock too, while the scheduler
    holds what STOPPING tasks have; elsewhere nothing but the locks keeps tasks apart."""
    weather = Weather(disturbance=0.15)
    for case in written():
        if case.pool.devices < 4 or not case.services:
            continue
        found = collisions(
            distinct_only(case), Rules(), seeds=range(60), events=600, weather=weather
        )
        assert any(found), case.name


# ---- counts that an operator sets ------------------------------------------------------------


@pytest.mark.parametrize("desired", range(9))
def test_an_update_ends_at_every_desired_count_that_no_note_names(desired: int) -> None:
    """Four instances, all of them full at the maximum: NE608 names 1, and 7 or more."""
    case = only_case(
        config_of(groups("inf2.xlarge", 4), {"m": work(1, replicas={"min": 2, "max": 4})}, {})
    )
    assert case is not None
    assert "m (1 and 7 or more)" in case.stuck
    for seed in range(20):
        world = case.world()
        driver = Driver(world, random.Random(seed))
        (service,) = world.service_list
        for event in (
            ("scale", service.spec.key, str(desired)),
            ("deploy", service.spec.key, "good"),
        ):
            driver.happen(event)
            assert rest(driver)
        renewed = all(t.revision == service.revision for t in service.tasks if t.instance)
        assert renewed == case.rolls(service.spec, desired)
