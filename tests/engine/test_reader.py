"""The recorded verdicts on texts of a stack file are those of the engine's own reader."""

import json
from pathlib import Path

import pytest

from tests.engine.harness import REPOSITORY, Engine
from tests.engine.test_lives import EVERYTHING

pytestmark = pytest.mark.engine

VERDICTS = REPOSITORY / "tests" / "neuron_ecs" / "stackfile" / "verdicts.json"


def test_the_engine_reads_each_text_as_recorded(tmp_path: Path, shapes_file: Path) -> None:
    engine = Engine(tmp_path / "engine", shapes=shapes_file).start()
    recorded: list[list[str | None]] = json.loads(VERDICTS.read_text(encoding="utf-8"))
    for text, verdict in recorded:
        engine.write(f"config:\n  life:k: {text}\n")
        outcome = engine.config()
        shown = outcome.text[outcome.text.find("{\n") :]  # warnings stand before
        found = json.loads(shown)["life:k"]["value"] if outcome.code == 0 else None
        assert found == verdict, f"write {json.dumps([text, found])} into {VERDICTS.name}"


def test_what_the_engine_would_decrypt_is_refused_before_anything_is_built(
    tmp_path: Path, shapes_file: Path
) -> None:
    """It would stand in clear text in the task definition and in the state."""
    engine = Engine(tmp_path / "engine", shapes=shapes_file).start()
    engine.write(EVERYTHING)
    model = sorted(json.loads(EVERYTHING)["config"]["neuron-ecs:models"])[0]
    path = f"neuron-ecs:models.{model}.environment.TOKEN"
    kept = engine.keep_secret(path, "hunter2")
    assert kept.code == 0, kept.text
    outcome = engine.up()
    assert outcome.code != 0
    assert "NE004  models holds a value that Pulumi keeps encrypted" in outcome.text
    assert "hunter2" not in outcome.text
    assert outcome.journal == ()
