"""Only what a change touches is registered, and both graphs of a large change side by side."""

import sys
from pathlib import Path

import pytest

from neuron_ecs.diff.sides import read_sides
from tests.bench import stack
from tests.pace import least_of_process

ROOT = Path(__file__).resolve().parents[3]


def written(folder: Path, document: stack.Entry) -> Path:
    folder.mkdir()
    file = folder / "Pulumi.bench.yaml"
    file.write_text(stack.text(document), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Sixteen Regions with twenty models each; one model changed in one of them."""
    folder = tmp_path_factory.mktemp("large")
    after = stack.with_one_changed(stack.document())
    return written(folder / "before", stack.document()), written(folder / "after", after)


def test_a_change_of_one_model_in_one_region_registers_it_alone(files: tuple[Path, Path]) -> None:
    sides = read_sides(*map(str, files), stack=None, directory=ROOT)
    assert len(sides.skipped) == 16
    assert stack.CHANGED_REGION not in sides.skipped
    assert {region for region, _ in sides.left_out} == {stack.CHANGED_REGION}
    for side in (sides.base, sides.head):
        regions = {r["inputs"].get("region") for r in side.graph or ()} - {None}
        assert regions == {stack.CHANGED_REGION}
        models = {r["name"] for r in side.graph or () if r["type"].endswith(":Model")}
        assert len(models) == 1, "the other nineteen are the same"


@pytest.mark.slow
def test_the_time_of_a_small_change_of_a_large_stack(files: tuple[Path, Path]) -> None:
    command = [sys.executable, "-m", "neuron_ecs", "diff", *map(str, files)]
    # Two processes share the work: on the clock it takes less than its seconds of the processor.
    assert least_of_process(command, 3, directory=ROOT) < 3
