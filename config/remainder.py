"""What is left of a stack file without its entries of a wrong shape."""

import json
from collections.abc import Collection, Container, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from config.alarms import Alarms
from config.annotations import arms, is_model
from config.capacity import POOL_KINDS
from config.explaining import Location, is_below, path_of
from config.places import RegionEntry
from config.settings import Security, Settings, Traffic
from config.volumes import AnyVolume
from config.workloads import JobEntry, ModelEntry

_MAPS = ("regions", "capacity", "volumes", "models", "jobs", "shapes")
_MOST_MENDED = 50  # mistakes: each is tried alone
_NEEDING_ONE = ("regions", "file_systems", "snapshot_ids")
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
_ENTRIES: Mapping[str, type[BaseModel]] = {
    "regions": RegionEntry,
    "models": ModelEntry,
    "jobs": JobEntry,
}
_KINDS: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "capacity": POOL_KINDS,
    "volumes": {kind: arm for kind, arm in arms(AnyVolume).items() if is_model(arm)},
}
_ALONE: Mapping[str, type[BaseModel]] = {"traffic": Traffic, "security": Security, "alarms": Alarms}
_PLACES = frozenset({"regions", "capacity"})  # what all else needs


@dataclass(frozen=True, slots=True)
class Rest:
    """What settings with mistakes of shape may mean; what stands at `lacks` is not whole."""

    settings: Settings
    lacks: frozenset[str]

    def has(self, path: str) -> bool:
        """Whether the path is of no entry that is left out, or lost what it referred to."""
        return not any(is_below(path, entry) for entry in self.lacks)


def remainders(values: Mapping[str, Any], wrong: Collection[Location]) -> tuple[Rest, ...]:
    """What the settings may mean, the most complete first.

    Each wrong field is as if it were not written, or as in the example of its description. Then
    what is no Region and no pool is left out whole. A number that a pool needs is the greatest that
    it may be, and the least.
    """
    absent, left = _mended(values, wrong)
    found = [_without(absent, left)]
    if mended := [place for place in wrong if place not in left]:
        written, further = _mended(values, mended, as_example=True)
        found.append(_without(written, [*left, *further]))
        users = [place for place in mended if place[0] not in _PLACES]
        places = {key: absent[key] for key in _PLACES & absent.keys()}
        found.append(_without({**values, **places}, [*left, *users]))
    distinct = [rest for at, rest in enumerate(found) if rest not in found[:at]]
    return tuple(r for r in distinct if r.settings.regions and r.settings.capacity) or (found[0],)


def _without(values: Mapping[str, Any], wrong: Collection[Location]) -> Rest:
    """The settings without the entries at these locations, and without what refers to them.

    An entry is a Region, a pool, a volume, a model, a job or a shape, or all else under one key.
    """
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
    missing = [key for key in ("regions", "capacity") if not entries[key]]  # the class needs one
    examples = {key: (Settings.model_fields[key].examples or [{}])[0] for key in missing}
    settings = Settings.model_validate_json(json.dumps({**kept, **entries, **examples}))
    whole = {(key,) for key in others if kept.get(key) == values[key]}
    whole |= {(k, n) for k in _MAPS for n, e in entries[k].items() if _at(values, (k, n)) == e}
    places = [(key,) for key in others]
    places += [(key, name) for key in _MAPS for name in _at(values, (key,)) or ()]
    lacks = frozenset(path_of(place) for place in places if place not in whole)
    return Rest(settings.model_copy(update={key: {} for key in missing}), lacks)


def _mended(
    values: Mapping[str, Any], wrong: Collection[Location], *, as_example: bool = False
) -> tuple[dict[str, Any], list[Location]]:
    """The values with other ones for the wrong fields that may be left out, and what is wrong then.

    A field is one of an entry, or one of the maps that a stack has once.
    """
    found = deepcopy(dict(values))
    of_entry: dict[Location, list[Location]] = {}
    for place in sorted(wrong, key=lambda p: _MAPS.index(p[0]) if p[0] in _MAPS else len(_MAPS)):
        of_entry.setdefault(place[: 2 if place[0] in _MAPS else 1], []).append(place)
    left: list[Location] = []
    tried = 0
    for at, places in of_entry.items():
        tried += len(places)
        holder, entry = _at(found, at[:-1]), _at(found, at)
        owner = _owner(at, entry)
        new = None
        may_go = owner and tried <= _MOST_MENDED and all(_may_go(place, owner) for place in places)
        if owner and may_go and entry is not None:
            steps = [place[len(at) :] for place in places]
            new = _changed(entry, steps, owner, as_example=as_example)
        if holder is None or new is None:
            left += places
        else:
            holder[at[-1]] = new
    return found, left


def _owner(at: Location, entry: Mapping[str, Any] | None) -> type[BaseModel] | None:
    """The class of the entry, or of the map that a stack has once."""
    key = str(at[0])
    if key in _KINDS:
        return _KINDS[key].get(str((entry or {}).get("kind")))
    return _ENTRIES.get(key) or _ALONE.get(key)


def _may_go(place: Location, owner: type[BaseModel]) -> bool:
    """Whether the place is of a field: what an unknown key of a model or job means is not known."""
    if place[0] in _ALONE:
        return len(place) > 1
    return len(place) > 2 and (place[0] in _PLACES or place[2] in owner.model_fields)


def _at(value: Any, steps: Iterable[str | int]) -> dict[Any, Any] | None:
    """The map there; None if there is none."""
    for step in steps:
        value = cast("dict[Any, Any]", value).get(step) if isinstance(value, dict) else None
    return cast("dict[Any, Any]", value) if isinstance(value, dict) else None


def _changed(
    entry: dict[Any, Any], places: list[Location], owner: type[BaseModel], *, as_example: bool
) -> dict[Any, Any] | None:
    """The entry without the smallest parts at the places that it can be without; else None.

    Whole fields have the example of the field where one is asked for. A number that must be written
    is the greatest or the least that it may be.
    """
    filling = _filling(owner, as_example=as_example)
    for up in range(max(map(len, places))):
        trial = deepcopy(entry)
        for steps in places:
            *above, last = steps[: max(1, len(steps) - up)]
            holder = _at(trial, above)
            if holder is not None:
                holder.pop(last, None)
                if not above and last in filling:
                    holder[last] = filling[str(last)]
        is_served = owner is not ModelEntry or {"image", "serve"} & trial.keys()
        try:
            owner.model_validate_json(json.dumps(trial))
        except ValidationError:
            continue
        return trial if is_served else None
    return None


@cache
def _filling(owner: type[BaseModel], *, as_example: bool) -> Mapping[str, Any]:
    """What stands for a wrong value, for each field that then has one."""
    schema = owner.model_json_schema()
    required = schema.get("required", ())
    found: dict[str, Any] = {}
    for name, said in schema["properties"].items():
        if name in required:
            bound = "minimum" if as_example else "maximum"
            values = [said[bound]] if {"minimum", "maximum"} <= said.keys() else []
        else:
            values = _others(said) if as_example else []
        if values:
            found[name] = values[0]
    return found


def _others(said: Mapping[str, Any]) -> list[Any]:
    """Values of a field beside its default: an example, a word, the least number."""
    parts: list[Mapping[str, Any]] = [said, *said.get("anyOf", ())]
    words = [word for part in parts for word in part.get("enum", ())]
    known = [
        *(example for part in parts for example in part.get("examples", ())),
        *(part["minimum"] for part in parts if "minimum" in part),
        *((False, True) if said.get("type") == "boolean" else words),
    ]
    return [value for value in known if value != said.get("default")]


def _entries(
    values: Mapping[str, Any], key: str, keys: Collection[object], gone: Collection[object]
) -> dict[str, dict[str, Any]]:
    """The entries of a map that have the right shape."""
    members = values.get(key)
    if key in keys or not isinstance(members, dict):
        return {}
    found = cast(dict[str, dict[str, Any]], members)
    return {name: entry for name, entry in found.items() if (key, name) not in gone}


class _Every(Container[object]):
    """The names of a map that cannot be read: any may have been among them."""

    def __contains__(self, name: object) -> bool:
        return True


def _lost(
    values: Mapping[str, Any], entries: Mapping[str, Mapping[str, object]], key: str
) -> Container[object]:
    """The names of the stack file's entries that are no longer there."""
    members = values.get(key, {})
    if not isinstance(members, dict):
        return _Every()
    return frozenset(name for name in cast(Iterable[str], members) if name not in entries[key])


def _without_likes(
    values: Mapping[str, Any], entries: Mapping[str, dict[str, dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """The shapes that are like none that is no longer there, directly or by others."""
    kept, lost = entries["shapes"], _lost(values, entries, "shapes")
    while further := {name for name, entry in kept.items() if entry.get("like") in lost}:
        kept, lost = {n: entry for n, entry in kept.items() if n not in further}, further
    return kept


def _without_regions(value: Any, lost: Container[object]) -> Any:
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


def _without_models(traffic: Mapping[str, Any], lost: Container[object]) -> dict[str, Any]:
    """The traffic without the keys of these models, and the names under which they answer."""
    pruned = dict(traffic)
    if "authentication" in pruned:
        asked = pruned["authentication"]
        keys = {key: _less(value, lost) for key, value in asked.items() if key == "api_key"}
        pruned["authentication"] = {**asked, **keys}
    if "weights" in pruned:
        shared = pruned["weights"].items()
        pruned["weights"] = {n: among for n, among in shared if not any(m in lost for m in among)}
    return pruned


def _less(value: Any, lost: Container[object]) -> Any:
    if isinstance(value, dict):
        return {k: v for k, v in cast(dict[str, Any], value).items() if k not in lost}
    if isinstance(value, list):
        return [item for item in cast(list[Any], value) if item not in lost]
    return value


def _refers(entry: Mapping[str, Any], lost: Mapping[str, Container[object]]) -> bool:
    """Whether a model or job names a pool, a volume or a shape that is lost."""
    serve = cast(dict[str, Any], entry.get("serve") or {})
    named = [
        *(("capacity", name) for name in (*_pools_of(entry), serve.get("compile_on"))),
        *(("volumes", name) for name in (*_volumes_of(entry), serve.get("cache"))),
        ("shapes", serve.get("model")),
    ]
    return any(name is not None and name in lost[key] for key, name in named)


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
