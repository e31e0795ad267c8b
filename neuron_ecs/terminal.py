"""Findings on a terminal, wrapped and coloured, or as JSON."""

import json
import os
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from messages.finding import Finding, Severity, as_object, count

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}


def write(findings: Iterable[Finding], out: TextIO, *, width: int) -> None:
    """Writes a block for each finding, the worst first, and then how many there are.

    The layout is that of `planning.finding.render`, with lines of at most `width` characters
    where the words allow it (0: as long as they are).
    """
    ordered = sorted(findings, key=lambda f: f.sort_key)
    coloured = is_coloured(out)
    for finding in ordered:
        out.write("\n".join(_block(finding, width, coloured=coloured)) + "\n")
    out.write(count(ordered) + "\n")


def write_json(findings: Iterable[Finding], out: TextIO) -> None:
    """Writes `{"findings": [...]}`, the worst first."""
    ordered = sorted(findings, key=lambda f: f.sort_key)
    document = {"findings": [as_object(finding) for finding in ordered]}
    out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def is_coloured(out: TextIO) -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    return out.isatty() and not os.environ.get("NO_COLOR")


def _block(finding: Finding, width: int, *, coloured: bool) -> Iterable[str]:
    word = finding.severity.word
    head = f"{word} {finding.code}  {finding.path or 'the stack file'} {finding.what}"
    lines = _wrapped(head, width, first="", later="    ")
    if coloured:
        lines[0] = f"\033[{_COLOURS[finding.severity]}m{word}\033[0m{lines[0][len(word) :]}"
    for label, text in (("why:", finding.why), ("fix:", finding.fix)):
        if text:
            lines += _wrapped(text, width, first=f"    {label}  ", later=" " * 10)
    return lines


def _wrapped(text: str, width: int, *, first: str, later: str) -> list[str]:
    """The text in lines; what must stay whole to be copied (paths, ARNs) is not broken."""
    if width <= 0:
        return [first + text]
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]


def table(rows: Sequence[Sequence[str]], *, indent: str = "", width: int = 0) -> Iterator[str]:
    """The rows with their cells under each other, two spaces apart, cut to `width` characters.

    A column without any text takes no room. `width` 0 cuts nothing.
    """
    if not rows:
        return
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row, sizes, strict=True) if size]
        yield cut((indent + "  ".join(cells)).rstrip(), width)


def cut(line: str, width: int) -> str:
    """The line, or as much of it as fits with an ellipsis; `width` 0 cuts nothing."""
    return line if width <= 0 or len(line) <= width else line[: width - 1].rstrip() + "…"


def spans(devices: Sequence[int]) -> str:
    """`0-3, 6`: devices as runs."""
    runs: list[list[int]] = []
    for device in devices:
        if runs and device == runs[-1][-1] + 1:
            runs[-1].append(device)
        else:
            runs.append([device])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
