"""Capacity Blocks whose hours change under a pool that is there."""

from pathlib import Path

import pytest

from planning import blocks
from tests.engine.harness import Engine, Outcome, disturbed
from tests.engine.provider.refusals import PROVIDER, SCALING, TEMPLATE
from tests.engine.provider.wire import number, text, texts
from tests.engine.test_lives import PROMPT, Config, ends, model, pool, stack, succeeds

pytestmark = pytest.mark.engine

ACTION = "aws:autoscaling/schedule:Schedule"
FIRST = {"id": "cr-0a", "start": "2026-12-01T11:30:00Z", "end": "2026-12-02T11:30:00Z"}
LONGER = {**FIRST, "end": "2026-12-03T11:30:00Z"}
SECOND = {"id": "cr-0b", "start": "2026-12-03T11:30:00Z", "end": "2026-12-04T11:30:00Z"}
# begins when the first one is drained: one time, two sizes
CLOSE = {"id": "cr-0b", "start": "2026-12-03T10:40:00Z", "end": "2026-12-04T11:30:00Z"}

STEPS: tuple[tuple[tuple[Config, ...], int], ...] = (
    # blocks, and the instances of each
    ((FIRST,), 1),
    ((LONGER,), 1),
    ((LONGER,), 2),
    ((LONGER, SECOND), 2),
    ((SECOND,), 2),
    ((CLOSE,), 1),
    ((FIRST,), 1),
)


def hours(given: tuple[Config, ...], size: int) -> str:
    """A model that takes a whole instance of the block, beside another pool's."""
    blocked = pool(
        instance_type="trn1.32xlarge",
        max_size=size,
        purchase="capacity_block",
        zone_ids=["usw2-az1"],
        blocks=list(given),
    )
    models = {"calm": model("first", [0, 1]), "train": model("blocked", "all")}
    return stack(models, {"first": pool(), "blocked": blocked})


def sizes(outcome: Outcome) -> dict[str, int]:
    """The size that the group gets at each time."""
    found = [record.inputs for record in outcome.records if record.type == ACTION]
    return {
        text(one, "recurrence") or "": int(number(one, "desiredCapacity") or 0) for one in found
    }


def test_hours_change_and_a_second_block_follows_the_first(
    tmp_path: Path, shapes_file: Path
) -> None:
    engine = Engine(tmp_path / "engine", shapes=shapes_file).start()
    engine.habits(PROMPT)
    for given, size in STEPS:
        outcome = succeeds(engine.up(hours(given, size)))
        start = blocks.moment(given[0]["start"])
        end = blocks.moment(given[0]["end"])
        assert start and end
        found = sizes(outcome)
        up = f"{start.minute} {start.hour} {start.day} {start.month} *"
        assert found.pop(up) == size, outcome.explain()
        ((down, none),) = found.items()
        minute, hour, day, month, _ = down.split()
        drained = end.replace(month=int(month), day=int(day), hour=int(hour), minute=int(minute))
        assert none == 0, "the group is empty when the block is over"
        assert (end - drained).total_seconds() > 30 * 60, "EC2 ends instances half an hour before"

        templates = [r for r in outcome.records if r.type == TEMPLATE and "blocked" in r.logical]
        reserved = [i for r in templates for i in texts(r.inputs, RESERVED)]
        assert reserved == [given[0]["id"]], outcome.explain()
        assert disturbed(outcome.journal) == set(), outcome.explain()
        replaced = {e.logical for e in outcome.done if e.type in (SCALING, PROVIDER)}
        if (given, size) != STEPS[0]:
            ops = {e.op for e in outcome.done if e.type in (SCALING, PROVIDER)}
            assert ops <= {"update"}, f"{replaced} stay with their instances\n{outcome.explain()}"
            assert not [e for e in outcome.done if e.type == ACTION and e.op == "update"]
    ends(engine)


RESERVED = "capacityReservationSpecification.capacityReservationTarget.capacityReservationId"
