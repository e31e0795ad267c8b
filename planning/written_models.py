"""Models of `serve` as if written out, in a plan."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrittenValue:
    """A field of an entry as if written out: its value as JSON, and from what it follows."""

    field: str
    value: str
    because: str  # empty for what the stack file writes


@dataclass(frozen=True, slots=True)
class WrittenModel:
    """A model of `serve` as if written out, in the order of the stack file's fields."""

    name: str
    values: tuple[WrittenValue, ...]
