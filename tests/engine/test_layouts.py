"""A layout that commands keep: over many edits nothing moves that the edit does not name."""

from pathlib import Path

import pytest

from tests.engine.harness import Engine, Outcome
from tests.engine.provider.refusals import SERVICE, TASK
from tests.engine.provider.wire import Props, text
from tests.engine.test_lives import IMAGE, PROMPT, ends, leaves_alone, model, pool, stack, succeeds
from tests.neuron_ecs.running import printed

pytestmark = pytest.mark.engine

EDITS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # the models that the edit names, and the command; without a layout several of these move others
    ("", ("place",)),
    ("gone", ("models", "remove", "gone")),
    ("left", ("models", "set", "left", "replicas=2")),
    ("more", ("models", "add", "more", "--image", IMAGE, "--capacity", "first", "--devices", "1")),
    ("right", ("models", "set", "right", "replicas=1..3")),
    ("left", ("models", "set", "left", "neuron_devices=1")),
    ("more", ("models", "set", "more", f"image={IMAGE}2")),
    ("late", ("models", "add", "late", "--image", IMAGE, "--capacity", "first", "--devices", "2")),
    ("", ("pools", "set", "first", "max_size=4")),
    ("right", ("models", "set", "right", "replicas=0")),
    ("more", ("models", "remove", "more")),
    ("late", ("models", "set", "late", "replicas=2")),
)


def edited(engine: Engine, *command: str) -> None:
    """Runs a command that writes the stack file."""
    code, said = printed(
        *command, "--stack", engine.stack, "--yes", "--project", str(engine.program)
    )
    assert code == 0, said


def tasks(outcome: Outcome) -> dict[str, Props]:
    """What each service runs, by the model and the service's number."""
    by_arn = {record.arn: record.inputs for record in outcome.records if record.type == TASK}
    return {
        "_".join(record.logical.split("_")[1:3]): by_arn[
            text(record.inputs, "taskDefinition") or ""
        ]
        for record in outcome.records
        if record.type == SERVICE
    }


def test_a_layout_is_kept_over_ten_edits(tmp_path: Path, shapes_file: Path) -> None:
    engine = Engine(tmp_path / "engine", shapes=shapes_file).start()
    engine.habits(PROMPT)
    entries = {"gone": 1, "left": 2, "right": 2}
    models = {name: model("first", devices) for name, devices in entries.items()}
    before = tasks(succeeds(engine.up(stack(models, {"first": pool(max_size=3)}))))
    for named, command in EDITS:
        edited(engine, *command)
        outcome = succeeds(engine.up())
        after = tasks(outcome)
        stayed = {key for key in before if key.split("_")[0] != named}
        kept = {key: after.get(key) for key in stayed}
        assert kept == {key: before[key] for key in stayed}, f"{command}\n{outcome.explain()}"
        touched = {e.logical for e in outcome.done if e.type in (SERVICE, TASK)}
        assert {name.split("_")[1] for name in touched} <= {named}, outcome.explain()
        for name in {key.split("_")[0] for key in stayed}:
            leaves_alone(outcome, name)
        before = after
    assert {key.split("_")[0] for key in before} == {"left", "right", "late"}
    ends(engine)
