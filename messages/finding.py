"""What is wrong, why, and what to do instead: the one form of a refusal or a warning."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

SHAPE_CODE = "NE001"


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
    for finding in ordered:
        place = finding.path or "the stack file"
        block = [f"{finding.severity.word} {finding.code}  {place} {finding.what}"]
        if finding.why:
            block.append(f"    why:  {finding.why}")
        if finding.fix:
            block.append(f"    fix:  {finding.fix}")
        blocks.append("\n".join(block))
    return "\n".join([*blocks, count(ordered)])


def count(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`: how many of each severity there are."""
    severities = [f.severity for f in findings]
    parts = [
        f"{number} {severity.word}{'s' if number != 1 else ''}"
        for severity in sorted(Severity, reverse=True)
        if (number := severities.count(severity))
    ]
    return ", ".join(parts) or "no findings"


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
