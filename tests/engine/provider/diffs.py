"""What a change costs: nothing, an update in place, or a replacement.

Source: the ForceNew and RequiresReplace marks of terraform-provider-aws (the table in ``rows``) and
pulumi-terraform-bridge (delete before replace when a name was given, not made up).
"""

import json
from dataclasses import dataclass

from tests.engine.provider.rows import KINDS, Kind
from tests.engine.provider.wire import DEFAULTS, UNKNOWN, Json, Props, has_unknown, reach


@dataclass(frozen=True)
class Change:
    """The difference between two sets of inputs."""

    changed: tuple[str, ...]
    replaces: tuple[str, ...]
    delete_first: bool


# What ECS fills in, or drops, when it stores a container definition; the provider ignores these
# differences (terraform-provider-aws container_definitions.go, `reduce`).
_EMPTY_LISTS_DROP = (
    "environment",
    "environmentFiles",
    "mountPoints",
    "portMappings",
    "secrets",
    "systemControls",
    "volumesFrom",
)


def change(token: str, olds: Props, news: Props) -> Change:
    """Compares inputs; what is unknown counts as changed."""
    kind = KINDS[token]
    keys = sorted((olds.keys() | news.keys()) - {DEFAULTS})
    changed = tuple(key for key in keys if not _same(key, olds.get(key), news.get(key)))
    replaces = tuple(key for key in changed if _replaces(kind, key, olds, news))
    defaults = news.get(DEFAULTS)
    made_up = isinstance(defaults, list) and "name" in defaults
    delete_first = bool(replaces) and kind.named is not None and "name" in news and not made_up
    return Change(changed, replaces, delete_first)


def _replaces(kind: Kind, key: str, olds: Props, news: Props) -> bool:
    if kind.regional and key == "region":
        return True
    if kind.in_place is not None:
        return key not in kind.in_place
    if key in kind.comes_or_goes and (olds.get(key) is None) != (news.get(key) is None):
        return True
    for path in kind.fixed:
        if path == key:
            return True
        head, _, rest = path.partition(".")
        if head == key:
            if (olds.get(head) is None) != (news.get(head) is None):
                return True
            if news.get(head) == UNKNOWN:
                return True
            before, after = list(reach(olds.get(head), rest)), list(reach(news.get(head), rest))
            if before != after:
                return True
    return False


def _same(key: str, old: Json, new: Json) -> bool:
    if has_unknown(new):
        return False
    if key == "containerDefinitions" and isinstance(old, str) and isinstance(new, str):
        return old == new or _containers(old) == _containers(new)
    return _plain(old) == _plain(new)


def _plain(value: Json) -> Json:
    """Sets have no order, and nothing is the same as an empty list or object."""
    if isinstance(value, dict):
        kept = {key: _plain(item) for key, item in value.items() if key != DEFAULTS}
        return {key: item for key, item in kept.items() if item is not None} or None
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        if all(isinstance(item, str) for item in items):
            items = sorted(items, key=str)
        return items or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value


def _containers(text: str) -> Json:
    """Container definitions as ECS compares them: no order among containers, nothing empty."""
    decoded: Json = json.loads(text)
    if not isinstance(decoded, list):
        return decoded
    containers: list[Json] = []
    for container in decoded:
        if not isinstance(container, dict):
            containers.append(container)
            continue
        kept: Props = {key: value for key, value in container.items() if value is not None}
        for key in _EMPTY_LISTS_DROP:
            if kept.get(key) == []:
                del kept[key]
        for key in ("environment", "secrets"):
            entries = kept.get(key)
            if isinstance(entries, list):
                kept[key] = sorted(entries, key=_dumped)
        if kept.get("essential") is True:
            del kept["essential"]
        if kept.get("cpu") == 0:
            del kept["cpu"]
        containers.append(kept)
    return sorted(containers, key=_dumped)


def _dumped(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
