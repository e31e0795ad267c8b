"""Findings on a terminal, wrapped and coloured, or as JSON."""

import json
import os
import textwrap
from collections.abc import Iterable
from typing import TextIO

from messages.finding import Finding, Severity, count

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


def as_object(finding: Finding) -> dict[str, str]:
    """The finding as JSON holds it; the severity is its word."""
    return {
        "code": finding.code,
        "severity": finding.severity.word,
        "path": finding.path,
        "what": finding.what,
        "why": finding.why,
        "fix": finding.fix,
    }


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
