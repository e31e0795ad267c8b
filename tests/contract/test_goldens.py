"""What reaches machines as text, pinned for the two stacks that a team runs, and every URN.

    python -m pytest tests/contract/test_goldens.py --update-goldens

A changed line is no mistake by itself; it has a price, and this is where it shows. Of a container
definition: a new revision and a restart of every task of the model. Of user data: instances that
differ from those that run. Of a policy: what a role may do. A URN that disappears is a resource
that is deleted, with what it holds; one that appears is created: where both happen to one thing, it
was renamed, and needs an alias.
"""

import base64
import difflib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neuron_ecs.recording.graph import Recording, Resource
from tests.contract.graphs import graph
from tests.recorder import of_type

GOLDENS = Path(__file__).parent / "goldens"
STACKS = ("dev", "prod")


def container_definitions(recording: Recording) -> Iterator[str]:
    """The containers of each task definition, as AWS gets them but for the line breaks."""
    for definition in _sorted(recording, "ecs.TaskDefinition"):
        containers = json.loads(definition.inputs["containerDefinitions"])
        yield f"{definition.inputs['family']} in {definition.inputs['region']}"
        yield json.dumps(containers, indent=1, sort_keys=True, ensure_ascii=False)


def user_data(recording: Recording) -> Iterator[str]:
    """The first words that an instance hears."""
    for template in _sorted(recording, "ec2.LaunchTemplate"):
        yield f"{template.name}: {template.inputs['imageId']}"
        yield base64.b64decode(template.inputs["userData"]).decode()


def policies(recording: Recording) -> Iterator[str]:
    """Who may assume each role, and what it may do."""
    for role in _sorted(recording, "iam.Role"):
        yield f"{role.name} (trust)"
        yield _document(role.inputs["assumeRolePolicy"])
    for policy in _sorted(recording, "iam.RolePolicy"):
        yield f"{policy.name}"
        yield _document(policy.inputs["policy"])
    for attachment in _sorted(recording, "iam.RolePolicyAttachment"):
        yield f"{attachment.name}: {attachment.inputs['policyArn']}"


def urns(recording: Recording) -> Iterator[str]:
    """The engine's names of everything: they live as long as the resources."""
    yield from sorted(r.urn for r in recording.resources)


def _sorted(recording: Recording, type_: str) -> list[Resource]:
    return sorted(of_type(recording, type_), key=lambda r: r.urn)


def _document(text: str) -> str:
    return json.dumps(json.loads(text), indent=1, sort_keys=True)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    "artefact", [container_definitions, user_data, policies, urns], ids=lambda a: a.__name__
)
def test_golden(
    stack: str, artefact: Callable[[Recording], Iterator[str]], request: pytest.FixtureRequest
) -> None:
    rendered = "\n".join(artefact(graph(f"Pulumi.{stack}.yaml"))).rstrip("\n") + "\n"
    path = GOLDENS / f"{stack}.{artefact.__name__}.txt"
    if request.config.getoption("--update-goldens", default=False):
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered, encoding="utf-8")
    pinned = path.read_text(encoding="utf-8")
    difference = "\n".join(
        difflib.unified_diff(pinned.splitlines(), rendered.splitlines(), lineterm="", n=2)
    )
    assert not difference, f"{path.name} is not what is rendered now:\n{difference}"


def test_every_golden_is_of_something() -> None:
    names = {
        f"{s}.{a}.txt"
        for s in STACKS
        for a in ("container_definitions", "user_data", "policies", "urns")
    }
    assert {p.name for p in GOLDENS.iterdir()} == names
