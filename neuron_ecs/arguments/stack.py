"""The arguments of commands about a stack file, and about what runs of it."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from messages.phrases import closest_key, listed
from neuron_ecs.arguments.options import option, outputs
from neuron_ecs.arguments.parser import Common, Parser, simple_command
from neuron_ecs.operations.clock import REAL, Clock
from neuron_ecs.terminal import UsageError, terminal_width, width_of, wrapped, write_json

if TYPE_CHECKING:
    from neuron_ecs.operations.aws import Connect
    from neuron_ecs.operations.observed import Names
    from neuron_ecs.stackfile.reading import StackFile
    from planning import plan

_LONGEST_ANSWER = 80


@dataclass(frozen=True, kw_only=True)
class Printed(Common):
    """The arguments of a command that prints text or JSON."""

    width: int = option(
        metavar="N",
        type=width_of,
        default=terminal_width,
        help="characters in a line, 0 for no limit (the terminal's, 80 to 160)",
    )
    json: bool = option(help="print JSON")

    def write(self, lines: Iterable[str]) -> None:
        """Writes lines at once, unless JSON is asked for."""
        if not self.json:
            sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stdout.flush()

    def say(self, text: str, first: str = "", later: str = "  ") -> None:
        """Writes a text as `wrapped` breaks it, unless JSON is asked for."""
        self.write(wrapped(text, self.width, first, later))


@dataclass(frozen=True, kw_only=True)
class OfStack(Printed):
    """The arguments of a command about one stack file."""

    stack: str | None = option(metavar="NAME", help="the stack of this project (dev)")
    file: Path | None = option(
        metavar="PATH", type=Path, help="a stack file anywhere, instead of --stack"
    )

    def read(self) -> "StackFile":
        """Reads the stack file and writes its notes. Raises `StackFileError`."""
        from neuron_ecs import terminal
        from neuron_ecs.stackfile.reading import read

        found = read(stack=self.stack, file=self.file, directory=self.directory)
        if found.notes:
            terminal.write(found.notes, sys.stderr, width=self.width)
        return found


@dataclass(frozen=True, kw_only=True)
class OfAccount(OfStack):
    """The arguments of a command that compares a stack file with what runs."""

    outputs: Path | None = outputs()

    def names(self) -> "dict[str, Names] | None":
        """Physical names by Region from `--outputs`; `None` without it. Raises `UsageError`."""
        return names_in(self.outputs)

    def answered(self, version: int, call: Callable[["plan.Plan"], int]) -> int:
        """Returns the exit code of a call with the plan.

        With `--json` its `UsageError` becomes a document. Raises `Refused` as the plan does.
        """
        import catalog

        described = self.read().plan(catalog.load())
        try:
            return call(described)
        except UsageError as error:
            if not self.json:
                raise
            write_json({"version": version, "error": str(error)}, sys.stdout)
            return error.exit_code


@dataclass(frozen=True, kw_only=True)
class OfRunning(OfAccount):
    """The arguments of a command that shows what runs, in some or all Regions."""

    region: list[str] | None = option(
        metavar="REGION",
        action="append",
        help="only this Region of the stack; repeat it for several",
    )

    def regions(self, described: "plan.Plan") -> "list[plan.RegionPlan]":
        """The Regions of the plan that `--region` names; all without it. Raises `UsageError`."""
        known = [r.name for r in described.regions]
        for name in self.region or ():
            if name not in known:
                raise UsageError(f"--region {name}: {_not_among('Region', name, known)}")
        return [r for r in described.regions if not self.region or r.name in self.region]

    def only_region(
        self, described: "plan.Plan", runs: "Callable[[plan.RegionPlan], bool]", name: str
    ) -> "plan.RegionPlan":
        """The one Region where a model or job runs. Raises `UsageError` if there are several."""
        found = [r for r in self.regions(described) if runs(r)]
        if not found:
            raise UsageError(f"{name} does not run in {listed(self.region or ['any Region'])}")
        if len(found) > 1:
            raise UsageError(
                f"{name} runs in {listed([r.name for r in found])}; name one with --region"
            )
        return found[0]


def names_in(outputs: Path | None) -> "dict[str, Names] | None":
    """Physical names by Region from a file of outputs; `None` without it. Raises `UsageError`."""
    from neuron_ecs.operations.outputs import read_outputs

    return None if outputs is None else read_outputs(outputs)


Running = TypeVar("Running", bound=OfRunning)


@dataclass(frozen=True, kw_only=True)
class Changing(OfRunning):
    """The arguments of a command that changes what runs: it shows the change first, and asks."""

    yes: bool = option(help="without asking; --json changes nothing without it")

    def agreed(self, question: str) -> bool:
        """Whether what was shown is to be done."""
        return agreed(question, yes=self.yes, json=self.json)


Act = Callable[[Running, "plan.Plan", "Connect | None", Clock], int]
"""What a command about what runs does with its arguments and the plan; its exit code."""


def operation(
    arguments: type[Running], version: int, epilog: str, act: Act[Running]
) -> tuple[Callable[[Parser], None], Callable[..., int]]:
    """Returns `add_arguments` and `run` of a command about what runs.

    `run(arguments, connect, clock)` raises `Refused` as the plan does, and `UsageError`.
    """

    def run(given: Running, connect: "Connect | None" = None, clock: Clock = REAL) -> int:
        return given.answered(version, lambda stack: act(given, stack, connect, clock))

    return simple_command(arguments, run, epilog), run


def agreed(question: str, *, yes: bool, json: bool) -> bool:
    """Whether what was shown is to be done: with `yes` without asking, with JSON not without it.

    Otherwise it asks on the terminal; only `y` or `yes` is a yes.
    """
    if yes or json:
        return yes
    out = sys.stdout
    out.write(f"{question} [y/N] ")
    out.flush()
    answer = sys.stdin.readline(_LONGEST_ANSWER)
    if not answer.endswith("\n"):
        out.write("\n")
    if not answer:
        out.write("no answer; --yes does it without asking\n")
    return answer.strip().lower() in ("y", "yes")


def head_of(described: "plan.Plan", version: int) -> dict[str, object]:
    """The beginning of the JSON of every command about what runs."""
    return {"version": version, "project": described.project, "stack": described.stack}


def plain(items: list[tuple[str, object]]) -> dict[str, object]:
    """The fields of a dataclass for JSON, with times as ISO 8601."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in items}


def known_workload(
    described: "plan.Plan", name: str | None, *, models: bool = True, jobs: bool = True
) -> None:
    """Raises `UsageError` if no model or job of the stack has the name."""
    works = {m.name for r in described.regions for m in r.models if models}
    works |= {j.name for r in described.regions for j in r.jobs if jobs}
    word = " or ".join(w for w, is_one in (("model", models), ("job", jobs)) if is_one)
    if name is not None and name not in works:
        raise UsageError(f"{name}: {_not_among(word, name, sorted(works))}")


def _not_among(word: str, name: str, known: Sequence[str]) -> str:
    near = closest_key(name, known)
    if not known:
        return f"the stack has no {word}"
    return f"the stack has no such {word}; " + (
        f"did you mean {near}?" if near else f"choose from {listed(known)}"
    )
