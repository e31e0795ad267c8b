"""Checks a request against AWS's own service model, as botocore ships it.

botocore's validator stops at required members, types and minimum lengths. This walk checks every
constraint that the model states: unknown and missing members, types, lengths and ranges on both
ends, patterns and enumerations.
"""

import functools
import importlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

Shape = Any
"""A shape of botocore, which has no types of its own."""

_CLASSES = {
    r"\p{L}": r"a-zA-Z\u00aa-\uffff",
    r"\p{N}": "0-9",
    r"\p{Z}": r" \u00a0",
    r"\p{Print}": "[ -~]",
}
"""Unicode classes of the models' (Java) patterns in Python's words, near enough for ASCII."""


@functools.cache
def session() -> Any:
    """A session of botocore, which keeps what it has read."""
    botocore: Any = importlib.import_module("botocore.session")  # it has no types
    return botocore.get_session()


@functools.cache
def service(name: str) -> Any:
    """The model of a service, by botocore's name of it."""
    return session().get_service_model(name)


def input_shape(service_name: str, operation: str) -> Shape:
    """The shape of an operation's input."""
    return service(service_name).operation_model(operation).input_shape


def problems(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Everything that the model says is wrong with the value, each with its path."""
    kind: str = shape.type_name
    if kind == "structure":
        yield from _structure(value, shape, path)
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        items = cast("list[Any]", value)
        yield from _range(len(items), shape, f"{path}: the number of items")
        for index, item in enumerate(items):
            yield from problems(item, shape.member, f"{path}[{index}]")
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no map"
            return
        for key, item in cast("dict[str, Any]", value).items():
            yield from problems(key, shape.key, f"{path}.{key} (the key)")
            yield from problems(item, shape.value, f"{path}.{key}")
    elif kind in _SCALARS:
        yield from _SCALARS[kind](value, shape, path)
    else:
        yield f"{path}: this walk does not know the shape {kind}"


def _structure(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no structure"
        return
    members: Mapping[str, Shape] = shape.members
    given = cast("dict[str, Any]", value)
    for name in shape.required_members:
        if name not in given:
            yield f"{path}.{name}: required but missing"
    if shape.is_tagged_union and len(given) != 1:
        yield f"{path}: a union has exactly one member, not {sorted(given)}"
    for name, item in given.items():
        if name not in members:
            yield f"{path}.{name}: no such member of {shape.name}"
        else:
            yield from problems(item, members[name], f"{path}.{name}")


def _text(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{path}: {value!r} is no string"
        return
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {', '.join(shape.enum)}"
    yield from _range(len(value), shape, f"{path}: the length of {value[:60]!r}")
    pattern = shape.metadata.get("pattern")
    if pattern is not None and _pattern(pattern).fullmatch(value) is None:
        yield f"{path}: {value[:80]!r} does not match {pattern}"


def _whole_number(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if type(value) is not int:
        yield f"{path}: {value!r} is no integer"
        return
    yield from _range(value, shape, f"{path}: the value")


def _number(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if type(value) not in {int, float}:
        yield f"{path}: {value!r} is no number"
        return
    yield from _range(value, shape, f"{path}: the value")


def _truth(value: Any, _: Shape, path: str) -> Iterator[str]:
    if type(value) is not bool:
        yield f"{path}: {value!r} is no boolean"


def _time(value: Any, _: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, datetime):
        yield f"{path}: {value!r} is no time"


_SCALARS: Mapping[str, Any] = {
    "string": _text,
    "integer": _whole_number,
    "long": _whole_number,
    "double": _number,
    "float": _number,
    "boolean": _truth,
    "timestamp": _time,
}


def _range(size: float, shape: Shape, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield f"{what} is {size}, at least {low} is needed"
    if high is not None and size > high:
        yield f"{what} is {size}, at most {high} is allowed"


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    # Surrogate pairs are Java's way to write what lies beyond the 16-bit plane.
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return re.compile(pattern, re.DOTALL)
