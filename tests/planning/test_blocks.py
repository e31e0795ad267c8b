"""When the instances of a pool run that has the hours of its Capacity Blocks."""

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from config import Block
from planning import blocks, plan
from tests.planning.fixtures_blocks import DAY, NEXT, blocked
from tests.planning.stacks import Config, changed, decide_on

TIMES = st.integers(0, 60 * 24 * 1500).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def pool_of(config: Config) -> plan.AutoScalingPool:
    cluster = decide_on(config).regions[0].auto_scaling
    assert cluster is not None
    return cluster.pools[0]


def test_the_group_gets_its_instances_with_the_block_and_none_before_it_closes() -> None:
    pool = pool_of(blocked(DAY, max_size=3))
    assert not pool.managed_scaling, "a group with a schedule has no other scaling"
    assert [(s.recurrence, s.instances) for s in pool.sizes] == [
        ("30 11 1 12 *", 3),
        ("45 10 2 12 *", 0),
    ]
    assert isinstance(pool.purchase, plan.CapacityBlock)
    assert pool.purchase.reservation_id == "cr-0a"


def test_blocks_count_in_the_order_of_time_and_only_the_first_has_actions() -> None:
    assert pool_of(blocked(NEXT, DAY)) == pool_of(blocked(DAY, NEXT))
    pool = pool_of(blocked(NEXT, DAY))
    assert [one.reservation_id for one in pool.blocks] == ["cr-0a", "cr-0b"]
    assert pool.sizes == pool_of(blocked(DAY)).sizes


def test_a_pool_without_hours_is_as_before() -> None:
    pool = pool_of(blocked(reservation_ids={"us-west-2": "cr-0a"}))
    assert pool.managed_scaling
    assert (pool.blocks, pool.sizes) == ((), ())


def test_tasks_that_stop_for_days_leave_half_a_day_of_a_block() -> None:
    model = next(iter(json.loads(blocked(DAY)["neuron-ecs:models"])))
    pool = pool_of(changed(blocked(DAY), f"models.{model}", stop_timeout_seconds=1_000_000))
    assert pool.blocks[0].start < pool.blocks[0].drained < pool.blocks[0].end


def test_a_capacity_block_has_no_placement_group() -> None:
    pool = pool_of(blocked(DAY, efa=True))
    assert pool.network_interfaces
    assert not pool.placement_group, "EC2 launches no instance of a block into one"


@given(TIMES, st.integers(-12, 14), st.integers(2, 182 * 24), st.integers(0, 400))
def test_instances_are_gone_before_ec2_ends_them_in_every_zone(
    start: datetime, offset: int, length: int, leaving: int
) -> None:
    zone, end = timezone(timedelta(hours=offset)), start + timedelta(hours=length)
    texts = [t.astimezone(zone).isoformat() for t in (start, end)]
    (found,) = blocks.hours(
        [Block(id="cr-0a", start=texts[0], end=texts[1])], blocks.early_minutes(30, leaving)
    )
    drained = datetime.fromisoformat(found.drained)
    assert datetime.fromisoformat(found.start) == start, "hours are of UTC"
    assert drained + timedelta(minutes=30, seconds=leaving) < end
    up, down = blocks.sizes("p", [found], 2)
    assert (up.instances, down.instances) == (2, 0)
    assert up.recurrence == f"{start.minute} {start.hour} {start.day} {start.month} *"
    assert down.recurrence.split()[:2] == [str(drained.minute), str(drained.hour)]


def test_a_time_has_one_action_whatever_the_size() -> None:
    """AWS refuses two actions of a group at one time."""
    (hours,) = blocks.hours([Block(**DAY)], 45)
    keys = [[size.key for size in blocks.sizes("p", [hours], number)] for number in (1, 2)]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2


def test_a_time_without_quotes_is_the_one_that_the_engine_makes_of_it() -> None:
    right = blocks.moment("2026-12-01T11:30:00Z")
    for text in ("2026-12-01 11:30:00 +0000 UTC", "2026-12-01 12:30:00 +0100 +0100"):
        assert blocks.moment(text) == right
        assert Block(**DAY | {"start": text}).start == text
    assert blocks.moment("2026-02-29T11:30:00Z") is None
