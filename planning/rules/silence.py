"""Findings that the stack file silences."""

from collections.abc import Iterator

from messages.finding import Severity
from messages.phrases import nearest
from planning.rules.rule import Report, Rule, rule
from planning.situation import Situation


def rules_about_silence(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules about `silence`; `rules` are all the others, whose codes it may name."""
    quiet = {r.code for r in rules if r.severity is not Severity.ERROR}
    loud = {r.code for r in rules if r.severity is Severity.ERROR}

    @rule(
        "NE010",
        "Silenced code is an error or unknown",
        Severity.ERROR,
        "Only warnings and notes can be silenced. A stack with an error can never work.",
        do="Correct the error, or name the code of a warning or note.",
    )
    def silence_of_an_error(s: Situation) -> Iterator[Report]:
        """docs/findings.md lists every code with its severity."""
        for code in s.settings.silence:
            if code not in quiet:
                what = "is an error" if code in loud else "is not the code of a finding"
                yield Report(f"silence.{code}", what, nearest(code, quiet))

    @rule(
        "NE011",
        "Silenced code has no finding",
        Severity.NOTE,
        "An entry whose finding no longer occurs misleads the reader of the stack file.",
        do="Remove the entry.",
    )
    def silence_without_a_finding(s: Situation) -> Iterator[Report]:
        """Nothing in the stack file causes the finding any more. A model that is refused would
        have findings of its own."""
        if s.unserved:
            return
        asked = [r for r in rules if r.code in s.settings.silence]
        found = {r.code for r in asked if r.findings(s)}
        for code in s.settings.silence:
            if code in quiet and code not in found:
                yield Report(f"silence.{code}", "silences nothing", "remove it")

    return (silence_of_an_error, silence_without_a_finding)
