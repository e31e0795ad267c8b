"""The read-only policy allows each call that the commands make, and nothing else."""

import ast
import json
from pathlib import Path

from neuron_ecs.cli.docs import READ_ONLY_POLICY, read_only
from neuron_ecs.operations import aws
from neuron_ecs.operations.permissions import ACTIONS
from tests.neuron_ecs.operations.world import client

OPERATIONS = Path(aws.__file__).parent
# The attribute of `Calls` by the name that the SDK gives the service.
SERVICES = {
    "autoscaling": "autoscaling",
    "cloudwatch": "cloudwatch",
    "ec2": "ec2",
    "ecs": "ecs",
    "elbv2": "elbv2",
    "logs": "logs",
    "scaling": "application-autoscaling",
    "ssm": "ssm",
}
# The prefix of IAM actions where a request is signed for another name.
PREFIXES = {"monitoring": "cloudwatch"}


def calls() -> set[tuple[str, str]]:
    """Each `….aws.<service>.<call>` in the package."""
    return {
        (node.value.attr, node.attr)
        for path in OPERATIONS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in SERVICES
        and ast.unparse(node.value.value).endswith("aws")
    }


def test_the_policy_has_exactly_the_calls_of_the_code() -> None:
    made: set[str] = set()
    for service, call in calls():
        sdk = client(SERVICES[service], "us-west-2")
        signed = sdk.meta.service_model.signing_name
        prefix = PREFIXES.get(signed, signed)
        made.add(f"{prefix}:{sdk.meta.method_to_api_mapping[call]}")
    assert made == set(ACTIONS), (
        "write the action into operations/permissions.py, and run `make docs`"
    )
    assert list(ACTIONS) == sorted(ACTIONS)


def test_every_call_only_reads() -> None:
    reads = ("Describe", "Filter", "Get", "List")
    assert [a for a in ACTIONS if not a.partition(":")[2].startswith(reads)] == []


def test_the_page_of_the_policy_is_made_from_the_calls() -> None:
    assert READ_ONLY_POLICY.read_text(encoding="utf-8") == read_only(), "run `make docs`"
    assert json.loads(read_only())["Statement"][0]["Action"] == list(ACTIONS)
