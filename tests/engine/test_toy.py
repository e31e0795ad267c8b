"""The stand-in and the harness, proven with a program that is not ours to deploy."""

from pathlib import Path

import pytest

from tests.engine.harness import Engine, Outcome, disturbed, restarted, stack_file
from tests.engine.provider.account import Habits

pytestmark = pytest.mark.engine

TOY = Path(__file__).parent / "toy"


@pytest.fixture
def engine(tmp_path: Path, shapes_file: Path) -> Engine:
    made = Engine(tmp_path / "engine", TOY, ("__main__.py",), shapes=shapes_file).start()
    made.habits(Habits(refusals_until_active=0))
    return made


def settings(**changes: object) -> str:
    plain: dict[str, object] = {
        "aws:region": "us-west-2",
        "image": "example:1",
        "pools": ["a"],
        "home": "a",
    }
    return stack_file("toy", plain | changes)


def done(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.explain()
    return outcome


def test_a_toy_lives(engine: Engine) -> None:
    assert len(done(engine.up(settings())).operations("create")) > 5
    assert engine.forgotten() == []
    assert done(engine.up()).done == []
    done(engine.refresh())
    deployed = done(engine.up(settings(image="example:2")))
    assert restarted(deployed.journal) == {("us-west-2", "service-a")}
    both = {"image": "example:2", "pools": ["a", "b"]}
    assert disturbed(done(engine.up(settings(**both))).journal) == set()
    moved = done(engine.up(settings(**both, home="b")))
    assert disturbed(moved.journal) == {("us-west-2", "service-a")}
    refusal = engine.up(settings(image="example:2", pools=["a"], home="a"))
    assert refusal.code != 0
    assert "ResourceInUseException" in refusal.text
    done(engine.up(settings(**both, home="a")))
    done(engine.destroy())
    assert engine.left() == []


def test_what_a_program_forgets_is_found_even_if_it_works_by_luck(engine: Engine) -> None:
    done(engine.up(settings(home="")))
    engine.up(settings(forgetful=True))
    found = engine.forgotten()
    for word in ("route", "egressrule", "rolepolicyattachment machine"):
        assert any(word in line.lower() for line in found), found
