"""Laws of rollouts: every service can roll, and what an update stops is said before it."""

import re
from math import ceil, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import load
from planning import plan
from planning.duration import creation
from planning.interruptions import interruptions
from tests.planning.drawn import (
    models_of,
    planned,
    stacks,
)
from tests.planning.stacks import (
    HOME,
    PROJECT,
    Config,
    Entry,
    changed,
    codes,
    decide_on,
    groups,
    managed,
    stack,
    work,
)


def rolls(service: plan.Service, desired: int) -> bool:
    """Whether a deployment with that many tasks can take its first step: ECS rounds the minimum up
    and the maximum down."""
    least = ceil(desired * service.minimum_healthy_percent / 100)
    most = floor(desired * service.maximum_percent / 100)
    return desired - least >= 1 if service.maximum_percent == 100 else most - desired >= 1


@pytest.mark.parametrize("spare", [0, 1])
@pytest.mark.parametrize("most", range(1, 21))
def test_every_desired_count_between_minimum_and_maximum_can_roll(most: int, spare: int) -> None:
    for least in range(most + 1):
        made = decide_on(
            capacity={"pool": groups("inf2.xlarge", most + spare)},
            models={"m": work(1, replicas={"min": least, "max": most})},
        )
        (service,) = made.regions[0].models[0].services
        assert service.maximum_percent == (200 if spare else 100), "a full pool has no room"
        for desired in range(max(1, least), most + 1):
            assert rolls(service, desired), (least, most, desired)


@given(stacks())
@settings(max_examples=150)
def test_every_service_of_every_stack_can_roll(config: Config) -> None:
    made = planned(config)
    for _, _, model in models_of(made) if made else ():
        for service in model.services:
            top = service.scaling.max_capacity if service.scaling else service.desired_count
            for desired in range(max(1, service.desired_count), top + 1):
                assert rolls(service, desired)


@given(stacks())
@settings(max_examples=150)
def test_a_service_surges_only_where_an_instance_more_is_allowed(config: Config) -> None:
    made = planned(config)
    for _, pool, model in models_of(made) if made else ():
        if not isinstance(pool, plan.AutoScalingPool):
            continue
        for service in model.services:
            mine = set(service.task_definition.devices) & set(range(64))
            holders = [s.tasks_max for s in pool.layout.slots if set(s.devices) & mine]
            full = max(holders, default=pool.layout.instances_max) >= pool.max_size
            assert (service.maximum_percent > 100) == (not full)


@given(stacks())
@settings(max_examples=150)
def test_services_share_the_replicas_and_the_pool_holds_them(config: Config) -> None:
    made = planned(config)
    for _, pool, model in models_of(made) if made else ():
        least = sum(s.desired_count for s in model.services)
        most = sum(s.scaling.max_capacity if s.scaling else s.desired_count for s in model.services)
        assert least == model.replicas_min
        assert most == model.replicas_max
        assert all(s.pool == pool.key for s in model.services)
        assert all(
            s.scaling is None or s.scaling.min_capacity == s.desired_count for s in model.services
        )
        if isinstance(pool, plan.AutoScalingPool):
            assert pool.layout.instances_min <= pool.layout.instances_max <= pool.max_size
            assert 1 <= pool.maximum_scaling_step <= pool.max_size


def test_a_model_of_which_nothing_need_run_still_has_its_maximum() -> None:
    made = decide_on(
        capacity={"pool": groups("inf2.24xlarge", 3)},
        models={"m": work(2, replicas={"min": 0, "max": 9})},
    )
    services = made.regions[0].models[0].services
    assert [s.desired_count for s in services] == [0, 0, 0]
    assert [s.scaling and s.scaling.max_capacity for s in services] == [3, 3, 3]


def test_a_model_that_would_go_down_as_a_whole_rolls_in_two_waves() -> None:
    made = decide_on(
        capacity={"pool": groups("inf2.24xlarge", 1)}, models={"m": work(2, replicas={"min": 3})}
    )
    services = made.regions[0].models[0].services
    assert [s.minimum_healthy_percent for s in services] == [0, 0, 0]
    first = tuple(s.key for s in services[:2])
    assert [s.after for s in services] == [(), (), first]


RESERVED = "arn:aws:resource-groups:us-west-2:111122223333:group/neuron"


@st.composite
def tight_pools(draw: st.DrawFn) -> Config:
    """Models on one pool that has just room for their replicas, or a little more."""
    size, least = draw(st.integers(1, 4)), draw(st.integers(0, 4))
    kinds: list[Entry] = [
        groups("inf2.24xlarge", size, min_size=min(least, size)),
        groups("c7g.xlarge", size, min_size=min(least, size)),
        managed("inf2.48xlarge"),
        managed("inf2.48xlarge", purchase="reserved", reservation_group_arns={HOME: RESERVED}),
    ]
    pool = draw(st.sampled_from(kinds))
    models: dict[str, Entry] = {}
    for name in ("ant", "bee", "cat")[: draw(st.integers(1, 3))]:
        replicas = {"min": draw(st.integers(0, 2))}
        replicas["max"] = max(1, replicas["min"] + draw(st.integers(0, 2)))
        if pool.get("instance_type") == "c7g.xlarge":
            units = draw(st.sampled_from([800, 1300, 2600]))
            models[name] = work(cpu_units=units, memory_mib=1024, replicas=replicas)
        else:
            devices = draw(st.sampled_from([1, 2, 3])) if "max_size" in pool else "all"
            models[name] = work(devices, replicas=replicas)
    return stack(capacity={"pool": pool}, models=models)


def down_while_updated(made: plan.Plan) -> set[str]:
    """Models of one replica that the update stops before the new task starts, by the plan."""
    return {
        model.name
        for _, _, model in models_of(made)
        for service in model.services
        if model.replicas_min == 1 and service.desired_count and not service.surges
    }


def noted(made: plan.Plan) -> set[str]:
    """The models that NE601 names."""
    found = [f for f in made.findings if f.code == "NE601"]
    return {n for n in ("ant", "bee", "cat") for f in found if re.search(rf"\b{n}\b", f.what)}


def test_tasks_that_may_fill_a_pool_without_chips_are_noted_as_the_plan_rolls_them() -> None:
    def model(units: int) -> Entry:
        return work(cpu_units=units, memory_mib=1024)

    models = {"ant": model(2600), "bee": model(800)}
    made = decide_on(capacity={"pool": groups("c7g.xlarge", 2)}, models=models)
    assert down_while_updated(made) == {"ant"}
    assert noted(made) == {"ant"}


@given(tight_pools())
@settings(max_examples=200)
def test_the_note_names_exactly_the_models_that_the_plan_stops_first(config: Config) -> None:
    made = planned(config)
    if made is not None:
        assert noted(made) == down_while_updated(made)


@given(tight_pools())
@settings(max_examples=100)
def test_the_size_that_the_note_proposes_keeps_every_model_up(config: Config) -> None:
    made = planned(config)
    for finding in made.findings if made else ():
        size = re.search(r"max_size: (\d+)", finding.fix)
        if finding.code == "NE601" and size:
            roomy = planned(changed(config, "capacity.pool", max_size=int(size[1])))
            assert roomy is not None
            assert not down_while_updated(roomy)


@given(tight_pools())
@settings(max_examples=100)
def test_instances_of_the_minimum_size_leave_the_same_room_to_roll(config: Config) -> None:
    """They run empty: a new task starts on them as on instances that are launched for it."""
    made = planned(config)
    for region in made.regions if made else ():
        if region.auto_scaling is not None:
            bare = planned(changed(config, "capacity.pool", min_size=0))
            assert bare is not None
            assert region.models == bare.regions[0].models


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 2))
@settings(max_examples=60)
def test_services_roll_in_two_waves_where_all_of_them_stop_first(
    least: int, more: int, size: int
) -> None:
    """Half the model answers while the other half restarts. Where any service keeps a task or
    starts the new one first there is no need to wait."""
    replicas = {"min": least, "max": least + more}
    pool = groups("inf2.24xlarge", size)
    made = planned(stack(capacity={"pool": pool}, models={"m": work(1, replicas=replicas)}))
    for _, _, model in models_of(made) if made else ():
        stops = [s for s in model.services if s.minimum_healthy_percent == 0]
        waiting = [s for s in model.services if s.after]
        if len(model.services) == 1 or len(stops) < len(model.services):
            assert not waiting
        else:
            first = {s.key for s in model.services if not s.after}
            assert len(first) - len(waiting) in (0, 1), "no wave is more than half, rounded up"
            assert all(set(s.after) == first for s in waiting)


@given(least=st.integers(0, 4), more=st.integers(0, 2), size=st.integers(1, 4))
def test_waves_that_do_not_wait_are_noted_where_services_roll_in_waves(
    least: int, more: int, size: int
) -> None:
    replicas = {"min": least, "max": max(1, least + more)}
    pool = groups("inf2.24xlarge", size)
    config = stack(capacity={"pool": pool}, models={"m": work(1, replicas=replicas)})
    made = planned(config)
    waves = [m for _, _, m in models_of(made) if any(s.after for s in m.services)] if made else []
    hasty = {**config, f"{PROJECT}:wait_for_steady_state": "false"}
    assert ("NE606" in codes(hasty)) == bool(waves) or made is None


@pytest.mark.parametrize(
    ("stop", "grace", "replicas", "expected"),
    [
        # boot 10, pull 10, load 30 min; tasks leave in 2 min and stop in 2 min
        (None, None, 1, (60, 64, 24)),
        (None, None, 3, (60, 172, 24)),  # three tasks, one after the other
        (0, None, 1, (60, 62, 22)),
        (61, None, 1, (60, 64, 24)),  # a second minute begins
        (60, None, 1, (60, 63, 23)),
        (None, 3600, 1, (90, 94, 24)),
    ],
)
def test_the_engine_waits_as_long_as_tasks_need(
    stop: int | None, grace: int | None, replicas: int, expected: tuple[int, int, int]
) -> None:
    """Creation waits for an instance to boot and for its tasks, an update without room for each of
    them in turn, deletion until they have left the load balancer and stopped."""
    entry = work(1, port=8080, replicas={"min": replicas})
    if stop is not None:
        entry["stop_timeout_seconds"] = stop
    if grace is not None:
        entry["health_check"] = {"path": "/health", "grace_seconds": grace}
    made = decide_on(capacity={"pool": groups("inf2.xlarge", replicas)}, models={"m": entry})
    (service,) = made.regions[0].models[0].services
    found = service.timeouts
    assert (found.create_minutes, found.update_minutes, found.delete_minutes) == expected


def test_a_capacity_block_with_a_fallback_that_it_cannot_have_is_judged_as_one_without() -> None:
    """The block alone has room for an update, and counts against no quota while it runs."""
    plain = {
        "purchase": "capacity_block",
        "reservation_ids": {"us-east-2": "cr-0a"},
        "zone_ids": ["use2-az3"],
    }
    found = [
        codes(
            stack(
                home="us-east-2",
                regions={"us-east-2": {}},
                capacity={"pool": groups("trn2.48xlarge", 2, **plain, **extra)},
                models={"m": work(1)},
            )
        )
        for extra in ({}, {"on_demand_fallback": True})
    ]
    assert found[1] - found[0] == {"NE618"} and not found[0] - found[1], found
    assert "NE602" in found[0]


@pytest.mark.parametrize(
    ("kind", "size", "replicas", "waves"),
    [
        ("inf2.24xlarge", 1, 6, 2),  # slots of a full instance
        ("inf2.24xlarge", 2, 6, 1),  # room: each starts before it stops
        ("inf2.xlarge", 3, 3, 1),  # one service, a task at a time
        ("inf2.24xlarge", 1, 1, 1),
    ],
)
def test_services_are_made_and_changed_in_as_few_waves_as_keep_the_promised_replicas(
    kind: str, size: int, replicas: int, waves: int
) -> None:
    made = decide_on(
        capacity={"pool": groups(kind, size)}, models={"m": work(1, replicas=replicas)}
    )
    services = made.regions[0].models[0].services
    found = creation(made)
    assert (found.services, found.waves) == (len(services), waves)
    assert found.minutes == waves * services[0].timeouts.create_minutes
    (lost,) = interruptions(made, load())
    assert lost.waves == waves
    assert lost.minutes == waves * services[0].timeouts.update_minutes
