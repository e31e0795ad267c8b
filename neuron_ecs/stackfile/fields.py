"""Parses fields of entries and their values from the command line."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from config import Settings
from config.explaining import path_of
from neuron_ecs.stackfile.yaml_values import NotYamlError, Value, load, scalar_text
from neuron_ecs.terminal import UsageError

_STEP = re.compile(r'\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
_SPAN = re.compile(r"(\d+)(?:\.\.(\d+))?")
_WORDS = frozenset[tuple[str | int, ...]]({("command",), ("entry_point",)})

Field = tuple[str | int, ...]


def field_of(text: str) -> Field:
    """Parses `replicas.max`, `command[0]` or `environment["A.B"]`. Raises `UsageError`."""
    steps: list[str | int] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None:
            break
        name, index, quoted = found.groups()
        steps.append(int(index[:6]) if index else name or re.sub(r"\\(.)", r"\1", quoted))
        place = found.end()
    if not steps or place < len(text) or text.startswith((".", "[")):
        form = 'replicas.max, command[0] or environment["A.B"]'
        raise UsageError(f"write the field as {form}")
    return tuple(steps)


def assignment(text: str) -> tuple[Field, str]:
    """Parses `FIELD=VALUE`. Raises `UsageError`."""
    # An equals sign may stand in a quoted key.
    found = re.fullmatch(r'((?:[^="]|"(?:[^"\\]|\\.)*")+)=(.*)', text, re.DOTALL)
    if found is None:
        raise UsageError("write FIELD=VALUE, for instance replicas.max=4")
    return field_of(found[1]), found[2]


def value_of(field: Field, said: str, key: str) -> Value:
    """Returns the value of a field of an entry of the map `key`.

    It is YAML as the engine reads it, or a shorthand of the field.
    Text stays text where the field holds nothing else: `environment.PORT=8080` is "8080".
    Raises `UsageError`.
    """
    types = _types(key, field)
    if field == ("replicas",) and (span := _SPAN.fullmatch(said)):
        return _span(*span.groups())
    if types == {"string"}:
        return said
    try:
        if field in _WORDS and not said.startswith("["):
            return words(said)
        value, repeated, _ = load(said)
        if "array" in types and not isinstance(value, (list, dict)):
            if "," in said:
                parts = [load(part.strip())[0] for part in said.split(",") if part.strip()]
                return _coerced(parts, key, field)
            if not types & {"integer", "string"}:
                return _coerced([value], key, field)
    except NotYamlError as error:
        raise UsageError(f"the value of {path_of(field)} {error.what}") from None
    except UsageError as error:
        raise UsageError(f"the value of {path_of(field)}: {error}") from None
    if repeated:
        raise UsageError(f"in the value of {path_of(field)} {repeated[0].path[-1]} stands twice")
    return _coerced(value, key, field)


def _coerced(value: Value, key: str, field: Field) -> Value:
    """Numbers and switches as text where the field holds text alone."""
    match value:
        case dict():
            members = cast("dict[str, Value]", value)
            return {k: _coerced(v, key, (*field, k)) for k, v in members.items()}
        case list():
            items = cast("list[Value]", value)
            return [_coerced(item, key, (*field, i)) for i, item in enumerate(items)]
        case bool() | int() | float():
            return scalar_text(value) if _types(key, field) == {"string"} else value
        case _:
            return value


@cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema()


def _types(key: str, field: Field) -> set[str]:
    """The JSON types of a field of an entry, without null; empty for an unknown field."""
    schema = _schema()
    found = list(_arms(schema, schema))
    for step in (key, "any-name", *field):
        found = [arm for node in found for arm in _inside(node, step, schema)]
    return {cast(str, node["type"]) for node in found if "type" in node} - {"null"}


def _arms(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in node:
        yield from _arms(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
        return
    arms = cast("list[dict[str, Any]]", node.get("anyOf", node.get("oneOf", [])))
    if not arms or "properties" in node:  # arms beside properties only say what is required
        yield node
    for arm in arms:
        yield from _arms(arm, schema)


def _inside(
    node: dict[str, Any], step: str | int, schema: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if isinstance(step, int):
        members = [node["items"]] if "items" in node else []
    else:
        named = cast("dict[str, Any]", node.get("properties", {})).get(step)
        other = node.get("additionalProperties")
        patterns = list(cast("dict[str, Any]", node.get("patternProperties", {})).values())
        members = [named] if named else [*patterns, other]
    for member in cast("list[Any]", members):
        if isinstance(member, dict):
            yield from _arms(cast("dict[str, Any]", member), schema)


def _span(low: str, high: str | None) -> Value:
    least = int(low[:9])
    return least if high is None else {"min": least, "max": int(high[:9])}


def words(text: str) -> list[str]:
    """Splits a text as a shell does. Raises `UsageError`."""
    try:
        return shlex.split(text)
    except ValueError:
        raise UsageError("a quotation in it does not end") from None


def span_of(text: str) -> Value:
    """Parses `2`, or `1..4` for at least 1 and at most 4. Raises `UsageError`."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise UsageError("write 2, or 1..4 for at least 1 and at most 4")
    return _span(*found.groups())
