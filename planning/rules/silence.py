"""What the stack file asks not to be told."""

from collections.abc import Iterator

from messages.finding import Severity
from messages.phrases import nearest
from planning.rules.rule import Report, Rule, rule
from planning.situation import Situation


def rules_about_silence(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules that judge `silence`, which need to know all the others."""
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
                what = "is an error, which stays" if code in loud else "is no code of a finding"
                yield Report(f"silence.{code}", what, nearest(code, quiet))

    @rule(
        "NE011",
        "Silenced code has no finding",
        Severity.NOTE,
        "An entry whose finding no longer occurs misleads the reader of the stack file.",
        do="Remove the entry.",
    )
    def silence_without_a_finding(s: Situation) -> Iterator[Report]:
        """Nothing in the stack file causes the finding any more."""
        asked = [r for r in rules if r.code in s.settings.silence]
        said = {r.code for r in asked if any(True for _ in r.findings(s))}
        for code in s.settings.silence:
            if code in quiet and code not in said:
                yield Report(f"silence.{code}", "silences nothing", "remove it")

    return (silence_of_an_error, silence_without_a_finding)
