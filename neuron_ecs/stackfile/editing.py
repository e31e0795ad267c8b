"""Edits YAML text in place: everything else keeps every byte, comments and order included.

ruamel.yaml gives the position of each value; only the new text is inserted there. So a file keeps
its style, which a dump of the loaded document would not. Every edit is read back as the engine
reads it, and refused if anything else changed (an alias, a merge).
"""

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from ruamel.yaml import YAML

from config.explaining import path_of
from neuron_ecs.stackfile.yaml_values import NotYamlError, Value, json_text, load, scalar_text

Path = tuple[str | int, ...]

LINE = 100
_STEP = 2
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


class NotEditableError(Exception):
    """The text cannot be edited at `path` without changing something else."""

    def __init__(self, path: Path, what: str, fix: str = "edit it by hand") -> None:
        self.path, self.what, self.fix = path, what, fix
        super().__init__(f"{path_of(path)} {what}: {fix}")


def put(text: str, path: Path, value: Value, *, opened: int = 0, after: str | None = None) -> str:
    """Returns the text with the value at the path. Missing maps on the way are created.

    An equal value stays as it is written, so an edit is idempotent. A new key comes last in its
    map, or after the key `after`. The first `opened` levels of a new map have a line for each key.
    Raises `NotEditableError`.
    """
    values = _loaded(text)
    wanted = _with(values, path, value)
    if json_text(wanted) == json_text(values):
        return text
    edited = _put(text, path, value, opened=opened, after=after)
    return _checked(edited, wanted, path)


def drop(text: str, path: Path, *, and_map: bool = False) -> str:
    """Returns the text without the key at the end of the path.

    A map that loses its last key becomes `{}`. With `and_map` its own key is removed too, unless
    there is a comment in it. Raises `NotEditableError`.
    """
    wanted = _without(_loaded(text), path)
    document = _Document(text)
    nodes = document.along(path)
    if len(nodes) <= len(path):
        raise NotEditableError(path, "is not written there")
    if isinstance(path[-1], int):
        raise NotEditableError(path, "is one of a list", "write the whole list without it")
    parent = nodes[-2]
    if and_map and len(parent.value) == 1 and len(path) > 2 and not document.says_more(nodes, path):
        path = path[:-1]
        parent = nodes[-3]
        wanted = _without(_loaded(text), path)
    return _checked(document.without(parent, nodes, path), wanted, path)


def scalar(value: Value) -> str:
    """Returns a scalar as YAML 1.2 that the engine reads back as that value."""
    if not isinstance(value, str):
        return scalar_text(value) if value is not None else "null"
    is_plain = (
        value.isprintable()
        and value == value.strip()
        and value != "<<"  # as a key it would merge
        and not re.search(r"[\[\]{},]|: | #", value)
    )
    places: tuple[tuple[str, Value], ...] = (
        (f"[{value}, {{{value}: 1}}]", [value, {value: 1}]),
        (f"{value}: {value}", {value: value}),
        (f"- {value}", [value]),
    )
    if is_plain and all(_means(text, meant) for text, meant in places):
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def flow(value: Value) -> str:
    """The value on one line: `{min: 1, max: 4}`, `[0, 1]`."""
    match value:
        case dict():
            members = cast("dict[str, Value]", value).items()
            return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in members) + "}"
        case list():
            return "[" + ", ".join(map(flow, cast("list[Value]", value))) + "]"
        case _:
            return scalar(value)


def block(key: str, value: Value, column: int, *, opened: int = 0) -> list[str]:
    """The lines of a key and its value: on one line where it fits, else an item a line.

    The first `opened` levels have a line for each key, even if they fit on one.
    """
    indent = " " * column
    one = f"{indent}{scalar(key)}: {flow(value)}"
    if not isinstance(value, (dict, list)) or not value or not (opened or len(one) > LINE):
        return [one]
    head = f"{indent}{scalar(key)}:"
    if isinstance(value, list):
        items = cast("list[Value]", value)
        return [head, *(f"{indent}{' ' * _STEP}- {flow(item)}" for item in items)]
    members = cast("dict[str, Value]", value)
    inner = max(opened - 1, 0)
    return [
        head,
        *(x for k, v in members.items() for x in block(k, v, column + _STEP, opened=inner)),
    ]


def _means(text: str, value: Value) -> bool:
    try:
        found, repeated, _ = load(text)
    except NotYamlError:
        return False
    return not repeated and _same(found, value)


def _same(left: Value, right: Value) -> bool:
    return json_text(left) == json_text(right)


def _loaded(text: str) -> Value:
    """Returns the values. Raises `NotEditableError` for malformed YAML and repeated keys."""
    try:
        values, repeated, _ = load(text)
    except NotYamlError as error:
        raise NotEditableError((), error.what, f"mend line {error.line}") from None
    if repeated:
        raise NotEditableError(repeated[0].path, "stands twice", "keep one of the two")
    return values


def _checked(edited: str, wanted: Value, path: Path) -> str:
    """Returns the edited text if it has the wanted values. Raises `NotEditableError`."""
    try:
        values, repeated, _ = load(edited)
    except NotYamlError:
        values, repeated = None, ()
    if repeated or not _same(values, wanted):
        what = "is shared with other places (an anchor, an alias or a merge), or written in a way"
        raise NotEditableError(path, f"{what} that only a person can edit")
    return edited


def _with(values: Value, path: Path, value: Value, *, depth: int = 0) -> Value:
    if depth == len(path):
        return value
    step = path[depth]
    if isinstance(step, int):
        if not isinstance(values, list) or step >= len(cast("list[Value]", values)):
            raise NotEditableError(path[: depth + 1], "is not there", "write the whole list")
        items = list(cast("list[Value]", values))
        items[step] = _with(items[step], path, value, depth=depth + 1)
        return items
    if values is not None and not isinstance(values, dict):
        raise NotEditableError(path[:depth], f"is not a map, so {step} has no place in it")
    members = dict(cast("dict[str, Value]", values or {}))
    members[step] = _with(members.get(step), path, value, depth=depth + 1)
    return members


def _without(values: Value, path: Path, *, depth: int = 0) -> Value:
    step, is_last = path[depth], depth + 1 == len(path)
    if isinstance(step, int) and isinstance(values, list):
        items = list(cast("list[Value]", values))
        if step < len(items):
            if is_last:
                del items[step]
            else:
                items[step] = _without(items[step], path, depth=depth + 1)
            return items
    if not isinstance(values, dict) or step not in cast("dict[str | int, Value]", values):
        raise NotEditableError(path, "is not there", "there is nothing to take out")
    members = dict(cast("dict[str | int, Value]", values))
    if is_last:
        del members[step]
    else:
        members[step] = _without(members[step], path, depth=depth + 1)
    return members


def _put(text: str, path: Path, value: Value, *, opened: int, after: str | None) -> str:
    document = _Document(text)
    nodes = document.along(path)
    if len(nodes) <= len(path):
        there = len(nodes) - 1  # steps of the path that exist
        key = path[there]
        for step in reversed(path[there + 1 :]):
            value, opened = {step: value}, opened + bool(opened)
        if isinstance(key, int):
            raise NotEditableError(path[: there + 1], "is not there", "write the whole list")
        if opened and (edited := document.with_lines(nodes, {key: value}, opened=opened)):
            return edited
        if nodes[-1].id == "mapping":
            return document.with_key(nodes[-1], key, value, opened=opened, after=after)
        return document.with_value(nodes, path[:there], {key: value})
    now = _at(_loaded(text), path)
    if isinstance(now, dict) and isinstance(value, dict):
        return _merge(text, path, cast("dict[str, Value]", now), cast("dict[str, Value]", value))
    if isinstance(now, list) and isinstance(value, list):
        return _relist(text, path, cast("list[Value]", now), cast("list[Value]", value))
    return document.with_value(nodes, path, value)


def _merge(text: str, path: Path, now: dict[str, Value], value: dict[str, Value]) -> str:
    for key, member in value.items():
        text = put(text, (*path, key), member)
    for key in now:
        if key not in value:
            text = drop(text, (*path, key))
    return text


def _relist(text: str, path: Path, now: list[Value], value: list[Value]) -> str:
    """Rewrites the items that differ; the others keep their lines and comments."""
    longest = min(len(now), len(value))
    begin = next((i for i in range(longest) if not _same(now[i], value[i])), longest)
    rest = range(longest - begin)
    end = next((i for i in rest if not _same(now[-1 - i], value[-1 - i])), longest - begin)
    both = longest - end
    for index in range(begin, both):
        text = put(text, (*path, index), value[index])
    if len(now) == len(value):
        return text
    document = _Document(text)
    nodes = document.along(path)
    if not (now and value):
        return document.with_value(nodes, path, value)
    edited: str | None = None
    if more := value[both : len(value) - end]:
        edited = document.with_items(nodes[-1], both, more)
    for index in reversed(range(both, len(now) - end)):
        document = _Document(edited or text)
        edited = document.without_item(document.along(path)[-1], index)
    return document.with_value(nodes, path, value) if edited is None else edited


def _at(values: Value, path: Path) -> Value:
    for step in path:
        values = values[step]
    return values


class _Document:
    """The first document of a text, with the places of its values."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
        yaml = cast(Any, YAML(typ="safe", pure=True))  # its own annotations are partial
        self.root: Any = next(iter(yaml.compose_all(text)), None)

    def along(self, path: Path) -> list[Any]:
        """The nodes from the root along the path, as far as they are written."""
        nodes = [self.root]
        for step in path:
            node = nodes[-1]
            if isinstance(step, int):
                items = cast("list[Any]", node.value if node.id == "sequence" else [])
                found = items[step : step + 1]
            else:
                found = [v for k, v in self.pairs(node) if k.value == step]
            if not found:
                break
            nodes.append(found[0])
        return nodes

    @staticmethod
    def pairs(node: Any) -> list[tuple[Any, Any]]:
        return list(node.value) if node is not None and node.id == "mapping" else []

    # -- where things end --------------------------------------------------------------------

    def end(self, node: Any) -> int:
        """The end of a value, without the blank lines and comments after it.

        A block scalar with `|+` keeps its blank lines.
        """
        start, end = node.start_mark.index, node.end_mark.index
        if node.id == "scalar":
            written = self.text[start:end]
            head = written.partition("\n")[0].partition("#")[0]
            if node.style in ("|", ">") and "+" in head:
                return end - written.endswith("\n")
            return start + len(written.rstrip())
        if node.flow_style:
            return end
        if not node.value:
            return node.start_mark.index
        last = node.value[-1]
        return self.end(last) if node.id == "sequence" else self.pair_end(*last)

    def pair_end(self, key: Any, value: Any) -> int:
        """The end of a key and its value."""
        return max(self.end(key), self.colon(key) if self.is_empty(value) else self.end(value))

    def is_empty(self, value: Any) -> bool:
        """Whether a value has no text; its marks are then those of what follows."""
        return value.id == "scalar" and value.start_mark.index == value.end_mark.index

    def entry_end(self, key: Any, value: Any) -> int:
        """Where the lines of a block map's entry end: with the comments that it is indented over.

        A comment at the column of the key, or to the left of it, belongs to what follows.
        """
        return self.lines_end(self.pair_end(key, value), key.start_mark.column)

    def lines_end(self, place: int, column: int) -> int:
        """The end of the lines of an entry, with the comments indented deeper than `column`."""
        end = self.line_end(place)
        place = end
        while place < len(self.text):
            after = self.line_end(place)
            line = self.text[place:after]
            words = line.lstrip(" \t")
            if words.strip() and not words.startswith("#"):
                break
            if words.strip() and len(line) - len(words) > column:
                end = after
            place = after
        return end

    def line_end(self, index: int) -> int:
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def colon(self, key: Any) -> int:
        """The position after the colon of a key, or after a key without one."""
        found = re.compile(r"\s*:").match(self.text, key.end_mark.index)
        return found.end() if found else key.end_mark.index

    def key_of(self, parent: Any, node: Any) -> Any:
        return next((k for k, v in self.pairs(parent) if v is node), None)

    def says_more(self, nodes: Sequence[Any], path: Path) -> bool:
        """Whether a map contains a comment beside its only entry."""
        parent, owner = nodes[-2], self.key_of(nodes[-3], nodes[-2])
        if owner is None or parent.flow_style or len(nodes[-3].value) < 2:
            return True
        [entry] = self.pairs(parent)
        before = self.text[self.colon(owner) : entry[0].start_mark.index]
        behind = self.text[self.entry_end(*entry) : self.entry_end(owner, parent)]
        return bool(before.strip() or behind.strip())

    # -- edits -------------------------------------------------------------------------------

    def with_key(
        self, parent: Any, key: str, value: Value, *, opened: int, after: str | None
    ) -> str:
        pairs = self.pairs(parent)
        if parent.flow_style:
            pair = f"{scalar(key)}: {flow(value)}"
            if not pairs:
                place = self.text.index("{", parent.start_mark.index) + 1
                return self.text[:place] + pair + self.text[place:]
            place = self.pair_end(*pairs[-1])
            return f"{self.text[:place]}, {pair}{self.text[place:]}"
        before = next((p for p in pairs if p[0].value == after), pairs[-1])
        lines = block(key, value, pairs[0][0].start_mark.column, opened=opened)
        place, written = self.entry_end(*before), self.newline.join(lines)
        if self.text[:place].endswith("\n"):
            return self.text[:place] + written + self.newline + self.text[place:]
        return self.text[:place] + self.newline + written + self.text[place:]

    def with_lines(
        self, nodes: Sequence[Any], members: dict[str, Value], *, opened: int
    ) -> str | None:
        """The members in lines below the key of the last node, in place of an empty value.

        Nothing where the value is not empty, or where its key does not begin a line.
        """
        node = nodes[-1]
        owner = self.key_of(nodes[-2], node) if len(nodes) > 1 else None
        if owner is None or nodes[-2].flow_style:
            return None
        start = self.colon(owner)
        end = start if self.is_empty(node) else self.end(node)
        begins = self.line_start(owner.start_mark.index)
        is_bare = not self.text[begins : owner.start_mark.index].strip()
        said = self.text[start:end].strip() if start <= end else "an alias"
        if not is_bare or said not in ("", "{}", "~", "null"):
            return None
        column = owner.start_mark.column
        lines = [
            line
            for key, value in members.items()
            for line in block(key, value, column + _STEP, opened=opened)
        ]
        place = self.lines_end(end, column)
        head, written = self.text[:start] + self.text[end:place], self.newline.join(lines)
        if head.endswith("\n"):
            return head + written + self.newline + self.text[place:]
        return head + self.newline + written

    def with_items(self, node: Any, index: int, values: Sequence[Value]) -> str | None:
        """The list with more items before that index; nothing where its items share a line."""
        items = cast("list[Any]", node.value)
        before = items[index - 1] if index else None
        if node.flow_style:
            written = ", ".join(map(flow, values))
            if before is None:
                place, written = items[0].start_mark.index, f"{written}, "
            else:
                place, written = self.end(before), f", {written}"
            return self.text[:place] + written + self.text[place:]
        if not self.is_in_lines(node):
            return None
        column = node.start_mark.column
        lines = [f"{' ' * column}- {flow(value)}" for value in values]
        place = self.line_start(items[0].start_mark.index)
        if before is not None:
            place = self.lines_end(self.end(before), column)
        written = self.newline.join(lines)
        if place and not self.text[:place].endswith("\n"):
            return self.text[:place] + self.newline + written
        return self.text[:place] + written + self.newline + self.text[place:]

    def without_item(self, node: Any, index: int) -> str | None:
        """The list without an item; nothing where its items share a line."""
        items = cast("list[Any]", node.value)
        if node.flow_style:
            return self._without_in_flow([(i.start_mark.index, self.end(i)) for i in items], index)
        if not self.is_in_lines(node):
            return None
        start = self.line_start(items[index].start_mark.index)
        return self._cut(start, self.lines_end(self.end(items[index]), node.start_mark.column))

    def is_in_lines(self, node: Any) -> bool:
        """Whether each item of a block list begins in a line of its own, right behind its dash."""
        places = [item.start_mark.index for item in node.value]
        return all(self.text[self.line_start(p) : p].strip() == "-" for p in places)

    def _cut(self, start: int, end: int) -> str:
        """The text without these lines; the last line of all takes the line end before it along."""
        if end == len(self.text) and not self.text.endswith("\n"):
            start = len(self.text[:start].removesuffix("\n").removesuffix("\r"))
        return self.text[:start] + self.text[end:]

    def with_value(self, nodes: Sequence[Any], path: Path, value: Value) -> str:
        """The value of an existing key, or item, written anew, in lines where it was in lines."""
        node = nodes[len(path)]
        start, end = node.start_mark.index, self.end(node)
        in_lines = node.id != "scalar" and not node.flow_style
        owner = self.key_of(nodes[len(path) - 1], node) if path else None
        if in_lines and isinstance(value, list) and value and node.id == "sequence":
            indent = " " * node.start_mark.column
            items = [f"- {flow(item)}" for item in cast("list[Value]", value)]
            return self.text[:start] + f"{self.newline}{indent}".join(items) + self.text[end:]
        if in_lines and owner is not None:
            colon = self.colon(owner)
            gap = self.text[colon:start].rstrip()
            return f"{self.text[:colon]} {flow(value)}{gap}{self.text[end:]}"
        if owner is not None and self.is_empty(node):
            start = end = self.colon(owner)
        blank = " " if start and self.text[start - 1] == ":" else ""
        return self.text[:start] + blank + flow(value) + self.text[max(start, end) :]

    def without(self, parent: Any, nodes: Sequence[Any], path: Path) -> str:
        pairs = self.pairs(parent)
        position = next((i for i, (k, _) in enumerate(pairs) if k.value == path[-1]), None)
        if position is None:
            raise NotEditableError(path, "comes from a merge (<<)")
        key, value = pairs[position]
        if parent.flow_style:
            entries = [(k.start_mark.index, self.pair_end(k, v)) for k, v in pairs]
            return self._without_in_flow(entries, position)
        start, end = self.line_start(key.start_mark.index), self.entry_end(key, value)
        if self.text[start : key.start_mark.index].strip():
            raise NotEditableError(path, "does not begin its line")
        if len(pairs) == 1:
            owner = self.key_of(nodes[len(path) - 2], parent)
            if owner is None:
                raise NotEditableError(path, "is the only key of its map")
            colon = self.colon(owner)
            return f"{self.text[:colon]} {{}}{self.text[colon:start]}{self.text[end:]}"
        return self._cut(start, end)

    def _without_in_flow(self, entries: Sequence[tuple[int, int]], position: int) -> str:
        # The entries are where each begins and ends.
        start, end = entries[position]
        if position:
            before = entries[position - 1][1]
            gap = self.text[before:start]
            rest = gap.replace(",", "", 1) if "#" in gap else ""
            return self.text[:before] + rest + self.text[end:]
        if len(entries) > 1:
            following = entries[1][0]
            gap = self.text[end:following]
            end = end + gap.index(",") + 1 if "#" in gap else following
        return self.text[:start] + self.text[end:]
