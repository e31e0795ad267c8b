"""Capacity Blocks by their hours: when the instances of a pool run. Nothing here knows the time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config import Block
from messages.phrases import listed
from planning import choices, names


@dataclass(frozen=True, slots=True)
class BlockHours:
    """A Capacity Block; times are of UTC, as 2026-12-01T11:30Z."""

    reservation_id: str
    start: str  # its instances start
    drained: str  # its tasks are drained and its instances end
    end: str  # of the reservation; EC2 ends instances some time before


@dataclass(frozen=True, slots=True)
class SizeAt:
    """A scheduled action that gives a group so many instances.

    AWS refuses to create or change an action whose start is past
    (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html),
    and deletes one that ran once. So that an update during the block works, the day and the hour
    are an expression of cron, which returns each year. No two actions of a group start at the same
    time, so the key stands for the time, and another size at that time is an action made anew.
    """

    key: str
    recurrence: str  # cron of five fields, UTC
    instances: int


def moment(text: str) -> datetime | None:
    """Returns a time of the stack file in UTC; `None` if the calendar has no such day.

    Without quotes it comes as 2026-12-01 11:30:00 +0000 UTC, or with +0100 +0100 at its end.
    """
    day, *rest = text.split(" ")
    try:
        return datetime.fromisoformat(f"{day}T{''.join(rest[:2])}" if rest else day).astimezone(UTC)
    except ValueError:
        return None


def ordered(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Returns the blocks by their start; those without a time come last."""
    last = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(blocks, key=lambda one: moment(one.start) or last))


def drained_at(block: Block, early_minutes: int) -> datetime | None:
    """Returns when draining begins, so many minutes before the end; `None` without a time."""
    end = moment(block.end)
    return end and end - timedelta(minutes=early_minutes)


def hours(blocks: Iterable[Block], early_minutes: int) -> tuple[BlockHours, ...]:
    """Returns the hours of blocks whose times exist."""
    return tuple(
        BlockHours(block.id, written(start), written(drained), written(end))
        for block in blocks
        if (start := moment(block.start))
        and (drained := drained_at(block, early_minutes))
        and (end := moment(block.end))
    )


def at(hours: Sequence[BlockHours], now: datetime) -> tuple[bool, str]:
    """Returns whether a pool rests, outside of the hours of its blocks, and what to know of it.

    Without hours, and in those of the first block, there is nothing to know. The group uses the
    first block until its entry is gone.
    """
    one = next((o for o in hours if now < datetime.fromisoformat(o.drained)), None)
    if one is None:
        last = hours[-1] if hours else None
        said = f"its last Capacity Block, {last.reservation_id}, is over" if last else ""
        return last is not None, said
    passed = [o.reservation_id for o in hours[: hours.index(one)]]
    update = f"run `pulumi up` without {listed(passed)}" if passed else ""
    if datetime.fromisoformat(one.start) <= now:
        begun = f"{one.reservation_id} has begun at {one.start}, and the group does not know it: "
        size = ", then set the desired capacity of its group"
        return False, f"{begun}{update}{size}" if passed else ""
    said = f"no Capacity Block runs until {one.start}, when {one.reservation_id} begins"
    return True, f"{said}; {update} before" if passed else said


def written(when: datetime) -> str:
    """Returns a time as 2026-12-01T11:30Z."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def sizes(key: str, blocks: Iterable[BlockHours], instances: int) -> tuple[SizeAt, ...]:
    """Returns the actions of the first block: the launch template of the group names it alone."""
    first = next(iter(blocks), None)
    if first is None:
        return ()
    found: list[SizeAt] = []
    for at, number in ((first.start, instances), (first.drained, 0)):
        when = datetime.fromisoformat(at)
        recurrence = f"{when.minute} {when.hour} {when.day} {when.month} *"
        found.append(SizeAt(names.key(key, "at", names.digest(recurrence)), recurrence, number))
    return tuple(found)


def early_minutes(closed: int, leaving_seconds: int) -> int:
    """Returns how long before its end a block is drained: what EC2 keeps (`closed` minutes), what
    tasks take to leave and a margin for the instances to end, in steps of five minutes.

    Tasks that take longer than half a day end with their instances."""
    tasks = min(-(-leaving_seconds // 60), choices.BLOCK_LEAVING_MINUTES)
    return 5 * -(-(closed + choices.BLOCK_MARGIN_MINUTES + tasks) // 5)
