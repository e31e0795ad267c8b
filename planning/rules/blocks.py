"""The hours of Capacity Blocks."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from config import AutoScalingCapacity, Block
from messages.finding import Severity
from messages.phrases import listed
from planning import blocks
from planning.blocks import moment, written
from planning.entries import RegionalPool
from planning.make_capacity import block_early_minutes, written_blocks
from planning.rules.rule import Report, rule
from planning.situation import Situation


@rule(
    "NE252",
    "There is no such day",
    Severity.ERROR,
    "The calendar has no such day, so that the hours of the Capacity Block are unknown.",
    do="Write a day that exists.",
)
def no_such_day(s: Situation) -> Iterator[Report]:
    """ISO 8601; API_PutScheduledUpdateGroupAction of the EC2 Auto Scaling API Reference."""
    for name in s.settings.capacity:
        for path, _, block in written_blocks(s, name):
            for field in ("start", "end"):
                given = getattr(block, field)
                if moment(given) is None:
                    start = moment(block.start)
                    day = f"{given[:8]}28{given[10:]}"
                    if start and field == "end":
                        day = f"{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
                    yield Report(f"{path}.{field}", f"is {given}", f"write {day}")


@rule(
    "NE253",
    "Capacity Block leaves no time for its instances",
    Severity.ERROR,
    "EC2 ends the instances of a Capacity Block before its end, and their tasks are drained "
    "before that. Blocks last a day or longer.",
    do="Write the start and the end of the reservation.",
    table="limits",
)
def no_time_left(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-capacity-blocks.html"""
    for (region, name), pool in s.pools.items():
        early = block_early_minutes(s, pool)
        for path, where, block in written_blocks(s, name):
            start, drained = moment(block.start), blocks.drained_at(block, early)
            if where == region and start and drained and drained <= start:
                yield Report(
                    f"{path}.end",
                    f"is {block.end}; the block begins at {block.start}, and is drained "
                    f"{early} minutes before its end",
                    f"write {written(start + timedelta(days=1))}, a day after its start",
                )


@rule(
    "NE254",
    "Capacity Blocks of a pool overlap",
    Severity.ERROR,
    "A pool launches its instances into one reservation at a time: a launch template takes one.",
    do="Make a pool for each block, or correct the hours.",
)
def overlapping(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/target-capacity-reservations.html:
    one Capacity Reservation or group is allowed as the target."""
    for path, _, earlier, later in _following(s):
        end, start = moment(earlier.end), moment(later.start)
        if end and start and start < end:
            yield Report(
                f"{path}.start",
                f"is {later.start}; {earlier.id} ends at {earlier.end}",
                f"write {earlier.end}, or make a pool for {later.id}",
            )


def _following(s: Situation) -> Iterator[tuple[str, RegionalPool, Block, Block]]:
    """Each Capacity Block after another of its pool: its path, the pool, the earlier one, it."""
    for (region, name), pool in s.pools.items():
        paths = {b.id: path for path, where, b in written_blocks(s, name) if where == region}
        for earlier, later in pairwise(pool.blocks):
            yield paths[later.id], pool, earlier, later


@rule(
    "NE255",
    "A later Capacity Block needs an update",
    Severity.WARNING,
    "A launch template takes one reservation, and a group of reservations only those that are "
    "active. The pool uses the first block until its entry is gone; the others wait.",
    do="Take the entry of a block out when it is drained, and run pulumi up before the next one.",
    table="limits",
)
def later_blocks_wait(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/target-capacity-reservations.html;
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/cr-groups-add.html: only Capacity
    Reservations in the active state can be added to a group."""
    for path, pool, earlier, later in _following(s):
        drained = blocks.drained_at(earlier, block_early_minutes(s, pool))
        since = written(drained) if drained else earlier.end
        yield Report(
            f"{path}.id",
            f"is {later.id}, after {earlier.id}: its hours count when {earlier.id} is gone",
            f"run `pulumi up` without {earlier.id} between {since} and {later.start}",
        )


@rule(
    "NE256",
    "Reservation beside the hours of Capacity Blocks",
    Severity.WARNING,
    "Where a pool has blocks, its instances use the first of them and nothing else.",
    do="Leave the reservation out.",
)
def reservation_beside_blocks(s: Situation) -> Iterator[Report]:
    """API_LaunchTemplateCapacityReservationSpecificationRequest of the EC2 API Reference: one
    reservation."""
    for (region, name), pool in s.pools.items():
        spec = pool.spec
        if not isinstance(spec, AutoScalingCapacity) or not pool.blocks:
            continue
        override = s.pool_regions(name)[region]
        for path, value in (
            (f"{pool.path}.reservation_ids.{region}", spec.reservation_ids.get(region)),
            (f"{pool.path}.regions.{region}.reservation_id", override.reservation_id),
        ):
            if value is not None:
                named = listed([block.id for block in pool.blocks])
                yield Report(path, f"is {value}, beside blocks ({named})", "remove it")


@rule(
    "NE257",
    "Capacity Block of several Regions",
    Severity.ERROR,
    "A Capacity Block is in one zone of one Region.",
    do="Write the blocks of each Region under regions of the pool.",
)
def blocks_of_several_regions(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html"""
    for name, spec in s.settings.capacity.items():
        if not isinstance(spec, AutoScalingCapacity) or not spec.blocks:
            continue
        sharing = [
            region
            for region, override in s.pool_regions(name).items()
            if not override.blocks and (p := s.pools.get((region, name))) and p.blocks
        ]
        if len(sharing) > 1:
            yield Report(
                f"capacity.{name}.blocks",
                f"is {listed([b.id for b in spec.blocks])}, in {listed(sharing)}",
                "give each Region its own blocks, under regions of the pool",
            )


@rule(
    "NE258",
    "Headroom in a Capacity Block",
    Severity.WARNING,
    "All instances of the pool run while the block does, and nothing else moves their number.",
    do="Leave headroom out.",
)
def headroom_in_a_block(s: Situation) -> Iterator[Report]:
    """API_ManagedScaling of the Amazon ECS API Reference: targetCapacity is of managed scaling."""
    for name, spec in s.settings.capacity.items():
        here = [p for (_, n), p in s.pools.items() if n == name]
        if getattr(spec, "headroom", 0) and here and all(p.blocks for p in here):
            yield Report(
                f"capacity.{name}.headroom", "is 1, on a pool that has blocks", "leave it out"
            )


RULES = (
    no_such_day,
    no_time_left,
    overlapping,
    later_blocks_wait,
    reservation_beside_blocks,
    blocks_of_several_regions,
    headroom_in_a_block,
)
