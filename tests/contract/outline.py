"""A plan and a graph as an outline that people read: by Region and component, one property a line.

A Region that repeats an earlier one shows only what differs. Made-up digests are left out; names,
ids and ARNs stay.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from neuron_ecs.recording.graph import Recording, Resource, children_of, short_type
from neuron_ecs.recording.placeholders import marks
from planning import Plan
from planning.document import Json, document

Path = tuple[str, ...]
Section = dict[Path, str]
"""Values by their path. A heading is a path whose value is empty."""

_WIDTH = 92
_ABSENT = "(absent)"
_JSON_TEXTS = {"containerDefinitions", "policy", "assumeRolePolicy"}


@dataclass(frozen=True)
class Place:
    """A Region, and how its names contain it."""

    region: str
    short: str

    def general(self, text: str) -> str:
        """The text with the Region's names replaced, so that two Regions compare."""
        text = text.replace(self.region, "{region}")
        return re.sub(rf"(?<![a-z0-9]){self.short}(?![a-z0-9])", "{short}", text)

    def own(self, text: str) -> str:
        """The reverse of `general`."""
        return text.replace("{region}", self.region).replace("{short}", self.short)


def outline(sections: Mapping[Place | None, Section]) -> str:
    """The text: what belongs to no Region first."""
    blocks: list[str] = []
    earlier: dict[str, Section] = {}
    for place, section in sections.items():
        if place is None:
            blocks.append("\n".join(_lines(section)))
            continue
        general = {
            tuple(place.general(part) for part in path): place.general(value)
            for path, value in section.items()
        }
        likest = max(earlier, key=lambda name: _same(earlier[name], general), default="")
        title = place.region
        if likest and 2 * _same(earlier[likest], general) >= len(general):
            section = {
                tuple(place.own(part) for part in path): place.own(value)
                for path, value in _changes(earlier[likest], general).items()
            }
            title += f": as {likest}" + (", but for" if section else "")
        else:
            earlier[place.region] = general
        blocks.append("\n".join([title, *(f"  {line}" for line in _lines(section))]))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _same(one: Section, other: Section) -> int:
    return len(one.items() & other.items())


def _changes(before: Section, after: Section) -> Section:
    """What differs; of something that is absent, the heading alone."""
    changed = {path: value for path, value in after.items() if before.get(path) != value}
    there = {path[:size] for path in after for size in range(1, len(path) + 1)}
    for path in before:
        gone = next((path[:n] for n in range(1, len(path) + 1) if path[:n] not in there), None)
        if gone:
            changed[gone] = _ABSENT
    return dict(sorted(changed.items()))


def _lines(section: Section) -> Iterator[str]:
    shown: Path = ()
    for path, value in section.items():
        common = 0
        while common < min(len(shown), len(path) - 1) and shown[common] == path[common]:
            common += 1
        for depth in range(common, len(path) - 1):
            yield f"{'  ' * depth}{path[depth]}"
        yield f"{'  ' * (len(path) - 1)}{path[-1]}" + (f": {value}" if value else "")
        shown = path


def values(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """Each property with its path; a short list is one value."""
    if isinstance(value, Mapping) and value:
        for key, item in sorted(cast("Mapping[str, Json]", value).items()):
            yield from values(_decoded(key, item), (*path, key))
    elif isinstance(value, list) and value:
        items = cast("list[Json]", value)
        line = _one_line(items)
        if len(line) <= _WIDTH and not any(isinstance(item, Mapping | list) for item in items):
            yield path, line
            return
        for name, item in zip(_names(items), items, strict=True):
            line = _one_line(item)
            if len(line) <= _WIDTH and _is_flat(item):
                yield (*path, name), line
            else:
                yield from values(item, (*path, name))
    elif isinstance(value, str) and "\n" in value:
        for number, line in enumerate(value.rstrip("\n").split("\n"), 1):
            yield (*path, f"{number:>3}| {line}"), ""
    else:
        yield path, _one_line(value)


def _decoded(key: str, value: Json) -> Json:
    if key in _JSON_TEXTS and isinstance(value, str):
        return json.loads(value)
    if key == "userData" and isinstance(value, str):
        return base64.b64decode(value).decode()
    return value


def _one_line(value: Json) -> str:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Json]", value).items()
        return "{" + ", ".join(f"{key}: {_one_line(item)}" for key, item in sorted(items)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_one_line(item) for item in cast("list[Json]", value)) + "]"
    # A text that reads like a number, or has something to hide at its ends, keeps its quotes.
    plain = isinstance(value, str) and re.fullmatch(r"(?!true$|false$|null$)[^\s\d\"].*\S|", value)
    return value if plain and value else json.dumps(value, ensure_ascii=False)


def _is_flat(value: Json) -> bool:
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, Json]", value)
        return len(inner) <= 3 and not any(isinstance(item, Mapping) for item in inner.values())
    return not isinstance(value, list)


def _names(items: Sequence[Json]) -> list[str]:
    """What tells the items of a list apart: their names, or their places."""
    empty: Mapping[str, Json] = {}
    maps = [cast("Mapping[str, Json]", i) if isinstance(i, Mapping) else empty for i in items]
    for key in ("key", "name", "workload", "family"):
        names: list[Json] = [item.get(key) for item in maps]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return [f"- {name}" for name in names]
    return [f"- {place}" for place in range(1, len(items) + 1)]


# ---- a plan --------------------------------------------------------------------------------


def of_plan(plan: Plan) -> str:
    """Everything that was decided, but for the container definitions: the graph has them.

    Of a finding its code and path are pinned, not its prose.
    """
    data = json.loads(json.dumps(document(plan)))
    data["findings"] = [
        {key: finding[key] for key in ("code", "path", "severity")} for finding in data["findings"]
    ]
    regions: list[dict[str, Json]] = data.pop("regions")
    sections: dict[Place | None, Section] = {None: dict(values(data, ()))}
    for region, planned in zip(regions, plan.regions, strict=True):
        place = Place(planned.name, planned.short)
        sections[place] = dict(values(_without_containers(region), ()))
    return outline(sections)


def _without_containers(value: Json) -> Json:
    if isinstance(value, dict):
        items = cast("dict[str, Json]", value).items()
        return {
            key: _without_containers(item) for key, item in items if key != "container_definitions"
        }
    if isinstance(value, list):
        return [_without_containers(item) for item in cast("list[Json]", value)]
    return value


# ---- a graph -------------------------------------------------------------------------------


def of_graph(recording: Recording, plan: Plan) -> str:
    """Every input and option of every resource; `waits for` is what no property names."""
    shown = _Graph(recording, dict(plan.tags))
    places = {region.name: Place(region.name, region.short) for region in plan.regions}
    sections: dict[Place | None, Section] = {None: {}}
    for top in shown.children(recording.stack_urn):
        place = places.get(top.name) if short_type(top.type) == "components.Region" else None
        path = () if place else (f"{short_type(top.type)} {top.name}",)
        section = sections.setdefault(place, {})
        section.update(shown.resource(top, path, place.region if place else ""))
    sections[None] |= dict(shown.readable(values(dict(recording.outputs), ("outputs",))))
    return outline(sections)


class _Graph:
    """The resources of a recording, without the digests that the recorder makes up."""

    def __init__(self, recording: Recording, tags: Mapping[str, str]) -> None:
        self._tags = tags
        self._children = children_of(recording.resources)
        self._by_urn = {resource.urn: resource for resource in recording.resources}
        self._waits = {r.urn: {*r.dependencies, r.parent} for r in recording.resources}
        made_up: dict[str, str] = {}
        for resource in recording.resources:
            name, _, digest, _ = marks(resource.urn, resource.name)
            made_up |= {name: f"{resource.name}-*", digest: "*"}
        self._made_up = made_up
        self._pattern = re.compile(r"[\w.-]+-[0-9a-f]{7}\b|(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")

    def children(self, urn: str) -> list[Resource]:
        """The resources below one, by type and name."""
        return sorted(self._children.get(urn, ()), key=lambda r: (short_type(r.type), r.name))

    def resource(self, resource: Resource, path: Path, region: str) -> Iterator[tuple[Path, str]]:
        """A resource and all below it; its Region shows only where it is not the section's."""
        if path:
            yield path, ""
        inputs = dict(resource.inputs)
        if resource.custom and inputs.get("region", "") == region:
            inputs.pop("region", None)
        elif resource.custom:
            inputs.setdefault("region", _ABSENT)
        if isinstance(inputs.get("tags"), dict) and self._tags.items() <= inputs["tags"].items():
            own = inputs["tags"].items() - self._tags.items()
            inputs["tags"] = f"{_one_line(dict(own))} and the stack's"
        properties = inputs | dict(resource.options)
        if properties:
            yield from self.readable(values(properties, path))
        for urn in sorted(self._stated(resource)):
            known = self._by_urn[urn]
            yield (*path, "waits for", f"{short_type(known.type)} {known.name}"), ""
        for child in self.children(resource.urn):
            yield from self.resource(
                child, (*path, f"{short_type(child.type)} {child.name}"), region
            )

    def _stated(self, resource: Resource) -> set[str]:
        """Dependencies that neither a property nor another dependency brings along."""
        named = {urn for urns in resource.property_dependencies.values() for urn in urns}
        direct = {urn for urn in resource.dependencies if self._by_urn[urn].custom}
        brought = {urn for other in direct for urn in self._before(other) if urn != other}
        return direct - named - brought

    def _before(self, urn: str) -> set[str]:
        seen: set[str] = set()
        waiting = [urn]
        while waiting:
            for next_urn in self._waits.get(waiting.pop(), set()) - seen:
                seen.add(next_urn)
                waiting.append(next_urn)
        return seen

    def readable(self, entries: Iterator[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
        """The entries without what is made up."""
        for path, value in entries:
            yield tuple(self._without_digests(part) for part in path), self._without_digests(value)

    def _without_digests(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._made_up.get(found[0], found[0]), text)
