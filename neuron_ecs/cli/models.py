"""The ``models`` command: adds, removes and changes models in a stack file, in place.

It shows the lines that change and what that changes of the plan, asks, and then writes: never a
file that does not plan, and never half a file.
"""

import argparse
import difflib
import json
import os
import re
import shlex
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

import catalog
from config import ModelEntry
from config.explaining import path_of
from messages.finding import Finding, Severity
from messages.phrases import nearest
from neuron_ecs import terminal as report
from neuron_ecs.cli.arguments import WRONG_USAGE, Parser, add_width
from neuron_ecs.stackfile import editing
from neuron_ecs.stackfile.editing import NotEditableError
from neuron_ecs.stackfile.reading import CODE, StackFile, StackFileError, read
from neuron_ecs.stackfile.yaml_values import NotYamlError, Value, load, scalar_text
from planning import Refused, decide

VERSION = 1
FINE, ERRORS = 0, 1

_EPILOG = """\
examples:
  neuron-ecs models add mistral-7b --image IMAGE --capacity inf2 --devices 1 --port 8080
  neuron-ecs models set mistral-7b replicas=1..4 health_check.path=/health --stack prod
  neuron-ecs models set mistral-7b 'environment["LOG.LEVEL"]=debug' --unset replicas.max
  neuron-ecs models remove mistral-7b

exit codes: 0 fine; 1 not written: the file would not plan, or the answer was no; 2 wrong usage."""
_STEP = re.compile(r'\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
_SPAN = re.compile(r"(\d+)(?:\.\.(\d+))?")
_WORDS = frozenset[tuple[str | int, ...]]({("command",), ("entry_point",)})

Field = tuple[str | int, ...]


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
    """As `neuron-ecs diff` tells it."""
    from neuron_ecs.diff import summary as telling
    from neuron_ecs.diff import text
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
        document(whole, telling.verdict(whole)),
    )


def run(
    argv: Sequence[str],
    out: TextIO | None = None,
    answers: TextIO | None = None,
    *,
    directory: Path | None = None,
    compare: Compare = compared,
) -> int:
    """The command; `answers` is asked whether to write, `directory` is that of the project."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    stream: TextIO = out or sys.stdout
    as_json, width = cast(bool, arguments.json), cast(int, arguments.width)
    home = directory or Path()
    try:
        file = read(
            stack=cast("str | None", arguments.stack),
            file=cast("Path | None", arguments.file),
            directory=home,
        )
        text = file.path.read_bytes().decode("utf-8")
        edited = _edited(text, file, arguments, _named_parser(parser, arguments))
        return _finish(
            file,
            text,
            edited,
            home if not (file.path.parent / "Pulumi.yaml").is_file() else file.path.parent,
            arguments,
            stream,
            answers or sys.stdin,
            compare,
        )
    except (StackFileError, Refused) as refusal:
        if as_json:
            report.write_json(refusal.findings, stream)
        else:
            report.write(refusal.findings, sys.stderr, width=width)
            sys.stderr.write("nothing was written\n")
        return ERRORS


# -- the edit ----------------------------------------------------------------------------------


def _edited(
    text: str, file: StackFile, arguments: argparse.Namespace, fail: Callable[[str], NoReturn]
) -> str:
    """The text of the stack file after what the arguments ask for."""
    mark = "\ufeff" * text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    values, _ = load(text)
    config = cast("dict[str, Value]", values.get("config") or {})
    key, is_there = _models_key(config, file.project)
    models = config.get(key)
    name = cast(str, arguments.name)
    if models is not None and (not isinstance(models, dict) or "secure" in models):
        what = "is a list" if isinstance(models, list) else "is one text"
        fix = "write it as a map: a line for each model"
        raise _refused(key, f"{what}, in which no model can be edited", fix)
    known = cast("dict[str, Value]", models or {})
    if arguments.action == "add" and name in known:
        fail(f"{name} is in {file.path.name} already; `models set {name} FIELD=VALUE` changes it")
    if arguments.action != "add" and name not in known:
        hint = nearest(name, known) if known else "it has no models; `models add` adds one"
        fail(f"no model of {file.path.name} is called {name}; {hint}")
    path = ("config", key, name)
    try:
        match cast(str, arguments.action):
            case "add":
                after = _models_key(config, file.project, "capacity")[0]
                entry = _entry(arguments, fail)
                place = None if is_there else after
                text = editing.put(text, path, entry, opened=1, after=place)
            case "remove":
                text = editing.drop(text, path, and_map=True)
            case _:
                text = _set(text, path, arguments, fail)
    except NotEditableError as error:
        place = ("models", *error.path[2:]) if error.path[:2] == path[:2] else error.path
        raise _refused(path_of(place or ("models", name)), error.what, error.fix) from None
    return mark + text


def _models_key(
    config: Mapping[str, Value], project: str, name: str = "models"
) -> tuple[str, bool]:
    """How the file spells the key, and whether it has it."""
    for spelling in (f"{project}:{name}", name, f"{project}:config:{name}"):
        if spelling in config:
            return spelling, True
    return f"{project}:{name}", False


def _refused(path: str, what: str, fix: str) -> StackFileError:
    return StackFileError([Finding(CODE, Severity.ERROR, path, what, "", fix)])


def _entry(arguments: argparse.Namespace, fail: Callable[[str], NoReturn]) -> dict[str, Value]:
    """The new model, its keys in the order in which stack files have them."""
    ports = cast("list[int]", arguments.port or [])
    span = {k: v for k, v in (("min", arguments.min), ("max", arguments.max)) if v is not None}
    if arguments.replicas and span:
        fail("--replicas says both --min and --max; give one or the other")
    fields: dict[str, Value] = {
        "image": arguments.image,
        "entry_point": arguments.entry_point,
        "command": arguments.command,
        "secrets": dict(cast("list[tuple[str, str]]", arguments.secret or [])),
        "environment": dict(cast("list[tuple[str, str]]", arguments.env or [])),
        "capacity": arguments.capacity,
        "neuron_devices": arguments.devices,
        "port": ports[0] if len(ports) == 1 else None,
        "ports": ports if len(ports) > 1 else None,
        "replicas": arguments.replicas or span,
        "regions": [r for r in ",".join(cast("list[str]", arguments.region or [])).split(",") if r],
    }
    entry = {k: v for k, v in fields.items() if v not in (None, [], {})}
    for field, text in cast("list[tuple[Field, str]]", arguments.set or []):
        entry = _placed(entry, field, _value(field, text, fail), fail)
    return entry


def _placed(
    values: Value, field: Field, value: Value, fail: Callable[[str], NoReturn]
) -> dict[str, Value]:
    if not isinstance(values, dict) or isinstance(field[0], int):
        fail(f"{path_of(field)} does not lead into a map")
    members = dict(cast("dict[str, Value]", values))
    step, rest = field[0], field[1:]
    members[step] = _placed(members.get(step, {}), rest, value, fail) if rest else value
    return members


def _set(
    text: str,
    path: editing.Path,
    arguments: argparse.Namespace,
    fail: Callable[[str], NoReturn],
) -> str:
    changes = cast("list[tuple[Field, str]]", arguments.changes or [])
    unset = cast("list[Field]", arguments.unset or [])
    if not changes and not unset:
        fail("nothing is asked for; write FIELD=VALUE, or --unset FIELD")
    for field, said in changes:
        text = editing.put(text, (*path, *field), _value(field, said, fail))
    for field in unset:
        text = editing.drop(text, (*path, *field))
    return text


# -- values as people write them ---------------------------------------------------------------


def _value(field: Field, said: str, fail: Callable[[str], NoReturn]) -> Value:
    """The value of a field: YAML as the engine reads it, or a shorthand that the field knows.

    Text stays text where the field holds nothing else: `environment.PORT=8080` is "8080".
    """
    types = _types(field)
    if field == ("replicas",) and (span := _SPAN.fullmatch(said)):
        return _span(*span.groups())
    if types == {"string"}:
        return said
    try:
        if field in _WORDS and not said.startswith("["):
            return _words(said)
        value, repeated = load(said)
        if "array" in types and not isinstance(value, (list, dict)):
            if "," in said:
                parts = [load(part.strip())[0] for part in said.split(",") if part.strip()]
                return _coerced(parts, field)
            if not types & {"integer", "string"}:
                return _coerced([value], field)
    except NotYamlError as error:
        fail(f"the value of {path_of(field)} {error.what}")
    except argparse.ArgumentTypeError as error:
        fail(f"the value of {path_of(field)}: {error}")
    if repeated:
        fail(f"in the value of {path_of(field)} {repeated[0].path[-1]} stands twice")
    return _coerced(value, field)


def _coerced(value: Value, field: Field) -> Value:
    """Numbers and switches as text where the field holds text alone."""
    match value:
        case dict():
            members = cast("dict[str, Value]", value)
            return {k: _coerced(v, (*field, k)) for k, v in members.items()}
        case list():
            items = cast("list[Value]", value)
            return [_coerced(item, (*field, i)) for i, item in enumerate(items)]
        case bool() | int() | float():
            return scalar_text(value) if _types(field) == {"string"} else value
        case _:
            return value


def _types(field: Field) -> set[str]:
    """The JSON types that a field of a model takes, nothing aside; none for an unknown field."""
    schema: dict[str, Any] = ModelEntry.model_json_schema()
    found = list(_arms(schema, schema))
    for step in field:
        found = [arm for node in found for arm in _inside(node, step, schema)]
    return {cast(str, node["type"]) for node in found if "type" in node} - {"null"}


def _arms(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in node:
        yield from _arms(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
        return
    arms = cast("list[dict[str, Any]]", node.get("anyOf", node.get("oneOf", [])))
    if not arms:
        yield node
    for arm in arms:
        yield from _arms(arm, schema)


def _inside(
    node: dict[str, Any], step: str | int, schema: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if isinstance(step, int):
        members = [node["items"]] if "items" in node else []
    else:
        named = cast("dict[str, Any]", node.get("properties", {})).get(step)
        other = node.get("additionalProperties")
        patterns = list(cast("dict[str, Any]", node.get("patternProperties", {})).values())
        members = [named] if named else [*patterns, other]
    for member in cast("list[Any]", members):
        if isinstance(member, dict):
            yield from _arms(cast("dict[str, Any]", member), schema)


def _span(low: str, high: str | None) -> dict[str, Value]:
    return {"min": int(low[:9])} | ({"max": int(high[:9])} if high is not None else {})


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a quotation in it does not end") from None


# -- showing, asking, writing ------------------------------------------------------------------


def _finish(
    file: StackFile,
    text: str,
    edited: str,
    home: Path,
    arguments: argparse.Namespace,
    out: TextIO,
    answers: TextIO,
    compare: Compare,
) -> int:
    as_json, width = cast(bool, arguments.json), cast(int, arguments.width)
    lines = list(_line_diff(text, edited, str(file.path)))
    comparison: Comparison | None = None
    if edited != text:
        with tempfile.TemporaryDirectory() as folder:
            comparison = _judged(file, text, edited, home, Path(folder), compare)
    written = False
    if not as_json:
        _show(lines, comparison, out, width=width)
    if comparison is not None and (arguments.yes or (not as_json and _agreed(file, out, answers))):
        _write(file.path, text, edited)
        written = True
    if as_json:
        document = {
            "version": VERSION,
            "file": str(file.path),
            "changed": edited != text,
            "written": written,
            "lines": lines,
            "diff": comparison.document if comparison else None,
        }
        json.dump(document, out, indent=2, ensure_ascii=False)
        out.write("\n")
    elif comparison is not None:
        out.write(f"{file.path} is written\n" if written else "nothing was written\n")
    return FINE if written or as_json or comparison is None else ERRORS


def _judged(
    file: StackFile, text: str, edited: str, home: Path, folder: Path, compare: Compare
) -> Comparison:
    """What the edit changes. Raises `Refused` where the result does not plan."""
    candidate = Candidate(
        folder / "before" / f"Pulumi.{file.stack}.yaml",
        folder / "after" / f"Pulumi.{file.stack}.yaml",
        file.path,
        file.stack,
        home,
    )
    for path, content in ((candidate.before, text), (candidate.after, edited)):
        path.parent.mkdir()
        path.write_bytes(content.encode())
    made = read(stack=file.stack, file=candidate.after, directory=home)
    decide(made.config, catalog.load(), project=made.project, stack=made.stack)
    return compare(candidate)


def _line_diff(before: str, after: str, name: str) -> Iterator[str]:
    found = difflib.unified_diff(
        before.splitlines(), after.splitlines(), name, f"{name} (new)", n=3, lineterm=""
    )
    return iter(found)


def _show(lines: Sequence[str], comparison: Comparison | None, out: TextIO, *, width: int) -> None:
    coloured = report.is_coloured(out)
    if comparison is None:
        out.write("the stack file says that already; nothing is to be done\n")
        return
    for line in lines:
        colour = {"+": "32", "-": "31", "@": "36"}.get(line[:1]) if coloured else None
        out.write(f"\033[{colour}m{line}\033[0m\n" if colour else f"{line}\n")
    out.write("\n")
    out.writelines(f"{line}\n" for line in comparison.render(width, coloured))
    out.write("\n")


def _agreed(file: StackFile, out: TextIO, answers: TextIO) -> bool:
    out.write(f"write {file.path}? [y/N] ")
    out.flush()
    answer = answers.readline()
    if not answer.endswith("\n"):
        out.write("\n")
    if not answer:
        out.write("nobody answered; --yes writes without asking\n")
    return answer.strip().lower() in ("y", "yes")


def _write(path: Path, text: str, edited: str) -> None:
    """Puts the edited text in the file's place at once, with its permissions.

    Raises `StackFileError` where the file is not what was read any more, or cannot be written.
    """
    target = path.resolve()
    try:
        if target.read_bytes() != text.encode():
            what = "was changed by someone else in the meantime"
            raise _refused(str(path), what, "run the command again")
        mode = stat.S_IMODE(target.stat().st_mode)
        # A new file may take the place of one that nobody may write; whoever forbade it meant it.
        if not mode & 0o222 or not os.access(target, os.W_OK):
            raise _refused(
                str(path), "is read-only", "allow it (chmod u+w), or name a copy with --file"
            )
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(edited.encode())
                new.flush()
                os.fsync(new.fileno())
            Path(name).chmod(mode)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink()
            raise
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise _refused(str(path), what, "see to its permissions") from None


# -- usage -------------------------------------------------------------------------------------


def _named_parser(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> Callable[[str], NoReturn]:
    def fail(message: str) -> NoReturn:
        parser.exit(WRONG_USAGE, f"{parser.prog} {arguments.action}: {message}\n")

    return fail


def _parser() -> argparse.ArgumentParser:
    said = "Adds, removes and changes models in a stack file, in place: comments and order stay."
    parser = Parser(
        prog="neuron-ecs models",
        description=said,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    add = actions.add_parser("add", help="adds a model", allow_abbrev=False)
    remove = actions.add_parser("remove", help="removes a model", allow_abbrev=False)
    change = actions.add_parser("set", help="changes fields of a model", allow_abbrev=False)
    for action in (add, remove, change):
        action.add_argument("name", metavar="NAME", help="the model")
    _add_fields(add)
    change.add_argument(
        "changes", metavar="FIELD=VALUE", nargs="*", type=_assignment, help="as replicas.max=4"
    )
    change.add_argument(
        "--unset", metavar="FIELD", action="append", type=_field, help="back to the default"
    )
    for action in (add, remove, change):
        _add_common(action)
    return parser


def _add_fields(add: argparse.ArgumentParser) -> None:
    add.add_argument("--image", required=True, help="its image, with tag or digest")
    add.add_argument("--capacity", metavar="POOL", required=True, help="the pool that runs it")
    add.add_argument(
        "--devices", type=_devices, metavar="DEVICES", help="a count, ids as 0,1 or [0], or all"
    )
    add.add_argument("--port", type=_ports, metavar="N", help="the port that serves, or several")
    add.add_argument("--replicas", type=_replicas, metavar="N..M", help="tasks, at least and most")
    add.add_argument("--min", type=int, metavar="N", help="tasks that always run")
    add.add_argument("--max", type=int, metavar="N", help="tasks at most")
    add.add_argument(
        "--region", action="append", metavar="REGION", help="only there (again for several)"
    )
    add.add_argument("--command", type=_words, metavar="WORDS", help="as a shell would split them")
    add.add_argument("--entry-point", type=_words, metavar="WORDS", help="as --command")
    add.add_argument(
        "--secret", action="append", type=_pair, metavar="NAME=ARN", help="a secret's place"
    )
    add.add_argument("--env", action="append", type=_pair, metavar="NAME=VALUE", help="a variable")
    add.add_argument(
        "--set", action="append", type=_assignment, metavar="FIELD=VALUE", help="any other field"
    )


def _add_common(action: argparse.ArgumentParser) -> None:
    action.add_argument("--stack", metavar="NAME", help="the stack of this project (dev)")
    action.add_argument(
        "--file", metavar="PATH", type=Path, help="a stack file anywhere, instead of --stack"
    )
    action.add_argument("--yes", action="store_true", help="write without asking")
    action.add_argument(
        "--json", action="store_true", help="print JSON; writes only together with --yes"
    )
    add_width(action)


def _field(text: str) -> Field:
    steps: list[str | int] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None:
            break
        name, index, quoted = found.groups()
        steps.append(int(index[:6]) if index else name or re.sub(r"\\(.)", r"\1", quoted))
        place = found.end()
    if not steps or place < len(text) or text.startswith((".", "[")):
        form = 'replicas.max, command[0] or environment["A.B"]'
        raise argparse.ArgumentTypeError(f"write the field as {form}")
    return tuple(steps)


def _assignment(text: str) -> tuple[Field, str]:
    # An equals sign may stand in a quoted key.
    found = re.fullmatch(r'((?:[^="]|"(?:[^"\\]|\\.)*")+)=(.*)', text, re.DOTALL)
    if found is None:
        raise argparse.ArgumentTypeError("write FIELD=VALUE, for instance replicas.max=4")
    return _field(found[1]), found[2]


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


def _replicas(text: str) -> dict[str, Value]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError("write 2, or 1..4 for at least 1 and at most 4")
    return _span(*found.groups())
