"""The command line: one table of commands, of which only the one that runs is loaded."""

import argparse
import atexit
import gc
import os
import shlex
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from messages.finding import Refused
from neuron_ecs import terminal
from neuron_ecs.arguments.parser import Parser, actions
from neuron_ecs.terminal import ERRORS, INTERRUPTED, NO_READER, WRONG_USAGE, Screen, UsageError

ROOT = Path(__file__).resolve().parents[2]
"""The checkout that the command runs from."""

PROGRAM = "neuron-ecs"

COMMANDS = {
    "init": "writes a stack file for language models, on the cheapest pools that plan",
    "plan": "what was decided: Regions, pools, chips, task definitions, findings",
    "preview": "every resource that `pulumi up` would register",
    "map": "which workload uses which chips, at minimum and maximum, as text and as a page",
    "diff": "what a pull request changes: models, chips, resources, interruptions, price",
    "fit": "which instances can run a workload or serve a language model, cheapest first",
    "models": "adds, removes and changes models in the stack file, if the result can be planned",
    "jobs": "the same for jobs; alone it lists their runs, and asks AWS",
    "pools": "the same for pools, the entries of capacity",
    "regions": "the same for Regions",
    "place": "writes the layout into the stack file, so that edits move no running model",
    "verify": "whether what runs is what the plan says; asks AWS, with credentials",
    "cache": "what models have compiled, and what the stack no longer uses; asks AWS for S3",
    "compile": "compiles models ahead of their tasks, by the jobs of the plan; asks AWS",
    "status": "what runs: models, replicas, chips, instances and deployments; asks AWS",
    "events": "what happened: stopped tasks, messages and scaling, explained; asks AWS",
    "logs": "the log of all tasks of a model or job, merged by time; asks AWS",
    "doctor": "which link from DNS down to the chip and its capacity is broken; asks AWS",
    "run": "starts a job, follows it to its end and ends with its exit code; changes AWS",
    "stop": "stops the runs of a job, or a task; changes AWS",
    "wait": "waits until deployments are complete and every replica runs; asks AWS",
    "scale": "how many replicas of a model run; changes AWS",
    "rollback": "takes a model back to a revision that ran; changes AWS",
    "exec": "a shell in a running task, with the Session Manager plugin; asks AWS",
    "drain": "takes the tasks off an instance or a Region, and back; changes AWS",
    "replace": "new instances for those of a pool, one after the other; changes AWS",
    "catalog": "shows the tables of what AWS offers; `catalog refresh` renews them from AWS",
    "schema": "the JSON Schema of the stack file, for editors",
    "ci": "what the workflows run: the diff of every touched stack, preview beside diff, drift",
    "completion": "completion of commands and options for bash, zsh and fish",
    "help": "the help of a command",
}
"""Every command with a line of help; the module of its name in this package holds it."""

_EPILOG = """\
example:
  neuron-ecs plan --stack prod

exit codes: 0 fine, 1 the plan has errors, 2 wrong usage; each command's --help says more.
No command needs an AWS account, the network or the Pulumi CLI, except `catalog refresh`
and those that ask or change AWS, as their lines say."""


class Command(Protocol):
    """A module of this package that holds a command."""

    def add_arguments(self, parser: Parser) -> None:
        """Describes the command to its parser, and says what it calls."""
        ...


def command() -> int:
    """Runs the command line in a process of its own: `neuron-ecs`, or `python -m neuron_ecs`.

    Reference cycles are not collected, neither on the way nor at the end: that would take up to two
    thirds of the seconds that a command lasts, to free almost nothing.
    """
    gc.disable()
    atexit.register(gc.freeze)
    if "_ARGCOMPLETE" in os.environ:
        return _complete()
    return main()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command that the arguments name and returns its exit code."""
    stdout = sys.stdout
    try:
        with terminal.screens() as screens:
            code = _run(list(sys.argv[1:] if argv is None else argv), screens)
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read has stopped, as `head` does; what is left to write goes nowhere.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        return NO_READER
    except KeyboardInterrupt:
        return INTERRUPTED


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parses the arguments. `call` of what it returns runs the command."""
    return parser_for(argv[:1]).parse_args(argv)


def parser_for(loaded: Sequence[str]) -> Parser:
    """Returns the parser with every command's name, and the options of those that are `loaded`."""
    parser = Parser(
        prog=PROGRAM,
        description="Answers questions about a stack file and about what runs.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="the version of the command")
    commands = actions(parser, "command")
    for name, said in COMMANDS.items():
        one = commands(name, said)
        if name in loaded:
            module = cast(Command, import_module(f"neuron_ecs.cli.{name}"))
            module.add_arguments(one)
    return parser


class _Version(argparse.Action):
    """Prints the version that pyproject.toml states."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        sys.stdout.write(f"{PROGRAM} {document['project']['version']}\n")
        parser.exit()


def _run(argv: list[str], screens: tuple[Screen, Screen]) -> int:
    found = parse(argv)
    for screen in screens:
        screen.colour = found.color
    return answer(found, found.call)


def answer(found: argparse.Namespace, call: Callable[[argparse.Namespace], int]) -> int:
    """Returns the exit code of a command; writes the findings or the wrong usage that it raises."""
    try:
        return call(found)
    except Refused as refusal:
        if getattr(found, "json", False):
            terminal.write_json(terminal.findings_document(refusal.findings), sys.stdout)
        else:
            terminal.write(refusal.findings, sys.stderr, width=getattr(found, "width", 0))
        return ERRORS
    except UsageError as error:
        sys.stderr.write(f"{found.of.prog}: {error}\n")
        return error.exit_code


def _complete() -> int:
    """Answers the shell's question what may follow, through argcomplete."""
    import argcomplete

    words = shlex.split(os.environ.get("COMP_LINE", "").partition("|")[0], posix=False)[1:2]
    argcomplete.autocomplete(parser_for([w for w in words if w in COMMANDS]))
    return WRONG_USAGE
