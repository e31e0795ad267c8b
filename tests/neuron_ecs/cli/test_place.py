"""`place` writes the layout, and the commands that edit keep it."""

import json
from pathlib import Path

import pytest

from neuron_ecs.cli.place import Arguments
from neuron_ecs.cli.place import run as place
from neuron_ecs.edits.entries import OfEntry
from neuron_ecs.edits.entries import run as edit_entry
from neuron_ecs.edits.writing import Comparison
from neuron_ecs.stackfile.yaml_values import load
from tests.neuron_ecs import running
from tests.neuron_ecs.diff.test_git import git
from tests.planning.stacks import Entry

PROJECT = "name: neuron-ecs\nruntime: python\n"
STACK = """\
config:
  aws:region: us-west-2
  neuron-ecs:regions: {us-west-2: {}}
  neuron-ecs:capacity:
    inf2: {kind: auto_scaling, instance_type: inf2.24xlarge, max_size: 2}
  neuron-ecs:models:  # what serves
    chat: {image: "acme/serving:1", capacity: inf2, neuron_devices: 2}
    code: {image: "acme/serving:1", capacity: inf2, neuron_devices: 3}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK)
    return tmp_path


def nothing_compared(*_: object) -> Comparison:
    """What changes of the plan is not looked at here."""
    return Comparison(lambda width, bold: [], {})


def run(project: Path, *arguments: str) -> tuple[int, str]:
    """The command's exit code and output, without the difference of the plans."""
    given = (*arguments, "--project", str(project))
    if arguments[0] == "place":
        return running.run_with(Arguments, place, *given, compare=nothing_compared)
    return running.run_with(OfEntry, edit_entry, *given, compare=nothing_compared)


def layout(project: Path) -> Entry:
    text = (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    return load(text).value["config"].get("neuron-ecs:layout")


def test_what_place_writes_stays_through_edits(project: Path) -> None:
    assert run(project, "place", "--check")[0] == 0, "without a layout there is nothing to check"
    code, said = run(project, "place", "--yes")
    assert code == 0
    assert layout(project) == {
        "us-west-2": {"inf2": {"chat": {"1": [3, 4]}, "code": {"1": [0, 1, 2]}}}
    }
    assert run(project, "models", "remove", "code", "--yes")[0] == 0
    assert layout(project) == {"us-west-2": {"inf2": {"chat": {"1": [3, 4]}}}}
    text = (project / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    by_hand = text.replace(
        "  neuron-ecs:layout:",
        "    tiny: {image: 'acme/serving:1', capacity: inf2, neuron_devices: 1}\n"
        "  neuron-ecs:layout:",
    )
    (project / "Pulumi.dev.yaml").write_text(by_hand)
    code, said = run(project, "place", "--check")
    assert code == 1
    assert 'tiny: {"1": ' in said
    assert (project / "Pulumi.dev.yaml").read_text(encoding="utf-8") == by_hand


def test_a_base_is_a_revision_or_a_file_whose_models_stay(project: Path) -> None:
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "x")
    changed = STACK.replace(
        "code:", "big: {image: x/y:1, capacity: inf2, neuron_devices: 4}\n    code:"
    )
    (project / "Pulumi.dev.yaml").write_text(changed)
    code, said = run(project, "place", "--base", "HEAD", "--json", "--yes")
    assert code == 0
    assert json.loads(said)["written"]
    lines = layout(project)["us-west-2"]["inf2"]
    assert (lines["chat"], lines["code"]) == ({"1": [3, 4]}, {"1": [0, 1, 2]})


def test_plan_says_what_is_left_when_an_instance_dies_and_what_it_costs_to_keep_a_replica(
    project: Path,
) -> None:
    path, small = (
        project / "Pulumi.dev.yaml",
        STACK.replace("neuron_devices: 3", "neuron_devices: 1"),
    )
    path.write_text(small.replace("neuron_devices: 2}", "neuron_devices: 2, replicas: 2}"))
    given = ("plan", "--project", str(project), "--width", "200")
    said = running.printed(*given)[1]
    assert (
        "chat: write `replicas.spread: instances`, and one replica stays: +$4,738 a month" in said
    )
    apart = "neuron_devices: 2, replicas: {min: 2, spread: instances}}"
    path.write_text(small.replace("neuron_devices: 2}", apart))
    said = running.printed(*given)[1]
    (row,) = (
        line.split() for line in said.splitlines() if line.startswith("  chat") and "left" in line
    )
    assert row[2:5] == ["2", "1", "left"]


def test_a_fresh_layout_is_shown_with_what_moves_before_it_is_written(project: Path) -> None:
    gap = "  neuron-ecs:layout: {us-west-2: {inf2: {chat: {1: [2, 3]}, code: {1: [3, 4, 5]}}}}\n"
    (project / "Pulumi.dev.yaml").write_text(STACK + gap)
    code, said = running.printed("place", "--fresh", "--json", "--project", str(project))
    assert code == 0
    document = json.loads(said)
    assert not document["written"]
    moved = {m["name"]: m["told"] for m in document["diff"]["models"]}
    assert moved == {"chat": ["devices 2-3 → 3-4"], "code": ["devices 3-5 → 0-2"]}
    assert (project / "Pulumi.dev.yaml").read_text(encoding="utf-8") == STACK + gap
