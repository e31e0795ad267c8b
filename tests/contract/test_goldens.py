"""The plan, and every input of every resource, pinned for two stacks and two examples.

    make goldens

writes them anew. A pull request then shows as a line what AWS will get. A changed line is no
mistake by itself, but it has a price:

* a path that disappears is a resource that is deleted, with what it contains, and one that appears
  is created. Where both happen to one thing it was renamed, and needs an alias;
* a container definition, or another input of a task definition: a new revision, and a restart of
  every task of the workload;
* user data and any other input of a launch template: new instances differ from those that run;
* a policy: what a role may do;
* the name or a CIDR block of what keeps its name: the resource is replaced.
"""

import difflib
import functools
from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from planning import Plan, decide
from tests.contract import outline
from tests.contract.graphs import graph, texts

GOLDENS = Path(__file__).parent / "goldens"

FILES = {
    "dev": "Pulumi.dev.yaml",
    "prod": "Pulumi.prod.yaml",
    "no-internet": "examples/no-internet.yaml",
    "trn1-training": "examples/trn1-training.yaml",
}
"""The two stacks that a team runs, and the two examples that reach most of the rest."""


@functools.cache
def plan_of(file: str) -> Plan:
    """The plan of a stack file."""
    given = texts(file)
    return decide(given.config, catalog.load(), project=given.project, stack=given.stack)


ARTEFACTS: dict[str, Callable[[str], str]] = {
    "plan": lambda file: outline.of_plan(plan_of(file)),
    "resources": lambda file: outline.of_graph(graph(file), plan_of(file)),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_golden(name: str, artefact: str, request: pytest.FixtureRequest) -> None:
    rendered = ARTEFACTS[artefact](FILES[name])
    path = GOLDENS / f"{name}.{artefact}.txt"
    if request.config.getoption("--update-goldens", default=False):
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered, encoding="utf-8")
    pinned = path.read_text(encoding="utf-8")
    difference = "\n".join(
        difflib.unified_diff(pinned.splitlines(), rendered.splitlines(), lineterm="", n=2)
    )
    assert not difference, (
        f"{path.name} is not what is rendered now; after a review, `make goldens`:\n{difference}"
    )


def test_every_golden_is_of_something() -> None:
    names = {f"{name}.{artefact}.txt" for name in FILES for artefact in ARTEFACTS}
    assert {p.name for p in GOLDENS.iterdir()} == names
