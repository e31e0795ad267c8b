"""YAML as the Pulumi engine reads it, and the texts that it makes of the values.

The engine reads YAML 1.2 with what its Go reader keeps of 1.1: `010` and `0o10` are 8, `1_000` is
1000, a plain date becomes the text of a time, `<<` merges maps. `on`, `yes` and `12:30` are text.
Inside of `[ ]` and `{ }` a plain text ends at a question mark, as in YAML 1.1, and most often that
is an error. What the engine refuses is refused here.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from neuron_ecs.files import STACK_FILE_BYTES

Value = Any
Location = tuple[str | int, ...]
"""Keys of maps and places in lists, from the outside in."""
_DEEPEST = 100
MOST_CHARACTERS = 4 * STACK_FILE_BYTES
"""The most that all values may have with every alias written out: four times the longest file."""
_LEAST = 8
"""Characters that a value counts for besides its text: what each one costs at the least."""

_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,9})?"
_TIME = re.compile(
    rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[Tt]{_CLOCK}(?:Z|([-+]\d\d):(\d\d))|[ ]+{_CLOCK})?"
)
_LARGEST_INT = 2**63 - 1
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
_BLOCK_STYLES = ("|", ">")
_NO_KEY = "has a list or a map for a key"
_TAGGED: Final = {
    ":int": (int,),
    ":float": (int, float),
    ":bool": (bool,),
    ":null": (type(None),),
}
_ESCAPED: Final = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


@dataclass(eq=False)  # a frozen exception cannot be given its traceback
class NotYamlError(Exception):
    """The text is not YAML that the engine reads; `line` and `column` count from 1."""

    what: str
    line: int
    column: int
    fix: str = "write YAML 1.2, indented with spaces"


@dataclass(frozen=True, slots=True)
class RepeatedKey:
    """A key that stands twice in one map."""

    path: Location
    line: int


class Document(NamedTuple):
    """A document as maps, lists and scalars, its repeated keys, and the line of each value.

    What an alias (`*name`) or a merge (`<<`) brings has no lines.
    """

    value: Value
    repeated: tuple[RepeatedKey, ...]
    lines: Mapping[Location, int]


def load(text: str) -> Document:
    """Reads the first document of the text.

    Map keys are text, as the engine makes them. Raises `NotYamlError`; the message repeats nothing
    of the text.
    """
    if strange := _LINE_ENDS.search(text):
        before = text[: strange.start()]
        column = len(before) - before.rfind("\n")
        what = "holds a character that ends a line; write it as an escape, in double quotes"
        raise NotYamlError(what, before.count("\n") + 1, column)
    reader = _Reader(text)
    try:
        return Document(reader.document(), tuple(reader.repeated), reader.lines)
    except MarkedYAMLError as error:
        said = cast(Any, error)  # the package's own annotations are partial
        mark = said.problem_mark or said.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else reader.mark
        what, fix = _in_words(str(said.problem or ""))
        raise NotYamlError(what, line, column, fix) from None
    except (YAMLError, UnicodeError) as error:
        before = text[: cast(int, getattr(error, "position", 0))]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = "holds a character that YAML does not allow"
        raise NotYamlError(what, line, column) from None
    except (ValueError, OverflowError):
        raise NotYamlError("cannot be read", *reader.mark) from None


_COMPLAINTS = (
    (
        "cannot start any token",
        "has a character that cannot stand here",
        "put the text into double quotes, and indent with spaces, not tabs",
    ),
    (
        "mapping values are not allowed",
        "has a colon that cannot stand here",
        "put the text into double quotes, or mend the indentation",
    ),
    (
        "not find expected",
        "has a key without a colon, or a line with the wrong indentation",
        "write key: value, indented as the lines beside it",
    ),
    (
        "expected <block end>",
        "has a line with the wrong indentation",
        "indent it as the lines beside it, with spaces",
    ),
    ("while scanning", "has a quotation that does not end", "close the quotation"),
    ("found unexpected end", "has a quotation that does not end", "close the quotation"),
    (
        "expected  or ",
        "has a list or a map that is not closed, or lacks a comma",
        "close it with ] or }, and put a comma between members",
    ),
)
"""The complaint of the reader, in our words, and what to do."""


def _in_words(problem: str) -> tuple[str, str]:
    """The reader's complaint without what it quotes from the file, and what to do."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"", "", problem).partition("\n")[0]
    for part, what, fix in _COMPLAINTS:
        if part in plain:
            return what, fix
    return "cannot be read as YAML from here on", NotYamlError.fix


class _Reader:
    """Values out of the events of the parser; keeps the line and column of the last one."""

    def __init__(self, text: str) -> None:
        yaml = cast(Any, YAML(typ="safe", pure=True))  # its own annotations are partial
        self.events: Iterator[Any] = yaml.parse(text)
        self.mark = (1, 1)
        self.repeated: list[RepeatedKey] = []
        self.anchors: dict[str, tuple[Value, int]] = {}
        self.open_anchors: set[str] = set()
        self.size = 0  # characters of all values so far, with aliases written out
        self.flow = 0  # lists and maps in brackets or braces around the event
        self.source = text.split("\n")
        self.lines: dict[Location, int] = {}

    def next(self) -> tuple[str, Any]:
        event = next(self.events)
        start = event.start_mark
        self.mark = (start.line + 1, start.column + 1)
        return type(event).__name__, event

    def fail(self, what: str) -> NotYamlError:
        return NotYamlError(what, *self.mark)

    def document(self) -> Value:
        for _ in range(2):  # the start of the stream, the start of the document
            kind, _event = self.next()
            if kind == "StreamEndEvent":
                return None
        kind, event = self.next()
        if kind == "StreamEndEvent":
            return None
        value = self.value(kind, event, ())
        for _ in range(2):  # what stands behind the value must be the end, or another document
            self.next()
        return value

    def value(self, kind: str, event: Any, path: Location) -> Value:
        if len(path) > _DEEPEST:
            raise self.fail("is nested too deeply")
        before = self.size
        self.add(_LEAST)
        if kind == "AliasEvent":
            return self.alias(str(event.anchor))
        anchor = cast("str | None", event.anchor)
        if anchor is not None:
            self.open_anchors.add(anchor)
        if kind == "ScalarEvent":
            self.add(len(event.value))
            self.check_scalar(event)
            value = self.scalar(event)
        else:
            flow = bool(event.flow_style)
            self.flow += flow
            value = self.sequence(path) if kind == "SequenceStartEvent" else self.mapping(path)
            self.flow -= flow
        if anchor is not None:
            self.open_anchors.discard(anchor)
            self.anchors[anchor] = (value, self.size - before)
        return value

    def add(self, characters: int) -> None:
        """Counts characters. Raises `NotYamlError` where they are more than any legal file has."""
        self.size += characters
        if self.size > MOST_CHARACTERS:
            what = "holds too many values or too long ones; an alias stands for the whole it names"
            raise self.fail(what)

    def alias(self, anchor: str) -> Value:
        if anchor in self.open_anchors:
            raise self.fail("has an anchor whose value contains itself")
        if anchor not in self.anchors:
            raise self.fail("refers to an anchor that does not exist")
        value, size = self.anchors[anchor]
        self.add(size)
        return value

    def sequence(self, path: Location) -> list[Value]:
        items: list[Value] = []
        while True:
            kind, event = self.next()
            if kind == "SequenceEndEvent":
                return items
            here = (*path, len(items))
            self.lines[here] = self.mark[0]
            items.append(self.value(kind, event, here))

    def mapping(self, path: Location) -> dict[str, Value]:
        members: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        while True:
            kind, event = self.next()
            if kind == "MappingEndEvent":
                return {**merged, **members}
            line = self.mark[0]
            if kind in ("SequenceStartEvent", "MappingStartEvent"):
                raise self.fail(_NO_KEY)  # before it is read: a key can nest without any path
            is_merge = kind == "ScalarEvent" and event.value == "<<" and event.implicit[0]
            key = self.value(kind, event, path)
            if isinstance(key, (dict, list)):
                raise self.fail(_NO_KEY)
            if kind == "ScalarEvent" and not event.value and not event.style:
                raise self.fail("has a key without a text")
            name = _key_text(key)
            kind, event = self.next()
            value = self.value(kind, event, (*path, name))
            if is_merge:
                self.merge(value, merged)
                continue
            if name in members:
                self.repeated.append(RepeatedKey((*path, name), line))
            members.setdefault(name, value)
            self.lines[*path, name] = line

    def merge(self, value: Value, into: dict[str, Value]) -> None:
        """Adds the members of a map, or of a list of maps, that are not there yet."""
        sources = cast("list[Value]", value) if isinstance(value, list) else [value]
        for source in sources:
            if not isinstance(source, dict):
                raise self.fail("merges (<<) what is not a map")
            for key, member in cast("dict[str, Value]", source).items():
                into.setdefault(key, member)

    def check_scalar(self, event: Any) -> None:
        """Raises `NotYamlError` for a scalar that the engine's reader takes for something else."""
        text = cast(str, event.value)
        if event.style in _BLOCK_STYLES:
            end = event.end_mark
            self.check_indentation(event.start_mark.line + 1, end.line + (end.column > 0))
        elif not event.style and self.flow and ("?" in text or text.startswith(":")):
            raise NotYamlError(
                "has a text with ? or : that needs quotes between brackets or braces, as the YAML "
                "reader of Pulumi asks",
                *self.mark,
                "put the text into double quotes",
            )

    def check_indentation(self, start: int, end: int) -> None:
        """Raises `NotYamlError` for a tab in the indentation of a block scalar."""
        indent: int | None = None
        for number, line in enumerate(self.source[start:end], start + 1):
            spaces = len(line) - len(line.lstrip(" "))
            if line[spaces : spaces + 1] == "\t" and (indent is None or spaces < indent):
                raise NotYamlError("has a tab in its indentation", number, spaces + 1)
            if indent is None and line.strip(" "):
                indent = spaces

    def scalar(self, event: Any) -> Value:
        text, plain = cast(str, event.value), bool(event.implicit[0])
        if not text.isascii() and re.search("[\ud800-\udfff]", text):
            raise self.fail("has an escape that stands for no character")
        tag = str(event.tag or "")
        if tag.endswith(":binary"):
            try:
                return base64.b64decode(text).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise self.fail("has binary data that is no text") from None
        if kinds := next((k for end, k in _TAGGED.items() if tag.endswith(end)), None):
            value = _resolved(text)
            if type(value) not in kinds:
                raise self.fail("has a tag that does not fit its value")
            return value
        return _resolved(text) if plain and not tag else text


def _resolved(text: str) -> Value:
    """What a plain scalar stands for."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "+-.0123456789" or len(text) > 4000:
        return text
    if time := _TIME.fullmatch(text):
        return _time_text(time) or text
    digits = text.replace("_", "")
    if _INTEGER.fullmatch(digits):
        return _integer(digits)
    if special := _SPECIAL.fullmatch(text):
        if "n" in text.lower()[1:2]:
            return math.nan
        return -math.inf if special[1] == "-" else math.inf
    if first != "_" and _FLOAT.fullmatch(digits):
        number = float(digits)
        return number if math.isfinite(number) else text
    return text


def _integer(digits: str) -> int | float:
    sign = -1 if digits.startswith("-") else 1
    body = digits.lstrip("+-").lower()
    if body.startswith(("0x", "0b", "0o")):
        number = int(body, 0)
    else:
        number = int(body, 8 if body.startswith("0") and len(body) > 1 else 10)
    number *= sign
    return number if -_LARGEST_INT - 1 <= number <= _LARGEST_INT else float(number)


def _time_text(found: re.Match[str]) -> str | None:
    """A plain date or time as the engine's text of it, or nothing where there is no such day."""
    groups = found.groups()
    clock = groups[3:7] if groups[3] is not None else groups[9:]
    hours, minutes = groups[7] or "+00", groups[8] or "00"
    offset = timedelta(hours=int(hours), minutes=int(f"{hours[0]}{minutes}"))
    try:
        day = datetime(*map(int, groups[:3]), tzinfo=timezone(offset))
        moment = day.replace(hour=int(clock[0] or 0), minute=int(clock[1] or 0))
        moment = moment.replace(second=int(clock[2] or 0))
    except ValueError:
        return None
    zone = f"{hours}{minutes} {hours}{minutes}" if groups[7] else "+0000 UTC"
    return f"{moment:%Y-%m-%d %H:%M:%S}{(clock[3] or '').rstrip('0').rstrip('.')} {zone}"


def _key_text(key: Value) -> str:
    return "<nil>" if key is None else scalar_text(key)


def scalar_text(value: Value) -> str:
    """A scalar as the engine hands it over: `true`, `5`, `1.5`, `1e+21`; nothing is no text."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float_text(value)
        case _:
            return "" if value is None else str(value)


def json_text(value: Value) -> str:
    """The value as the engine hands structured values over: JSON, map keys sorted, no blanks."""
    match value:
        case dict():
            members = sorted(cast("dict[str, Value]", value).items())
            return "{" + ",".join(f"{_string(k)}:{json_text(v)}" for k, v in members) + "}"
        case list():
            return "[" + ",".join(map(json_text, cast("list[Value]", value))) + "]"
        case str():
            return _string(value)
        case _:
            return "null" if value is None else scalar_text(value)


def _string(text: str) -> str:
    """As Go writes JSON: what could end a script of HTML is escaped."""
    plain = json.dumps(text, ensure_ascii=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: _ESCAPED.get(found[0], found[0]), plain)


def _float_text(number: float) -> str:
    """As Go writes JSON: the shortest digits that read back, exponents from 1e21 and below 1e-6."""
    if number == 0:
        return "0"
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    mantissa, _, exponent = f"{number!r}".lower().partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, part = mantissa.lstrip("-").partition(".")
    part = "" if part == "0" else part
    power = int(exponent or 0) + len(whole) - 1
    digits = (whole + part).lstrip("0")
    if whole == "0":
        power = int(exponent or 0) - 1 - (len(part) - len(part.lstrip("0")))
    digits = digits.rstrip("0") or "0"
    if -7 < power < 21:
        if power < 0:
            return f"{sign}0.{'0' * (-power - 1)}{digits}"
        digits = digits.ljust(power + 1, "0")
        rest = digits[power + 1 :]
        return f"{sign}{digits[: power + 1]}{'.' + rest if rest else ''}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'-' if power < 0 else '+'}{abs(power)}"
