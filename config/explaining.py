"""Turns pydantic's errors into findings with the path, the value and the fix."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import UnionType
from typing import (
    Annotated,
    Union,
    cast,
    get_args,
    get_origin,
)

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config.annotations import arms, bare, hints, is_model, literals
from config.capacity import AutoScalingCapacity, ManagedInstancesCapacity
from config.credentials import cut, looks_like_credential, shown
from config.places import ExistingNetworkEntry, OwnNetworkEntry
from config.settings import Settings, Traffic
from config.values import Name
from config.words import advice_on
from config.workloads import Container, JobEntry, ModelEntry
from messages.finding import Finding, malformed
from messages.phrases import closest_key, flow

Location = tuple[str | int, ...]

# For a misplaced key: where it belongs, or what makes it valid here.
_HOMES: tuple[tuple[type[BaseModel], str, str], ...] = (
    (AutoScalingCapacity, "capacity of kind auto_scaling", "write kind: auto_scaling"),
    (
        ManagedInstancesCapacity,
        "capacity of kind managed_instances",
        "write kind: managed_instances",
    ),
    (OwnNetworkEntry, "a network of our own", "remove vpc_id and the subnets"),
    (ExistingNetworkEntry, "a network that exists", "give its vpc_id and private_subnets"),
    (ModelEntry, "models", "move the entry to models"),
    (JobEntry, "jobs", "move the entry to jobs"),
    (Traffic, "traffic", ""),
)
_SIBLINGS: tuple[frozenset[type[BaseModel]], ...] = (
    frozenset({AutoScalingCapacity, ManagedInstancesCapacity}),
    frozenset({OwnNetworkEntry, ExistingNetworkEntry}),
    frozenset({ModelEntry, JobEntry}),
)
_HIDDEN = frozenset({"secrets", "environment"})
_KEYS_LISTED = 8
# Texts that need no quotes between brackets and braces, for any reader of YAML.


@dataclass(frozen=True, slots=True)
class Place:
    """The value and the field of the models at the location of an error."""

    location: Location
    annotation: object = None
    key_annotation: object = None  # of the keys of its map
    owner: type[BaseModel] | None = None  # the model that has it as a field
    value: object = None
    is_key: bool = False  # the error is about the key that leads here, not about the value
    is_hidden: bool = False  # its text may be a secret

    @property
    def key(self) -> str:
        return str(self.location[-1]) if self.location else ""

    @property
    def path(self) -> str:
        """The path. Hides a key of secrets or environment that cannot be a variable's name."""
        named = self.is_hidden and isinstance(self.location[-1], str) and not self.owner
        hide = named and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}", self.key) is None
        return path_of(self.location, hide_last=hide)

    @property
    def shown_value(self) -> str:
        """The value as a message may show it: a possible secret as its kind only."""
        value = self.key if self.is_key else self.value
        if self.is_hidden and isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return f"{_kind(value)} (not shown)"
        return shown(value)


def path_of(location: Sequence[str | int], *, hide_last: bool = False) -> str:
    """Returns the dotted path of messages: `models.llama.ports[0]`, odd keys as `["a key"]`."""
    path = ""
    for position, step in enumerate(location):
        if isinstance(step, int):
            path += f"[{step}]"
        elif (hide_last and position == len(location) - 1) or looks_like_credential(step):
            path += '["(not shown)"]'
        elif re.fullmatch(r"[\w-]{1,64}", step):
            path += f".{step}" if path else step
        else:
            path += f'["{cut(step, limit=64)}"]'
    return path


def is_below(path: str, entry: str) -> bool:
    """Whether a path is the other one, or that of a value below it."""
    return path.startswith(entry) and path[len(entry) :][:1] in ("", ".", "[")


def explain(errors: Sequence[ErrorDetails], values: object) -> Iterator[tuple[Location, Finding]]:
    """Yields a finding for each error, with its location in the values."""
    for error in errors:
        place = _follow(error, values)
        if error["type"] == "too_short" and place.value:
            continue  # only wrong entries: each has an error of its own
        if isinstance(place.value, dict) and error["type"].startswith("union_tag"):
            yield _wrong_kind(place)
        else:
            yield place.location, _explain(error, place)


def _wrong_kind(place: Place) -> tuple[Location, Finding]:
    """The finding for a map whose `kind` is none of those that it may have."""
    members, kinds = cast("dict[str, object]", place.value), [*arms(place.annotation)]
    kind = Place((*place.location, "kind"), value=members.get("kind"))
    fix = f"write {' or '.join(kinds)}"
    if "kind" in members:
        return kind.location, _wrong_word(kind, kinds, fix)
    return kind.location, malformed(kind.path, "is missing", fix)


def missing_image(location: Location) -> Finding:
    """The finding for a model without image and without `serve`."""
    annotation = hints(ModelEntry)["image"]
    place = Place(location, annotation, owner=ModelEntry)
    served = "or serve: {model: <its id on the Hugging Face hub>}"
    return malformed(place.path, "is missing", f"{_how_to_write(place)}, {served}")


def unknown_key(path: str, key: str, model: type[BaseModel] | None) -> Finding:
    """The finding for an unknown key: where it belongs, or the nearest key that exists."""
    what = "is not a key that exists here"
    if model is None:
        return malformed(path, what, "remove it")
    homes = [home for home in _HOMES if key in home[0].model_fields and key != "kind"]
    for home, words, otherwise in homes:
        if home in _siblings(model):
            return malformed(path, f"is a key of {words}", f"remove it, or {otherwise}")
    if advice := advice_on(key, model):
        return malformed(path, what, advice)
    if near := meant_key(key, model):
        return malformed(path, what, f"did you mean {near}?")
    if homes:
        words = " or ".join(dict.fromkeys(w.partition(" of kind ")[0] for _, w, _ in homes))
        return malformed(path, what, f"it is a key of {words}; move it there")
    return malformed(path, what, _keys(model))


def meant_key(key: str, model: type[BaseModel]) -> str | None:
    """The key of the model that an unknown one is a misspelling of.

    None where no key is near, and for a key of a sibling or a word of another tool.
    """
    elsewhere = any(key in sibling.model_fields for sibling in _siblings(model))
    if elsewhere or advice_on(key, model):
        return None
    return closest_key(key, list(model.model_fields))


def misspelled(errors: Sequence[ErrorDetails], values: object) -> Iterator[tuple[Location, str]]:
    """Yields the location of each misspelled key, and the key that was meant."""
    for error in errors:
        if error["type"] == "extra_forbidden":
            place = _follow(error, values)
            if place.owner and (meant := meant_key(place.key, place.owner)):
                yield place.location, meant


def _siblings(model: type[BaseModel]) -> set[type[BaseModel]]:
    return {sibling for group in _SIBLINGS if model in group for sibling in group}


def _keys(model: type[BaseModel]) -> str:
    fields = sorted(model.model_fields, key=lambda f: not model.model_fields[f].is_required())
    listed = ", ".join(fields[:_KEYS_LISTED])
    more = f" and {len(fields) - _KEYS_LISTED} more" if len(fields) > _KEYS_LISTED else ""
    return f"the keys here are {listed}{more}"


def _explain(error: ErrorDetails, place: Place) -> Finding:
    path, context = place.path, error.get("ctx", {})
    rule = _rule(place.annotation)
    match error["type"]:
        case "extra_forbidden":
            return unknown_key(path, place.key, place.owner)
        case "missing":
            return malformed(path, "is missing", _how_to_write(place))
        case "literal_error":
            words = [str(w) for w in literals(place.annotation)]
            return _wrong_word(place, words, rule or f"write {' or '.join(words)}")
        case "string_pattern_mismatch" if place.is_key:
            what = "cannot be a key here" if place.is_hidden else "cannot be a name here"
            return malformed(path, what, _with_suggestion(rule, place))
        case "string_pattern_mismatch":
            return malformed(path, f"is {place.shown_value}", rule)
        case "string_too_short":
            return malformed(path, "is empty", rule or "write at least one character")
        case "string_too_long":
            length = len(place.key if place.is_key else str(place.value))
            limit = int(cast(int, context.get("max_length", 0)))
            fix = rule or f"write at most {limit:,} characters"
            return malformed(path, f"is {length:,} characters long, more than {limit:,}", fix)
        case "too_short":
            return malformed(path, "is empty", _at_least_one(place))
        case "too_long":
            limit = int(cast(int, context.get("max_length", 0)))
            return malformed(path, "has too many entries", f"write at most {limit:,}")
        case "greater_than_equal":
            return malformed(path, f"is {place.shown_value}", f"write at least {context.get('ge')}")
        case "less_than_equal":
            return malformed(path, f"is {place.shown_value}", f"write at most {context.get('le')}")
        case _:
            return _wrong_type(place, rule)


def _wrong_word(place: Place, words: Sequence[str], fix: str) -> Finding:
    given = place.key if place.is_key else place.value
    several = len(words) > 1  # the only word is said in any case
    near = closest_key(given, words) if several and isinstance(given, str) else None
    what = "cannot be a name here" if place.is_key else f"is {place.shown_value}"
    return malformed(place.path, what, fix + (f"; did you mean {near}?" * bool(near)))


def _wrong_type(place: Place, rule: str) -> Finding:
    core, is_union = bare(place.annotation)
    said = place.shown_value if place.is_hidden else f"{_kind(place.value)}{_quoted(place.value)}"
    if place.value is None:
        return malformed(place.path, "is empty", _instead_of_nothing(core, rule))
    if is_union or (rule and is_model(core)):
        return malformed(place.path, f"is {said}", rule or "write another value")
    if core is str:
        number = isinstance(place.value, (int, float)) and not place.is_hidden
        fix = f'quote it: "{shown(place.value)}"' if number else rule or "write text"
        return malformed(place.path, f"is {said}, not text", fix)
    if core is int:
        return malformed(place.path, f"is {said}, not a whole number", "write a whole number")
    if core is bool:
        return malformed(place.path, f"is {said}, not true or false", "write true or false")
    if get_origin(core) is tuple:
        value = place.value
        alone = (
            isinstance(value, (str, int)) and not isinstance(value, bool) and not place.is_hidden
        )
        short = alone and len(str(value)) <= 60 and not looks_like_credential(str(value))
        fix = f"write a list: [{value if short else 'a, b'}]"
        return malformed(place.path, f"is {said}, not a list", fix)
    return malformed(place.path, f"is {said}, not a map", _map_form(place, core))


def _map_form(place: Place, core: object) -> str:
    if own := _with_the_value(place, core):
        return f"write {own}"
    if example := _example(place):
        return f"write a map such as {example}"
    if not is_model(core):
        names = [info.examples[0] for info in _infos((*get_args(core), None)[0]) if info.examples]
        return f"write a map such as {{{names[0]}: …}}" if names else "write a map"
    return f"write a map; {_keys(core)}"


def _with_the_value(place: Place, core: object) -> str:
    """The map that a text stands for: of a model with one required field, the text is its value."""
    if not isinstance(place.value, str) or not is_model(core) or place.is_hidden:
        return ""
    required = [name for name, field in core.model_fields.items() if field.is_required()]
    if len(required) != 1 or looks_like_credential(place.value):
        return ""
    try:
        core.model_validate({required[0]: place.value})
    except ValueError:
        return ""
    return flow({required[0]: place.value})


def _instead_of_nothing(core: object, rule: str) -> str:
    if is_model(core) and not any(f.is_required() for f in core.model_fields.values()):
        return "write {} for the defaults"
    if is_model(core):
        return f"write a map, or remove the key; {_keys(core)}"
    if rule:
        return f"{rule}; or remove the key"
    return "give it a value, or remove the key"


def _at_least_one(place: Place) -> str:
    example = _example(place)
    return "write at least one entry" + (f", for instance {example}" if example else "")


def _how_to_write(place: Place) -> str:
    rule, example = _rule(place.annotation), _example(place)
    field = place.owner.model_fields.get(place.key) if place.owner else None
    meaning = _lowered(field.description.partition(". ")[0]) if field and field.description else ""
    if example:
        meant = f" ({meaning})" if meaning else ""
        return f"write {place.key}: {example}{meant}"
    return rule or f"write {place.key}: {meaning}"


def _example(place: Place) -> str:
    """An example of the field's, or else of its type's, as one line of YAML."""
    infos = _infos(place.annotation)
    field = place.owner.model_fields.get(place.key) if place.owner else None
    for info in [field, *infos]:
        if info is not None and info.examples:
            return flow(info.examples[0])
    return ""


def _rule(annotation: object) -> str:
    """`write a name of …; for instance llama-3-8b`; empty if the type states no rule."""
    described = [info for info in _infos(annotation) if info.description]
    if not described:
        return ""
    info = described[0]
    rule = f"write {_lowered(cast(str, info.description))}"
    return rule + (f"; for instance {flow(info.examples[0])}" if info.examples else "")


def _lowered(sentence: str) -> str:
    text = sentence.rstrip(".")
    word = text.partition(" ")[0]
    is_acronym = len(word) > 1 and not word[1:].islower()
    return text if is_acronym else text[:1].lower() + text[1:]


def _with_suggestion(rule: str, place: Place) -> str:
    """The rule, with the nearest legal name as its example if that can be shown."""
    if _rule(place.annotation) != _rule(Name) or looks_like_credential(place.key):
        return rule
    key = re.sub(r"[^a-z0-9]+", "-", place.key[:80].lower()).strip("-")
    legal = len(place.key) <= 80 and re.fullmatch(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?", key)
    return f"{rule.partition('; for instance ')[0]}; for instance {key}" if legal else rule


def _kind(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "the number"
        case str():
            return "the text"
        case _:
            return shown(value)


def _quoted(value: object) -> str:
    said = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return f" {shown(value)}" if said else ""


# The models, walked along an error's location.


def _follow(error: ErrorDetails, values: object) -> Place:
    """The place of an error.

    Pydantic's location also contains the arm of a union, and `[key]` for a key. Only the
    annotations distinguish these words from keys with the same name.
    """
    place = Place((), annotation=Settings, value=values)
    steps = error["loc"]
    for position, step in enumerate(steps):
        core, is_union = bare(place.annotation)
        last = position == len(steps) - 1
        if is_union and (arm := arms(place.annotation).get(str(step))) is not None:
            if last:
                break
            place = replace(place, annotation=arm)
        elif last and step == "[key]" and error["type"].startswith(("literal_", "string_")):
            place = replace(place, annotation=place.key_annotation, owner=None, is_key=True)
        elif is_model(core) and not isinstance(place.value, dict):
            break  # a number that stands for a whole map
        else:
            place = _into(place, core, step)
    return place


def _into(place: Place, core: object, step: str | int) -> Place:
    members = place.value
    value: object = None
    if isinstance(members, dict):
        value = cast(dict[object, object], members).get(step)
    elif isinstance(members, list) and isinstance(step, int):
        items = cast(list[object], members)
        value = items[step] if step < len(items) else None
    location, is_hidden = (*place.location, step), place.is_hidden
    if is_model(core):
        is_hidden = is_hidden or (issubclass(core, Container) and step in _HIDDEN)
        annotation = hints(core).get(str(step))
        return Place(location, annotation, owner=core, value=value, is_hidden=is_hidden)
    if get_origin(core) is dict:
        keys, annotation = get_args(core)
        return Place(location, annotation, keys, value=value, is_hidden=is_hidden)
    annotation = get_args(core)[0] if get_origin(core) is tuple else None
    return Place(location, annotation, value=value, is_hidden=is_hidden)


def _infos(annotation: object) -> list[FieldInfo]:
    """The metadata of the annotation, outermost first, without that of a union's arms."""
    found: list[FieldInfo] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *said = get_args(annotation)
            found.extend(s for s in said if isinstance(s, FieldInfo))
        elif get_origin(annotation) in (Union, UnionType):
            arms = [a for a in get_args(annotation) if a is not type(None)]
            if len(arms) > 1:
                return found
            annotation = arms[0]
        else:
            return found
