"""The command line. Exit codes: 0 fine, 1 the plan has errors, 2 wrong usage."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from neuron_ecs.cli.arguments import WRONG_USAGE, Parser, add_width

if TYPE_CHECKING:
    from messages.finding import Finding
    from neuron_ecs.stackfile.reading import StackFile

FINE, ERRORS = 0, 1
_INTERRUPTED = 130  # 128 + SIGINT
_NO_READER = 141  # 128 + SIGPIPE

_EPILOG = """\
exit codes: 0 fine, 1 the plan has errors, 2 wrong usage.
No command needs an AWS account, the network or the Pulumi CLI, except
`catalog refresh` and `verify`, which ask AWS."""


class Failed(Exception):
    """A command ends with findings instead of an answer."""

    def __init__(self, findings: "Sequence[Finding]") -> None:
        self.findings = tuple(findings)
        super().__init__(f"{len(self.findings)} findings")


def command() -> int:
    """Runs the command line in a process of its own: `neuron-ecs`, or `python -m neuron_ecs`.

    Collecting reference cycles would take a fifth of the seconds that a command lasts, to free
    almost nothing of what the process gives back at its end.
    """
    gc.disable()
    return main()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command that the arguments name and returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a stream that tests put in its place
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read has stopped, as `head` does; nothing is left that could be told to anyone.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NO_READER
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(argv: list[str]) -> int:
    if argv[:1] == ["catalog"]:
        from neuron_ecs.cli import catalog

        return catalog.run(argv[1:])
    if argv[:1] == ["ci"]:
        from neuron_ecs.cli import ci

        return ci.run(argv[1:])
    if argv[:1] == ["diff"]:
        from neuron_ecs.cli import diff

        return diff.run(argv[1:])
    if argv[:1] == ["fit"]:
        from neuron_ecs.cli import fit

        return fit.run(argv[1:])
    if argv[:1] == ["models"]:
        from neuron_ecs.cli import models

        return models.run(argv[1:])
    if argv[:1] == ["schema"]:
        from neuron_ecs.cli import schema

        return schema.run(argv[1:])
    arguments = _parser().parse_args(argv)
    command = cast("Callable[..., int]", arguments.run)
    as_json, width = cast(bool, arguments.json), cast(int, arguments.width)
    if code := cast("str | None", getattr(arguments, "explain", None)):
        return _explain(code)

    from messages.finding import Refused
    from neuron_ecs import terminal as report
    from neuron_ecs.stackfile.reading import StackFileError, read

    try:
        file = read(
            stack=cast("str | None", arguments.stack),
            file=cast("Path | None", arguments.file),
            directory=Path(),
        )
        if file.notes:
            report.write(file.notes, sys.stderr, width=width)
        return command(file, arguments, as_json=as_json, width=width)
    except (StackFileError, Refused, Failed) as refusal:
        if as_json:
            report.write_json(refusal.findings, sys.stdout)
        else:
            report.write(refusal.findings, sys.stderr, width=width)
        return ERRORS


def _explain(code: str) -> int:
    from messages.phrases import nearest
    from planning.reference import explain, pages

    text = explain(code.upper())
    if text is None:
        said = nearest(code.upper(), [page.code for page in pages()])
        sys.stderr.write(f"no finding has the code {code}; {said}\n")
        return WRONG_USAGE
    sys.stdout.write(text)
    return FINE


def _plan(file: "StackFile", arguments: argparse.Namespace, *, as_json: bool, width: int) -> int:
    from neuron_ecs.cli import plan

    return plan.run(file, as_json=as_json, out=sys.stdout, width=width)


def _preview(file: "StackFile", arguments: argparse.Namespace, *, as_json: bool, width: int) -> int:
    from pulumi import RunError

    from messages.finding import Finding, Refused, Severity
    from neuron_ecs.cli.preview import preview
    from neuron_ecs.recording.engine import RecordingError

    def failed(what: str, why: str, fix: str) -> Finding:
        return Finding("NE003", Severity.ERROR, "the program", what, why, fix)

    try:
        return preview(
            file,
            as_json=as_json,
            out=sys.stdout,
            width=width,
            show_all=cast(bool, arguments.all),
        )
    except RecordingError as error:
        why = "the engine or the provider would refuse it"
        fix = "the stack file is not to blame: mend the component that registers it"
        raise Failed([failed(problem, why, fix) for problem in error.problems]) from error
    except RunError as error:
        if isinstance(error.__cause__, Refused):
            raise error.__cause__ from None
        raise Failed([failed(f"ended: {error}", "", "mend what it says")]) from error


def _map(file: "StackFile", arguments: argparse.Namespace, *, as_json: bool, width: int) -> int:
    from neuron_ecs.cli import map as chip_map

    html = cast("Path | None", arguments.html)
    return chip_map.run(file, as_json=as_json, out=sys.stdout, width=width, html=html)


def _verify(file: "StackFile", arguments: argparse.Namespace, *, as_json: bool, width: int) -> int:
    from neuron_ecs.cli import verify

    outputs = cast("Path | None", arguments.outputs)
    return verify.run(file, as_json=as_json, out=sys.stdout, width=width, outputs=outputs)


_COMMANDS: dict[str, tuple[Callable[..., int], str]] = {
    "plan": (_plan, "what was decided: Regions, pools, chips, task definitions, findings"),
    "preview": (_preview, "every resource that `pulumi up` would register"),
    "map": (_map, "who sits on which chip, at minimum and maximum, as text and as a page"),
    "verify": (_verify, "whether what runs is what the plan says; asks AWS, with credentials"),
}
_CI = "what the workflows run: the diff of every touched stack, preview beside diff, drift"
_DIFF = "what a pull request changes: models, chips, resources, interruptions, price"
_FIT = "which instances can run a wish or serve a language model, cheapest first"
_MODELS = "adds, removes and changes models in the stack file, once it is seen to plan"
_SCHEMA = "the JSON Schema of the stack file, for editors"
_CATALOG = "shows the tables of what AWS offers; `catalog refresh` renews them from AWS"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="neuron-ecs",
        description="Answers questions about a stack file, offline.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    for name, (run, said) in _COMMANDS.items():
        command = commands.add_parser(name, help=said, description=said, allow_abbrev=False)
        command.set_defaults(run=run)
        _add_stack_options(command)
        if name == "plan":
            command.add_argument("--explain", metavar="CODE", help="what a finding's code means")
        if name == "preview":
            command.add_argument("--all", action="store_true", help="fold nothing together")
        if name == "map":
            command.add_argument(
                "--html", metavar="PATH", type=Path, help="write one HTML page there instead"
            )
        if name == "verify":
            command.epilog = (
                "exit codes: 0 all as planned, 1 a difference or no answer, 2 wrong usage or no "
                "credentials."
            )
            command.add_argument(
                "--outputs",
                metavar="FILE",
                type=Path,
                help="names from `pulumi stack output --json` (-: standard input), not by key",
            )
    commands.add_parser("ci", help=_CI)
    commands.add_parser("diff", help=_DIFF)
    commands.add_parser("fit", help=_FIT)
    commands.add_parser("catalog", help=_CATALOG)
    commands.add_parser("models", help=_MODELS)
    commands.add_parser("schema", help=_SCHEMA)
    return parser


def _add_stack_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--stack", metavar="NAME", help="the stack of this project (dev)")
    command.add_argument(
        "--file", metavar="PATH", type=Path, help="a stack file anywhere, instead of --stack"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    add_width(command)
