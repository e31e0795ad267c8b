"""Edits the maps of a stack file in place, and writes the file at once or not at all.

Models, jobs, pools and Regions are entries of maps; `Kind` says what differs between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from config.explaining import path_of
from messages.finding import Finding, Severity
from messages.phrases import nearest
from neuron_ecs.files import STACK_FILE_BYTES, FileError, read_bytes, write_bytes
from neuron_ecs.stackfile import editing
from neuron_ecs.stackfile.editing import NotEditableError
from neuron_ecs.stackfile.fields import Field, value_of
from neuron_ecs.stackfile.reading import CODE, StackFile, StackFileError, unreadable
from neuron_ecs.stackfile.yaml_values import Value, load
from neuron_ecs.terminal import UsageError


@dataclass(frozen=True, slots=True)
class Kind:
    """A map of the stack file: its key, its command, and what people call an entry."""

    key: str
    command: str
    word: str
    columns: Mapping[str, str]
    """What a list shows: fields by their heading; of `a|b` the first that an entry has."""


MODELS = Kind(
    "models",
    "models",
    "model",
    {
        "pool": "capacity",
        "serves": "serve.model|image",
        "devices": "neuron_devices",
        "replicas": "replicas",
    },
)
JOBS = Kind(
    "jobs",
    "jobs",
    "job",
    {
        "pool": "capacity",
        "image": "image",
        "devices": "neuron_devices",
        "schedule": "schedule.expression",
    },
)
POOLS = Kind(
    "capacity",
    "pools",
    "pool",
    {
        "kind": "kind",
        "instances": "instance_type|allowed_instance_types|accelerators",
        "purchase": "purchase",
        "min size": "min_size",
        "max size": "max_size",
        "retired": "retired",
    },
)
REGIONS = Kind("regions", "regions", "Region", {"network": "network"})


@dataclass(frozen=True, slots=True)
class Add:
    """A new entry: its fields, others by their path, and the entry of `shapes` that it needs."""

    fields: Mapping[str, Value]
    others: Sequence[tuple[Field, str]] = ()
    shape: tuple[str, Mapping[str, Value]] | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """An entry goes."""


@dataclass(frozen=True, slots=True)
class Change:
    """Fields of an entry get values, or go back to their defaults."""

    values: Sequence[tuple[Field, str]]
    unset: Sequence[Field]


Edit = Add | Remove | Change


def entries_of(text: str, file: StackFile, kind: Kind) -> dict[str, Value]:
    """Returns the entries of a map of the stack file. Raises `StackFileError`."""
    config = cast("dict[str, Value]", load(text.removeprefix("\ufeff")).value.get("config") or {})
    return _known(config, key_of(config, file.project, kind.key)[0], kind)


def _known(config: Mapping[str, Value], key: str, kind: Kind) -> dict[str, Value]:
    entries = config.get(key)
    if entries is not None and (not isinstance(entries, dict) or "secure" in entries):
        what = "is a list" if isinstance(entries, list) else "is one text"
        fix = f"write it as a map: a line for each {kind.word}"
        raise refused(key, f"{what}, in which no {kind.word} can be edited", fix)
    return cast("dict[str, Value]", entries or {})


def missing(name: str, known: Mapping[str, Value], file: StackFile, kind: Kind) -> UsageError:
    """Returns what to say of a name that the file does not have."""
    none = f"it has no {kind.command}; `{kind.command} add` adds one"
    hint = nearest(name, known) if known else none
    return UsageError(f"no {kind.word} of {file.path.name} is called {name}; {hint}")


def edited(text: str, file: StackFile, kind: Kind, name: str, edit: Edit) -> str:
    """Returns the text of the stack file after the edit of an entry.

    Raises `UsageError` for an edit that does not fit the file, and `StackFileError` where the
    text cannot be edited without touching something else.
    """
    mark = "\ufeff" * text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    values = load(text).value
    config = cast("dict[str, Value]", values.get("config") or {})
    key, is_there = key_of(config, file.project, kind.key)
    known = _known(config, key, kind)
    if isinstance(edit, Add) and name in known:
        fix = f"`{kind.command} set {name} FIELD=VALUE` changes it"
        raise UsageError(f"{name} is in {file.path.name} already; {fix}")
    if not isinstance(edit, Add) and name not in known:
        raise missing(name, known, file, kind)
    path = ("config", key, name)
    try:
        match edit:
            case Add():
                before = "regions" if kind.key == "capacity" else "capacity"
                place = None if is_there else key_of(config, file.project, before)[0]
                text = editing.put(text, path, _entry(edit, kind), opened=1, after=place)
                if edit.shape:
                    text = _with_shape(text, config, file, *edit.shape)
            case Remove():
                text = editing.drop(text, path, and_map=True)
            case Change():
                for field, said in edit.values:
                    text = editing.put(text, (*path, *field), value_of(field, said, kind.key))
                for field in edit.unset:
                    text = editing.drop(text, (*path, *field))
    except NotEditableError as error:
        place = (kind.key, *error.path[2:]) if error.path[:2] == path[:2] else error.path
        raise refused(path_of(place or (kind.key, name)), error.what, error.fix) from None
    return mark + text


def write(path: Path, text: str, new: str) -> None:
    """Puts the edited text in the file's place at once, with its permissions.

    Raises `StackFileError` where the file is not what was read any more, or cannot be written.
    """
    try:
        if read_bytes(path, STACK_FILE_BYTES) != text.encode():
            raise refused(
                str(path), "was changed by someone else in the meantime", "run the command again"
            )
        write_bytes(path, new.encode())
    except FileError as error:
        raise unreadable(error) from None


def key_of(config: Mapping[str, Value], project: str, name: str) -> tuple[str, bool]:
    """How the file spells the key, and whether it has it."""
    for spelling in (f"{project}:{name}", name, f"{project}:config:{name}"):
        if spelling in config:
            return spelling, True
    return f"{project}:{name}", False


def _with_shape(
    text: str,
    config: Mapping[str, Value],
    file: StackFile,
    model_id: str,
    shape: Mapping[str, Value],
) -> str:
    """The text with an entry of `shapes`. Raises `UsageError` if it has another of that id."""
    key, _ = key_of(config, file.project, "shapes")
    shapes = config.get(key)
    now = cast("dict[str, Value]", shapes).get(model_id) if isinstance(shapes, dict) else None
    if now is not None and now != shape:
        fix = "give another id with --model, or remove that entry"
        raise UsageError(f"{model_id} is under shapes of {file.path.name} otherwise; {fix}")
    return editing.put(text, ("config", key, model_id), dict(shape), opened=1)


def refused(path: str, what: str, fix: str) -> StackFileError:
    """Returns the finding about a part of the file that cannot be edited, as an error to raise."""
    return StackFileError([Finding(CODE, Severity.ERROR, path, what, "", fix)])


def _entry(edit: Add, kind: Kind) -> dict[str, Value]:
    entry = {k: v for k, v in edit.fields.items() if v not in (None, [], {})}
    for field, said in edit.others:
        entry = _placed(entry, field, value_of(field, said, kind.key))
    return entry


def _placed(values: Value, field: Field, value: Value) -> dict[str, Value]:
    if not isinstance(values, dict) or isinstance(field[0], int):
        raise UsageError(f"{path_of(field)} does not lead into a map")
    members = dict(cast("dict[str, Value]", values))
    step, rest = field[0], field[1:]
    members[step] = _placed(members.get(step, {}), rest, value) if rest else value
    return members
