"""The `models` command: adds, removes and changes models in a stack file, in place.

It shows the lines that change and what that changes of the plan, asks, and then writes: never a
file that does not plan, and never half a file.
"""

import argparse
import difflib
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import catalog
from neuron_ecs import terminal
from neuron_ecs.cli.arguments import OfStack, Parser, actions
from neuron_ecs.cli.options import option, positional
from neuron_ecs.files import STACK_FILE_BYTES, is_stream, name_of, read_bytes, write_bytes
from neuron_ecs.fit.configuration import read_model
from neuron_ecs.stackfile.fields import Field, assignment, field_of, span_of, words
from neuron_ecs.stackfile.models import Add, Change, Edit, Remove, edited, write
from neuron_ecs.stackfile.reading import StackFile, read
from neuron_ecs.stackfile.yaml_values import Value
from neuron_ecs.terminal import ERRORS, FINE, UsageError, paint, progress
from planning import Refused
from planning.serving.servers import served_model
from planning.serving.shapes import entry_of

VERSION = 1
_LONGEST_ANSWER = 80

_EPILOG = """\
examples:
  neuron-ecs models add mistral-7b --image IMAGE --capacity inf2 --devices 1 --port 8080
  neuron-ecs models add tuned --image IMAGE --capacity inf2 --config config.json --model acme/tuned
  neuron-ecs models set mistral-7b replicas=1..4 health_check.path=/health --stack prod
  neuron-ecs models set mistral-7b 'environment["LOG.LEVEL"]=debug' --unset replicas.max
  neuron-ecs models remove mistral-7b
  neuron-ecs models explain llama

exit codes: 0 fine; 1 not written: the file would not plan, or the answer was no; 2 wrong usage."""

_T = TypeVar("_T")


# -- arguments ---------------------------------------------------------------------------------


def _as_type(parse: Callable[[str], _T]) -> Callable[[str], _T]:
    """Lets argparse say what is wrong with a value."""

    def parsed(text: str) -> _T:
        try:
            return parse(text)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("write NAME=VALUE")
    return name, value


def _devices(text: str) -> Value:
    if text == "all":
        return text
    if re.fullmatch(r"\d{1,4}", text):
        return int(text)
    if re.fullmatch(r"\[?\d{1,4}(,\s*\d{1,4})*,?\]?", text):
        return [int(number) for number in re.findall(r"\d+", text)]
    raise argparse.ArgumentTypeError("write a count as 2, ids as 0,1 or [0], or all")


def _ports(text: str) -> list[int]:
    if not re.fullmatch(r"\d{1,5}(,\d{1,5})*", text):
        raise argparse.ArgumentTypeError("write a port as 8080, or several as 8080,9090")
    return [int(number) for number in text.split(",")]


@dataclass(frozen=True, kw_only=True)
class OfModel(OfStack):
    """The arguments of every action."""

    name: str = positional(metavar="NAME", help="the model")
    yes: bool = option(help="write without asking; --json writes only with it")

    @property
    def edit(self) -> Edit:
        """What is asked for."""
        return Remove()


@dataclass(frozen=True, kw_only=True)
class AddArguments(OfModel):
    """The arguments of `models add`."""

    image: str = option(required=True, help="its image, with tag or digest")
    capacity: str = option(metavar="POOL", required=True, help="the pool that runs it")
    devices: Value = option(
        type=_devices, metavar="DEVICES", help="a count, ids as 0,1 or [0], or all"
    )
    port: list[int] | None = option(
        type=_ports, metavar="N", help="the port that serves, or several"
    )
    replicas: Value = option(
        type=_as_type(span_of), metavar="N..M", help="tasks, at least and most"
    )
    min: int | None = option(type=int, metavar="N", help="tasks that always run")
    max: int | None = option(type=int, metavar="N", help="tasks at most")
    region: list[str] | None = option(
        action="append", metavar="REGION", help="only there (again for several)"
    )
    command: list[str] | None = option(
        type=_as_type(words), metavar="WORDS", help="as a shell would split them"
    )
    entry_point: list[str] | None = option(
        type=_as_type(words), metavar="WORDS", help="as --command"
    )
    secret: list[tuple[str, str]] | None = option(
        action="append", type=_pair, metavar="NAME=ARN", help="a secret's place"
    )
    env: list[tuple[str, str]] | None = option(
        action="append", type=_pair, metavar="NAME=VALUE", help="a variable"
    )
    config: Path | None = option(
        type=Path, metavar="FILE", help="its config.json, which becomes an entry of shapes"
    )
    model: str | None = option(metavar="ID", help="its id at Hugging Face, of --config")
    set: list[tuple[Field, str]] | None = option(
        action="append",
        type=_as_type(assignment),
        metavar="FIELD=VALUE",
        help="any other field",
    )

    @property
    def edit(self) -> Edit:
        """The new model, its keys in the order in which stack files have them."""
        ports = self.port or []
        span = {k: v for k, v in (("min", self.min), ("max", self.max)) if v is not None}
        if self.replicas is not None and span:
            raise UsageError("--replicas says both --min and --max; give one or the other")
        fields: dict[str, Value] = {
            "image": self.image,
            "entry_point": self.entry_point,
            "command": self.command,
            "secrets": dict(self.secret or []),
            "environment": dict(self.env or []),
            "capacity": self.capacity,
            "neuron_devices": self.devices,
            "port": ports[0] if len(ports) == 1 else None,
            "ports": ports if len(ports) > 1 else None,
            "replicas": span if self.replicas is None else self.replicas,
            "regions": [r for r in ",".join(self.region or []).split(",") if r],
        }
        return Add(fields, self.set or (), self._shape)

    @property
    def _shape(self) -> tuple[str, dict[str, Value]] | None:
        if self.config is None:
            return None
        model = read_model(
            self.config, self.model or served_model(self.command or []), catalog.load()
        )
        return model.id, cast("dict[str, Value]", entry_of(model))


@dataclass(frozen=True, kw_only=True)
class SetArguments(OfModel):
    """The arguments of `models set`."""

    changes: list[tuple[Field, str]] = positional(
        metavar="FIELD=VALUE", nargs="*", type=_as_type(assignment), help="as replicas.max=4"
    )
    unset: list[Field] | None = option(
        metavar="FIELD", action="append", type=_as_type(field_of), help="back to the default"
    )

    @property
    def edit(self) -> Edit:
        """The fields that change."""
        if not self.changes and not self.unset:
            raise UsageError("nothing is asked for; write FIELD=VALUE, or --unset FIELD")
        return Change(self.changes, self.unset or ())


@dataclass(frozen=True, kw_only=True)
class ExplainArguments(OfStack):
    """The arguments of `models explain`."""

    name: str | None = positional(
        metavar="NAME", nargs="?", help="the model (each one that says serve)"
    )


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `models` and their arguments."""
    parser.description = "Edits models in a stack file, in place: comments and order stay."
    parser.epilog = _EPILOG
    action = actions(parser)
    action("add", "adds a model").calls(AddArguments, run, _EPILOG)
    action("remove", "removes a model").calls(OfModel, run, _EPILOG)
    action("set", "changes fields of a model").calls(SetArguments, run, _EPILOG)
    action("explain", "prints a model of serve as if written out").calls(
        ExplainArguments, explain, _EPILOG
    )


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


def explain(arguments: ExplainArguments) -> int:
    """Prints models of `serve` as if written out. Raises `Refused` and `UsageError`."""
    from neuron_ecs.stackfile import explained

    file, name = arguments.read(), arguments.name
    plan = file.plan(catalog.load())
    found = [model for model in plan.written if name in (None, model.name)]
    if not found:
        written = {m.name for r in plan.regions for m in r.models}
        served = ", ".join(model.name for model in plan.written) or "no model"
        what = "is written out already" if name in written else f"is no model of {file.path.name}"
        who = f"{name} {what}; " if name else ""
        raise UsageError(f"{who}{served} says serve")
    if arguments.json:
        terminal.write_json({"version": VERSION, "models": explained.document(found)}, sys.stdout)
        return FINE
    for model in found:
        sys.stdout.writelines(f"{line}\n" for line in explained.lines(model, arguments.width))
    return FINE


def run(arguments: OfModel, compare: Compare = compared) -> int:
    """Edits a stack file and writes it, once that was agreed to. Raises `UsageError`."""
    home = arguments.directory
    if arguments.file is not None and is_stream(arguments.file):
        raise UsageError(f"{name_of(arguments.file)} cannot be edited; name a file")
    try:
        file = read(stack=arguments.stack, file=arguments.file, directory=home)
        text = read_bytes(file.path, STACK_FILE_BYTES).decode()
        new = edited(text, file, arguments.name, arguments.edit)
        if (file.path.parent / "Pulumi.yaml").is_file():
            home = file.path.parent
        return _finish(file, text, new, home, arguments, compare)
    except Refused as refusal:
        if arguments.json:
            raise
        terminal.write(refusal.findings, sys.stderr, width=arguments.width)
        sys.stderr.write("nothing was written\n")
        return ERRORS


def _finish(
    file: StackFile, text: str, new: str, home: Path, arguments: OfModel, compare: Compare
) -> int:
    lines = list(_line_diff(text, new, str(file.path)))
    comparison: Comparison | None = None
    if new != text:
        with tempfile.TemporaryDirectory() as folder, progress("comparing the plans"):
            comparison = _judged(file, text, new, home, Path(folder), compare)
    written = False
    if not arguments.json:
        _show(lines, comparison, width=arguments.width)
    if comparison is not None and (arguments.yes or (not arguments.json and _agreed(file))):
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
    return FINE if written or arguments.json or comparison is None else ERRORS


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


def _agreed(file: StackFile) -> bool:
    out = sys.stdout
    out.write(f"write {file.path}? [y/N] ")
    out.flush()
    answer = sys.stdin.readline(_LONGEST_ANSWER)
    if not answer.endswith("\n"):
        out.write("\n")
    if not answer:
        out.write("no answer; --yes writes without asking\n")
    return answer.strip().lower() in ("y", "yes")
