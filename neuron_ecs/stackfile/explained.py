"""A model of `serve` as if written out: YAML with the origin of each value above it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from messages.phrases import flow
from neuron_ecs.terminal import wrapped
from planning.plan import WrittenModel, WrittenValue

_WRITTEN = "as written"
_ELSEWHERE = ("serve", "volumes")  # what the entry stands for, and what it needs beside it
_IN_ONE_LINE = 3  # items of a list
_LONG = 100  # characters of a line


def lines(model: WrittenModel, width: int) -> Iterator[str]:
    """The lines of the entry, with its name; `serve`, in whose place they stand, is a comment."""
    yield f"{model.name}:"
    opened = ""
    for value in model.values:
        said: Any = json.loads(value.value)
        field, _, part = value.field.partition(".")
        if field in _ELSEWHERE:
            yield f"  # {value.field.replace('.', ': ')}: {flow(said)}"
            continue
        if part and field != opened:
            yield f"  {field}:"
        opened = field if part else ""
        indent = "    " if part else "  "
        yield from wrapped(value.because or _WRITTEN, width, f"{indent}# ", f"{indent}# ")
        yield from _member(part or field, said, indent)


def _member(key: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, list):
        items = cast("list[object]", value)
        if len(items) > _IN_ONE_LINE:
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {flow(item)}" for item in items)
            return
    line = f"{indent}{key}: {flow(cast('object', value))}"
    if isinstance(value, dict) and len(line) > _LONG:
        yield f"{indent}{key}:"
        for name, one in cast("dict[str, object]", value).items():
            yield from _member(name, one, f"{indent}  ")
        return
    yield line


def document(models: Sequence[WrittenModel]) -> list[dict[str, Any]]:
    """The entries as JSON: field, value and origin."""
    return [{"model": m.name, "values": [_value(v) for v in m.values]} for m in models]


def _value(value: WrittenValue) -> dict[str, Any]:
    return {
        "field": value.field,
        "value": json.loads(value.value),
        "because": value.because or _WRITTEN,
        "written": not value.because,
    }
