"""Values as structure: what is JSON, a policy or user data inside a text is taken apart.

A *structure* is a JSON value in which every text that holds JSON, and every user data, is decoded,
and every list whose members have names is a map by those names. Two structures differ at *paths*;
the differences, applied to the first, give the second.
"""

import base64
import binascii
import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from config.credentials import HIDDEN, looks_like_credential
from planning.document import Json

Path = tuple[str, ...]


class Absent:
    """Marks a missing key; `None` is a legal value."""

    def __repr__(self) -> str:
        return "absent"

    def __deepcopy__(self, memo: object) -> "Absent":
        return self


ABSENT: Final = Absent()

_NAMES = (
    "name",
    "Sid",
    "key",
    "hostPath",
    "containerPath",
    "containerPort",
    "deviceName",
    "resourceType",
    "containerName",
    "sourceVolume",
)
"""Members that name an item of a list, the best first."""

_USER_DATA = "userData"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """The value at a path before and after; `ABSENT` where there is none."""

    path: Path
    before: Json
    after: Json


def decoded(value: Json, key: str = "") -> Json:
    """The value as structure; `key` is the name of the property that holds it."""
    match value:
        case str():
            return _text(value, key)
        case dict():
            members = cast("dict[str, Json]", value)
            return {name: decoded(member, name) for name, member in members.items()}
        case list():
            return _list([decoded(item) for item in cast("list[Json]", value)])
        case _:
            return value


def _text(text: str, key: str) -> Json:
    if key == _USER_DATA:
        try:
            return base64.b64decode(text, validate=True).decode().splitlines()
        except (binascii.Error, UnicodeDecodeError):
            return text
    if text[:1] in {"{", "["} and text[-1:] in {"}", "]"}:
        try:
            return decoded(json.loads(text))
        except json.JSONDecodeError:
            return text
    return text


def _list(items: list[Json]) -> Json:
    if not items or not all(isinstance(item, dict) for item in items):
        return items
    members = cast("list[dict[str, Json]]", items)
    for name in _NAMES:
        found = [member.get(name) for member in members]
        if all(type(value) in {str, int} for value in found) and len(set(found)) == len(found):
            return {str(value): member for value, member in zip(found, members, strict=True)}
    return items


def differences(before: Json, after: Json, path: Path = ()) -> Iterator[ValueChange]:
    """Where two structures differ, in the order of the paths."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, Json]", before), cast("dict[str, Json]", after)
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif _pairs(before, after):
        items = zip(cast("list[Json]", before), cast("list[Json]", after), strict=True)
        for index, (old_item, new_item) in enumerate(items):
            yield from differences(old_item, new_item, (*path, str(index)))
    elif not same(before, after):
        yield ValueChange(path, before, after)


def _pairs(before: Json, after: Json) -> bool:
    """Whether two lists hold as many maps: then these are compared one by one."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return False
    old, new = cast("list[Json]", before), cast("list[Json]", after)
    return bool(old) and len(old) == len(new) and all(isinstance(i, dict) for i in [*old, *new])


def same(before: Json, after: Json) -> bool:
    """Whether two values are the same JSON: 1 is 1.0, and true is not 1."""
    if isinstance(before, bool) or isinstance(after, bool):
        return type(before) is type(after) and before == after
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, Json]", before), cast("dict[str, Json]", after)
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(before, list) and isinstance(after, list):
        olds, news = cast("list[Json]", before), cast("list[Json]", after)
        return len(olds) == len(news) and all(map(same, olds, news))
    return bool(before == after)


def applied(structure: Json, changes: Sequence[ValueChange]) -> Json:
    """The structure after the changes; what it held before at a path is not looked at."""
    whole = copy.deepcopy(structure)
    for change in changes:
        if not change.path:
            whole = copy.deepcopy(change.after)
            continue
        place: Any = whole
        for key in change.path[:-1]:
            place = cast("Any", place[int(key)] if isinstance(place, list) else place[key])
        last = change.path[-1]
        if isinstance(place, list):
            cast("list[Json]", place)[int(last)] = copy.deepcopy(change.after)
        elif change.after is ABSENT:
            cast("dict[str, Json]", place).pop(last, None)
        else:
            place[last] = copy.deepcopy(change.after)
    return whole


def dotted(path: Path) -> str:
    """The path as people write it: `containerDefinitions.main.environment.LOG_LEVEL.value`."""
    return ".".join(path)


def at(structure: Json, path: Path) -> Json:
    """Returns the value at the path, or `ABSENT`."""
    place: Json = structure
    for key in path:
        if isinstance(place, Mapping):
            place = cast("Mapping[str, Json]", place).get(key, ABSENT)
        elif isinstance(place, list) and key.isdecimal() and int(key) < len(cast("Any", place)):
            place = cast("list[Json]", place)[int(key)]
        else:
            return ABSENT
    return place


def safe(value: Json) -> Json:
    """Returns the value with credentials hidden at any depth."""
    if isinstance(value, str):
        return HIDDEN if looks_like_credential(value) else value
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Json]", value)
        return {key: safe(member) for key, member in members.items()}
    if isinstance(value, (list, tuple)):
        return [safe(item) for item in cast("Sequence[Json]", value)]
    return value
