"""Writes `layout` into a stack file: what keeps every service where it is, or a fresh one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from catalog import Catalog
from config.explaining import path_of
from messages.finding import Refused
from neuron_ecs.stackfile import editing
from neuron_ecs.stackfile.editing import NotEditableError
from neuron_ecs.stackfile.entries import key_of, refused
from neuron_ecs.stackfile.reading import StackFile
from neuron_ecs.stackfile.yaml_values import Value, load
from planning.lines import Layout, Line, WrittenLine, layout_of, numbers

KEY = "layout"
_MEETING = "NE246"
_OPENED = 3  # levels with a line for each key: Region, pool, model

Lines = Mapping[str, WrittenLine]
Place = tuple[str, str, str]  # Region, pool, model


def own_layout(file: StackFile) -> Layout | None:
    """Returns the `layout` of a stack file as written; `None` if it has none."""
    text = file.config.get(f"{file.project}:{KEY}")
    return None if text is None else cast("Layout", json.loads(text))


def running_layout(file: StackFile, tables: Catalog) -> Layout:
    """Returns the layout that the plan of a stack file has. Raises `Refused`."""
    return layout_of(file.plan(tables), named_devices(file.config, file.project))


def present_layout(file: StackFile, tables: Catalog) -> Layout:
    """Returns the layout that the plan of a stack file has, or else the one that is written."""
    try:
        return running_layout(file, tables)
    except Refused:
        return own_layout(file) or {}


def named_devices(config: Mapping[str, str], project: str) -> frozenset[str]:
    """Returns the models whose devices a stack file names itself."""
    models = json.loads(config.get(f"{project}:models", "{}"))
    return frozenset(n for n, m in models.items() if isinstance(m.get("neuron_devices"), list))


def kept_layout(file: StackFile, base: Layout, tables: Catalog) -> Layout:
    """Returns the layout that keeps what the base has, then what the stack file has.

    Where lines meet, those go that the base does not have. Raises `Refused` if the stack file
    cannot be planned, with or without lines.
    """
    with_layout(file, {}).plan(tables)
    layout = merged(own_layout(file) or {}, base)
    while True:
        try:
            return running_layout(with_layout(file, layout), tables)
        except Refused as found:
            meeting = next((f.path for f in found.findings if f.code == _MEETING), None)
            if meeting is None:
                raise
            layout = _without(layout, base, meeting)


def fresh_layout(file: StackFile, base: Layout, tables: Catalog) -> Layout:
    """Returns the layout with the fewest instances, whatever moves. Raises `Refused`.

    A service that stays where it is keeps its number; others take the numbers of those that go.
    """
    found: Layout = {}
    before = dict(_models(base))
    for place, lines in _models(running_layout(with_layout(file, {}), tables)):
        old = sorted(
            Line(int(n), tuple(sorted(_devices(x)))) for n, x in before.get(place, {}).items()
        )
        named = numbers(old, [tuple(_devices(line)) for line in lines.values()])
        _put(found, place, {str(n): x for n, x in zip(named, lines.values(), strict=True)})
    return found


def with_layout(file: StackFile, layout: Layout) -> StackFile:
    """Returns the stack file with that layout."""
    return replace(file, config={**file.config, f"{file.project}:{KEY}": json.dumps(layout)})


def placed_text(text: str, file: StackFile, layout: Layout) -> str:
    """Returns the text of the stack file with the layout. Raises `StackFileError`."""
    mark = "\ufeff" * text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    config = cast("dict[str, Value]", load(text).value.get("config") or {})
    key, is_there = key_of(config, file.project, KEY)
    if not layout and not is_there:
        return mark + text
    try:
        value = cast("Value", layout)
        return mark + editing.put(text, ("config", key), value, opened=_OPENED)
    except NotEditableError as error:
        raise refused(path_of(error.path or (KEY,)), error.what, error.fix) from None


def merged(own: Layout, base: Layout) -> Layout:
    """Returns the lines of the base, and those of the stack file that leave them alone."""
    found: Layout = {}
    before = dict(_models(base))
    for place, lines in _models(own):
        first = before.get(place, {})
        taken = {d for line in first.values() for d in _devices(line)}
        others = {
            n: x for n, x in lines.items() if n not in first and taken.isdisjoint(_devices(x))
        }
        _put(found, place, {**first, **others})
    for place, lines in before.items():
        if place[2] not in found.get(place[0], {}).get(place[1], {}):
            _put(found, place, lines)
    return found


def _without(layout: Layout, base: Layout, path: str) -> Layout:
    """Returns the layout without the line at the path, or without those that meet it, where the
    base has it and not them."""
    _, region, pool, model, number = path.split(".")
    lines = [(place, n, x) for place, of in _models(layout) for n, x in of.items()]
    kept = dict(_models(base))
    place = region, pool, model
    at = set(_devices(layout[region][pool][model][number]))
    new = [
        (where, n)
        for where, n, x in lines
        if where[:2] == place[:2]
        and (where, n) != (place, number)
        and not at.isdisjoint(_devices(x))
        and kept.get(where, {}).get(n) != x
    ]
    is_kept = kept.get(place, {}).get(number) == layout[region][pool][model][number]
    gone = new if new and is_kept else [(place, number)]
    found: Layout = {}
    for where, of in _models(layout):
        _put(found, where, {n: x for n, x in of.items() if (where, n) not in gone})
    return found


def _models(layout: Layout) -> Iterator[tuple[Place, Lines]]:
    for region, pools in layout.items():
        for pool, models in pools.items():
            for model, lines in models.items():
                yield (region, pool, model), lines


def _put(layout: Layout, place: Place, lines: Lines) -> None:
    region, pool, model = place
    layout.setdefault(region, {}).setdefault(pool, {})[model] = dict(lines)


def _devices(line: WrittenLine) -> list[int]:
    return cast("list[int]", line["devices"]) if isinstance(line, dict) else line
