"""What an update does in the stand-in, and what is refused before AWS."""

from pathlib import Path

import pytest

from tests.engine.harness import restarted
from tests.engine.landscape import Landscape, containers, refused, token_of
from tests.engine.provider.account import Account, Habits
from tests.engine.provider.checks import checked, strategy_is_refused
from tests.engine.provider.diffs import change
from tests.engine.provider.operations import DEPLOYED, REPLACED, Interrupted, Operations
from tests.engine.provider.rows import KINDS
from tests.engine.provider.shapes import Shapes
from tests.engine.provider.wire import DEFAULTS, UNKNOWN, Json, Props, from_struct, to_struct

# ---- what an update does to running tasks ----------------------------------------------------


def test_the_journal_tells_which_tasks_restart(land: Landscape) -> None:
    land.ready().service().service("calm")
    start = len(land.account.journal())
    land.task()
    land.change("service", taskDefinition=land.arn("task"))
    land.change("calm", desiredCount=2, tags={"a": "b"})
    journal = land.account.journal(start)
    assert restarted(journal) == {("us-west-2", "service")}
    assert journal[-2].consequences == ((DEPLOYED, "service"),)


def test_a_forced_deployment_restarts_at_every_update(land: Landscape) -> None:
    land.ready().service(forceNewDeployment=True)
    start = len(land.account.journal())
    land.change("service", tags={"a": "b"})
    assert restarted(land.account.journal(start)) == {("us-west-2", "service")}


def test_an_instance_refresh_restarts_what_runs_on_the_group(land: Landscape) -> None:
    land.ready().service()
    start = len(land.account.journal())
    template = land.change("pool-template", instanceType="inf2.8xlarge")
    assert template.outputs["latestVersion"] == 2
    land.change("pool-group", launchTemplate={"id": template.id, "version": "2"})
    assert land.account.journal(start)[-1].consequences == ((REPLACED, "service"),)


def test_a_wait_that_is_cancelled_leaves_the_update_done(land: Landscape) -> None:
    land.ready().service(waitForSteadyState=True)
    with land.account.open() as holdings:
        holdings.habits = Habits(deployment_seconds=60)
    land.task()
    land.operations.cancelled.set()
    with pytest.raises(Interrupted):
        land.change("service", taskDefinition=land.arn("task"))
    found = land.operations.read(token_of("Service"), land.id("service"), {})
    assert found is not None
    assert found.inputs["taskDefinition"] == land.arn("task")


def test_refusals_are_in_the_journal(land: Landscape) -> None:
    land.network()
    with refused("DependencyViolation"):
        land.remove("vpc")
    last = land.account.journal()[-1]
    assert (last.op, last.error.partition(":")[0]) == ("delete refused", "DependencyViolation")


def test_nothing_answers_to_no_name(land: Landscape) -> None:
    land.network()
    with land.account.open() as holdings:
        assert holdings.find(token_of("NatGateway"), "us-west-2", "") is None


def test_two_processes_see_one_account(land: Landscape, tmp_path: Path) -> None:
    land.network()
    other = Operations(Account(tmp_path / "account.json"), "us-west-2")
    vpc = land.made["vpc"]
    assert other.read(vpc.type, vpc.id, vpc.outputs) == vpc


# ---- what the provider refuses before AWS ----------------------------------------------------

MANAGED: Props = {
    "cluster": "cluster",
    "managedInstancesProvider": {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/a",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/a",
            "networkConfiguration": {"subnets": ["subnet-0a"]},
            "instanceRequirements": {
                "memoryMib": {"min": 1},
                "vcpuCount": {"min": 1},
                "allowedInstanceTypes": ["trn1.2xlarge"],
            },
        },
    },
}
SCALING: Props = {
    "autoScalingGroupProvider": {
        "autoScalingGroupArn": "arn:aws:autoscaling:us-west-2:123456789012:autoScalingGroup:x"
    }
}


def _problems(shapes: Shapes, type_name: str, inputs: Props, name: str = "x") -> list[str]:
    token = token_of(type_name)
    checked_inputs, problems = checked(token, name, inputs, {}, b"seed")
    problems.extend(shapes.problems(token, checked_inputs))
    return [f"{problem.path}: {problem.reason}" for problem in problems]


def _managed(**template: Json) -> Props:
    provider = MANAGED["managedInstancesProvider"]
    assert isinstance(provider, dict)
    inner = provider["instanceLaunchTemplate"]
    assert isinstance(inner, dict)
    changed: Props = dict(provider)
    changed["instanceLaunchTemplate"] = inner | template
    whole: Props = dict(MANAGED)
    whole["managedInstancesProvider"] = changed
    return whole


BAD_INPUTS: dict[str, tuple[str, Props, str]] = {
    "requirements without vCPUs": (
        "CapacityProvider",
        _managed(instanceRequirements={"memoryMib": {"min": 1}}),
        "Missing required argument",
    ),
    "managed without a cluster": ("CapacityProvider", MANAGED | {"cluster": None}, "is required"),
    "managed with an unknown cluster": (
        "CapacityProvider",
        MANAGED | {"cluster": UNKNOWN},
        "is required",
    ),
    "a cluster's ARN where its name belongs": (
        "CapacityProvider",
        MANAGED | {"cluster": "arn:aws:ecs:us-west-2:123456789012:cluster/x"},
        "is an ARN",
    ),
    "a key that nested blocks do not have": (
        "CapacityProvider",
        _managed(bogus=1),
        "Invalid or unknown key",
    ),
    "a list's ARN": (
        "ClusterCapacityProviders",
        {"clusterName": "arn:aws:ecs:us-west-2:123456789012:cluster/x"},
        "is an ARN",
    ),
    "a service's target group by name": (
        "Service",
        {"loadBalancers": [{"targetGroupArn": "x", "containerName": "a", "containerPort": 1}]},
        "invalid ARN",
    ),
    "a Region that is none": ("LogGroup", {"region": "oregon"}, "not a valid AWS Region"),
    "a subnet with two zones": (
        "Subnet",
        {"vpcId": "vpc-1", "availabilityZone": "a", "availabilityZoneId": "b"},
        "conflicts",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("type_name", "inputs", "reason"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_the_check_refuses(type_name: str, inputs: Props, reason: str, shapes: Shapes) -> None:
    found = _problems(shapes, type_name, {k: v for k, v in inputs.items() if v is not None})
    assert any(reason in problem for problem in found), found


def test_the_check_lets_good_inputs_pass(shapes: Shapes) -> None:
    assert _problems(shapes, "CapacityProvider", MANAGED) == []
    assert _problems(shapes, "CapacityProvider", SCALING) == []


def test_a_type_without_a_row_is_refused(shapes: Shapes) -> None:
    _, problems = checked("aws:s3/bucket:Bucket", "x", {})
    assert "no row" in problems[0].reason


def test_names_are_made_up_once_and_never_cut(shapes: Shapes) -> None:
    token = token_of("Cluster")
    first, _ = checked(token, "inference", {}, {}, b"seed")
    again, _ = checked(token, "inference", {}, first, b"other")
    fresh, _ = checked(token, "inference", {}, {}, b"other")
    assert first == again
    assert first["name"] != fresh["name"]
    assert str(first["name"]).startswith("inference-")
    assert len(str(first["name"])) == len("inference-") + 7
    assert _problems(shapes, "TargetGroup", {}, name="a" * 25)[0].startswith("name: name")


# ---- what a change costs ---------------------------------------------------------------------

COSTS: dict[str, tuple[str, Props, Props, tuple[str, ...], bool]] = {
    "a tag": ("Cluster", {"tags": {"a": "b"}}, {"tags": {"a": "c"}}, (), False),
    "a Region": ("Cluster", {"region": "a"}, {"region": "b"}, ("region",), False),
    "the order of a set": ("Group", {"x": ["a", "b"]}, {"x": ["b", "a"]}, (), False),
    "a given name": ("Cluster", {"name": "a"}, {"name": "b"}, ("name",), True),
    "a made-up name's resource": (
        "SecurityGroup",
        {"name": "a", "description": "x", DEFAULTS: ["name"]},
        {"name": "a", "description": "y", DEFAULTS: ["name"]},
        ("description",),
        False,
    ),
    "another provider": (
        "CapacityProvider",
        {"managedInstancesProvider": {"instanceLaunchTemplate": {"capacityOptionType": "SPOT"}}},
        {"managedInstancesProvider": {"instanceLaunchTemplate": {}}},
        ("managedInstancesProvider",),
        False,
    ),
    "a provider's storage": (
        "CapacityProvider",
        {"managedInstancesProvider": {"instanceLaunchTemplate": {"monitoring": "BASIC"}}},
        {"managedInstancesProvider": {"instanceLaunchTemplate": {"monitoring": "DETAILED"}}},
        (),
        False,
    ),
    "an image": (
        "TaskDefinition",
        {"containerDefinitions": containers()},
        {"containerDefinitions": containers(image="example:2")},
        ("containerDefinitions",),
        False,
    ),
    "what ECS fills in": (
        "TaskDefinition",
        {"containerDefinitions": containers()},
        {"containerDefinitions": containers(essential=True, mountPoints=[], cpu=0)},
        (),
        False,
    ),
    "something not known yet": (
        "Subnet",
        {"vpcId": "vpc-1"},
        {"vpcId": UNKNOWN},
        ("vpcId",),
        False,
    ),
}


@pytest.mark.parametrize(
    ("type_name", "olds", "news", "replaces", "first"), COSTS.values(), ids=COSTS
)
def test_a_change_costs_what_the_provider_says(
    type_name: str, olds: Props, news: Props, replaces: tuple[str, ...], first: bool
) -> None:
    found = change(token_of(type_name), olds, news)
    assert (found.replaces, found.delete_first) == (replaces, first)


def test_a_services_strategy_does_not_change_without_force() -> None:
    olds: Props = {"capacityProviderStrategies": [{"capacityProvider": "a"}]}
    news: Props = {"capacityProviderStrategies": [{"capacityProvider": "b"}]}
    assert strategy_is_refused(olds, news)
    assert not strategy_is_refused(olds, news | {"forceNewDeployment": True})
    assert not strategy_is_refused(olds, olds)


def test_values_survive_the_wire() -> None:
    props: Props = {"a": [1, 2.5, "x", True, {"b": None}], "c": None}
    assert from_struct(to_struct(props)) == {"a": [1, 2.5, "x", True, {}]}


def test_every_row_says_its_errors_with_their_names() -> None:
    for kind in KINDS.values():
        for text in [kind.duplicate, *(ref.held for ref in kind.refs)]:
            assert text == "" or ": " in text, (kind.token, text)
