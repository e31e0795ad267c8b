"""What is left of a stack file without its entries of a wrong shape."""

import json
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from config.alarms import Alarms
from config.annotations import bare
from config.capacity import POOL_KINDS
from config.explaining import Location, is_below, path_of
from config.settings import Security, Settings, Traffic
from config.workloads import JobEntry, ModelEntry

_MAPS = ("regions", "capacity", "volumes", "models", "jobs", "shapes")
_MOST_MENDED = 50  # mistakes: each is tried alone
_NEEDING_ONE = ("regions", "file_systems")
_NAMING_REGIONS = frozenset(
    {
        "regions",
        "reservation_ids",
        "reservation_group_arns",
        "allow_from",
        "file_systems",
        "snapshot_ids",
        "certificate_arns",
        "hosts",
        "mutual_tls",
        "associated",
        "kms_keys",
        "web_acl_arns",
        "topics",
    }
)
_OWNERS: Mapping[str, type[BaseModel]] = {"models": ModelEntry, "jobs": JobEntry}
_ALONE: Mapping[str, type[BaseModel]] = {"traffic": Traffic, "security": Security, "alarms": Alarms}


@dataclass(frozen=True, slots=True)
class Rest:
    """What settings with mistakes of shape may mean, without the entries at the paths `lacks`."""

    settings: Settings
    lacks: frozenset[str]

    def has(self, path: str) -> bool:
        """Whether the path is of no entry that is left out."""
        return not any(is_below(path, entry) for entry in self.lacks)


def remainders(values: Mapping[str, Any], wrong: Collection[Location]) -> tuple[Rest, ...]:
    """What the settings may mean: at the greatest of the numbers that are wrong, and the least.

    And with each wrong field as if it were not written, and as in the example of its description.
    """
    found = [_rest(values, wrong, bound) for bound in ("le", "ge")]
    mended, left = _mended(values, wrong) if len(wrong) <= _MOST_MENDED else (values, [*wrong])
    if len(left) < len(wrong):
        found.append(_rest(mended, left, "le"))
        absent = [place for place in wrong if place not in left]
        written, further = _mended(values, absent, as_example=True)
        found.append(_rest(written, [*left, *further], "le"))
    return tuple(rest for at, rest in enumerate(found) if rest not in found[:at])


def _rest(values: Mapping[str, Any], wrong: Collection[Location], bound: str) -> Rest:
    settings = remainder(values, wrong, bound)
    entries = {place[: 1 if place[0] not in _MAPS else 2] for place in wrong}
    kept = {(key, name) for key in _MAPS for name in getattr(settings, key)}
    return Rest(settings, frozenset(map(path_of, entries - kept)))


def _mended(
    values: Mapping[str, Any], wrong: Collection[Location], *, as_example: bool = False
) -> tuple[dict[str, Any], list[Location]]:
    """The values with other ones for the wrong fields that may be left out, and what is wrong then.

    A field is one of a model or job, or one of the maps that a stack has once.
    """
    found = deepcopy(dict(values))
    of_entry: dict[Location, list[Location]] = {}
    for place in wrong:
        of_entry.setdefault(place[: 2 if place[0] in _OWNERS else 1], []).append(place)
    left: list[Location] = []
    for at, places in of_entry.items():
        owner = _OWNERS.get(str(at[0])) or _ALONE.get(str(at[0]))
        holder, entry = _at(found, at[:-1]), _at(found, at)
        new = None
        if owner is not None and entry is not None and all(_may_go(p, owner) for p in places):
            steps = [place[len(at) :] for place in places]
            new = _changed(entry, steps, owner, as_example=as_example)
        if holder is None or new is None:
            left += places
        else:
            holder[at[-1]] = new
    return found, left


def _may_go(place: Location, owner: type[BaseModel]) -> bool:
    """Whether the place is of a field: what an unknown key of a model or job means is not known."""
    if place[0] in _ALONE:
        return len(place) > 1
    return len(place) > 2 and place[2] in owner.model_fields


def _at(value: Any, steps: Iterable[str | int]) -> dict[Any, Any] | None:
    """The map there; None if there is none."""
    for step in steps:
        value = cast("dict[Any, Any]", value).get(step) if isinstance(value, dict) else None
    return cast("dict[Any, Any]", value) if isinstance(value, dict) else None


def _changed(
    entry: dict[Any, Any], places: list[Location], owner: type[BaseModel], *, as_example: bool
) -> dict[Any, Any] | None:
    """The entry without the smallest parts at the places that it can be without; else None.

    Whole fields have the example of the field where one is asked for.
    """
    for up in range(max(map(len, places))):
        trial = deepcopy(entry)
        for steps in places:
            *above, last = steps[: max(1, len(steps) - up)]
            holder = _at(trial, above)
            if holder is not None:
                holder.pop(last, None)
                if as_example and not above and last in (examples := _examples(owner)):
                    holder[last] = examples[str(last)]
        is_served = owner is not ModelEntry or {"image", "serve"} & trial.keys()
        try:
            owner.model_validate_json(json.dumps(trial))
        except ValidationError:
            continue
        return trial if is_served else None
    return None


@cache
def _examples(owner: type[BaseModel]) -> dict[str, Any]:
    """A value of each field: the example of its description, or the least number."""
    found: dict[str, Any] = {}
    for name, said in owner.model_json_schema()["properties"].items():
        for part in (said, *said.get("anyOf", ())):
            for value in (*part.get("examples", ()), *filter(None, [part.get("minimum")])):
                found.setdefault(name, value)
    return found


def remainder(values: Mapping[str, Any], wrong: Collection[Location], bound: str) -> Settings:
    """The settings without the entries at these locations, and without what refers to them.

    An entry is a Region, a pool, a volume, a model, a job or a shape, or all else under one key.
    A pool stays, so that what runs on it is judged, where only an unknown key or a number is wrong:
    the number is then the default, or the `bound` of a required one. Empty if no Region or no pool
    is left.
    """
    values, wrong = _with_pools(values, wrong, bound)
    keys = {place[0] for place in wrong if len(place) == 1 or place[0] not in _MAPS}
    gone = {(str(place[0]), str(place[1])) for place in wrong if len(place) > 1}
    entries = {key: _entries(values, key, keys, gone) for key in _MAPS}
    gone_regions = _lost(values, entries, "regions")
    for key in ("capacity", "volumes", "models", "jobs"):
        pruned = {n: _without_regions(e, gone_regions) for n, e in entries[key].items()}
        entries[key] = {n: e for n, e in pruned.items() if not _emptied(entries[key][n], e)}
    entries["shapes"] = _without_likes(values, entries)
    lost = {key: _lost(values, entries, key) for key in ("capacity", "volumes", "shapes")}
    for key in ("models", "jobs"):
        entries[key] = {n: e for n, e in entries[key].items() if not _refers(e, lost)}
    others = {k: v for k, v in values.items() if k in Settings.model_fields and k not in _MAPS}
    kept = {k: _without_regions(v, gone_regions) for k, v in others.items() if k not in keys}
    if "traffic" in kept:
        kept["traffic"] = _without_models(kept["traffic"], _lost(values, entries, "models"))
    try:
        return Settings.model_validate_json(json.dumps({**kept, **entries}))
    except ValidationError:  # No Region or no pool is left.
        return Settings.model_construct(regions={}, capacity={})


def _with_pools(
    values: Mapping[str, Any], wrong: Collection[Location], bound: str
) -> tuple[Mapping[str, Any], list[Location]]:
    """The values with other numbers and without unknown keys in pools, and what is wrong then."""
    members = values.get("capacity")
    pools = dict(cast(dict[str, Any], members)) if isinstance(members, dict) else {}
    left: list[Location] = []
    for place in wrong:
        is_field = len(place) == 3 and place[0] == "capacity"
        found = pools.get(str(place[1])) if is_field else None
        entry = cast(dict[str, Any], found) if isinstance(found, dict) else {}
        model = POOL_KINDS.get(entry.get("kind", ""))
        field = model.model_fields.get(str(place[2])) if model else None
        if model is None or (field and bare(field.annotation)[0] is not int):
            left.append(place)
            continue
        kept = {k: v for k, v in entry.items() if k != place[2]}
        if field and field.is_required():
            kept[str(place[2])] = next(
                number for m in field.metadata if (number := getattr(m, bound, None)) is not None
            )
        pools[str(place[1])] = kept
    return {**values, "capacity": pools} if len(left) < len(wrong) else values, left


def _entries(
    values: Mapping[str, Any], key: str, keys: Collection[object], gone: Collection[object]
) -> dict[str, dict[str, Any]]:
    """The entries of a map that have the right shape."""
    members = values.get(key)
    if key in keys or not isinstance(members, dict):
        return {}
    found = cast(dict[str, dict[str, Any]], members)
    return {name: entry for name, entry in found.items() if (key, name) not in gone}


def _lost(
    values: Mapping[str, Any], entries: Mapping[str, Mapping[str, object]], key: str
) -> frozenset[str]:
    """The names of the stack file's entries that are no longer there."""
    members = values.get(key)
    names = cast(Iterable[str], members) if isinstance(members, dict) else ()
    return frozenset(name for name in names if name not in entries[key])


def _without_likes(
    values: Mapping[str, Any], entries: Mapping[str, dict[str, dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """The shapes that are like none that is no longer there, directly or by others."""
    kept, lost = entries["shapes"], set(_lost(values, entries, "shapes"))
    while further := {name for name, entry in kept.items() if entry.get("like") in lost}:
        lost |= further
        kept = {name: entry for name, entry in kept.items() if name not in lost}
    return kept


def _without_regions(value: Any, lost: frozenset[str]) -> Any:
    """The value without these Regions, in each field that names Regions.

    A map inside of it goes that needs a Region, and named no other.
    """
    if not isinstance(value, dict):
        return value
    members = cast(dict[str, Any], value)
    pruned = {
        name: _less(member, lost) if name in _NAMING_REGIONS else _without_regions(member, lost)
        for name, member in members.items()
    }
    return {name: less for name, less in pruned.items() if not _emptied(members[name], less)}


def _emptied(before: Any, after: Any) -> bool:
    """Whether a map has lost all Regions of a field that needs one."""
    return isinstance(before, dict) and any(
        cast(dict[str, Any], before).get(key) and not after.get(key) for key in _NEEDING_ONE
    )


def _without_models(traffic: Mapping[str, Any], lost: frozenset[str]) -> dict[str, Any]:
    """The traffic without the keys of these models, and the names under which they answer."""
    asked, shared = traffic.get("authentication", {}), traffic.get("weights", {})
    return {
        **traffic,
        "authentication": {**asked, "api_key": _less(asked.get("api_key", {}), lost)},
        "weights": {name: weights for name, weights in shared.items() if not lost & {*weights}},
    }


def _less(value: Any, lost: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {k: v for k, v in cast(dict[str, Any], value).items() if k not in lost}
    if isinstance(value, list):
        return [item for item in cast(list[Any], value) if item not in lost]
    return value


def _refers(entry: Mapping[str, Any], lost: Mapping[str, frozenset[str]]) -> bool:
    """Whether a model or job names a pool, a volume or a shape that is lost."""
    serve = cast(dict[str, Any], entry.get("serve") or {})
    pools = _pools_of(entry) | {serve.get("compile_on")}
    volumes = _volumes_of(entry) | {serve.get("cache")}
    shaped = serve.get("model") in lost["shapes"]
    return shaped or bool(pools & lost["capacity"] or volumes & lost["volumes"])


def _pools_of(entry: Mapping[str, Any]) -> set[str]:
    """The pools that a model or job names, those of its Regions included."""
    regions = entry.get("regions")
    overrides = cast(dict[str, Any], regions).values() if isinstance(regions, dict) else ()
    named = [entry, *(cast(dict[str, Any], o) for o in overrides if isinstance(o, dict))]
    return {str(n["capacity"]) for n in named if "capacity" in n}


def _volumes_of(entry: Mapping[str, Any]) -> set[str]:
    """The volumes that the containers of a model or job mount."""
    sidecars = cast(dict[str, dict[str, Any]], entry.get("sidecars", {}))
    return {name for c in (entry, *sidecars.values()) for name in c.get("mounts", {})}
