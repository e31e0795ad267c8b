"""The offline diff beside the engine's own preview of the same change, as the workflow sets them.

The engine and its bookkeeping are the real ones; what the provider says of a change is the
stand-in's, whose marks are those of the table.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from neuron_ecs.diff.difference import put_together
from neuron_ecs.diff.document import document
from neuron_ecs.diff.sides import read_sides
from neuron_ecs.workflows.engine_preview import Disagreement, disagreements, read_preview
from tests.engine.harness import REPOSITORY, Engine
from tests.engine.test_lives import EVERYTHING, PROMPT, model, pool, stack, succeeds

pytestmark = pytest.mark.engine


def edited(*pairs: tuple[str, str]) -> str:
    """The stack file with one of everything, changed."""
    text = EVERYTHING
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


ONE = {"first": pool()}
BASE = stack({"calm": model("first", [0, 1]), "busy": model("first", [2, 3])}, ONE)

CHANGES: Mapping[str, tuple[str, str]] = {
    "nothing": (EVERYTHING, EVERYTHING),
    "a model comes": (stack({"calm": model("first", [0, 1])}, ONE), BASE),
    "a model goes": (BASE, stack({"calm": model("first", [0, 1])}, ONE)),
    "an image": (EVERYTHING, edited(("model:v1", "model:v2"))),
    "tags": (EVERYTHING, edited(('"team": "ml"', '"team": "other"'))),
    "callers": (EVERYTHING, edited(("10.0.0.0/8", "10.1.0.0/16"))),
    "a Region goes": (BASE, stack({}, ONE, regions=["us-east-2"])),
    "a disk": (BASE, stack({"calm": model("first", [0, 1])}, {"first": pool(root_volume_gib=300)})),
    "everything comes": (BASE, EVERYTHING),
}


def differ(engine: Engine, base: str, head: str, folder: Path) -> list[Disagreement]:
    """On which resources the offline diff and the preview of the engine disagree."""
    files: list[str] = []
    for name, text in (("base", base), ("head", head)):
        (folder / name).mkdir()
        file = folder / name / f"Pulumi.{engine.stack}.yaml"
        file.write_text(text, encoding="utf-8")
        files.append(str(file))
    engine.write(base)
    succeeds(engine.up())
    engine.write(head)
    succeeds(engine.preview(folder / "plan.json"))
    whole = put_together(read_sides(*files, stack=None, directory=REPOSITORY))
    resources = document(whole)["resources"]
    assert resources is not None, whole.plan_only
    return disagreements(read_preview(folder / "plan.json"), resources)


@pytest.mark.parametrize("what", CHANGES)
def test_the_offline_diff_is_what_the_engine_previews(
    what: str, tmp_path: Path, shapes_file: Path
) -> None:
    engine = Engine(tmp_path / "engine", shapes=shapes_file).start()
    engine.habits(PROMPT)
    assert differ(engine, *CHANGES[what], tmp_path) == []
