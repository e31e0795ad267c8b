"""Only what a change touches is registered, and both graphs of a large change side by side."""

import sys
from pathlib import Path

import pytest

from cli.comparison.sides import read_sides
from tests.bench import stack
from tests.pace import least_of_process

ROOT = Path(__file__).resolve().parents[3]
MODEL = "model-03"
CHANGED = "us-east-2"


def large(folder: Path, name: str, **change: object) -> Path:
    """Sixteen Regions with twenty models each; one of them changed in one Region."""
    document = stack.document()
    model = document["config"][f"{stack.PROJECT}:models"][MODEL]
    model["regions"][CHANGED] = {**model["regions"][CHANGED], **change}
    place = folder / name
    place.mkdir()
    file = place / "Pulumi.bench.yaml"
    file.write_text(stack.text(document), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("large")
    return large(folder, "before"), large(folder, "after", replicas={"min": 1, "max": 2})


def test_a_change_of_one_model_in_one_region_registers_it_alone(files: tuple[Path, Path]) -> None:
    sides = read_sides(*map(str, files), stack=None, directory=ROOT)
    assert len(sides.skipped) == 16
    assert CHANGED not in sides.skipped
    assert {region for region, _ in sides.left_out} == {CHANGED}
    for side in (sides.base, sides.head):
        regions = {r["inputs"].get("region") for r in side.graph or ()} - {None}
        assert regions == {CHANGED}
        models = {r["name"] for r in side.graph or () if r["type"].endswith(":Model")}
        assert len(models) == 1, "the other nineteen are the same"


@pytest.mark.slow
def test_the_time_of_a_small_change_of_a_large_stack(files: tuple[Path, Path]) -> None:
    command = [sys.executable, "-m", "cli", "diff", *map(str, files)]
    # Two processes share the work: on the clock it takes less than its seconds of the processor.
    assert least_of_process(command, 3, directory=ROOT) < 3
