"""What a rule is: a generator over the situation, with a code, a severity and the AWS fact."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from messages.finding import Finding, Severity
from planning.situation import Situation


@dataclass(frozen=True, slots=True)
class Report:
    """One place that breaks a rule: the path, what is wrong there, and what to do instead."""

    path: str
    what: str
    fix: str
    why: str | None = None  # in place of the rule's own fact, where it depends on the value


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its docstring holds the AWS fact and where AWS says so."""

    code: str
    severity: Severity
    why: str
    do: str
    check: Callable[[Situation], Iterable[Report]]

    @property
    def title(self) -> str:
        """`device does not exist`: the rule's name, in words."""
        return getattr(self.check, "__name__", "").replace("_", " ")

    @property
    def source(self) -> str:
        """Where AWS says so: the docstring, in one paragraph."""
        return " ".join((self.check.__doc__ or "").split())

    def findings(self, situation: Situation) -> Iterator[Finding]:
        """What the rule has to say about the situation."""
        for told in self.check(situation):
            yield Finding(
                self.code, self.severity, told.path, told.what, told.why or self.why, told.fix
            )


def rule(
    code: str, severity: Severity, why: str, *, do: str
) -> Callable[[Callable[[Situation], Iterable[Report]]], Rule]:
    """Makes a rule of a generator.

    `why` is the fact and `do` the way out, a sentence each, as people read them; what a finding
    says to do is nearer to the stack file.
    """
    return lambda check: Rule(code, severity, why, do, check)
