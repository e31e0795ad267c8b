"""The order in which services change, from the journal of an account that takes its time."""

from pathlib import Path

import pytest

from tests.engine.harness import Engine, Outcome
from tests.engine.provider.account import Habits
from tests.engine.provider.operations import STEADY
from tests.engine.provider.refusals import SERVICE
from tests.engine.test_lives import IMAGE, ends, fails, model, pool, stack, succeeds

pytestmark = pytest.mark.engine

SLOW = Habits(refusals_until_active=0, deployment_seconds=2.0)


@pytest.fixture
def engine(tmp_path: Path, shapes_file: Path) -> Engine:
    made = Engine(tmp_path / "engine", shapes=shapes_file).start()
    made.habits(SLOW)
    return made


def slots(tag: str, least: int = 4) -> str:
    """Four slots of one model fill the instance, beside another model."""
    image = IMAGE.replace("v1", tag)
    wide = model("first", 1, image=image, replicas={"min": least, "max": least})
    return stack({"wide": wide, "calm": model("first", 2)}, {"first": pool(max_size=1)})


def order(outcome: Outcome, name: str) -> list[tuple[str, int]]:
    """What happened to the services of a model, with the numbers of the services."""
    return [
        (entry.op, int(entry.logical.split("_")[2]))
        for entry in outcome.done
        if entry.type == SERVICE and f"_{name}_" in entry.logical
    ]


def in_two_waves(outcome: Outcome, op: str) -> None:
    """The second half begins when the first is steady, and each half at the same time."""
    found = order(outcome, "wide")
    first, second = found[:4], found[4:]
    for wave, numbers in ((first, {1, 2}), (second, {3, 4})):
        assert {n for word, n in wave[:2] if word == op} == numbers, outcome.explain()
        assert {n for word, n in wave[2:] if word == STEADY} == numbers, outcome.explain()


def test_slots_are_made_and_changed_in_two_waves_and_others_beside_them(engine: Engine) -> None:
    made = succeeds(engine.up(slots("v1")))
    in_two_waves(made, "create")
    services = [e for e in made.done if e.type == SERVICE]
    begun = [e.logical.split("_")[1] for e in services[:3] if e.op == "create"]
    assert sorted(begun) == ["calm", "wide", "wide"], "nothing else waits\n" + made.explain()
    changed = succeeds(engine.up(slots("v2")))
    in_two_waves(changed, "update")
    ends(engine)


def test_after_a_rollback_the_next_wave_does_not_start(engine: Engine) -> None:
    engine.habits(Habits(refusals_until_active=0))
    succeeds(engine.up(slots("v1")))
    engine.habits(Habits(refusals_until_active=0, rolled_back=":v2"))
    failed = fails(engine.up(slots("v2")), "rolled back because of an alarm")
    assert {number for _, number in order(failed, "wide")} <= {1, 2}, failed.explain()
    engine.habits(Habits(refusals_until_active=0))
    mended = succeeds(engine.up(slots("v3")))
    assert {number for _, number in order(mended, "wide")} == {1, 2, 3, 4}, mended.explain()
    ends(engine)
