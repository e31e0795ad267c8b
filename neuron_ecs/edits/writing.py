"""Writes another text of a stack file, once it plans and somebody agreed to what it changes.

Shows the lines that change and what that changes of the plan, asks, and then writes: never a file
that does not plan, and never half a file.
"""

import difflib
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import catalog
from messages.finding import Severity
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.stack import OfStack, agreed
from neuron_ecs.files import STACK_FILE_BYTES, is_stream, name_of, read_bytes, write_bytes
from neuron_ecs.stackfile.entries import write
from neuron_ecs.stackfile.reading import StackFile, home_of, read, with_text
from neuron_ecs.terminal import ERRORS, FINE, UsageError, paint, progress
from planning import Refused

VERSION = 1
"""Of the JSON of every command that edits or shows entries."""


def epilog_of(examples: str) -> str:
    """Returns the end of the help: examples and exit codes."""
    return (
        f"examples:\n{examples}\n\nexit codes: 0 fine; 1 not written: the file would not plan, or "
        "the answer was no; 2 wrong usage."
    )


@dataclass(frozen=True, kw_only=True)
class Edits(OfStack):
    """The arguments of every command that edits a stack file."""

    yes: bool = option(help="write without asking; --json writes only with it")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the edit changes of the plan, as text and as JSON."""

    render: Callable[[int, bool], Iterable[str]]
    document: Mapping[str, Any]


Compare = Callable[[StackFile, str, str, Path], Comparison]
"""Compares two texts of a stack file, the old one first, of a project in the directory."""


def compared(file: StackFile, text: str, new: str, directory: Path) -> Comparison:
    """What `neuron-ecs diff` says of the two texts."""
    from neuron_ecs.diff import text as diff_text
    from neuron_ecs.diff.difference import put_together
    from neuron_ecs.diff.document import document
    from neuron_ecs.diff.sides import read_sides

    with tempfile.TemporaryDirectory() as folder:
        name = f"Pulumi.{file.stack}.yaml"
        before, after = Path(folder) / "before" / name, Path(folder) / "after" / name
        write_bytes(before, text.encode(), parents=True)
        write_bytes(after, new.encode(), parents=True)
        home = home_of(file.path, directory)
        sides = read_sides(str(before), str(after), stack=file.stack, directory=home)
    base = replace(sides.base, label=str(file.path))
    head = replace(sides.head, label=f"{file.path} (new)")
    whole = put_together(replace(sides, base=base, head=head))
    return Comparison(
        lambda width, bold: diff_text.render(whole, width=width, bold=bold),
        document(whole),
    )


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
    if arguments.file is not None and is_stream(arguments.file):
        raise UsageError(f"{name_of(arguments.file)} cannot be edited; name a file")
    directory = arguments.directory
    try:
        file = read(stack=arguments.stack, file=arguments.file, directory=directory)
        text = read_bytes(file.path, STACK_FILE_BYTES).decode()
        new = new_text(file, text)
        comparison: Comparison | None = None
        if new != text:
            with progress("comparing the plans"):
                with_text(file, new, directory).plan(catalog.load())
                comparison = compare(file, text, new, directory)
        return _finish(file, text, new, arguments, comparison, check=check)
    except Refused as refusal:
        if arguments.json:
            raise
        errors = [f for f in refusal.findings if f.severity is Severity.ERROR]
        terminal.write(errors, sys.stderr, width=arguments.width)
        sys.stderr.write("nothing was written\n")
        return ERRORS


def _finish(
    file: StackFile,
    text: str,
    new: str,
    arguments: Edits,
    comparison: Comparison | None,
    *,
    check: bool,
) -> int:
    """Shows what changes, and writes it if that is wanted. Returns the exit code."""
    name = str(file.path)
    lines = list(
        difflib.unified_diff(
            text.splitlines(), new.splitlines(), name, f"{name} (new)", n=3, lineterm=""
        )
    )
    if comparison is None:
        arguments.write(["the stack file says that already; nothing is to be done"])
    else:
        coloured = terminal.is_coloured(sys.stdout)
        arguments.write(_painted(line) if coloured else line for line in lines)
        arguments.write(("", *comparison.render(arguments.width, coloured), ""))
    written = (
        comparison is not None
        and not check
        and agreed(f"write {name}?", yes=arguments.yes, json=arguments.json)
    )
    if written:
        write(file.path, text, new)
    if arguments.json:
        document = {
            "version": VERSION,
            "file": name,
            "changed": new != text,
            "written": written,
            "lines": lines,
            "diff": comparison.document if comparison else None,
        }
        terminal.write_json(document, sys.stdout)
    elif comparison is not None:
        arguments.write([f"{name} is written" if written else "nothing was written"])
    if comparison is None or written:
        return FINE
    return ERRORS if check or not arguments.json else FINE


def _painted(line: str) -> str:
    colour = {"+": "32", "-": "31", "@": "36"}.get(line[:1])
    return paint(line, colour) if colour else line
