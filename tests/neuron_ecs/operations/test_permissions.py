"""The policies in docs/ allow each call that the commands make, and nothing else."""

import ast
import json
from functools import cache
from pathlib import Path

from neuron_ecs.cli.docs import CHANGING_POLICIES, READ_ONLY_POLICY, changing, read_only
from neuron_ecs.cli.main import COMMANDS
from neuron_ecs.operations import aws
from neuron_ecs.operations.permissions import ACTIONS, CHANGES, PASSES_ROLES
from tests.neuron_ecs.operations.world import sdk_of

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
    assert made == {command: set(actions) for command, actions in CHANGES.items()}, (
        "write the actions into CHANGES of operations/permissions.py, and run `make docs`"
    )
    assert set(made) <= set(COMMANDS)
    assert set(made) >= PASSES_ROLES


def test_every_call_only_reads() -> None:
    assert [a for a in ACTIONS if not reads(a)] == []


def test_the_page_of_the_policy_is_made_from_the_calls() -> None:
    assert READ_ONLY_POLICY.read_text(encoding="utf-8") == read_only(), "run `make docs`"
    assert json.loads(read_only())["Statement"][0]["Action"] == list(ACTIONS)
    assert CHANGING_POLICIES.read_text(encoding="utf-8") == changing(), "run `make docs`"
