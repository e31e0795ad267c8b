"""Every reader of a plan shows the instances of its layout, minimum size included."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from neuron_ecs.cli.main import main
from tests.planning.stacks import Entry, groups, work

STACKS: dict[str, tuple[Entry, Entry, tuple[int, int]]] = {
    "minimum above the replicas": (
        groups("inf2.xlarge", 4, min_size=2),
        {"m": work(1, replicas={"min": 1, "max": 3})},
        (2, 3),
    ),
    "minimum above every number of replicas": (
        groups("inf2.xlarge", 4, min_size=3),
        {"m": work(1, replicas={"min": 1, "max": 2})},
        (3, 3),
    ),
    "no chips": (
        groups("c7g.xlarge", 4, min_size=2),
        {"m": work(cpu_units=800, memory_mib=1024)},
        (2, 2),
    ),
    "nothing runs there": (groups("inf2.xlarge", 4, min_size=1), {}, (1, 1)),
    "no minimum": (groups("inf2.xlarge", 4), {"m": work(1, replicas={"min": 2, "max": 3})}, (2, 3)),
}


@pytest.fixture(params=STACKS, ids=lambda name: name.replace(" ", "-"))
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, tuple[int, int]]:
    """A stack file, and the instances that run at minimum and at maximum."""
    pool, models, instances = STACKS[request.param]
    config: dict[str, Any] = {
        "aws:region": "us-west-2",
        "neuron-ecs:regions": {"us-west-2": {}},
        "neuron-ecs:capacity": {"pool": pool},
        "neuron-ecs:models": models,
    }
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text(json.dumps({"config": config}), encoding="utf-8")
    return file, instances


def shown(capsys: pytest.CaptureFixture[str], command: str, *arguments: str) -> str:
    assert main([command, *arguments]) == 0
    return capsys.readouterr().out


def test_every_reader_shows_the_instances_of_the_layout(
    stack: tuple[Path, tuple[int, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    file, (least, most) = stack
    at = ("--file", str(file))
    span = str(least) if least == most else f"{least} to {most}"

    plan: Any = json.loads(shown(capsys, "plan", *at, "--json"))
    layout = plan["regions"][0]["auto_scaling"]["pools"][0]["layout"]
    assert (layout["instances_min"], layout["instances_max"]) == (least, most)

    assert re.search(rf"on demand +{span} of at most 4", shown(capsys, "plan", *at))

    chips: Any = json.loads(shown(capsys, "preview", *at, "--json"))["outputs"]["chips"]
    pool = chips["us-west-2"]["pool"]
    assert (pool["instances_min"], pool["instances_max"]) == (least, most)

    mapped: Any = json.loads(shown(capsys, "map", *at, "--json"))["regions"][0]["pools"][0]
    running = mapped["minimum"]["running"], mapped["maximum"]["running"]
    assert running == (least, most)

    other = file.with_name("Pulumi.other.yaml")
    other.write_text(file.read_text(encoding="utf-8").replace('"max_size": 4', '"max_size": 5'))
    compared: Any = json.loads(shown(capsys, "diff", str(other), str(file), "--json"))
    (line,) = compared["price"]["lines"]
    assert line["after"]["instances"] == {"min": least, "max": most}


@pytest.mark.parametrize("width", ["40", "60", "80", "100", "0"])
def test_no_width_separates_the_instances_of_a_pool_from_their_limit(
    stack: tuple[Path, tuple[int, int]], width: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file, (least, most) = stack
    span = str(least) if least == most else f"{least} to {most}"
    assert f"{span} of at most 4" in shown(capsys, "plan", "--file", str(file), "--width", width)
