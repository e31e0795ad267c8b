"""What runs is compared with the plan: every answer of AWS is one that the service model allows."""

import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import (
    EndpointConnectionError,
)
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.compare import compare, devices_of, differences
from neuron_ecs.operations.observed import Check, Observation, names_of_key
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.verify import verify
from planning import plan
from tests.neuron_ecs.operations.world import (
    IMAGE,
    MOVING,
    NOW,
    ROOT,
    World,
    client,
    connecting,
    in_blocks,
    named,
    planned,
    resource,
    stack_file,
)

SHIPPED = sorted([*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")])


def checks_of(
    world: World, described: plan.Plan, *, by_names: bool = False, now: datetime = NOW
) -> list[Check]:
    clock = Clock(lambda: now, lambda _: None)
    names = {world.region.name: world.names()} if by_names else None
    return verify(Stack(described, world.connect, clock, names=lambda: names))


def wrong(checks: list[Check]) -> dict[str, tuple[str, ...]]:
    """What differs, by the model, pool or instance that it is about."""
    return {c.name: c.problems for c in checks if c.verdict == "differs"}


def only_problem(checks: list[Check]) -> str:
    problems = [p for c in checks for p in c.problems if c.verdict == "differs"]
    assert len(problems) == 1, problems
    return problems[0]


# ---- laws ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
@pytest.mark.parametrize("by_names", [False, True], ids=["keys", "outputs"])
def test_a_stack_that_is_as_planned_has_no_difference(path: Path, by_names: bool) -> None:
    whole = planned(path)
    for region in whole.regions:
        alone = plan.Plan(
            **{f: getattr(whole, f) for f in whole.__dataclass_fields__ if f != "regions"},
            regions=(region,),
        )
        checks = checks_of(World(region), alone, by_names=by_names)
        assert {c.verdict for c in checks} <= {"ok"}, [c for c in checks if c.verdict != "ok"]
        services = sum(len(m.services) for m in region.models)
        assert sum(c.kind == "service" for c in checks) == services, "every service is looked at"


LEAVES = st.one_of(st.integers(0, 9), st.sampled_from(["a", "b"]), st.booleans())
MAPS = st.dictionaries(st.sampled_from("pqr"), LEAVES, min_size=1)
DEFINITIONS = st.dictionaries(
    st.sampled_from("stuv"), st.one_of(LEAVES, MAPS, st.lists(MAPS, max_size=3)), min_size=1
)


@given(DEFINITIONS, st.data())
def test_only_what_was_planned_is_compared_and_maps_of_a_list_in_any_order(
    planned: dict[str, Any], data: st.DataObject
) -> None:
    found = {"w": 1, **copy.deepcopy(planned)}
    for key, value in found.items():
        if isinstance(value, list):
            found[key] = data.draw(st.permutations(cast("list[Any]", value)))
    assert list(differences(planned, found, "d")) == []


@given(DEFINITIONS, st.data())
def test_every_value_that_was_changed_is_told(planned: dict[str, Any], data: st.DataObject) -> None:
    found = copy.deepcopy(planned)
    key = data.draw(st.sampled_from(sorted(found)))
    found[key] = "changed"
    assert any(f"d.{key}" in line for line in differences(planned, found, "d"))


@given(st.sampled_from(["usw2_ant", "usw2_ant_1", "usw2_auto-scaling"]), st.text("0af", max_size=9))
def test_a_name_is_the_key_and_exactly_seven_digits(key: str, suffix: str) -> None:
    assert bool(names_of_key(key, [f"{key}-{suffix}"], None)) == (len(suffix) == 7)


def test_the_key_of_one_service_is_not_found_in_the_name_of_another() -> None:
    assert names_of_key("usw2_ant_1", ["usw2_ant_10-0a1b2c3", "usw2_ant_1-0a1b2c3"], None) == (
        "usw2_ant_1-0a1b2c3",
    )


# ---- services --------------------------------------------------------------------------------


def test_a_service_with_fewer_tasks_than_wished_differs(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    world.service_of("ant").update({"runningCount": 0, "pendingCount": 1})
    assert only_problem(checks_of(world, described)) == "0 of 1 task running, 1 pending"


@pytest.mark.parametrize("hour", [11, 12], ids=["outside", "within"])
def test_a_pool_outside_of_its_capacity_block_is_as_planned(
    described: plan.Plan, region: plan.RegionPlan, hour: int
) -> None:
    blocked = in_blocks(region)
    world = World(blocked)
    actual = world.clusters["auto_scaling"]
    actual["instances"].clear()
    actual["tasks"].clear()
    for service in actual["services"]:
        service["runningCount"] = 0
    now = datetime(2026, 12, 1, hour, tzinfo=UTC)
    found = {
        check.verdict: check.problems
        for check in checks_of(world, replace(described, regions=(blocked,)), now=now)
        if check.kind == "service" and check.name.startswith(named("usw2_ant")[:8])
    }
    assert set(found) == {"note" if hour == 11 else "differs"}
    assert ("no Capacity Block runs until 2026-12-01T11:30Z" in str(found)) is (hour == 11)


def test_a_rollout_that_failed_says_why(described: plan.Plan, region: plan.RegionPlan) -> None:
    world = World(region)
    world.service_of("ant")["deployments"][0] |= {
        "rolloutState": "FAILED",
        "rolloutStateReason": "tasks failed to start",
    }
    assert only_problem(checks_of(world, described)) == "its rollout failed: tasks failed to start"


def test_a_desired_count_that_was_changed_by_hand_differs(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    world.service_of("ant").update({"desiredCount": 5, "runningCount": 5})
    assert only_problem(checks_of(world, described)) == "5 tasks desired, planned 1"


def test_a_rollback_ends_well_and_is_seen_by_its_containers(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    arn = world.service_of("ant")["taskDefinition"]
    world.definitions[arn][0]["image"] = "public.ecr.aws/neuron/serving:0.9"
    assert only_problem(checks_of(world, described)) == (
        'containers.ant.image is "public.ecr.aws/neuron/serving:0.9", '
        'planned "public.ecr.aws/neuron/serving:1.0"'
    )


def test_the_value_of_a_variable_is_never_told(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    containers = world.definitions[world.service_of("ant")["taskDefinition"]]
    containers[0]["environment"][0]["value"] = "hunter2"
    assert "hunter2" not in str(checks_of(world, described))
    assert "differs (not shown)" in only_problem(checks_of(world, described))


def test_the_outputs_tell_the_revision_that_the_last_update_made(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    service = world.service_of("ant")
    old = service["taskDefinition"].replace(":3", ":2")
    world.definitions[old] = world.definitions[service["taskDefinition"]]
    service["taskDefinition"] = world.task_of("ant")["taskDefinitionArn"] = old
    assert "uses revision 2, and the last update made 3" in only_problem(
        checks_of(world, described, by_names=True)
    )


def test_a_service_that_is_absent_or_not_planned_differs(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    service = world.service_of("ant")
    service["serviceName"] = "made-by-hand"
    found = wrong(checks_of(world, described))
    assert "no service for it is in the cluster" in str(found)
    assert found["made-by-hand"] == ("it is in the cluster and not in the plan",)


# ---- devices ---------------------------------------------------------------------------------


def test_two_tasks_on_one_device_of_an_instance_differ_even_while_one_is_stopping(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    old = copy.deepcopy(world.task_of("ant"))
    old |= {
        "taskArn": world.arn("task/c/old"),
        "desiredStatus": "STOPPED",
        "lastStatus": "STOPPING",
    }
    world.shared["tasks"].append(old)
    problem = only_problem(checks_of(world, described))
    assert "used by 2 tasks at once" in problem
    assert "STOPPING" in problem, "ECS counts a task that stops as gone, its chips are not"


def test_a_task_that_has_stopped_holds_nothing(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    old = copy.deepcopy(world.task_of("ant"))
    old |= {"taskArn": world.arn("task/c/o"), "desiredStatus": "STOPPED", "lastStatus": "STOPPED"}
    world.shared["tasks"].append(old)
    assert wrong(checks_of(world, described)) == {}


def test_the_same_device_on_two_instances_is_no_collision(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    other = copy.deepcopy(world.shared["instances"][0])
    other |= {"containerInstanceArn": world.arn("container-instance/c/other")}
    world.shared["instances"].append(other)
    more = copy.deepcopy(world.task_of("ant"))
    more |= {
        "taskArn": world.arn("task/c/more"),
        "containerInstanceArn": other["containerInstanceArn"],
    }
    world.shared["tasks"].append(more)
    assert wrong(checks_of(world, described)) == {}


def test_a_lock_that_ecs_does_not_hold_is_open(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    ports = resource(world.shared["instances"][0], "PORTS")["stringSetValue"]
    ports.remove("20000")
    assert "ECS does not reserve 20000: another task could take them" in only_problem(
        checks_of(world, described)
    )


def test_a_task_on_other_devices_than_planned_differs(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    containers = world.definitions[world.task_of("ant")["taskDefinitionArn"]]
    assert devices_of(containers) == {0, 1}
    for device in containers[0]["linuxParameters"]["devices"]:
        device["hostPath"] = device["hostPath"].replace("neuron1", "neuron5")
    assert "has devices 0, 5, planned devices 0-1" in str(wrong(checks_of(world, described)))


def test_managed_allocation_must_assign_all_devices_of_the_instance(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    world.task_of("cat")["containers"][0]["neuronDeviceIds"] = []
    assert "was assigned no Neuron device" in only_problem(checks_of(world, described))


def test_managed_allocation_that_assigned_another_device_differs(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    world.task_of("cat")["containers"][0]["neuronDeviceIds"] = ["7"]
    assert "was assigned device 7, planned device 0" in only_problem(checks_of(world, described))


def test_a_device_that_is_assigned_is_not_offered_again(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    resource(world.managed["instances"][0], "NEURON_DEVICES")["stringSetValue"] = ["0"]
    assert "offered as free" in only_problem(checks_of(world, described))


# ---- capacity --------------------------------------------------------------------------------


def test_a_capacity_provider_that_is_not_active_differs(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    world.shared["providers"][0]["status"] = "DEPROVISIONING"
    assert only_problem(checks_of(world, described)) == "it is DEPROVISIONING, not ACTIVE"


def test_a_capacity_provider_that_was_deleted_is_no_difference(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    [provider] = world.shared["providers"]
    gone = {"status": "INACTIVE", "updateStatus": "DELETE_COMPLETE"}
    key = region.pools[0].key
    world.shared["providers"] += [
        provider | gone | {"name": f"{key}-fffffff"},
        provider | gone | {"name": "usw2_old_inf2-xlarge_on-demand-fffffff"},
    ]
    assert wrong(checks_of(world, described)) == {}, "AWS tells of it for a while"
    provider |= gone
    found = wrong(checks_of(world, described))
    assert "no capacity provider for it is attached" in str(found[key])


@pytest.mark.parametrize("status", ["REGISTERING", "DEREGISTERING"])
def test_an_instance_that_comes_or_goes_is_a_note(
    described: plan.Plan, region: plan.RegionPlan, status: str
) -> None:
    world = World(region)
    other = copy.deepcopy(world.shared["instances"][0])
    other |= {
        "containerInstanceArn": world.arn("container-instance/c/other"),
        "status": status,
        "agentConnected": False,
    }
    world.shared["instances"].append(other)
    checks = checks_of(world, described)
    assert wrong(checks) == {}, "pools grow and shrink by themselves"
    [note] = [c for c in checks if c.verdict == "note"]
    assert status in note.problems[0]


def test_an_agent_that_is_not_connected_differs(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    world.shared["instances"][0]["agentConnected"] = False
    assert "its agent is not connected" in only_problem(checks_of(world, described))


def test_many_are_asked_for_as_many_at_a_time_as_aws_allows(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    host, task = world.shared["instances"][0], world.task_of("ant")
    for number in range(205):
        identity = f"i-{number:016x}f"
        arn = world.arn(f"container-instance/c/{identity}")
        other = host | {"ec2InstanceId": identity, "containerInstanceArn": arn}
        world.shared["instances"].append(other)
        world.machines.append(world.machines[0] | {"InstanceId": identity})
        running = {"taskArn": world.arn(f"task/c/r{number}"), "containerInstanceArn": arn}
        ended = {"desiredStatus": "STOPPED", "lastStatus": "STOPPED"}
        world.shared["tasks"] += [task | running, task | ended | {"taskArn": f"{arn}/ended"}]
    checks = checks_of(world, described)
    assert {c.verdict for c in checks} == {"ok"}
    assert sum(c.kind == "instance" for c in checks) == 207


def test_an_instance_on_another_image_differs(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    world = World(region)
    host = world.shared["instances"][0]["ec2InstanceId"]
    machine = next(m for m in world.machines if m["InstanceId"] == host)
    machine["ImageId"] = "ami-0bbbbbbbbbbbbbbbb"
    assert only_problem(checks_of(world, described)) == (
        f"its image is ami-0bbbbbbbbbbbbbbbb, planned {IMAGE}"
    )


def test_an_older_image_of_a_parameter_that_moves_is_a_note(tmp_path: Path) -> None:
    whole = planned(stack_file(tmp_path, MOVING))
    pool = whole.regions[0].pools[0]
    assert isinstance(pool, plan.AutoScalingPool)
    assert pool.image_id.endswith("/recommended/image_id")
    world = World(whole.regions[0])
    for machine in world.machines:
        machine["ImageId"] = "ami-0bbbbbbbbbbbbbbbb"
    checks = checks_of(world, whole)
    assert {c.verdict for c in checks if c.kind == "instance"} == {"note"}
    assert wrong(checks) == {}, "nothing replaces instances that run when AWS releases an image"


# ---- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "list_clusters",
        "describe_clusters",
        "list_tasks",
        "describe_capacity_providers",
        "list_services",
        "list_container_instances",
        "describe_instances",
        "describe_task_definition",
        "get_parameters",
    ],
)
def test_a_call_that_is_refused_is_told_and_never_a_difference(
    described: plan.Plan, region: plan.RegionPlan, call: str
) -> None:
    world = World(region)
    world.refusing = frozenset({call})
    checks = checks_of(world, described)
    assert f"not allowed: {call}" in str(checks)
    assert wrong(checks) == {}, "what could not be read is not known to differ"
    assert any(c.verdict == "unknown" for c in checks)


def test_a_region_that_refuses_does_not_hide_the_others() -> None:
    whole = planned(ROOT / "Pulumi.prod.yaml")
    first, *others = whole.regions
    refused = World(first)
    refused.refusing = frozenset({"list_clusters", "describe_task_definition", "get_parameters"})
    worlds = {first.name: refused} | {r.name: World(r) for r in others}

    def connect(service: str, region_name: str, config: object) -> Any:
        return worlds[region_name].connect(service)

    checks = verify(Stack(whole, connect))
    assert {c.region for c in checks if c.verdict == "unknown"} == {first.name}
    assert list(dict.fromkeys(c.region for c in checks)) == [r.name for r in whole.regions]
    assert {c.verdict for c in checks if c.region != first.name} == {"ok"}


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "ExpiredTokenException"])
def test_a_region_that_does_not_know_the_credentials_is_asked_once(
    described: plan.Plan, region: plan.RegionPlan, code: str
) -> None:
    clients = {s: client(s, region.name) for s in ("ecs", "ec2", "ssm")}
    with Stubber(clients["ecs"]) as stub:
        cast(Any, stub).add_client_error("list_clusters", code, "The security token is invalid")
        (check,) = verify(Stack(described, connecting(clients)))
    assert (check.region, check.verdict) == (region.name, "unknown")
    assert code in check.problems[0]
    way_out = "log in again" if code == "ExpiredTokenException" else "enable the Region"
    assert way_out in check.problems[0]


def test_a_region_without_a_way_to_it_is_asked_once(
    described: plan.Plan, region: plan.RegionPlan
) -> None:
    asked: list[str] = []

    class Unreachable:
        def __getattr__(self, call: str) -> Any:
            def refuse(**_: object) -> Any:
                asked.append(call)
                raise EndpointConnectionError(endpoint_url="https://ecs.example.com")

            return refuse

    clients = {service: Unreachable() for service in ("ecs", "ec2", "ssm")}
    (check,) = verify(Stack(described, connecting(clients)))
    assert (check.region, check.verdict, asked) == (region.name, "unknown", ["list_clusters"])


def test_a_region_that_was_not_asked_is_unknown_throughout(region: plan.RegionPlan) -> None:
    checks = compare(region, Observation({}), None, NOW)
    assert {c.verdict for c in checks} == {"unknown"}
