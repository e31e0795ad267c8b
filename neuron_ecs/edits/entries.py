"""What commands about models, jobs, pools and Regions of a stack file share: their actions."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import catalog
from messages.phrases import flow
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option, positional
from neuron_ecs.arguments.parser import Parser, actions
from neuron_ecs.arguments.stack import OfStack
from neuron_ecs.edits.writing import VERSION, Compare, Edits, compared, edit, epilog_of
from neuron_ecs.files import STACK_FILE_BYTES, read_bytes
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
)
from neuron_ecs.stackfile.fields import Field, assignment, field_of
from neuron_ecs.stackfile.placing import kept_layout, own_layout, placed_text, present_layout
from neuron_ecs.stackfile.reading import StackFile, with_text
from neuron_ecs.stackfile.yaml_values import Value
from neuron_ecs.terminal import FINE, UsageError


@dataclass(frozen=True, kw_only=True)
class OfEntry(Edits):
    """The arguments of every action that edits entries."""

    name: str = positional(metavar="NAME", help="its name")

    def edit(self, text: str, file: StackFile) -> Edit:
        """What is asked for of the text of the stack file. Raises `UsageError`."""
        return Remove()


@dataclass(frozen=True, kw_only=True)
class AddFields(OfEntry):
    """The arguments of `add`, for an entry without options of its own."""

    changes: list[tuple[Field, str]] = positional(
        metavar="FIELD=VALUE", nargs="*", type=assignment, help="as max_size=4"
    )

    def edit(self, text: str, file: StackFile) -> Edit:
        """The new entry."""
        return Add({}, self.changes)


@dataclass(frozen=True, kw_only=True)
class SetArguments(OfEntry):
    """The arguments of `set`."""

    changes: list[tuple[Field, str]] = positional(
        metavar="FIELD=VALUE", nargs="*", type=assignment, help="as replicas.max=4"
    )
    unset: list[Field] | None = option(
        metavar="FIELD", action="append", type=field_of, help="back to the default"
    )

    def edit(self, text: str, file: StackFile) -> Edit:
        """The fields that change."""
        if not self.changes and not self.unset:
            raise UsageError("nothing is asked for; write FIELD=VALUE, or --unset FIELD")
        return Change(self.changes, self.unset or ())


@dataclass(frozen=True, kw_only=True)
class ShowArguments(OfStack):
    """The arguments of `show`."""

    name: str = positional(metavar="NAME", help="its name")


def add_actions(
    parser: Parser, kind: Kind, examples: str, adding: type[OfEntry] = AddFields
) -> Callable[[str, str], Parser]:
    """Adds the actions that every map of entries has, and returns what adds another."""
    word, epilog = kind.word, epilog_of(examples)
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


def show(arguments: OfStack, *, kind: Kind) -> int:
    """Lists the entries of a map, or shows one, as written. Raises `Refused` and `UsageError`."""
    file = arguments.read()
    known = entries_of(read_bytes(file.path, STACK_FILE_BYTES).decode(), file, kind)
    name = arguments.name if isinstance(arguments, ShowArguments) else None
    if name is not None and name not in known:
        raise missing(name, known, file, kind)
    if arguments.json:
        found = known if name is None else {name: known[name]}
        terminal.write_json({"version": VERSION, kind.command: found}, sys.stdout)
    elif name is not None:
        arguments.write(_lines(name, known[name], arguments.width))
    else:
        rows = [
            (n, *(_cell(e, fields) for fields in kind.columns.values())) for n, e in known.items()
        ]
        head = ("name", *kind.columns)
        lines = terminal.table([head, *rows], width=arguments.width)
        arguments.write(lines if rows else [f"no {kind.command}"])
    return FINE


def _lines(name: str, entry: Value, width: int) -> Iterator[str]:
    """An entry as it is written."""
    members = cast("dict[str, Value]", entry) if isinstance(entry, dict) else {}
    yield f"{name}:" if members else f"{name}: {{}}"
    for field, value in members.items():
        yield from terminal.wrapped(f"{field}: {flow(value)}", width, "  ", "    ")


def _cell(entry: Value, fields: str) -> str:
    for path in fields.split("|"):
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
        new = edited(text, file, kind, arguments.name, arguments.edit(text, file))
        if own_layout(file) is None:
            return new
        tables = catalog.load()
        after = with_text(file, new, arguments.directory)
        return placed_text(new, file, kept_layout(after, present_layout(file, tables), tables))

    return edit(arguments, new_text, compare)
