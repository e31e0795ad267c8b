"""What a set of stack files reaches: fields, arms of unions, words of choices."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from config import Settings, parse
from tests.wishes.judging import PROJECT, config_of
from tests.wishes.stacks import Wish


def everything() -> set[str]:
    """`Model.port`, `Region.network: ExistingNetwork`, `OwnNetwork.nat: one`: all that there is."""
    found: set[str] = set()
    for model in _models(Settings):
        for name, field in model.model_fields.items():
            place = f"{model.__name__}.{name}"
            found |= {place, *(f"{place}: {arm}" for arm in _arms(field.annotation))}
    return found


def reached(wish: Wish) -> set[str]:
    """The same, as far as one stack file goes."""
    prefix = f"{PROJECT}:"
    texts = {k.removeprefix(prefix): v for k, v in config_of(wish).items() if prefix in k}
    return set(_written(parse(texts)))


def _models(model: type[BaseModel]) -> dict[type[BaseModel], None]:
    found: dict[type[BaseModel], None] = {model: None}
    for field in model.model_fields.values():
        for inner in _members(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found |= _models(inner)
    return found


def _members(annotation: Any) -> Iterator[Any]:
    """The annotation and all that stands inside it."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from _members(inner)


def _arms(annotation: Any) -> set[str]:
    """The choices of a field: words of a Literal, members of a union."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        return {str(word) for word in get_args(annotation)}
    if get_origin(annotation) in (Union, UnionType):
        members = [a for a in get_args(annotation) if a is not NoneType]
        inner = [_arms(member) or {_shape(member)} for member in members]
        return set[str]().union(*inner) if len(members) > 1 else _arms(members[0])
    if annotation is bool:
        return {"True"}
    return set()


def _shape(annotation: Any) -> str:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    origin = get_origin(annotation)
    return (origin or annotation).__name__


def _written(value: BaseModel) -> Iterator[str]:
    for name in value.model_fields_set:
        place, found = f"{type(value).__name__}.{name}", getattr(value, name)
        yield place
        yield f"{place}: {type(found).__name__}"
        if isinstance(found, (str, bool)):
            yield f"{place}: {found}"
        yield from _inside(found)


def _inside(value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from _written(value)
    elif isinstance(value, dict):
        for inner in value.values():  # pyright: ignore[reportUnknownVariableType] (any model)
            yield from _inside(inner)
    elif isinstance(value, tuple):
        for inner in value:  # pyright: ignore[reportUnknownVariableType] (any model)
            yield from _inside(inner)
