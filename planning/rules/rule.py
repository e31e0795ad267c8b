"""What a rule is: a generator over the situation, with code, title, severity and AWS fact."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from messages.finding import Finding, Severity
from messages.phrases import listed
from planning.situation import Situation


@dataclass(frozen=True, slots=True)
class Report:
    """One place that breaks a rule: the path, what is wrong there, and what to do instead."""

    path: str
    what: str
    fix: str
    why: str | None = None  # replaces the rule's `why` where the fact depends on the value
    severity: Severity | None = None  # replaces the rule's, where the stack is for production
    dated: bool = True  # whether the rule's table decided
    case: str = ""  # ends `what`; reports that differ only in it, and in the fix, are one finding


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of planning. The docstring of `check` names where AWS documents the fact."""

    code: str
    title: str  # such as "Device does not exist"
    severity: Severity
    why: str
    do: str
    check: Callable[[Situation], Iterable[Report]]
    table: str = ""  # of the catalog, if its rows decide

    @property
    def source(self) -> str:
        """Where AWS documents the fact: the docstring of `check` as one paragraph."""
        return " ".join((self.check.__doc__ or "").split())

    def findings(self, situation: Situation) -> list[Finding]:
        """The findings of the rule: one for each report. `why` ends with the table and its date."""
        reports = list(self.check(situation))  # most rules find nothing, and are asked very often
        if not reports:
            return []
        day = situation.catalog.dated(self.table) if self.table else ""
        dated = f" Table {self.table} of {day}." if self.table else ""
        return [
            Finding(
                self.code,
                report.severity or self.severity,
                report.path,
                report.what,
                (report.why or self.why) + (dated if report.dated else ""),
                report.fix,
            )
            for report in _merged(reports)
        ]


def _merged(reports: Iterable[Report]) -> Iterator[Report]:
    """Yields reports without a case as they are, then one for those that differ in case and fix."""
    cases: dict[Report, dict[str, str]] = {}
    for report in reports:
        if report.case:
            cases.setdefault(replace(report, case="", fix=""), {})[report.case] = report.fix
        else:
            yield report
    for report, fixes in cases.items():
        what = report.what + listed(fixes)
        yield replace(report, what=what, fix=", or ".join(dict.fromkeys(fixes.values())))


def rule(
    code: str, title: str, severity: Severity, why: str, *, do: str, table: str = ""
) -> Callable[[Callable[[Situation], Iterable[Report]]], Rule]:
    """Makes a rule of a generator of reports.

    `title` names the mistake in plain words: sentence case, no full stop, unlike any other title.
    `why` is the fact and `do` the way out, one sentence each, for docs/findings.md and
    `plan --explain`. A report's own fix is more concrete: it names values of the stack file.
    `table` is the table of the catalog whose rows decide, such as `instance_types`: AWS may have
    changed since its date, which each finding names.
    """
    return lambda check: Rule(code, title, severity, why, do, check, table)
