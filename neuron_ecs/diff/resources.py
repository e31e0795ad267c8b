"""What an update would do to each resource: compares two recorded graphs.

Resources are told apart by URN, aliases included. A made-up name or identifier carries the URN, so
it differs only where the resource does; where an alias keeps a resource, its old names stand.
What the catalog's table does not say about a property is said to be unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from catalog import Catalog
from neuron_ecs.diff.structure import (
    ABSENT,
    Path,
    ValueChange,
    applied,
    at,
    decoded,
    differences,
    dotted,
)
from neuron_ecs.recording.graph import child_urn, stack_urn
from neuron_ecs.recording.placeholders import marks
from planning.document import Json

Action = Literal["create", "update", "replace", "delete", "engine_only"]
Effect = Literal["replace", "update", "unknown", "ignored", "engine_only"]

ACTIONS: tuple[Action, ...] = ("create", "update", "replace", "delete", "engine_only")

_OWN = ("inputs", "options", "parent", "provider", "dependencies", "propertyDependencies")
"""What makes a resource, besides what its URN says."""

_MOVING_OUTPUTS: Mapping[str, Mapping[str, str]] = {
    "aws:ec2/launchTemplate:LaunchTemplate": {"launchTemplate": "version"},
}
"""Types with an output that a mere update changes: the property that takes it, and where in it."""


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """A property before and after, and what its change does to the resource.

    `follows` is the URN of the resource whose replacement, or new version, changes the property:
    its value is known only after the update, and stands unchanged in `before` and `after`.
    """

    path: Path
    before: Json
    after: Json
    effect: Effect
    source: str = ""
    follows: str = ""

    @property
    def name(self) -> str:
        """The path without the word that says where in the resource it stands."""
        return dotted(self.path[1:] if self.path[0] == "inputs" else self.path)


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that is not the same on both sides.

    `before` and `after` are the whole resource as structure, for what is deleted and created.
    """

    action: Action
    urn: str
    base_urn: str
    type: str
    name: str
    region: str
    properties: tuple[PropertyChange, ...] = ()
    before: Json = None
    after: Json = None

    @property
    def component(self) -> bool:
        """Whether it only groups resources: AWS never sees it."""
        return is_component(self.type)

    @property
    def renamed(self) -> bool:
        """Whether an alias carries the resource over from another URN."""
        return self.action not in {"create", "delete"} and self.urn != self.base_urn


def is_component(type_: str) -> bool:
    """Whether a type token is that of a component."""
    return not type_.startswith(("aws:", "pulumi:providers:"))


def compare(
    base: Sequence[Json], head: Sequence[Json], catalog: Catalog, *, project: str, stack: str
) -> tuple[ResourceChange, ...]:
    """The changes, in the order of the URNs; resources are those of the preview's JSON."""
    return _Comparison(base, head, catalog, stack_urn(project, stack), project, stack).changes()


def whole(resource: Mapping[str, Json]) -> dict[str, Json]:
    """The resource as structure, without its URN, type and name."""
    kept = {key: resource[key] for key in _OWN}
    kept["inputs"] = {key: decoded(value, key) for key, value in kept["inputs"].items()}
    return kept


def apply(base: Sequence[Json], changes: Sequence[ResourceChange]) -> dict[str, Json]:
    """The resources by URN, as structure, that the changes make of the base's."""
    found: dict[str, Json] = {resource["urn"]: whole(resource) for resource in base}
    for change in changes:
        if change.action == "delete":
            del found[change.urn]
        elif change.action != "create":
            kept = found.pop(change.base_urn)
            direct = [
                ValueChange(p.path, p.before, p.after) for p in change.properties if not p.follows
            ]
            found[change.urn] = applied(kept, direct)
    for change in changes:
        if change.action == "create":
            found[change.urn] = change.after
    return found


class _Comparison:
    def __init__(
        self,
        base: Sequence[Json],
        head: Sequence[Json],
        catalog: Catalog,
        root: str,
        project: str,
        stack: str,
    ) -> None:
        self.base: dict[str, Json] = {r["urn"]: r for r in base}
        self.head: dict[str, Json] = {r["urn"]: r for r in head}
        self.catalog = catalog
        self.root, self.project, self.stack = root, project, stack
        self.origins: dict[str, str] = {}
        for urn in self.head:
            self.origin(urn)
        self.base_of = {urn: old for urn, old in self.origins.items() if old in self.base}
        self.renamed = {new: old for new, old in self.base_of.items() if new != old}

    def changes(self) -> tuple[ResourceChange, ...]:
        kept = set(self.base_of.values())
        direct = {
            urn: list(self.properties(urn, old))
            for urn, old in self.base_of.items()
            if urn != old or not _equal(self.base[old], self.head[urn])
        }
        self.follow(direct)
        found = [
            _change(_action(properties), self.head[urn], self.base_of[urn], tuple(properties))
            for urn, properties in direct.items()
            if properties or urn in self.renamed
        ]
        found += [
            _change("create", self.head[urn], urn, after=whole(self.head[urn]))
            for urn in self.head.keys() - self.base_of.keys()
        ]
        found += [
            _change("delete", self.base[urn], urn, before=whole(self.base[urn]))
            for urn in self.base.keys() - kept
        ]
        return tuple(sorted(found, key=lambda c: (c.urn, c.action)))

    # -- aliases -------------------------------------------------------------------------------

    def origin(self, urn: str) -> str:
        """The URN in the base of the resource that the engine would take for this one."""
        known = self.origins.get(urn)
        if known is not None:
            return known
        self.origins[urn] = urn  # aliases that lead in a circle end here
        resource = self.head[urn]
        if urn not in self.base:
            for candidate in self.candidates(resource):
                if candidate in self.base and candidate not in self.head:
                    self.origins[urn] = candidate
                    break
        return self.origins[urn]

    def candidates(self, resource: Mapping[str, Json]) -> Iterator[str]:
        parent = resource["parent"]
        parents = [self.origin(parent)] if parent in self.head else []
        for alias in resource["options"].get("aliases", []):
            if isinstance(alias, str):
                yield alias
                continue
            spec = cast("Mapping[str, Json]", alias)
            above: str = self.root if spec.get("noParent") else spec.get("parentUrn") or parent
            for one in (above, *(parents if above == parent and parents != [parent] else [])):
                yield self.urn(resource, one, spec)
        for one in parents:
            if one != parent:
                yield self.urn(resource, one, {})

    def urn(self, resource: Mapping[str, Json], parent: str, spec: Mapping[str, Json]) -> str:
        return child_urn(
            project=spec.get("project") or self.project,
            stack=spec.get("stack") or self.stack,
            parent=parent,
            type_=spec.get("type") or resource["type"],
            name=spec.get("name") or resource["name"],
        )

    # -- properties ----------------------------------------------------------------------------

    def properties(self, urn: str, old: str) -> Iterator[PropertyChange]:
        before, after = whole(self.base[old]), self.as_before(whole(self.head[urn]))
        type_ = self.head[urn]["type"]
        options = self.head[urn]["options"]
        for found in differences(before, after):
            effect, source = self.effect(type_, found, options)
            yield PropertyChange(found.path, found.before, found.after, effect, source)

    def as_before(self, resource: dict[str, Json]) -> dict[str, Json]:
        """The resource with the names that renamed resources keep, if it refers to any."""
        used = {u for urns in resource["propertyDependencies"].values() for u in urns}
        used |= {*resource["dependencies"], resource["parent"]}
        words: dict[str, str] = {}
        for new in used & self.renamed.keys():
            old, now = self.base[self.renamed[new]], self.head[new]
            of_old, of_new = (marks(r["urn"], r["name"]) for r in (old, now))
            words |= dict(zip(of_new, of_old, strict=True))
        if not words:
            return resource
        pattern = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
        return _replaced(resource, pattern, words)

    def effect(
        self, type_: str, found: ValueChange, options: Mapping[str, Json]
    ) -> tuple[Effect, str]:
        if found.path[0] != "inputs" or is_component(type_):
            return "engine_only", ""
        path = found.path[1:]
        if any(_covers(ignored, path) for ignored in options.get("ignore_changes", [])):
            return "ignored", ""
        if any(_covers(named, path) for named in options.get("replace_on_changes", [])):
            return "replace", ""
        return self.by_table(type_, path, found.before, found.after)

    def by_table(self, type_: str, path: Path, before: Json, after: Json) -> tuple[Effect, str]:
        """What the table says of the longest path that it has; parts below count as well."""
        rows = self.catalog.resources.replacements(type_)
        for name, row in rows.items():
            below = tuple(name.split("."))
            if row.replaces == "always" and below[: len(path)] == path and below != path:
                rest = below[len(path) :]
                if at(before, rest) != at(after, rest):
                    return "replace", row.source
        plain = tuple(part for part in path if not part.isdecimal())
        for length in range(len(plain), 0, -1):
            row = rows.get(".".join(plain[:length]))
            if row is None:
                continue
            if row.replaces == "added_or_removed":
                gone = length == len(plain) and (before is ABSENT or after is ABSENT)
                return ("replace" if gone else "update"), row.source
            return ("replace" if row.replaces == "always" else "update"), row.source
        return "unknown", ""

    # -- what follows ----------------------------------------------------------------------------

    def follow(self, direct: dict[str, list[PropertyChange]]) -> None:
        """Adds what changes because what it refers to is replaced or has a new version."""
        users: dict[str, list[tuple[str, str]]] = {}
        for urn in self.base_of:
            for name, urns in self.head[urn]["propertyDependencies"].items():
                for used in urns:
                    users.setdefault(used, []).append((urn, name))
        queue = [urn for urn, found in direct.items() if _action(found) in {"replace", "update"}]
        while queue:
            cause = queue.pop()
            replaced = _action(direct[cause]) == "replace"
            moving = _MOVING_OUTPUTS.get(self.head[cause]["type"], {})
            if is_component(self.head[cause]["type"]):
                continue
            for urn, name in users.get(cause, ()):
                if not replaced and name not in moving:
                    continue
                changes = direct.setdefault(urn, [])
                was = _action(changes)
                path = ("inputs", name) if replaced else ("inputs", name, moving[name])
                if any(p.path[:2] == path[:2] and (p.follows or p.path == path) for p in changes):
                    continue
                changes.append(self.followed(urn, path, cause))
                if _action(changes) != was:
                    queue.append(urn)

    def followed(self, urn: str, path: Path, cause: str) -> PropertyChange:
        resource = self.head[urn]
        value = at(whole(resource), path)
        effect, source = self.effect(
            resource["type"], ValueChange(path, value, value), resource["options"]
        )
        rows = self.catalog.resources.replacements(resource["type"])
        for name, row in rows.items():
            below = tuple(name.split("."))
            if row.replaces == "always" and below[0] == path[1] and len(below) > 1:
                if self.head[cause]["name"] in str(at(value, below[1:])):
                    effect, source = "replace", row.source
        return PropertyChange(path, value, value, effect, source, cause)


def _equal(base: Mapping[str, Json], head: Mapping[str, Json]) -> bool:
    return all(base[key] == head[key] for key in _OWN)


def _replaced(value: Json, pattern: re.Pattern[str], words: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return pattern.sub(lambda found: words[found[0]], value)
    if isinstance(value, dict):
        members = cast("dict[str, Json]", value)
        return {k: _replaced(v, pattern, words) for k, v in members.items()}
    if isinstance(value, list):
        return [_replaced(item, pattern, words) for item in cast("list[Json]", value)]
    return value


def _covers(named: str, path: Path) -> bool:
    parts = tuple(re.split(r"[.\[\]]+", named.rstrip("]")))
    return named == "*" or path[: len(parts)] == parts


def _action(properties: Sequence[PropertyChange]) -> Action:
    effects = {p.effect for p in properties}
    if "replace" in effects:
        return "replace"
    return "update" if effects & {"update", "unknown"} else "engine_only"


def _change(
    action: Action,
    resource: Mapping[str, Json],
    base_urn: str,
    properties: tuple[PropertyChange, ...] = (),
    *,
    before: Json = None,
    after: Json = None,
) -> ResourceChange:
    region = resource["inputs"].get("region")
    return ResourceChange(
        action=action,
        urn=resource["urn"],
        base_urn=base_urn,
        type=resource["type"],
        name=resource["name"],
        region=region if isinstance(region, str) else "",
        properties=tuple(sorted(properties, key=lambda p: (p.path, p.follows))),
        before=before,
        after=after,
    )
