"""Parses JSON texts into `Settings`, or reports every mistake of shape at once."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.capacity import POOL_KINDS
from config.credentials import is_credential, shown
from config.explaining import (
    Location,
    explain,
    meant_key,
    missing_image,
    misspelled,
    path_of,
    unknown_key,
)
from config.remainder import Rest, remainders
from config.settings import Settings
from messages.finding import Finding, malformed
from messages.phrases import closest_key

# Deeper than any legal value; pydantic's reader of JSON gives up at 200 levels.
_DEEPEST = 20
_MENTIONED = 5


class ShapeError(Exception):
    """The stack file does not have the form of `Settings`. `findings` has every mistake, sorted.

    `rests` is what the stack may mean, without the entries or the values that have a mistake. What
    is true of an entry in all that have it is true of the stack.
    """

    def __init__(self, findings: Sequence[Finding], rests: Sequence[Rest]) -> None:
        self.rests = tuple(rests)
        self.findings = tuple(sorted(findings, key=lambda p: (p.path, p.what)))
        said = [f"{p.path}: {p.what}" for p in self.findings[:_MENTIONED]]
        if len(self.findings) > _MENTIONED:
            said.append(f"and {len(self.findings) - _MENTIONED} more")
        super().__init__("; ".join(said))


def parse(texts: Mapping[str, str]) -> Settings:
    """Parses the settings of the project's namespace, each a JSON text from the engine.

    Raises `ShapeError` with all problems: unknown keys with the nearest that exist, wrong types,
    missing keys, values that cannot be. No problem repeats a credential, nor anything at length.
    """
    found: dict[Location, Finding] = {}
    values: dict[str, Any] = {}
    for key, text in sorted(texts.items()):
        meant = key
        if key not in Settings.model_fields:
            found[key,] = unknown_key(path_of([key]), key, Settings)
            meant = meant_key(key, Settings) or key
        if meant in Settings.model_fields and (meant == key or meant not in {*texts, *values}):
            values[meant] = _read(meant, text, found)
    values = {k: _screened(v, (k,), found) for k, v in values.items()}
    _assume_kinds(values, found)
    settings, errors = _validated(values)
    renamed = _renamed(values, errors, found)
    if renamed:
        settings, errors = _validated(values)
    _require_images(values, found)
    if settings is not None and not found:
        return settings
    explained = [*explain(errors, values)]
    wrong = [*(found.keys() - renamed), *(location for location, _ in explained)]
    raise ShapeError([*found.values(), *_new(explained, found)], remainders(values, wrong))


def _validated(values: Mapping[str, Any]) -> tuple[Settings | None, list[ErrorDetails]]:
    """The settings, or the errors of shape."""
    try:
        return Settings.model_validate_json(json.dumps(values)), []
    except ValidationError as error:
        return None, error.errors(include_url=False, include_input=False)


def _renamed(
    values: dict[str, Any], errors: Sequence[ErrorDetails], found: dict[Location, Finding]
) -> set[Location]:
    """Gives misspelled keys the name that was meant, where the map lacks it; each is a finding.

    The same run then judges what they say. Returns where they stand in the stack file.
    """
    findings = dict(explain(errors, values))
    renamed: set[Location] = set()
    for location, meant in misspelled(errors, values):
        members: Any = values
        for step in location[:-1]:
            members = members[step]
        if meant not in members:
            members[meant] = members.pop(location[-1])
            found[location] = findings[location]
            renamed.add(location)
    return renamed


def _new(
    explained: Iterable[tuple[Location, Finding]], found: Mapping[Location, Finding]
) -> Iterator[Finding]:
    """The findings without those at or below the place of an earlier one."""
    seen: set[Finding] = set()
    for location, problem in explained:
        above = (location[:depth] for depth in range(1, len(location) + 1))
        if problem not in seen and not any(place in found for place in above):
            seen.add(problem)
            yield problem


def _read(key: str, text: str, found: dict[Location, Finding]) -> object:
    """Returns the value of a JSON text; a text that is not JSON is its own value."""
    repeated: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        values = dict(pairs)
        if len(values) < len(pairs):
            times = Counter(name for name, _ in pairs)
            repeated.extend(name for name in values if times[name] > 1)
        return values

    if not text.strip():
        return None
    try:
        value = json.loads(text, object_pairs_hook=members)
    except ValueError:
        return text
    except RecursionError:
        found[key,] = _too_deep((key,))
        return None
    if repeated:
        what = f"holds the key {shown(min(repeated))} twice in one map"
        found[key,] = malformed(key, what, "keep one of the two")
    return value


def _screened(value: object, location: Location, found: dict[Location, Finding]) -> object:
    """Returns the value without credentials and what is not JSON; each becomes a finding."""
    match value:
        case dict() if len(location) < _DEEPEST:
            members = cast(dict[str, object], value)
            for key in members:
                if problem := _unfit(key, (*location, key)):
                    found[*location, key] = problem
            return {
                key: _screened(member, (*location, key), found) for key, member in members.items()
            }
        case list() if len(location) < _DEEPEST:
            items = cast(list[object], value)
            return [_screened(item, (*location, i), found) for i, item in enumerate(items)]
        case dict() | list():
            found[location] = _too_deep(location)
            return None
        case str() | float():
            if problem := _unfit(value, location):
                found[location] = problem
                return None
            return value
        case _:
            return value


def _unfit(value: str | float, location: Location) -> Finding | None:
    if not isinstance(value, str):
        if math.isfinite(value):
            return None
        return malformed(path_of(location), "is no finite number", "write a number")
    if re.search("[\ud800-\udfff]", value):
        what = "is no valid Unicode text"
        return malformed(path_of(location), what, "write it without lone surrogates")
    if is_credential(value):
        return malformed(
            path_of(location),
            "looks like a credential (not shown)",
            "revoke it if it was real; keep the new one in AWS Secrets Manager or Systems Manager "
            "Parameter Store and name its ARN under secrets",
        )
    return None


def _too_deep(location: Location) -> Finding:
    return malformed(path_of(location), "is nested too deeply", "remove the inner lists and maps")


def _require_images(values: Mapping[str, Any], found: dict[Location, Finding]) -> None:
    """A model needs an image or `serve`; a command beside `serve` would replace the derived one."""
    models = values.get("models")
    if not isinstance(models, dict):
        return
    for name, model in cast(dict[str, object], models).items():
        if not isinstance(model, dict):
            continue
        entry = cast(dict[str, object], model)
        if "serve" not in entry and "image" not in entry:
            found.setdefault(("models", name, "image"), missing_image(("models", name, "image")))
        for key in ("command", "entry_point"):
            if entry.get("serve") is not None and entry.get(key):
                location = ("models", name, key)
                what = "stands beside serve, from which the command follows"
                fix = "write further arguments under serve.arguments, or leave serve out"
                found.setdefault(location, malformed(path_of(location), what, fix))


def _assume_kinds(values: dict[str, Any], found: dict[Location, Finding]) -> None:
    """Gives capacity without a known kind the kind that its keys belong to.

    The same run then finds its other mistakes.
    """
    pools = values.get("capacity")
    if not isinstance(pools, dict):
        return
    for name, pool in cast(dict[str, object], pools).items():
        if not isinstance(pool, dict):
            continue
        entry = cast(dict[str, object], pool)
        kind = entry.get("kind")
        if isinstance(kind, str) and kind in POOL_KINDS:
            continue
        location = ("capacity", name, "kind")
        near = closest_key(kind, list(POOL_KINDS)) if isinstance(kind, str) else None
        what = "is missing" if kind is None else f"is {shown(kind)}"
        fix = "write auto_scaling (EC2 instances of our own) or managed_instances (ECS owns them)"
        problem = malformed(path_of(location), what, f"did you mean {near}?" if near else fix)
        found.setdefault(location, problem)
        own = {k: len(entry.keys() & m.model_fields.keys()) for k, m in POOL_KINDS.items()}
        entry["kind"] = near or max(own, key=lambda k: own[k])
