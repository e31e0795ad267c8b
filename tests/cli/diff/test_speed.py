"""Only what a change touches is registered, and both graphs of a large change side by side."""

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.comparison.sides import read_sides
from tests.bench import stack

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


def test_a_change_in_one_region_registers_that_region_alone(files: tuple[Path, Path]) -> None:
    sides = read_sides(*map(str, files), stack=None, directory=ROOT)
    assert len(sides.skipped) == 16
    assert CHANGED not in sides.skipped
    for side in (sides.base, sides.head):
        regions = {r["inputs"].get("region") for r in side.graph or ()} - {None}
        assert regions == {CHANGED}


@pytest.mark.slow
def test_the_time_of_a_small_change_of_a_large_stack(files: tuple[Path, Path]) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "cli", "diff", *map(str, files)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(f"\ndiff, one model in one Region of 16 x 20: {wall:.1f} s, CPU {cpu:.1f} s\n")
    # Two processes share the work; a busy machine makes the wall's clock say nothing.
    assert cpu < 6
