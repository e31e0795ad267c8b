"""The arguments of commands about a stack file, and about what runs of it."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from neuron_ecs.arguments.options import option, outputs
from neuron_ecs.arguments.parser import Common, Parser, simple_command
from neuron_ecs.operations.clock import REAL, Clock
from neuron_ecs.terminal import (
    UsageError,
    is_coloured,
    terminal_width,
    width_of,
    wrapped,
    write_json,
)

if TYPE_CHECKING:
    from neuron_ecs.operations.aws import Connect
    from neuron_ecs.operations.observed import Names
    from neuron_ecs.operations.stack import Stack
    from neuron_ecs.stackfile.reading import StackFile

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

    @property
    def coloured(self) -> bool:
        """Whether to paint what is written to standard output."""
        return is_coloured(sys.stdout)

    def write(self, lines: Iterable[str]) -> None:
        """Writes lines at once, unless JSON is asked for."""
        if not self.json:
            sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stdout.flush()

    def say(self, text: str, first: str = "", later: str = "  ") -> None:
        """Writes a text as `wrapped` breaks it, unless JSON is asked for."""
        self.write(wrapped(text, self.width, first, later))

    def warn(self, text: str, later: str = "  ") -> None:
        """Writes a text as `wrapped` breaks it to standard error."""
        sys.stderr.writelines(f"{line}\n" for line in wrapped(text, self.width, "", later))


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
class OfRunning(OfStack):
    """The arguments of a command about what runs, in some or all Regions."""

    json_version: ClassVar[int] = 1
    """Of the JSON document of the command."""

    outputs: Path | None = outputs()
    region: list[str] | None = option(
        metavar="REGION",
        action="append",
        help="only this Region of the stack; repeat it for several",
    )

    def answered(
        self, call: "Callable[[Stack], int]", connect: "Connect | None", clock: Clock = REAL
    ) -> int:
        """Returns the exit code of a call with the stack.

        With `--json` its `UsageError` becomes a document. Raises `Refused` as the plan does.
        """
        import catalog
        from neuron_ecs.operations.stack import Stack

        stack = Stack(
            self.read().plan(catalog.load()),
            connect,
            clock,
            only=self.region or (),
            names=lambda: names_in(self.outputs),
        )
        try:
            return call(stack)
        except UsageError as error:
            if not self.json:
                raise
            write_json({"version": self.json_version, "error": str(error)}, sys.stdout)
            return error.exit_code

    def report(self, stack: "Stack", **found: object) -> None:
        """Writes what was found at once, if JSON is asked for."""
        if self.json:
            of = {"project": stack.plan.project, "stack": stack.plan.stack}
            write_json({"version": self.json_version} | of | found, sys.stdout)
            sys.stdout.flush()


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


Act = Callable[[Running, "Stack"], int]
"""What a command about what runs does with its arguments and the stack; its exit code."""


def operation(
    arguments: type[Running], epilog: str, act: Act[Running]
) -> tuple[Callable[[Parser], None], Callable[..., int]]:
    """Returns `add_arguments` and `run` of a command about what runs.

    `run(arguments, connect, clock)` raises `Refused` as the plan does, and `UsageError`.
    """

    def run(given: Running, connect: "Connect | None" = None, clock: Clock = REAL) -> int:
        return given.answered(lambda stack: act(given, stack), connect, clock)

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
