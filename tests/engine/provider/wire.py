"""Plain values for what travels on the provider protocol, and ways to read them by path."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from google.protobuf import struct_pb2

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
Props: TypeAlias = dict[str, "Json"]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a value that is not known yet (a preview, or a nested leaf of one)."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"

DEFAULTS = "__defaults"
"""Input that lists which of its siblings the provider filled in, as the bridge does."""


def from_struct(struct: struct_pb2.Struct) -> Props:
    """A message's fields as plain values: whole numbers are ints, secrets lose their wrapping."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def _from_value(value: struct_pb2.Value) -> Json:
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET:
                return _from_value(fields["value"])
            return from_struct(value.struct_value)
        case _:
            return None


def to_struct(props: Mapping[str, Json]) -> struct_pb2.Struct:
    """Plain values as a message; what is None is left out, as the bridge leaves it out."""
    return struct_pb2.Struct(
        fields={key: _to_value(value) for key, value in props.items() if value is not None}
    )


def _to_value(value: Json) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case list():
            values = [_to_value(item) for item in value]
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=values))
        case dict():
            return struct_pb2.Value(struct_value=to_struct(value))


def reach(value: Json, path: str) -> Iterator[Json]:
    """Every value at a dotted path; lists on the way, and at the end, are walked through.

    ``None`` and unknown values are left out.
    """
    if isinstance(value, list):
        for item in value:
            yield from reach(item, path)
    elif value is None or value == UNKNOWN:
        return
    elif path == "":
        yield value
    elif isinstance(value, dict):
        head, _, rest = path.partition(".")
        yield from reach(value.get(head), rest)


def texts(value: Json, path: str) -> list[str]:
    """The strings at a path."""
    return [item for item in reach(value, path) if isinstance(item, str)]


def text(value: Json, path: str) -> str | None:
    """The first string at a path."""
    return next(iter(texts(value, path)), None)


def number(value: Json, path: str) -> int | float | None:
    """The first number at a path; a string of digits counts, since many arguments are such."""
    for item in reach(value, path):
        if isinstance(item, bool):
            continue
        if isinstance(item, int | float):
            return item
        if isinstance(item, str) and item.lstrip("-").isdigit():
            return int(item)
    return None


def flag(value: Json, path: str) -> bool | None:
    """The first boolean at a path; "true" and "false" count, since many arguments are such."""
    for item in reach(value, path):
        if isinstance(item, bool):
            return item
        if item in ("true", "false"):
            return item == "true"
    return None


def blocks(value: Json, path: str) -> list[Props]:
    """The objects at a path."""
    return [item for item in reach(value, path) if isinstance(item, dict)]


def has_unknown(value: Json) -> bool:
    """Whether anything inside is not known yet."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value == UNKNOWN
