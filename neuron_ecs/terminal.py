"""What every command does with a terminal: exit codes, safe output, colour, width, tables."""

import argparse
import io
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import datetime
from typing import Literal, Protocol, TextIO

from messages.finding import Finding, Severity, as_objects, count, left_out, page

FINE = 0
ERRORS = 1
"""The answer is no: the plan has errors, nothing fits, something differs."""
WRONG_USAGE = 2
DIFFERENT = 3
"""Something changes or differs, and `--exit-code` asked for that to be visible."""
NO_CREDENTIALS = 4
"""AWS cannot be asked: there are no credentials, or they have expired."""
TIMED_OUT = 124
"""What was waited for did not come in time, as the command `timeout` says it."""
INTERRUPTED = 128 + 2  # SIGINT
NO_READER = 128 + 13  # SIGPIPE

NARROWEST, WIDEST = 80, 160
"""The width of a terminal is used within these limits."""

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}

Colour = Literal["auto", "always", "never"]


class Writer(Protocol):
    """Where text is written to."""

    def write(self, text: str, /) -> int:
        """Writes a text."""
        ...


class UsageError(Exception):
    """A command cannot begin with what it was given; the text says why and what to do."""

    def __init__(self, text: str, exit_code: int = WRONG_USAGE) -> None:
        super().__init__(text)
        self.exit_code = exit_code


# -- safe output -------------------------------------------------------------------------------

# Control characters but for the line's end and the tab, and what reorders or hides text:
# bidirectional controls, invisible format characters, separators, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_JOINT = "\xa0"  # a no-break space
_BREAKS = re.compile("[\t\n]")
# Begins each colour that `paint` asks for. No stack file contains it: each process has its own.
_PAINT = f"\x1b{os.urandom(8).hex()}:"
_PAINTED = re.compile(f"{_PAINT}([0-9;]*)m")


def escaped(text: str) -> str:
    """Returns the text with control and invisible characters as `\\u001b`: shown, not obeyed.

    The form is that of JSON, so a JSON document stays the same document.
    """
    return _UNSAFE.sub(_as_json, text)


def one_line(text: str) -> str:
    """Returns the text escaped, with line ends and tabs as well."""
    return _BREAKS.sub(_as_json, escaped(text))


def _as_json(found: re.Match[str]) -> str:
    number = ord(found[0])
    if found[0] in "\t\n\r":
        return {"\t": r"\t", "\n": r"\n", "\r": r"\r"}[found[0]]
    if number > 0xFFFF:
        high, low = divmod(number - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{number:04x}"


def paint(text: str, colour: str) -> str:
    """Returns the text in a colour (an SGR parameter such as `31`), for a `Screen` to show."""
    return f"{_PAINT}{colour}m{text}{_PAINT}0m"


class Screen(io.TextIOBase):
    """A stream that sends no control character but line ends, tabs and the colours of `paint`.

    Everything that a command prints passes through one of these, so no text of a stack file, of a
    revision or of AWS reaches a terminal as a command.
    """

    def __init__(self, stream: TextIO, colour: Colour = "auto") -> None:
        super().__init__()
        self.stream, self.colour = stream, colour

    @property
    def coloured(self) -> bool:
        """Whether to colour: `auto` means on a terminal, unless NO_COLOR is set.

        https://no-color.org
        """
        if self.colour == "auto":
            return self.isatty() and not os.environ.get("NO_COLOR")
        return self.colour == "always"

    def write(self, text: str, /) -> int:
        """Writes the text escaped, its paint as colours or not at all."""
        _end_progress()
        parts = _PAINTED.split(text)
        shown = "\033[{}m".format if self.coloured else "".format
        self.stream.write("".join(shown(p) if i % 2 else escaped(p) for i, p in enumerate(parts)))
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()

    def writable(self) -> bool:
        return True


@contextmanager
def screens() -> Generator[tuple[Screen, Screen]]:
    """Puts a `Screen` before standard output and standard error."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a stream that is no file, as in tests
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    out, error = Screen(sys.stdout), Screen(sys.stderr)
    with redirect_stdout(out), redirect_stderr(error):
        yield out, error


def is_coloured(out: object) -> bool:
    """Whether a renderer should paint for this stream."""
    return isinstance(out, Screen) and out.coloured


@contextmanager
def progress(doing: str) -> Generator[None]:
    """Says on standard error what takes long, in a line that goes at the end.

    Nothing is written unless standard error is a terminal. What is printed meanwhile replaces it.
    """
    error = sys.stderr
    if isinstance(error, Screen) and error.isatty():
        columns = shutil.get_terminal_size((NARROWEST, 24)).columns
        error.stream.write(f"{one_line(doing)[: columns - 2]}…")
        error.stream.flush()
        _progress.append(error.stream)
    try:
        yield
    finally:
        _end_progress()


_progress: list[TextIO] = []  # where a line of progress stands that is not yet cleared


def _end_progress() -> None:
    while _progress:
        stream = _progress.pop()
        stream.write("\r\033[K")
        stream.flush()


# -- lines -------------------------------------------------------------------------------------


def terminal_width() -> int:
    """Returns the characters in a line of the terminal, within limits; 100 without a terminal."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, NARROWEST), WIDEST)


def width_of(text: str) -> int:
    """Parses the value of `--width`."""
    if not text.isdecimal() or (text != "0" and not 40 <= int(text[:6]) <= 1000):
        raise argparse.ArgumentTypeError("write a number from 40 to 1000, or 0 for no limit")
    return int(text)


def wrapped(
    text: str,
    width: int,
    first: str = "",
    later: str = "  ",
    *,
    break_long_words: bool = False,
) -> list[str]:
    """Returns the text in lines of at most `width` characters; 0 wraps nothing.

    Words are never broken: a path, an ARN or a figure stays whole, in a longer line where it must.
    With `break_long_words` one that is longer than a line goes on in the next.
    """
    if width <= 0:
        return [first + text]
    return textwrap.wrap(
        text,
        max(width, len(later) + 30),
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=break_long_words,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def table(rows: Sequence[Sequence[str]], *, indent: str = "", width: int = 0) -> Iterator[str]:
    """Yields the rows with their cells under each other, two spaces apart.

    A column without any text takes no room. Where the rows are wider than `width`, the widest
    columns are wrapped between words, and then a long first cell stands in a line of its own. No
    word, so no name and no figure, is ever cut; only a first cell longer than a line is broken.
    What is `joined` counts as one word. `width` 0 wraps nothing.
    """
    shown = [[one_line(cell) for cell in row] for row in rows]
    if not shown:
        return
    sizes = [max(map(len, column)) for column in zip(*shown, strict=True)]
    if width > 0:
        room = width - len(indent) - 2 * (sum(map(bool, sizes)) - 1)
        least = [max(map(_longest_word, column)) for column in zip(*shown, strict=True)]
        sizes = _narrowed(sizes, least, room)
    kept = [size for size in sizes if size]
    for row in shown:
        cells = [_in_lines(c, size) for c, size in zip(row, sizes, strict=True) if size]
        if cells and len(cells) > 1 and max(map(len, cells[0])) > kept[0]:
            first = next(filter(None, row))
            yield from wrapped(first, width, indent, indent, break_long_words=True)
            cells[0] = [""]
        for number in range(max(map(len, cells), default=0)):
            parts = [c[number] if number < len(c) else "" for c in cells]
            line = "  ".join(p.ljust(size) for p, size in zip(parts, kept, strict=True))
            yield (indent + line).rstrip().replace(_JOINT, " ")


def joined(text: str) -> str:
    """Returns the text as one word for `table`: a number stays with what it counts."""
    return text.replace(" ", _JOINT)


def _narrowed(sizes: list[int], least: list[int], room: int) -> list[int]:
    """The widths of the columns: the widest reduced to its words, and then the first one."""
    sizes = list(sizes)
    while sum(sizes) > room:
        able = [i for i, size in enumerate(sizes) if size > least[i]]
        if not able:
            # a long word of the last column may pass the width: no column stands behind it
            last = max(i for i, size in enumerate(sizes) if size)
            if sizes[last] - (sum(sizes) - room) >= NARROWEST // 2:
                sizes[last] -= sum(sizes) - room
                break
            first = next(i for i, size in enumerate(sizes) if size)
            sizes[first] = max(room - sum(sizes) + sizes[first], 8)
            break
        widest = max(able, key=lambda i: sizes[i])
        sizes[widest] -= 1
    return sizes


def _longest_word(cell: str) -> int:
    """The width that a cell needs at least: its indentation and its longest word."""
    lead = len(cell) - len(cell.lstrip(" "))
    return lead + max(map(len, cell.split(" ")))


def _in_lines(cell: str, size: int) -> list[str]:
    if len(cell) <= size:
        return [cell]
    lead = " " * (len(cell) - len(cell.lstrip(" ")))
    return textwrap.wrap(
        cell.strip(),
        size,
        initial_indent=lead,
        subsequent_indent=lead,
        break_long_words=False,
        break_on_hyphens=False,
    )


def spans(devices: Sequence[int]) -> str:
    """Returns the devices as runs: `0-3, 6`."""
    runs: list[list[int]] = []
    for device in devices:
        if runs and device == runs[-1][-1] + 1:
            runs[-1].append(device)
        else:
            runs.append([device])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)


# -- findings ----------------------------------------------------------------------------------


def write(findings: Iterable[Finding], out: Writer, *, width: int) -> None:
    """Writes a page of the findings, a block each, and then how many there are.

    The layout is that of `messages.finding.render`, with lines of at most `width` characters where
    the words allow it (0: as long as they are).
    """
    found = list(findings)
    coloured = is_coloured(out)
    for finding in page(found):
        out.write("\n".join(block(finding, width, coloured=coloured)) + "\n")
    out.write("\n".join((*left_out(found), count(found))) + "\n")


def write_json(document: object, out: Writer, *, indent: int = 2) -> None:
    """Writes a JSON document at once, with a line end; times as ISO 8601."""
    text = json.dumps(document, indent=indent, ensure_ascii=False, default=datetime.isoformat)
    out.write(f"{text}\n")


def findings_document(findings: Iterable[Finding]) -> dict[str, object]:
    """Returns `{"findings": [...], "total": 2}`, the worst first."""
    found = list(findings)
    return {"findings": as_objects(found), "total": len(found)}


def block(
    finding: Finding, width: int, *, prefix: str = "", coloured: bool = False
) -> Iterable[str]:
    """Returns the lines of a finding; one with a prefix has no colour."""
    word = finding.severity.word
    head = f"{prefix}{word} {finding.code}  {finding.place} {finding.what}"
    lines = wrapped(head, width, "", "    ")
    if coloured:
        lines[0] = paint(word, _COLOURS[finding.severity]) + lines[0][len(word) :]
    for label, text in (("why:", finding.why), ("fix:", finding.fix)):
        if text:
            lines += wrapped(text, width, f"    {label}  ", " " * 10)
    return lines
