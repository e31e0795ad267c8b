"""Adds, removes, changes and shows entries of a stack file, in place: models, jobs, pools, Regions.

It shows the lines that change and what that changes of the plan, asks, and then writes: never a
file that does not plan, and never half a file.
"""

import argparse
import difflib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import catalog
from messages.finding import Severity
from messages.phrases import flow
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option, positional
from neuron_ecs.arguments.parser import Parser, actions
from neuron_ecs.arguments.stack import OfStack, agreed
from neuron_ecs.files import STACK_FILE_BYTES, is_stream, name_of, read_bytes, write_bytes
from neuron_ecs.stackfile.entries import (
    MODELS,
    Add,
    Change,
    Edit,
    Kind,
    Remove,
    edited,
    entries_of,
    missing,
    write,
)
from neuron_ecs.stackfile.fields import Field, assignment, field_of
from neuron_ecs.stackfile.placing import kept_layout, own_layout, placed_text, running_layout
from neuron_ecs.stackfile.reading import PROJECT_FILE, StackFile, read
from neuron_ecs.stackfile.yaml_values import Value
from neuron_ecs.terminal import ERRORS, FINE, UsageError, paint, progress
from planning import Refused

VERSION = 1

EXIT_CODES = (
    "exit codes: 0 fine; 1 not written: the file would not plan, or the answer was no; "
    "2 wrong usage."
)

_T = TypeVar("_T")


# -- arguments ---------------------------------------------------------------------------------


def as_type(parse: Callable[[str], _T]) -> Callable[[str], _T]:
    """Lets argparse say what is wrong with a value."""

    def parsed(text: str) -> _T:
        try:
            return parse(text)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


@dataclass(frozen=True, kw_only=True)
class Edits(OfStack):
    """The arguments of every command that edits a stack file."""

    yes: bool = option(help="write without asking; --json writes only with it")


@dataclass(frozen=True, kw_only=True)
class OfEntry(Edits):
    """The arguments of every action that edits entries."""

    name: str = positional(metavar="NAME", help="its name")

    @property
    def edit(self) -> Edit:
        """What is asked for."""
        return Remove()

    def completed(self, text: str, file: StackFile) -> Edit:
        """The same, with what follows from the stack file."""
        return self.edit


@dataclass(frozen=True, kw_only=True)
class AddFields(OfEntry):
    """The arguments of `add`, for an entry without options of its own."""

    changes: list[tuple[Field, str]] = positional(
        metavar="FIELD=VALUE", nargs="*", type=as_type(assignment), help="as max_size=4"
    )

    @property
    def edit(self) -> Edit:
        """The new entry."""
        return Add({}, self.changes)


@dataclass(frozen=True, kw_only=True)
class SetArguments(OfEntry):
    """The arguments of `set`."""

    changes: list[tuple[Field, str]] = positional(
        metavar="FIELD=VALUE", nargs="*", type=as_type(assignment), help="as replicas.max=4"
    )
    unset: list[Field] | None = option(
        metavar="FIELD", action="append", type=as_type(field_of), help="back to the default"
    )

    @property
    def edit(self) -> Edit:
        """The fields that change."""
        if not self.changes and not self.unset:
            raise UsageError("nothing is asked for; write FIELD=VALUE, or --unset FIELD")
        return Change(self.changes, self.unset or ())


@dataclass(frozen=True, kw_only=True)
class ShowArguments(OfStack):
    """The arguments of `show`."""

    name: str = positional(metavar="NAME", help="its name")


def command(kind: Kind) -> Callable[[Parser], Callable[[str, str], Parser]]:
    """Returns what describes the command of a map whose entries have fields alone, and returns
    what adds a further action."""

    def add_arguments(parser: Parser) -> Callable[[str, str], Parser]:
        examples = {"jobs": _JOBS, "pools": _POOLS, "regions": _REGIONS}[kind.command]
        return add_actions(parser, kind, AddFields, f"examples:\n{examples}\n\n{EXIT_CODES}")

    return add_arguments


_JOBS = """\
  neuron-ecs jobs add check image=IMAGE capacity=inf2 neuron_devices=1 command='neuron-ls -j'
  neuron-ecs jobs set check 'schedule={expression: cron(0 3 * * ? *), timezone: UTC}'"""
_POOLS = """\
  neuron-ecs pools add inf2 kind=auto_scaling instance_type=inf2.xlarge max_size=2
  neuron-ecs pools set inf2 max_size=4 --stack prod"""
_REGIONS = """\
  neuron-ecs regions add eu-central-1
  neuron-ecs regions set eu-central-1 network.nat=per_zone"""


def add_actions(
    parser: Parser, kind: Kind, adding: type[OfEntry], epilog: str
) -> Callable[[str, str], Parser]:
    """Adds the actions that every map of entries has, and returns what adds another."""
    word = kind.word
    parser.description = f"Edits {kind.command} in a stack file, in place: comments and order stay."
    parser.epilog = epilog
    action = actions(parser)
    edit = partial(run, kind=kind)
    action("add", f"adds a {word}").calls(adding, edit, epilog)
    action("remove", f"removes a {word}").calls(OfEntry, edit, epilog)
    action("set", f"changes fields of a {word}").calls(SetArguments, edit, epilog)
    action("list", f"lists the {kind.command}").calls(OfStack, partial(show, kind=kind), epilog)
    action("show", f"shows a {word} as it is written").calls(
        ShowArguments, partial(show, kind=kind), epilog
    )
    return action


# -- the command -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two states of a stack file, both as files: what is there, and what would be written."""

    before: Path
    after: Path
    named: Path
    """What people call the file."""
    stack: str
    project_directory: Path


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the edit changes of the plan, as text and as JSON."""

    render: Callable[[int, bool], Iterable[str]]
    document: Mapping[str, Any]


Compare = Callable[[Candidate], Comparison]


def compared(candidate: Candidate) -> Comparison:
    """What `neuron-ecs diff` says of the two files."""
    from neuron_ecs.diff import summary, text
    from neuron_ecs.diff.difference import put_together
    from neuron_ecs.diff.document import document
    from neuron_ecs.diff.sides import read_sides

    sides = read_sides(
        str(candidate.before),
        str(candidate.after),
        stack=candidate.stack,
        base_python=None,
        directory=candidate.project_directory,
    )
    base = replace(sides.base, label=str(candidate.named))
    head = replace(sides.head, label=f"{candidate.named} (new)")
    whole = put_together(replace(sides, base=base, head=head))
    return Comparison(
        lambda width, bold: text.render(whole, width=width, bold=bold),
        document(whole, summary.verdict(whole)),
    )


def show(arguments: OfStack, *, kind: Kind) -> int:
    """Lists the entries of a map, or shows one, as written. Raises `Refused` and `UsageError`."""
    file = arguments.read()
    known = entries_of(read_bytes(file.path, STACK_FILE_BYTES).decode(), file, kind)
    name = arguments.name if isinstance(arguments, ShowArguments) else None
    if name is not None:
        if name not in known:
            raise missing(name, known, file, kind)
        known = {name: known[name]}
    if arguments.json:
        terminal.write_json({"version": VERSION, kind.command: known}, sys.stdout)
        return FINE
    if name is not None:
        entry = known[name]
        members = cast("dict[str, Value]", entry) if isinstance(entry, dict) else {}
        lines = [f"{name}: {{}}" if not members else f"{name}:"]
        for field, value in members.items():
            lines += terminal.wrapped(f"{field}: {flow(value)}", arguments.width, "  ", "    ")
    else:
        head = ("name", *(c.partition("=")[0] for c in kind.columns))
        rows = [
            (n, *(_cell(entry, c.partition("=")[2]) for c in kind.columns))
            for n, entry in known.items()
        ]
        lines = list(terminal.table([head, *rows] if rows else [], width=arguments.width))
    sys.stdout.writelines(f"{line}\n" for line in lines or [f"no {kind.command}"])
    return FINE


def _cell(entry: Value, column: str) -> str:
    for path in column.split("|"):
        found: Value = entry
        for step in path.split("."):
            found = cast("dict[str, Value]", found).get(step) if isinstance(found, dict) else None
        if isinstance(found, str) and path == "image":
            return found.rpartition("/")[2]
        if found is not None:
            return flow(found)
    return ""


def run(arguments: OfEntry, compare: Compare = compared, *, kind: Kind = MODELS) -> int:
    """Edits a stack file and writes it, once that was agreed to. Raises `UsageError`."""

    def new_text(file: StackFile, text: str) -> str:
        new = edited(text, file, kind, arguments.name, arguments.completed(text, file))
        return new if own_layout(file) is None else _kept(file, new, arguments.directory)

    return edit(arguments, new_text, compare)


def edit(
    arguments: Edits,
    new_text: Callable[[StackFile, str], str],
    compare: Compare = compared,
    *,
    check: bool = False,
) -> int:
    """Writes another text of a stack file, once that was agreed to. Raises `UsageError`.

    With `check` it only says what would be written.
    """
    home = arguments.directory
    if arguments.file is not None and is_stream(arguments.file):
        raise UsageError(f"{name_of(arguments.file)} cannot be edited; name a file")
    try:
        file = read(stack=arguments.stack, file=arguments.file, directory=home)
        text = read_bytes(file.path, STACK_FILE_BYTES).decode()
        new = new_text(file, text)
        if (file.path.parent / PROJECT_FILE).is_file():
            home = file.path.parent
        return _finish(file, text, new, home, arguments, compare, check=check)
    except Refused as refusal:
        if arguments.json:
            raise
        errors = [f for f in refusal.findings if f.severity is Severity.ERROR]
        terminal.write(errors, sys.stderr, width=arguments.width)
        sys.stderr.write("nothing was written\n")
        return ERRORS


def _kept(file: StackFile, new: str, directory: Path) -> str:
    """The new text with the layout that keeps every service that the edit does not name."""
    tables = catalog.load()
    try:
        base = running_layout(file, tables)
    except Refused:
        base = own_layout(file) or {}
    home = file.path.parent if (file.path.parent / PROJECT_FILE).is_file() else directory
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"Pulumi.{file.stack}.yaml"
        write_bytes(path, new.encode())
        edited_file = read(stack=file.stack, file=path, directory=home)
    return placed_text(new, file, kept_layout(edited_file, base, tables))


def _finish(
    file: StackFile,
    text: str,
    new: str,
    home: Path,
    arguments: Edits,
    compare: Compare,
    *,
    check: bool,
) -> int:
    lines = list(_line_diff(text, new, str(file.path)))
    comparison: Comparison | None = None
    if new != text:
        with tempfile.TemporaryDirectory() as folder, progress("comparing the plans"):
            comparison = _judged(file, text, new, home, Path(folder), compare)
    written = False
    if not arguments.json:
        _show(lines, comparison, width=arguments.width)
    asked = not (arguments.json or arguments.yes or check)
    if (
        comparison is not None
        and not check
        and (arguments.yes or (asked and agreed(f"write {file.path}?")))
    ):
        write(file.path, text, new)
        written = True
    if arguments.json:
        document = {
            "version": VERSION,
            "file": str(file.path),
            "changed": new != text,
            "written": written,
            "lines": lines,
            "diff": comparison.document if comparison else None,
        }
        terminal.write_json(document, sys.stdout)
    elif comparison is not None:
        sys.stdout.write(f"{file.path} is written\n" if written else "nothing was written\n")
    if comparison is None or written:
        return FINE
    return ERRORS if check or not arguments.json else FINE


def _judged(
    file: StackFile, text: str, new: str, home: Path, folder: Path, compare: Compare
) -> Comparison:
    """What the edit changes. Raises `Refused` where the result does not plan."""
    candidate = Candidate(
        folder / "before" / f"Pulumi.{file.stack}.yaml",
        folder / "after" / f"Pulumi.{file.stack}.yaml",
        file.path,
        file.stack,
        home,
    )
    for path, content in ((candidate.before, text), (candidate.after, new)):
        write_bytes(path, content.encode(), parents=True)
    made = read(stack=file.stack, file=candidate.after, directory=home)
    made.plan(catalog.load())
    return compare(candidate)


def _line_diff(before: str, after: str, name: str) -> Iterator[str]:
    found = difflib.unified_diff(
        before.splitlines(), after.splitlines(), name, f"{name} (new)", n=3, lineterm=""
    )
    return iter(found)


def _show(lines: Sequence[str], comparison: Comparison | None, *, width: int) -> None:
    out = sys.stdout
    coloured = terminal.is_coloured(out)
    if comparison is None:
        out.write("the stack file says that already; nothing is to be done\n")
        return
    for line in lines:
        colour = {"+": "32", "-": "31", "@": "36"}.get(line[:1]) if coloured else None
        out.write(f"{paint(line, colour) if colour else line}\n")
    out.write("\n")
    out.writelines(f"{line}\n" for line in comparison.render(width, coloured))
    out.write("\n")
