"""The annotations of the stack file's models: unions and their arms, words, members."""

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Tag


def bare(annotation: object) -> tuple[object, bool]:
    """The annotation without metadata and without None, and whether it is a union."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            members = [a for a in get_args(annotation) if a is not type(None)]
            if len(members) > 1:
                return annotation, True
            annotation = members[0]
        else:
            return annotation, False


def arms(annotation: object) -> dict[str, object]:
    """The arms of a union by the word that pydantic puts into a location."""
    core, is_union = bare(annotation)
    if not is_union:
        return {}
    found: dict[str, object] = {}
    for arm in get_args(core):
        if get_origin(arm) is Annotated:
            tags = [said.tag for said in get_args(arm)[1:] if isinstance(said, Tag)]
            found.update(dict.fromkeys(tags, arm))
        elif is_model(arm) and "kind" in arm.model_fields:
            found.update(dict.fromkeys(map(str, literals(hints(arm)["kind"])), arm))
    return found


def literals(annotation: object) -> tuple[Any, ...]:
    """The words that a `Literal` allows, in any arm; none for another annotation."""
    core, is_union = bare(annotation)
    if is_union:
        return tuple(word for arm in get_args(core) for word in literals(arm))
    return get_args(core) if get_origin(core) is Literal else ()


@cache
def hints(model: type[BaseModel]) -> Mapping[str, object]:
    """The annotation of each field, with what is annotated."""
    return get_type_hints(model, include_extras=True)


def is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    """Whether the annotation is a model of the stack file."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
