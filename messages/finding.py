"""What is wrong, why, and what to do instead: the one form of a refusal or a warning."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

SHAPE_CODE = "NE001"
PAGE = 50
"""Findings that a text shows. The count below them is of all."""
MOST_IN_JSON = 1_000
"""Findings in a list of JSON. The total beside them is of all."""


class Severity(IntEnum):
    """How bad: an error can never work, a warning works and will hurt, a note is worth knowing."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the planner has to say about one place of the stack file."""

    code: str
    severity: Severity
    path: str
    what: str
    why: str
    fix: str
    line: int | None = field(default=None, compare=False)
    """Line of the place, from 1, where the stack file was read as a file."""

    @property
    def place(self) -> str:
        """The path, and the line where it is known: `models.llama.port, line 12,`."""
        path = self.path or "the stack file"
        return path if self.line is None else f"{path}, line {self.line},"

    @property
    def sort_key(self) -> tuple[int, str, str, str]:
        return (-self.severity, self.path, self.code, self.what)


class Refused(Exception):
    """The stack file cannot be built; holds all findings, errors first, sorted by path."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings, key=lambda f: f.sort_key))
        super().__init__(render(self.findings))


def malformed(path: str, what: str, fix: str) -> Finding:
    """Returns the finding for a value of the wrong shape: an unknown key, a wrong type."""
    return Finding(SHAPE_CODE, Severity.ERROR, path, what, "", fix)


def render(findings: Iterable[Finding]) -> str:
    """The findings as text for a terminal or an engine's log: a block each, then a count."""
    ordered = sorted(findings, key=lambda f: f.sort_key)
    blocks: list[str] = []
    for finding in page(ordered):
        block = [f"{finding.severity.word} {finding.code}  {finding.place} {finding.what}"]
        if finding.why:
            block.append(f"    why:  {finding.why}")
        if finding.fix:
            block.append(f"    fix:  {finding.fix}")
        blocks.append("\n".join(block))
    return "\n".join([*blocks, *left_out(ordered), count(ordered)])


def page(findings: Iterable[Finding], most: int = PAGE) -> list[Finding]:
    """At most so many of the findings, in order: the worst, and of these some of each code."""
    ordered = sorted(findings, key=lambda f: f.sort_key)
    if len(ordered) <= most:
        return ordered
    seen: Counter[str] = Counter()
    ranks: list[tuple[int, int, int]] = []
    for position, finding in enumerate(ordered):
        ranks.append((-finding.severity, seen[finding.code], position))
        seen[finding.code] += 1
    return [ordered[position] for *_, position in sorted(sorted(ranks)[:most], key=lambda r: r[2])]


def left_out(findings: Iterable[Finding], most: int = PAGE) -> list[str]:
    """The line about what `page` does not have: `and 2 more: 2 NE001`; none if it has all."""
    found = list(findings)
    codes = Counter(f.code for f in found) - Counter(f.code for f in page(found, most))
    listed = ", ".join(f"{number:,} {code}" for code, number in codes.most_common())
    return [f"and {codes.total():,} more: {listed}"] if codes else []


def count(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`: how many of each severity there are."""
    severities = [f.severity for f in findings]
    parts = [
        f"{number:,} {severity.word}{'s' if number != 1 else ''}"
        for severity in sorted(Severity, reverse=True)
        if (number := severities.count(severity))
    ]
    return ", ".join(parts) or "no findings"


def as_objects(findings: Iterable[Finding]) -> list[dict[str, str | int | None]]:
    """The findings as JSON holds them, at most `MOST_IN_JSON`."""
    return [as_object(finding) for finding in page(findings, MOST_IN_JSON)]


def as_object(finding: Finding) -> dict[str, str | int | None]:
    """The finding as JSON holds it; the severity is its word."""
    return {
        "code": finding.code,
        "severity": finding.severity.word,
        "path": finding.path,
        "line": finding.line,
        "what": finding.what,
        "why": finding.why,
        "fix": finding.fix,
    }
