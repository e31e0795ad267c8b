"""Each rule of the model alone, so that the proof does not prove a model that is wrong."""

import random

import pytest

from tests.simulation.driving import Driver, rest, settle
from tests.simulation.model import World
from tests.simulation.states import (
    BREAKER_LEAST,
    RUNNING,
    SCALE_IN_POINTS,
    STOPPING,
    PoolSpec,
    Rules,
    ServiceSpec,
    TaskSpec,
)

SMALL = TaskSpec(devices=(0,), host_ports=frozenset(), cpu=1, memory=1)
LOCKED = TaskSpec(devices=(0,), host_ports=frozenset({20000}), cpu=1, memory=1)


def pool(max_size: int = 2, min_size: int = 0, step: int = 2) -> PoolSpec:
    return PoolSpec("inf2.xlarge", 1, 100, 100, max_size, min_size, step, frozenset({22, 51678}))


def world_of(
    *services: ServiceSpec, size: int = 1, max_size: int = 4, rules: Rules | None = None
) -> World:
    """A pool with so many instances registered, and its services created."""
    world = World(pool(max_size), services, {"job": LOCKED}, rules)
    world.desired_instances = size
    for number in range(1, size + 1):
        assert world.apply(("launch",))
        assert world.apply(("register", f"i{number}"))
    for service in services:
        assert world.apply(("create", service.key))
    return world


def service(
    task: TaskSpec = SMALL,
    desired: int = 1,
    low: int = 100,
    high: int = 200,
    *,
    apart: bool = False,
) -> ServiceSpec:
    return ServiceSpec("a", task, desired, desired, low, high, distinct_instance=apart)


def serve(world: World, number: int, instance: str = "i1") -> str:
    """Starts task `a#number` and brings it to health."""
    task = f"a#{number}"
    for event in (("start", "a"), ("place", task, instance), ("run", task), ("ready", task)):
        assert world.apply(event), event
    return task


# ---- deployments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("desired", "low", "high", "fewest", "most"),
    [
        (4, 50, 100, 2, 4),
        (2, 75, 200, 2, 4),
        (3, 50, 150, 2, 4),
        (3, 66, 133, 2, 3),
        (1, 0, 100, 0, 1),
    ],
)
def test_the_minimum_is_rounded_up_and_the_maximum_down(
    desired: int, low: int, high: int, fewest: int, most: int
) -> None:
    world = world_of(service(desired=desired, low=low, high=high))
    live = world.services["a"]
    assert (live.lower, live.upper) == (fewest, most), "AWS: 75 % of two lets none of them stop"


def test_a_full_maximum_starts_nothing_until_a_task_stops() -> None:
    world = world_of(service(low=0, high=100))
    serve(world, 1)
    assert world.apply(("deploy", "a", "good"))
    assert not world.apply(("start", "a")), "100 % of one task is running"
    assert world.apply(("stop", "a#1"))
    assert world.tasks["a#1"].state is STOPPING
    assert world.apply(("start", "a")), "a STOPPING task does not count for the maximum"


def test_a_full_minimum_stops_nothing_until_a_new_task_is_healthy() -> None:
    world = world_of(service())
    serve(world, 1)
    assert world.apply(("deploy", "a", "good"))
    assert not world.apply(("stop", "a#1")), "100 % of one task must stay healthy"
    serve(world, 2)
    assert world.apply(("stop", "a#1"))


def test_percents_that_leave_no_step_never_roll() -> None:
    world = world_of(service(low=50, high=100))
    serve(world, 1)
    assert world.apply(("deploy", "a", "good"))
    assert not world.apply(("stop", "a#1")), "half of one task, rounded up, is one"
    assert not world.apply(("start", "a"))


def test_the_breaker_rolls_back_to_the_last_completed_deployment() -> None:
    world = world_of(service(), size=1)
    serve(world, 1)
    live = world.services["a"]
    assert live.completed == 1
    assert world.apply(("deploy", "a", "bad"))
    for number in range(2, 2 + BREAKER_LEAST):
        assert world.apply(("start", "a"))
        assert world.apply(("place", f"a#{number}", "i1"))
        assert world.apply(("run", f"a#{number}"))
        assert not world.apply(("ready", f"a#{number}")), "a bad revision never answers"
        assert world.apply(("crash", f"a#{number}"))
        assert world.apply(("stopped", f"a#{number}"))
    assert live.revision == 3, "three failures, the least that the breaker takes"
    assert live.revision not in live.bad
    assert not live.failed


def test_the_breaker_stalls_where_no_deployment_has_completed() -> None:
    world = world_of(service())
    for number in range(1, 1 + BREAKER_LEAST):
        for event in (("start", "a"), ("place", f"a#{number}", "i1"), ("run", f"a#{number}")):
            assert world.apply(event)
        assert world.apply(("crash", f"a#{number}"))
        assert world.apply(("stopped", f"a#{number}"))
    assert world.services["a"].failed
    assert not world.apply(("start", "a"))


# ---- placement -------------------------------------------------------------------------------


def test_a_host_port_is_reserved_until_its_task_has_stopped() -> None:
    world = world_of(service(LOCKED, low=0, high=100))
    serve(world, 1)
    assert world.apply(("deploy", "a", "good"))
    assert world.apply(("stop", "a#1"))
    assert world.apply(("start", "a"))
    assert not world.apply(("place", "a#2", "i1")), "a#1 is STOPPING and holds its port"
    assert world.apply(("exit", "a#1"))
    assert not world.apply(("place", "a#2", "i1")), "its process is gone, but ECS has not heard"
    assert world.apply(("stopped", "a#1"))
    assert world.apply(("place", "a#2", "i1"))


def test_the_agent_keeps_a_task_pending_whose_port_another_one_holds() -> None:
    world = world_of(service(LOCKED, low=0, high=100), rules=Rules(scheduler_holds_stopping=False))
    serve(world, 1)
    assert world.apply(("deploy", "a", "good"))
    assert world.apply(("stop", "a#1"))
    assert world.apply(("start", "a"))
    assert world.apply(("place", "a#2", "i1")), "this scheduler forgets what STOPPING tasks hold"
    assert not world.apply(("run", "a#2")), "the agent does not"
    assert world.apply(("exit", "a#1"))
    assert world.apply(("stopped", "a#1"))
    assert world.apply(("run", "a#2"))
    assert world.collision is None


def test_the_agent_starts_tasks_in_the_order_in_which_they_came() -> None:
    other = TaskSpec(devices=(), host_ports=frozenset(), cpu=1, memory=1)
    world = World(
        pool(),
        (service(LOCKED, low=0, high=100),),
        {"job": other},
        Rules(scheduler_holds_stopping=False),
    )
    world.desired_instances = 1
    for event in (("launch",), ("register", "i1"), ("create", "a")):
        assert world.apply(event)
    serve(world, 1)
    for event in (("deploy", "a", "good"), ("stop", "a#1"), ("start", "a"), ("place", "a#2", "i1")):
        assert world.apply(event)
    assert world.apply(("run_job", "job"))
    assert world.apply(("place", "job#1", "i1"))
    assert not world.apply(("run", "job#1")), "it waits behind a#2, which waits for a port"


def test_without_either_reservation_two_processes_meet_on_a_device() -> None:
    world = world_of(service(LOCKED, low=0, high=100), rules=Rules(False, False))
    serve(world, 1)
    for event in (("deploy", "a", "good"), ("stop", "a#1"), ("start", "a")):
        assert world.apply(event)
    assert world.apply(("place", "a#2", "i1"))
    assert world.apply(("run", "a#2"))
    assert world.collision is not None, "else the model could not see what it is there to see"


def test_a_reserved_port_of_the_instance_is_nobodys() -> None:
    taken = TaskSpec(devices=(), host_ports=frozenset({51678}), cpu=1, memory=1)
    world = world_of(service(taken))
    assert world.apply(("start", "a"))
    assert not world.apply(("place", "a#1", "i1"))


def test_an_instance_reserves_a_hundred_ports_at_most() -> None:
    many = TaskSpec(devices=(), host_ports=frozenset(range(1000, 1099)), cpu=1, memory=1)
    world = world_of(service(many))
    assert world.apply(("start", "a"))
    assert not world.apply(("place", "a#1", "i1")), "two are the instance's own"


def test_a_dynamic_host_port_never_conflicts() -> None:
    world = world_of(service(SMALL, desired=2))
    serve(world, 1)
    serve(world, 2)


def test_distinct_instance_looks_past_a_stopping_task() -> None:
    world = world_of(service(desired=2, low=50, high=100, apart=True), size=2)
    serve(world, 1)
    assert world.apply(("start", "a"))
    assert not world.apply(("place", "a#2", "i1"))
    assert world.apply(("place", "a#2", "i2"))
    assert world.apply(("run", "a#2"))
    assert world.apply(("ready", "a#2"))
    assert world.apply(("deploy", "a", "good"))
    assert world.apply(("stop", "a#1"))
    assert world.apply(("start", "a"))
    assert world.apply(("place", "a#3", "i1"))
    assert world.apply(("run", "a#3"))
    assert world.collision is not None, "the process of a#1 still holds device 0"


def test_cpu_and_memory_are_counted() -> None:
    half = TaskSpec(devices=(), host_ports=frozenset(), cpu=60, memory=10)
    world = world_of(service(half, desired=2))
    serve(world, 1)
    assert world.apply(("start", "a"))
    assert not world.apply(("place", "a#2", "i1"))


def test_a_task_goes_to_instances_of_the_type_that_it_names() -> None:
    other = TaskSpec((), frozenset(), 1, 1, instance_type="inf2.48xlarge")
    world = world_of(service(other))
    assert world.apply(("start", "a"))
    assert not world.apply(("place", "a#1", "i1"))


# ---- instances -------------------------------------------------------------------------------


def waiting(desired: int, max_size: int, *, step: int = 2, task: TaskSpec = LOCKED) -> World:
    world = World(pool(max_size, step=step), (service(task, desired=desired),))
    assert world.apply(("create", "a"))
    for _ in range(desired):
        assert world.apply(("start", "a"))
    return world


def test_from_no_instance_the_first_step_is_two() -> None:
    world = waiting(1, 4)
    assert world.apply(("tick",))
    assert world.desired_instances == 2, "one task waits, and two instances come"


def test_a_group_of_one_launches_one() -> None:
    world = waiting(1, 1)
    assert world.apply(("tick",))
    assert world.desired_instances == 1


def test_the_metric_knows_ports_and_not_devices() -> None:
    for task, expected in ((LOCKED, 4), (SMALL, 1)):
        world = waiting(4, 9, step=9, task=task)
        assert world.apply(("tick",)), "the first step of two"
        assert world.apply(("launch",))
        assert world.apply(("register", "i1"))
        world.desired_instances = 1
        for number in range(1, 5):
            world.apply(("place", f"a#{number}", "i1"))
        world.apply(("tick",))
        assert world.desired_instances == expected, "without ports four tasks seem to fit one host"


def test_the_warm_up_of_one_step_blocks_the_next() -> None:
    world = waiting(4, 9)
    assert world.apply(("tick",))
    assert world.apply(("launch",))
    assert world.apply(("launch",))
    assert not world.apply(("tick",))
    assert not world.apply(("launch",))


def test_a_step_is_as_large_as_the_provider_allows() -> None:
    world = waiting(6, 9)
    rest(Driver(world, random.Random(1)))
    assert len(world.instances) == 6
    assert world.measures.launched == 6


def test_an_idle_instance_goes_after_fifteen_points_and_not_before() -> None:
    world = world_of(size=1)
    for _ in range(SCALE_IN_POINTS - 1):
        assert not world.apply(("tick",))
        assert not world.apply(("terminate", "i1"))
    assert world.apply(("tick",))
    assert world.apply(("terminate", "i1"))


def test_an_instance_with_a_task_is_protected_from_scale_in() -> None:
    world = world_of(service())
    serve(world, 1)
    world.desired_instances = 0
    assert not world.apply(("terminate", "i1"))


def test_the_group_keeps_its_minimum() -> None:
    world = World(pool(2, min_size=1))
    assert rest(Driver(world, random.Random(1)))
    assert len(world.instances) == 1


def test_a_lost_instance_is_replaced_and_its_tasks_with_it() -> None:
    world = world_of(service(LOCKED))
    serve(world, 1)
    assert world.apply(("lose", "i1"))
    assert not world.tasks
    assert rest(Driver(world, random.Random(1)))
    assert world.services["a"].steady


def test_a_draining_instance_takes_no_task_and_lets_its_own_go_by_their_percents() -> None:
    world = world_of(service(LOCKED), size=2)
    serve(world, 1)
    assert world.apply(("drain", "i1"))
    assert not world.apply(("stop", "a#1")), "100 %: the new one first"
    assert world.apply(("start", "a"))
    assert not world.apply(("place", "a#2", "i1"))
    assert world.apply(("place", "a#2", "i2"))
    assert world.apply(("run", "a#2"))
    assert world.apply(("ready", "a#2"))
    assert world.apply(("stop", "a#1"))


@pytest.mark.parametrize(("max_size", "empties"), [(3, False), (4, True)])
def test_two_instances_that_drain_at_once_can_wait_for_each_other(
    max_size: int, empties: bool
) -> None:
    """Two services of two tasks each, on slots of their own: a and b share i3, i1 has a, i2 has b.
    With room for one instance more neither drained one can give its task away."""
    second = TaskSpec(devices=(1,), host_ports=frozenset({20001}), cpu=1, memory=1)
    services = (service(LOCKED, desired=2), ServiceSpec("b", second, 2, 2))
    world = world_of(*services, size=3, max_size=max_size)
    for task, instance in (("a#1", "i1"), ("a#2", "i3"), ("b#1", "i2"), ("b#2", "i3")):
        for event in (("start", task[0]), ("place", task, instance), ("run", task)):
            assert world.apply(event)
        assert world.apply(("ready", task))
    assert world.apply(("drain", "i1"))
    assert world.apply(("drain", "i2"))
    assert rest(Driver(world, random.Random(1)))
    assert any(i.draining for i in world.instances.values()) is not empties


def test_a_slow_agent_starts_and_reports_nothing() -> None:
    world = world_of(service(LOCKED))
    assert world.apply(("start", "a"))
    assert world.apply(("place", "a#1", "i1"))
    assert world.apply(("stall", "i1"))
    assert not world.apply(("run", "a#1"))
    assert world.apply(("resume", "i1"))
    assert world.apply(("run", "a#1"))
    assert world.tasks["a#1"].state is RUNNING


def test_illegal_devices_are_not_taken() -> None:
    row = PoolSpec("trn1.32xlarge", 16, 100, 100, 1, legal_sets=frozenset({(0, 4), (4, 4)}))
    task = TaskSpec((2, 3, 4, 5), frozenset(), 1, 1)
    with pytest.raises(AssertionError):
        World(row, (service(task),)).apply(("create", "a"))


def test_what_runs_comes_to_rest_and_the_same_seed_gives_the_same_run() -> None:
    ends: list[tuple[int, int]] = []
    for _ in range(2):
        world = World(pool(3), (service(LOCKED, desired=2),), {"job": LOCKED})
        assert world.apply(("create", "a"))
        driver = Driver(world, random.Random(7))
        driver.run(2_000)
        assert settle(driver)
        assert world.services["a"].steady
        ends.append((driver.count, world.measures.launched))
    assert ends[0] == ends[1]
