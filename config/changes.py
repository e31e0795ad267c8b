"""What changing a field of the stack file does to a stack that runs.

Every field that holds a value states its `Cost` where it is declared, as `json_schema_extra`, so
that the JSON Schema has it as well. A field that holds a model has none: the model's fields have.
A test compares each class with the resources that really change.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic.fields import FieldInfo

SCHEMA_KEY = "changing"


class Change(StrEnum):
    """What a change does, the mildest first."""

    NOTHING = "nothing"
    FINDINGS = "findings only"
    IN_PLACE = "in place"
    NEW_INSTANCES = "new instances only"
    ROLLING = "rolling"
    REPLACED = "replaced in place"
    TWO_STEPS = "two steps"
    REFUSED = "refused on a live stack"


MEANINGS: dict[Change, str] = {
    Change.NOTHING: "No resource changes.",
    Change.FINDINGS: "No resource changes; only what the commands report does.",
    Change.IN_PLACE: "AWS updates, adds or removes resources; tasks that stay do not restart.",
    Change.NEW_INSTANCES: (
        "Only instances that start later have it; nothing refreshes those that run."
    ),
    Change.ROLLING: (
        "ECS replaces the tasks in a rolling deployment: before the old ones stop where the pool "
        "has room, after them where it has none. A job has it from its next run on."
    ),
    Change.REPLACED: (
        "A resource that callers need is replaced: nothing answers until new tasks are healthy."
    ),
    Change.TWO_STEPS: "One update would fail half-way; two updates do it without an interruption.",
    Change.REFUSED: "One update would fail half-way; what runs there has to end first.",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """The class of a field's change.

    `added` and `removed` are the classes of an optional value, or of an entry of a map, that comes
    or goes; where they are not given, `change` holds for them too. `note` says under which
    condition it is one of the classes `also`, and which steps to take; it is one or more sentences.
    """

    change: Change
    note: str = ""
    also: tuple[Change, ...] = ()
    added: Change | None = field(default=None, kw_only=True)
    removed: Change | None = field(default=None, kw_only=True)

    def __call__(self, schema: dict[str, Any]) -> None:
        """Adds the sentence to the field's JSON Schema, under `SCHEMA_KEY`."""
        schema[SCHEMA_KEY] = self.sentence

    @property
    def sentence(self) -> str:
        """`Changing it: rolling.`, with the note."""
        words = f"Changing it: {self.change}"
        for verb, change in (("adding", self.added), ("removing", self.removed)):
            if change not in (None, self.change):
                words += f"; {verb} it: {change}"
        return f"{words}. {self.note}".strip()

    def of(self, *, added: bool, removed: bool) -> Change:
        """The class of this change."""
        direction = self.added if added else self.removed if removed else None
        return direction or self.change


IN_PLACE = Cost(Change.IN_PLACE)
ROLLING = Cost(Change.ROLLING)
NEW_INSTANCES = Cost(Change.NEW_INSTANCES)
FINDINGS = Cost(Change.FINDINGS)
SHAPE = Cost(
    Change.FINDINGS,
    "Models of serve with the shape are derived anew, and with them the AMI of a pool without one.",
    (Change.ROLLING, Change.NEW_INSTANCES),
)

# Notes and costs that several fields have.
STEPS = (
    "first add a pool with the new value, move the models to it and write `retired: true` in this "
    "one; then remove this one."
)
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html
OF_JOBS = "Jobs have it from their next run on; none may run on the pool during the update."
SECOND_POOL = Cost(
    Change.TWO_STEPS, f"While models use the pool: {STEPS} {OF_JOBS}", (Change.ROLLING,)
)
MOVED = Cost(
    Change.REFUSED,
    "First take the Region out of `regions`, and out of what names it; then write it again.",
)
MOVES = "Where models move to other devices, these are rolling."
SIZE = Cost(Change.IN_PLACE, MOVES, (Change.ROLLING,))
TARGETS = "replaced in place, for a model with a port: its target group is replaced."
OTHER_POOL = Cost(
    Change.ROLLING,
    f"New services start on the other pool before the old ones go. Between the two kinds of "
    f"capacity: {TARGETS}",
    (Change.REPLACED,),
)
CHECK = Cost(Change.IN_PLACE, "Rolling where `health_check.command` is given.", (Change.ROLLING,))


def cost(field_info: FieldInfo) -> Cost | None:
    """The cost that a field declares; `None` where it declares none."""
    found = field_info.json_schema_extra
    return found if isinstance(found, Cost) else None
