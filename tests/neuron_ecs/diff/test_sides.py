"""What another revision's program prints is read, or it is reported why it cannot be."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from messages.finding import Finding, Severity
from neuron_ecs.diff.difference import put_together
from neuron_ecs.diff.document import document as difference_document
from neuron_ecs.diff.sides import PASSED, Program, Sides, read_sides
from neuron_ecs.diff.summary import verdict
from neuron_ecs.files import STACK_FILE_BYTES
from neuron_ecs.recording.plans import Recorder
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
TELLING = """\
import json, os, pathlib
pathlib.Path({seen!r}).write_text(json.dumps(dict(os.environ)))
"""
"""A program that tells in a file which environment it has."""


@cache
def recorder() -> Recorder:
    """One process for most tests: it takes a second of the processor to load the provider."""
    return Recorder()


@pytest.fixture(scope="module", autouse=True)
def end_of_the_recorder() -> Iterator[None]:
    yield
    recorder().dismiss()
    recorder.cache_clear()


def sides_of(base: str, head: str, **more: Any) -> Sides:
    """Both sides of the stack prod, with the recorder of this file."""
    return read_sides(base, head, stack="prod", recorder=recorder(), **more)


def project(folder: Path, program: str) -> None:
    """A repository whose only commits hold a stack file and this program."""
    git(folder, "init", "--quiet")
    commit(folder, "Pulumi.yaml", "name: neuron-ecs\nruntime: python\n")
    commit(folder, "Pulumi.prod.yaml", STACK_FILE)
    commit(folder, "neuron_ecs/__init__.py", "")
    commit(folder, "neuron_ecs/__main__.py", program)


def printed(folder: Path, plan: Any, graph: Any, *, head: bool = False) -> Sides:
    """Both sides, of which one is a revision whose program prints this plan and this graph."""
    project(folder, PROGRAM)
    commit(folder, "plan.json", json.dumps(plan))
    commit(folder, "preview.json", json.dumps(graph))
    file = str(folder / "Pulumi.prod.yaml")
    base, other = (file, "HEAD") if head else ("HEAD", file)
    root = folder / "no"
    return sides_of(base, other, base_python=sys.executable, directory=folder, root=root)


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
    assert difference_document(found)["plan_only"]


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


# ---- what a revision may hold ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["Pulumi.prod.yaml", "Pulumi.yaml"])
@pytest.mark.parametrize("head", [True, False])
def test_a_link_in_a_revision_is_refused_and_leads_nowhere(
    tmp_path: Path, name: str, *, head: bool
) -> None:
    """It would be read from the machine that compares: a token, or a file of another project."""
    folder, outside = tmp_path / "project", tmp_path / "outside.yaml"
    folder.mkdir()
    outside.write_text("name: hunter2\nconfig: {hunter2: 1}\n", encoding="utf-8")
    project(folder, TELLING.format(seen=str(tmp_path / "seen")))
    (folder / name).unlink()
    (folder / name).symlink_to(outside)
    commit(folder, "planning/new.py", "")
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(STACK_FILE, encoding="utf-8")
    (tmp_path / "Pulumi.yaml").write_text("name: neuron-ecs\n", encoding="utf-8")
    pair = (str(file), "HEAD") if head else ("HEAD", str(file))
    python = sys.executable
    sides = sides_of(*pair, base_python=python, directory=folder)
    side = sides.head if head else sides.base
    assert [(f.path, f.what) for f in side.findings] == [(name, "is a link in that revision")]
    assert side.plan is None
    assert not (tmp_path / "seen").exists(), "its program does not run"
    assert "hunter2" not in repr(side)
    assert put_together(sides).failed == head


def test_requirements_are_those_of_the_revision_and_not_what_a_link_leads_to(
    tmp_path: Path,
) -> None:
    folder, root = tmp_path / "project", tmp_path / "root"
    folder.mkdir()
    root.mkdir()
    (root / "requirements.txt").write_text("pulumi\n", encoding="utf-8")
    project(folder, PROGRAM)
    (folder / "requirements.txt").symlink_to(root / "requirements.txt")
    commit(folder, "plan.json", json.dumps(readable()))
    file = str(folder / "Pulumi.prod.yaml")
    side = read_sides("HEAD", file, stack="prod", directory=folder, root=root).base
    assert side.no_graph.startswith("its requirements are not those of this environment")
    (folder / "requirements.txt").unlink()
    commit(folder, "requirements.txt", "pulumi\n")
    side = read_sides("HEAD", file, stack="prod", directory=folder, root=root).base
    assert "preview.json" in side.no_graph, "its program is asked"


def test_a_file_of_a_revision_has_the_bound_of_any_stack_file(tmp_path: Path) -> None:
    project(tmp_path, PROGRAM)
    commit(tmp_path, "Pulumi.prod.yaml", "#" * (STACK_FILE_BYTES + 1))
    commit(tmp_path, "README.md", "")
    sides = between(tmp_path)
    assert [f.what for f in sides.head.findings] == ["is longer than 1,000,000 bytes"]


def test_what_a_program_prints_is_read_to_a_bound(tmp_path: Path) -> None:
    """The program ends then: nobody reads what it goes on to print."""
    project(tmp_path, "while True:\n    print('x' * 1_000_000)\n")
    file = str(tmp_path / "Pulumi.prod.yaml")
    side = read_sides(
        "HEAD",
        file,
        stack="prod",
        base_python=sys.executable,
        directory=tmp_path,
        root=tmp_path / "no",
    ).base
    assert "its output is longer than 64,000,000 bytes" in side.no_graph


# ---- what a revision's program may see, and whether it runs --------------------------------------

SECRETS = ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MY_LOGIN")


def between(folder: Path, **more: Any) -> Sides:
    """The last commit against the one before."""
    python = sys.executable
    return sides_of("HEAD~1", "HEAD", base_python=python, directory=folder, **more)


def test_a_revisions_program_sees_named_variables_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "secret")
    (tmp_path / "project").mkdir()
    project(tmp_path / "project", TELLING.format(seen=str(tmp_path / "seen")))
    commit(tmp_path / "project", "planning/new.py", "")
    between(tmp_path / "project")
    seen = json.loads((tmp_path / "seen").read_text(encoding="utf-8"))
    assert set(seen) <= {*PASSED, "PYTHONDONTWRITEBYTECODE"}
    assert "PATH" in seen
    assert not any(word in name for name in PASSED for word in ("TOKEN", "AWS", "PULUMI", "HOME"))


def test_a_hook_that_a_revision_brings_does_not_run(tmp_path: Path) -> None:
    """Where core.hooksPath is a folder of the repository, git runs it at each checkout."""
    folder = tmp_path / "project"
    folder.mkdir()
    project(folder, PROGRAM)
    git(folder, "config", "core.hooksPath", ".hooks")
    hook = folder / ".hooks" / "post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\necho ran > {tmp_path}/ran\n", encoding="utf-8")
    hook.chmod(0o755)
    commit(folder, "planning/new.py", "")
    (tmp_path / "ran").unlink(missing_ok=True)
    between(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("program", [None, "own", "installed"])
@pytest.mark.parametrize("changed", ["Pulumi.prod.yaml", "planning/new.py"])
def test_the_installed_program_plans_what_changes_no_code_and_what_it_is_asked_for(
    tmp_path: Path, changed: str, program: Program | None
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    project(folder, TELLING.format(seen=str(tmp_path / "seen")))
    commit(folder, changed, STACK_FILE.replace("max_size: 4", "max_size: 5"))
    sides = between(folder, program=program)
    code = changed != "Pulumi.prod.yaml"
    runs = program == "own" or (program is None and code)
    assert (tmp_path / "seen").exists() == runs, "no code of a revision runs"
    assert (sides.head.plan is None) == runs
    assert any("program that is installed here" in note for note in sides.notes) == (not runs)
    if program == "installed":
        assert any("planning/new.py" in note for note in sides.notes) == code
