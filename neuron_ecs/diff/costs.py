"""The class of every changed setting: what the change does to a stack that runs.

A field's cost stands where the field is declared, in `config`. A field that can be of several
classes has the one for which the comparison found evidence.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast, get_args, get_origin

from config import Settings
from config.annotations import arms, bare, hints, is_model
from config.changes import Change, Cost, cost
from neuron_ecs.diff.difference import Difference
from neuron_ecs.diff.plans import services_on
from neuron_ecs.diff.structure import ABSENT, Path, ValueChange, dotted
from planning.document import Json

_REFUSED = frozenset({Change.TWO_STEPS, Change.REFUSED})
_ORDER = tuple(Change)


def setting_classes(whole: Difference) -> tuple[tuple[ValueChange, Change | None], ...]:
    """Each changed setting with its class; `None` for a setting that is not the program's."""
    return tuple((found, _judged(whole, found)) for found in whole.settings)


def words(whole: Difference, path: Path, change: Change | None) -> str:
    """The class in words: ` (rolling)`, empty without one. A job has it from its next run on."""
    if change is None:
        return ""
    if change is Change.ROLLING and (
        path[0] == "jobs" or _on_replaced_pools(whole, path) == frozenset({"jobs"})
    ):
        return " (from the next run on)"
    return f" ({change})"


def declared(found: ValueChange) -> Cost | None:
    """The cost of the field at the path of the change: of several fields, the highest."""
    return max(_costs(found), key=lambda c: _ORDER.index(_direction(c, found)), default=None)


def _judged(whole: Difference, found: ValueChange) -> Change | None:
    stated = declared(found)
    if stated is None:
        return None
    first = _direction(stated, found)
    possible = {first, *stated.also}
    if not possible & _REFUSED or (whole.failed and not whole.refusals):
        return first
    path = dotted(found.path)
    for refusal in whole.refusals:
        if refusal.code in _OF_FIELDS and _same_entry(path, refusal.path):
            return min(possible & _REFUSED, key=_ORDER.index)
    left = [change for change in (first, *stated.also) if change not in _REFUSED]
    is_of_pool = found.path[0] == "capacity"
    if Change.ROLLING in left and is_of_pool and not _on_replaced_pools(whole, found.path):
        left.remove(Change.ROLLING)
    return left[0] if left else Change.IN_PLACE  # nothing that runs is in the way


def _on_replaced_pools(whole: Difference, path: Path) -> frozenset[str]:
    """Who uses the pool at the path where other resources take its place: `models`, `jobs`."""
    found: set[str] = set()
    sides = (whole.before, whole.after)
    for index, other in (sides, sides[::-1]):
        for (region, name), pool in index.pools.items():
            twin = other.pools.get((region, name))
            if path[:2] != ("capacity", name) or (twin and twin.key == pool.key):
                continue
            found |= {"models" for _ in services_on(index, region, pool)}
            found |= {"jobs" for job in index.regions[region].jobs if job.pool == pool.key}
    return frozenset(found)


_OF_FIELDS = frozenset({"ND001", "ND002", "ND004", "ND006", "ND009"})
"""The refusals that are about a field, whatever else changes."""


def _same_entry(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _direction(stated: Cost, found: ValueChange) -> Change:
    before, after = _members(found.before), _members(found.after)
    gone, come = before - after, after - before
    return stated.of(added=bool(come and not gone), removed=bool(gone and not come))


def _members(value: Json) -> frozenset[str]:
    """What a list or map holds; of another value whether it is there."""
    if value is ABSENT or value is None:
        return frozenset()
    if isinstance(value, (list, dict)):
        return frozenset(map(str, cast("Sequence[Json]", value)))
    return frozenset({"value"})


def _costs(found: ValueChange) -> Iterator[Cost]:
    place: object = Settings
    stated: Cost | None = None
    for step in found.path:
        for owner in _owners(place):
            if is_model(owner) and step in owner.model_fields:
                stated, place = cost(owner.model_fields[step]), hints(owner)[step]
                break
            if get_origin(owner) is dict:
                place = get_args(owner)[1]
                break
        else:
            return
    if stated is not None:
        yield stated
        return
    for side in (found.before, found.after):
        if isinstance(side, Mapping):
            members = cast("Mapping[str, Json]", side)
            for name, value in members.items():
                yield from _costs(ValueChange((*found.path, name), ABSENT, value))


def _owners(annotation: object) -> Sequence[object]:
    """The models or the map that the annotation stands for: of a union each arm."""
    core, is_union = bare(annotation)
    if not is_union:
        return (core,)
    return tuple(bare(arm)[0] for arm in arms(annotation).values())
