"""The page of the stack file: each field, its meaning, its default and what changing it does."""

import json
from collections.abc import Iterator
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config import Settings
from config.annotations import arms, bare, hints, is_model
from config.changes import MEANINGS, cost

_HEAD = """\
# The stack file

The keys under `neuron-ecs:` in `Pulumi.<stack>.yaml`. This page is made from `config/`; the same
texts are in [stack-file.schema.json](stack-file.schema.json), which editors read.

## What a change does

Each field says what changing it does to a stack that runs; `neuron-ecs diff` says it of every
changed setting.

| change | meaning |
|---|---|
"""


def page() -> str:
    """The page in Markdown."""
    lines = [_HEAD + "\n".join(f"| {change} | {text} |" for change, text in MEANINGS.items()), ""]
    for model in _met():
        title = "The keys" if model is Settings else model.__name__
        lines += [f"## {title}\n", " ".join((model.__doc__ or "").split()) + "\n"]
        lines.append("| field | meaning | default | changing it |\n|---|---|---|---|")
        lines += [_row(model, name, info) for name, info in model.model_fields.items()]
        lines.append("")
    return "\n".join(lines)


def _met() -> list[type[BaseModel]]:
    """The models, each once, those that hold others before these."""
    found: list[type[BaseModel]] = []
    waiting: list[type[BaseModel]] = [Settings]
    while waiting:
        model = waiting.pop(0)
        if model not in found:
            found.append(model)
            waiting += [m for hint in hints(model).values() for m in _models(hint)]
    return found


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """The models in a field's annotation."""
    core, is_union = bare(annotation)
    if is_union:
        for arm in arms(annotation).values():
            yield from _models(arm)
    elif is_model(core):
        yield core
    elif get_origin(core) is dict:
        yield from _models(get_args(core)[1])
    elif get_origin(core) is tuple:
        yield from _models(get_args(core)[0])


def _row(model: type[BaseModel], name: str, info: FieldInfo) -> str:
    linked = " or ".join(
        f"[{m.__name__}](#{m.__name__.lower()})" for m in _models(hints(model)[name])
    )
    meaning = f"{info.description} {f'See {linked}.' if linked else ''}".strip()
    stated = cost(info)
    change = stated.sentence.removeprefix("Changing it: ") if stated else "as its fields"
    cells = (f"`{name}`", meaning, _default(info), change)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    default: object = info.get_default()
    if default is None or isinstance(default, BaseModel):
        return ""
    return f"`{json.dumps(default)}`"
