"""The command: text, JSON, the page, and what it says when that cannot be."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import catalog
from neuron_ecs.chipmap import document, pools, text
from neuron_ecs.cli import main as command_line
from neuron_ecs.stackfile.reading import read
from planning import decide
from tests.bench import stack as bench
from tests.neuron_ecs.chipmap import drawn
from tests.pace import least_of_process

PROD = drawn.ROOT / "Pulumi.prod.yaml"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = command_line.main(["map", "--file", str(PROD), *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_text_draws_each_pool_at_both_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--width", "100")
    assert code == 0
    assert "  inf2-shared  inf2.48xlarge: ring of 12 devices" in out
    assert "    at minimum: 1 instance, 11 of 12 devices taken, 1 free" in out
    assert "    at maximum: 2 instances, 22 of 24 devices taken, 2 free" in out
    assert "trn1.32xlarge: 4 by 4 torus of 16 devices" in out


def test_the_json_places_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--json")
    told: dict[str, Any] = json.loads(out)
    assert code == 0
    assert told["version"] == document.VERSION
    west = next(r for r in told["regions"] if r["name"] == "us-west-2")
    shared = next(p for p in west["pools"] if p["name"] == "inf2-shared")
    assert shared["topology"] == "ring"
    assert shared["maximum"]["devices"] == {"taken": 22, "free": 2, "free_for_jobs": 0}
    assert shared["minimum"]["instances"] == [
        {
            "number": 1,
            "role": "running",
            "tasks": [
                {"workload": name, "task": number, "slot": slot, "devices": slot}
                for name, number, slot in (
                    ("llama-3-1-8b", 1, [0, 1, 2, 3]),
                    ("llama-3-1-8b", 2, [4, 5, 6, 7]),
                    ("mistral-7b", 1, [8]),
                    ("mistral-7b", 2, [9]),
                    ("qwen2-5-7b", 1, [10]),
                )
            ],
            "jobs": [],
            "free": [11],
        }
    ]
    assert shared["minimum"]["rollouts"][0] == {
        "model": "llama-3-1-8b",
        "devices": [0, 1, 2, 3],
        "how": "surge",
        "tasks_at_once": 1,
        "instances_added": 1,
    }


def test_the_page_is_written_where_it_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "map.html"
    code, out, _ = said(capsys, "--html", str(target))
    assert (code, out) == (0, f"{target}\n")
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_page_that_cannot_be_written_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(capsys, "--html", str(tmp_path / "nowhere" / "map.html"))
    assert code == 2
    assert "cannot be written: No such file or directory; name a file in a directory" in err


@pytest.mark.slow
def test_the_map_of_the_measured_stack_takes_under_two_seconds(tmp_path: Path) -> None:
    """16 Regions with 20 models each, in a cold process."""
    (tmp_path / "Pulumi.yaml").write_text("name: neuron-ecs\nruntime: python\n")
    file = tmp_path / "Pulumi.bench.yaml"
    file.write_text(bench.text(bench.document()))
    page = str(tmp_path / "map.html")
    command = [sys.executable, "-m", "neuron_ecs", "map", "--file", str(file), "--html", page]
    assert least_of_process(command, 2, directory=drawn.ROOT) < 2


def test_a_pool_of_types_of_different_sizes_says_so() -> None:
    """How many devices `all` are is not known before ECS has taken an instance."""
    config = {
        "aws:region": "us-west-2",
        "neuron-ecs:regions": json.dumps({"us-west-2": {}}),
        "neuron-ecs:capacity": json.dumps(
            {"any": {"kind": "managed_instances", "allowed_instance_types": ["inf2.*"]}}
        ),
        "neuron-ecs:models": json.dumps(
            {
                "m": {
                    "image": "public.ecr.aws/neuron/serving:1.0",
                    "capacity": "any",
                    "neuron_devices": "all",
                    "port": 8080,
                    "replicas": {"min": 1, "max": 3},
                }
            }
        ),
    }
    file = read(stack="prod", file=None, directory=drawn.ROOT)
    tables = catalog.load()
    plan = decide(config, tables, project=file.project, stack="mixed")
    drawn_text = "\n".join(text.render(pools.of_plan(plan, tables), width=160))
    assert "as many devices as the instance that ECS takes has" in drawn_text
    assert "[all m]" in drawn_text
    assert "instances 1 to 3 (× 3)" in drawn_text
