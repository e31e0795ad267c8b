"""What another revision's program prints is read, or it is reported why it cannot be."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from messages.finding import Finding, Severity
from neuron_ecs.diff.difference import put_together
from neuron_ecs.diff.document import document as difference_document
from neuron_ecs.diff.sides import Sides, read_sides
from neuron_ecs.diff.summary import verdict
from planning.document import VERSION, document
from tests.neuron_ecs.diff.pairs import plan_of
from tests.neuron_ecs.diff.test_git import commit, git
from tests.planning.stacks import groups, stack, work

STACK_FILE = """\
config:
  aws:region: us-west-2
  neuron-ecs:regions: {us-west-2: {}}
  neuron-ecs:capacity: {pool: {kind: auto_scaling, instance_type: inf2.xlarge, max_size: 4}}
  neuron-ecs:models:
    ant: {image: "public.ecr.aws/neuron/serving:1.0", capacity: pool, neuron_devices: 1}
"""
PROGRAM = """\
import pathlib, sys
print(pathlib.Path(sys.argv[1] + ".json").read_text())
"""
FINDING = {"severity": "warning", "path": "models", "what": "w", "why": "", "fix": ""}


def printed(folder: Path, plan: Any, graph: Any, *, head: bool = False) -> Sides:
    """Both sides, of which one is a revision whose program prints this plan and this graph."""
    git(folder, "init", "--quiet")
    commit(folder, "Pulumi.yaml", "name: neuron-ecs\nruntime: python\n")
    commit(folder, "Pulumi.prod.yaml", STACK_FILE)
    commit(folder, "neuron_ecs/__init__.py", "")
    commit(folder, "neuron_ecs/__main__.py", PROGRAM)
    commit(folder, "plan.json", json.dumps(plan))
    commit(folder, "preview.json", json.dumps(graph))
    file = str(folder / "Pulumi.prod.yaml")
    base, other = (file, "HEAD") if head else ("HEAD", file)
    return read_sides(
        base, other, stack="prod", base_python=sys.executable, directory=folder, root=folder / "no"
    )


def readable() -> Any:
    config = stack(capacity={"pool": groups("inf2.xlarge", 4)}, models={"ant": work(1)})
    return json.loads(json.dumps(document(plan_of(config))))


def without_replicas(plan: Any) -> None:
    del plan["regions"][0]["models"][0]["replicas_max"]


def with_a_text_as_services(plan: Any) -> None:
    plan["regions"][0]["models"][0]["services"] = "none"


def with_a_number_as_regions(plan: Any) -> None:
    plan["regions"] = 7


def with_text_findings(plan: Any) -> None:
    plan["findings"] = ["w"]


def with_findings_without_code(plan: Any) -> None:
    plan["findings"] = [FINDING]


@pytest.mark.parametrize("head", [False, True], ids=["base", "head"])
@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (without_replicas, "models[0] has no replicas_max"),
        (with_a_text_as_services, "models[0].services is"),
        (with_a_number_as_regions, "regions is 7"),
        (with_text_findings, "findings[0] is"),
        (with_findings_without_code, "findings[0] has no code"),
    ],
)
def test_a_plan_that_cannot_be_read_is_reported_with_its_place(
    tmp_path: Path, damage: Callable[[Any], None], place: str, *, head: bool
) -> None:
    plan = readable()
    damage(plan)
    sides = printed(tmp_path, plan, {"version": 1, "resources": []}, head=head)
    side = sides.head if head else sides.base
    assert side.plan is None
    assert side.graph is None
    assert side.no_graph.startswith("the JSON of its `plan` cannot be read: ")
    assert place in side.no_graph
    found = put_together(sides)
    assert (found.failed, found.unread) == (head, head)
    assert place in verdict(found)
    assert difference_document(found, verdict(found))["plan_only"]


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1, None, "2"])
def test_a_plan_of_another_version_is_never_read(tmp_path: Path, version: Any) -> None:
    plan = {**readable(), "version": version}
    for pool in plan["regions"][0]["auto_scaling"]["pools"]:
        for slot in pool["layout"]["slots"]:
            slot["shares"] = slot.pop("assignments")
    base = printed(tmp_path, plan, {"version": 1, "resources": []}).base
    assert base.plan is None
    known = f"has version {version}; this command reads version {VERSION}"
    assert base.no_graph == f"the JSON of its `plan` {known}"


@pytest.mark.parametrize("graph", [{"version": 1}, {"version": 1, "resources": 7}])
def test_a_graph_that_cannot_be_read_leaves_the_plans_to_compare(
    tmp_path: Path, graph: Any
) -> None:
    base = printed(tmp_path, readable(), graph).base
    assert base.plan is not None
    assert (base.graph, base.broken) == (None, True)
    assert "the JSON of its `preview` has no list of resources" in base.no_graph


def test_the_findings_of_a_refused_stack_file_are_kept(tmp_path: Path) -> None:
    error = {**FINDING, "code": "NE601", "severity": "error"}
    sides = printed(tmp_path, {"findings": [error]}, {}, head=True)
    assert sides.head.findings == (Finding("NE601", Severity.ERROR, "models", "w", "", ""),)
    assert sides.head.no_graph == "the plan has errors"
    assert put_together(sides).errors == sides.head.findings
