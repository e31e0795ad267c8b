"""The policies in docs/ allow each call that the commands make, and nothing else."""

import ast
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from neuron_ecs.cli.main import COMMANDS
from neuron_ecs.operations import aws
from neuron_ecs.operations.permissions import ACTIONS, CHANGES, RESOURCES, read_only_policy
from tests.contract.graphs import STACK_FILES, graph
from tests.neuron_ecs.operations.world import sdk_of
from tests.recorder import of_type

PACKAGE = "neuron_ecs.operations"
OPERATIONS = Path(aws.__file__).parent
CLI = OPERATIONS.parent / "cli"
# The attribute of `Calls` by the name that the SDK gives the service.
SERVICES = {
    "acm": "acm",
    "autoscaling": "autoscaling",
    "cloudwatch": "cloudwatch",
    "ec2": "ec2",
    "ecs": "ecs",
    "elbv2": "elbv2",
    "iam": "iam",
    "logs": "logs",
    "quotas": "service-quotas",
    "route53": "route53",
    "s3": "s3",
    "scaling": "application-autoscaling",
    "ssm": "ssm",
}
# The prefix of IAM actions where a request is signed for another name.
PREFIXES = {"monitoring": "cloudwatch"}
# The IAM action of a call that has another name.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
NAMES = {"s3:DeleteObjects": "s3:DeleteObject", "s3:ListObjectsV2": "s3:ListBucket"}

IMPLIED = frozenset({"ecs:TagResource", "iam:PassRole"})
"""What ECS asks for within another call: tasks get the tags and the roles of their definition.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_id-based-policy-examples.html
"""


READS = ("Describe", "Filter", "Get", "List")


@cache
def calls(path: Path) -> frozenset[str]:
    """The actions of each `….aws.<service>.<call>` in a file."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr in SERVICES
            and ast.unparse(node.value.value).endswith("aws")
        ):
            sdk = sdk_of(SERVICES[node.value.attr])
            signed = sdk.service_model.signing_name
            prefix = PREFIXES.get(signed, signed)
            action = f"{prefix}:{sdk.method_to_api_mapping[node.attr]}"
            found.add(NAMES.get(action, action))
    return frozenset(found)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def reached(path: Path) -> set[Path]:
    """The files of the package that a file imports, directly or not."""
    found, left = set[Path](), [path]
    while left:
        for node in ast.walk(tree(left.pop())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                whole = node.module == PACKAGE
                names = [a.name for a in node.names] if whole else [str(node.module).split(".")[2]]
                new = {OPERATIONS / f"{name}.py" for name in names} - found
                found |= new
                left += new
    return found


def reads(action: str) -> bool:
    return action.partition(":")[2].startswith(READS)


def test_the_policy_has_exactly_the_calls_of_the_code() -> None:
    made = {a for path in OPERATIONS.glob("*.py") for a in calls(path) if reads(a)}
    assert made == set(ACTIONS), (
        "write the action into operations/permissions.py, and run `make docs`"
    )
    assert list(ACTIONS) == sorted(ACTIONS)


def test_each_command_that_changes_something_has_a_policy_of_exactly_its_calls() -> None:
    made: dict[str, set[str]] = {}
    for path in CLI.glob("*.py"):
        changes = {a for file in reached(path) for a in calls(file) if not reads(a)}
        if changes:
            made[path.stem] = changes
    assert made == {command: set(actions) - IMPLIED for command, actions in CHANGES.items()}, (
        "write the actions into CHANGES of operations/permissions.py, and run `make docs`"
    )
    assert set(made) <= set(COMMANDS)


def test_who_starts_tasks_may_hand_on_their_roles_and_their_tags() -> None:
    """A deployment of a service passes roles where it names another task definition."""
    starting = {c for c, actions in CHANGES.items() if "ecs:RunTask" in actions}
    assert {c for c, a in CHANGES.items() if "ecs:TagResource" in a} == starting
    assert {c for c, a in CHANGES.items() if "iam:PassRole" in a} == {*starting, "rollback"}


def test_whatever_changes_or_reads_data_is_limited_to_what_stacks_have() -> None:
    changing = {action for actions in CHANGES.values() for action in actions}
    data = {"logs:FilterLogEvents", "s3:ListBucket", "ssm:GetParameters"}
    assert set(RESOURCES) == changing | data
    assert all(":" in arn for arns in RESOURCES.values() for arn in arns)


def named(resource: str, *names: str) -> bool:
    """Whether the action's resources have each of the names, as ARNs end behind the account."""
    patterns = [arn.split(":", 5)[5] for arn in RESOURCES[resource]]
    return all(any(fnmatchcase(name, p) for p in patterns) for name in names)


@pytest.mark.parametrize("file", [*STACK_FILES])
def test_what_stacks_have_is_within_the_limits(file: str) -> None:
    built = graph(file)

    def names(kind: str, key: str = "name") -> list[str]:
        return [r.inputs.get(key) or f"{r.name}-0a1b2c3" for r in of_type(built, kind)]

    for cluster in names("ecs.Cluster"):
        assert named("ecs:ExecuteCommand", f"cluster/{cluster}", f"task/{cluster}/0a1b")
        assert named("ecs:StopTask", f"task/{cluster}/0a1b")
        assert named("ecs:UpdateService", f"service/{cluster}/any")
        assert named("ecs:UpdateContainerInstancesState", f"container-instance/{cluster}/0a1b")
        assert named("ecs:DeregisterContainerInstance", f"cluster/{cluster}")
    for family in names("ecs.TaskDefinition", "family"):
        assert named("ecs:RunTask", f"task-definition/{family}:7")
    groups = [f"autoScalingGroup:0a1b:autoScalingGroupName/{n}" for n in names("autoscaling.Group")]
    assert named("autoscaling:SetInstanceProtection", *groups)
    logged = [f"log-group:{name}:*" for name in names("cloudwatch.LogGroup")]
    assert named("logs:FilterLogEvents", *logged)
    definitions = of_type(built, "ecs.TaskDefinition")
    passed = {d.inputs[k] for d in definitions for k in ("taskRoleArn", "executionRoleArn")}
    assert named("iam:PassRole", *(arn.split(":", 5)[5] for arn in passed))


def test_no_role_of_an_instance_or_of_an_administrator_is_handed_on() -> None:
    for role in ("instance-0a1b2c3", "alarms-in-slack-0a1b", "Admin", "job_a_scheduler-0a1b2c3"):
        assert not named("iam:PassRole", f"role/{role}")


def test_every_call_only_reads() -> None:
    assert [a for a in ACTIONS if not reads(a)] == []


def test_the_policy_is_made_from_the_calls() -> None:
    statements = read_only_policy()["Statement"]
    assert sorted(a for s in statements for a in s["Action"]) == list(ACTIONS)
