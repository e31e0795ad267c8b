"""Edits the models of a stack file in place, and writes the file at once or not at all."""

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
class Add:
    """A new model: its fields, others by their path, and the entry of `shapes` that it needs."""

    fields: Mapping[str, Value]
    others: Sequence[tuple[Field, str]] = ()
    shape: tuple[str, Mapping[str, Value]] | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """A model goes."""


@dataclass(frozen=True, slots=True)
class Change:
    """Fields of a model get values, or go back to their defaults."""

    values: Sequence[tuple[Field, str]]
    unset: Sequence[Field]


Edit = Add | Remove | Change


def edited(text: str, file: StackFile, name: str, edit: Edit) -> str:
    """Returns the text of the stack file after the edit of a model.

    Raises `UsageError` for an edit that does not fit the file, and `StackFileError` where the
    text cannot be edited without touching something else.
    """
    mark = "\ufeff" * text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    values = load(text).value
    config = cast("dict[str, Value]", values.get("config") or {})
    key, is_there = _models_key(config, file.project)
    models = config.get(key)
    if models is not None and (not isinstance(models, dict) or "secure" in models):
        what = "is a list" if isinstance(models, list) else "is one text"
        fix = "write it as a map: a line for each model"
        raise _refused(key, f"{what}, in which no model can be edited", fix)
    known = cast("dict[str, Value]", models or {})
    if isinstance(edit, Add) and name in known:
        fix = f"`models set {name} FIELD=VALUE` changes it"
        raise UsageError(f"{name} is in {file.path.name} already; {fix}")
    if not isinstance(edit, Add) and name not in known:
        hint = nearest(name, known) if known else "it has no models; `models add` adds one"
        raise UsageError(f"no model of {file.path.name} is called {name}; {hint}")
    path = ("config", key, name)
    try:
        match edit:
            case Add():
                after = _models_key(config, file.project, "capacity")[0]
                place = None if is_there else after
                text = editing.put(text, path, _entry(edit), opened=1, after=place)
                if edit.shape:
                    text = _with_shape(text, config, file, *edit.shape)
            case Remove():
                text = editing.drop(text, path, and_map=True)
            case Change():
                for field, said in edit.values:
                    text = editing.put(text, (*path, *field), value_of(field, said))
                for field in edit.unset:
                    text = editing.drop(text, (*path, *field))
    except NotEditableError as error:
        place = ("models", *error.path[2:]) if error.path[:2] == path[:2] else error.path
        raise _refused(path_of(place or ("models", name)), error.what, error.fix) from None
    return mark + text


def write(path: Path, text: str, new: str) -> None:
    """Puts the edited text in the file's place at once, with its permissions.

    Raises `StackFileError` where the file is not what was read any more, or cannot be written.
    """
    try:
        if read_bytes(path, STACK_FILE_BYTES) != text.encode():
            raise _refused(
                str(path), "was changed by someone else in the meantime", "run the command again"
            )
        write_bytes(path, new.encode())
    except FileError as error:
        raise unreadable(error) from None


def _models_key(
    config: Mapping[str, Value], project: str, name: str = "models"
) -> tuple[str, bool]:
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
    key, _ = _models_key(config, file.project, "shapes")
    shapes = config.get(key)
    now = cast("dict[str, Value]", shapes).get(model_id) if isinstance(shapes, dict) else None
    if now is not None and now != shape:
        fix = "give another id with --model, or remove that entry"
        raise UsageError(f"{model_id} is under shapes of {file.path.name} otherwise; {fix}")
    return editing.put(text, ("config", key, model_id), dict(shape), opened=1)


def _refused(path: str, what: str, fix: str) -> StackFileError:
    return StackFileError([Finding(CODE, Severity.ERROR, path, what, "", fix)])


def _entry(edit: Add) -> dict[str, Value]:
    entry = {k: v for k, v in edit.fields.items() if v not in (None, [], {})}
    for field, said in edit.others:
        entry = _placed(entry, field, value_of(field, said))
    return entry


def _placed(values: Value, field: Field, value: Value) -> dict[str, Value]:
    if not isinstance(values, dict) or isinstance(field[0], int):
        raise UsageError(f"{path_of(field)} does not lead into a map")
    members = dict(cast("dict[str, Value]", values))
    step, rest = field[0], field[1:]
    members[step] = _placed(members.get(step, {}), rest, value) if rest else value
    return members
