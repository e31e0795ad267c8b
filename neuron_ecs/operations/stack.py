"""A stack in the account: its plan, the Regions that a command is about, and how they are asked."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Protocol, TypeVar

import catalog
from messages.phrases import closest_key, listed
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import REAL, Clock
from neuron_ecs.operations.observed import Names
from neuron_ecs.operations.reading import Reader, read_all, read_each, read_one
from neuron_ecs.operations.reasons import Reasons
from neuron_ecs.terminal import UsageError, progress
from planning import plan

_T = TypeVar("_T")


class Say(Protocol):
    """Says a text in lines that fit, with what stands before the first and before the others."""

    def __call__(self, text: str, first: str = "", later: str = "  ") -> None:
        """Says the text."""
        ...


class Stack:
    """What a plan describes, in the account.

    `only` names Regions, `names` returns physical names by Region. Both, and the SDK, are looked
    at when they are first needed: other mistakes are reported without them.
    """

    def __init__(
        self,
        described: plan.Plan,
        connect: Connect | None = None,
        clock: Clock = REAL,
        *,
        only: Sequence[str] = (),
        names: Callable[[], dict[str, Names] | None] = lambda: None,
    ) -> None:
        self.plan = described
        self.clock = clock
        self._connect = connect
        self.only = only
        self._names = names

    @property
    def title(self) -> str:
        """`project/stack`, with which the text of a command begins."""
        return f"{self.plan.project}/{self.plan.stack}"

    @cached_property
    def account(self) -> Account:
        """The account that the credentials belong to. Raises `UsageError` without boto3."""
        return Account(self._connect)

    @cached_property
    def names(self) -> dict[str, Names] | None:
        """Physical names by Region; `None` if resources are found by the plan's keys."""
        return self._names()

    @cached_property
    def reasons(self) -> Reasons:
        """What messages, exit codes and lines of logs mean."""
        return Reasons(catalog.load().containers.stop_reasons)

    @cached_property
    def regions(self) -> list[plan.RegionPlan]:
        """The Regions that are named; all without a name. Raises `UsageError`."""
        known = [r.name for r in self.plan.regions]
        for name in self.only:
            if name not in known:
                raise UsageError(f"--region {name}: {_not_among('Region', name, known)}")
        return [r for r in self.plan.regions if not self.only or r.name in self.only]

    def region_of(self, job: str) -> plan.RegionPlan:
        """The one Region where a job runs. Raises `UsageError` if there are several."""
        found = [r for r in self.regions if any(j.name == job for j in r.jobs)]
        if not found:
            raise UsageError(f"{job} does not run in {listed(self.only or ['any Region'])}")
        if len(found) > 1:
            raise UsageError(
                f"{job} runs in {listed([r.name for r in found])}; name one with --region"
            )
        return found[0]

    def models(self, name: str) -> list[tuple[plan.RegionPlan, plan.ModelPlan]]:
        """The model of that name in each of the Regions that has it."""
        return [(r, m) for r in self.regions for m in r.models if m.name == name]

    def refuse_unknown(self, name: str | None, *, models: bool = True, jobs: bool = True) -> None:
        """Raises `UsageError` if no model or job of the stack has the name."""
        works = {m.name for r in self.plan.regions for m in r.models if models}
        works |= {j.name for r in self.plan.regions for j in r.jobs if jobs}
        word = " or ".join(w for w, is_one in (("model", models), ("job", jobs)) if is_one)
        if name is not None and name not in works:
            raise UsageError(f"{name}: {_not_among(word, name, sorted(works))}")

    def reading(self) -> AbstractContextManager[None]:
        """Shows meanwhile that the Regions are read."""
        return progress(f"reading {', '.join(r.name for r in self.regions)} from AWS")

    def ask(self, region: plan.RegionPlan, question: Callable[[Reader], _T]) -> _T:
        """Returns the answer about one Region. Raises `UsageError` if AWS refuses it."""
        return read_one(self.account, region, self.names, question)

    def ask_each(
        self, question: Callable[[Reader], _T], unread: Callable[[plan.RegionPlan, str], _T]
    ) -> list[_T]:
        """Returns what `read_each` returns about the Regions."""
        return read_each(self.account, self.regions, self.names, question, unread)

    def ask_all(
        self, question: Callable[[Reader], tuple[Iterable[_T], Iterable[str]]]
    ) -> tuple[list[_T], list[str]]:
        """Returns what `read_all` returns about the Regions."""
        return read_all(self.account, self.regions, self.names, question)


def _not_among(word: str, name: str, known: Sequence[str]) -> str:
    near = closest_key(name, known)
    if not known:
        return f"the stack has no {word}"
    return f"the stack has no such {word}; " + (
        f"did you mean {near}?" if near else f"choose from {listed(known)}"
    )
