"""What happens to each model and job: what changes, who moves though nobody touched it, and the
device ids that would keep it where it is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from neuron_ecs.diff.plans import Devices, Job, Model, Plan, Pool, Service
from neuron_ecs.terminal import spans
from planning.document import Json

Kind = Literal[
    "added",
    "removed",
    "moved",
    "resized",
    "new image",
    "devices moved",
    "changed",
]


_SIZES = ("cpu", "memory")
_TOLD_APART = frozenset({"image", *_SIZES})


@dataclass(frozen=True, slots=True)
class ModelChange:
    """A model in a Region that is not the same on both sides."""

    region: str
    name: str
    kinds: tuple[Kind, ...]
    told: tuple[str, ...]  # what changes, in words, one for each
    touched: bool  # whether its entry, its pool's or its Region's in the stack file changed
    before: Model | None
    after: Model | None
    is_job: bool = False


def devices_text(spots: Sequence[Devices]) -> str:
    """`0-3 and 4-7`, `all`, or `none`: devices of services."""
    told = ["all" if spot == "all" else spans(spot) for spot in spots if spot]
    return " and ".join(told) or "none"


def model_changes(
    base: Plan, head: Plan, before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> tuple[ModelChange, ...]:
    """The models that changed, by name and Region; the texts are those of the stack files."""
    touched = Touched(before, after)
    found: list[ModelChange] = []
    for key in sorted(base.models.keys() | head.models.keys(), key=lambda k: (k[1], k[0])):
        old, new = base.models.get(key), head.models.get(key)
        told = list(_told(old, new, base, head))
        if told:
            pools = {(key[0], m.pool) for m in (old, new) if m}
            found.append(
                ModelChange(
                    region=key[0],
                    name=key[1],
                    kinds=tuple(dict.fromkeys(kind for kind, _ in told)),
                    told=tuple(words for _, words in told if words),
                    touched=touched.model(key[1], key[0])
                    or any(_pool_touched(base.pools.get(p), head.pools.get(p)) for p in pools),
                    before=old,
                    after=new,
                )
            )
    return tuple(found)


def _told(
    old: Model | None, new: Model | None, base: Plan, head: Plan
) -> Iterator[tuple[Kind, str]]:
    if old is None and new is not None:
        others = {r for r, n in base.models if n == new.name}
        left = others - {r for r, n in head.models if n == new.name}
        if left:
            yield "moved", f"comes from {', '.join(sorted(left))}"
        else:
            yield "added", "also here" if others else ""
        return
    if new is None:
        assert old is not None
        here = {r for r, n in head.models if n == old.name}
        come = here - {r for r, n in base.models if n == old.name}
        if come:
            yield "moved", f"goes to {', '.join(sorted(come))}"
        else:
            yield "removed", "stays elsewhere" if here else ""
        return
    assert old is not None
    yield from _changed(old, new)


def _changed(old: Model, new: Model) -> Iterator[tuple[Kind, str]]:
    where = ({s.pool for s in old.services}, {s.pool for s in new.services})
    if old.pool != new.pool:
        yield "moved", f"pool {old.pool} → {new.pool}"
    elif where[0] != where[1]:
        yield "moved", f"pool {old.pool} changes its type or purchase"
    if (old.least, old.most) != (new.least, new.most):
        yield "resized", f"replicas {_span(old)} → {_span(new)}"
    if old.devices_each != new.devices_each:
        yield "resized", f"{old.devices_each} → {new.devices_each} devices each"
    if old.images != new.images:
        yield "new image", f"{' '.join(old.images)} → {' '.join(new.images)}"
    if old.spots != new.spots:
        grown = old.devices_each != new.devices_each or set(old.spots) <= set(new.spots)
        shrunk = set(new.spots) <= set(old.spots)
        kind: Kind = "resized" if grown or shrunk or old.pool != new.pool else "devices moved"
        yield kind, f"devices {devices_text(old.spots)} → {devices_text(new.spots)}"
    rest = sorted(_rest(old, new))
    if rest:
        yield "changed", ", ".join(rest)


def _span(model: Model) -> str:
    return str(model.least) if model.least == model.most else f"{model.least} to {model.most}"


def _rest(old: Model, new: Model) -> set[str]:
    """What else of a task or of the service differs, by its AWS name."""
    found: set[str] = set()
    if old.network_mode != new.network_mode:
        found.add("network mode")
    if old.path != new.path:
        found.add("path")
    after = {s.devices: s for s in new.services}
    for service in old.services:
        other = after.get(service.devices)
        if other is None:
            continue
        for key in _SIZES:
            if service.task.get(key) != other.task.get(key):
                found.add(f"{key} {service.task.get(key)} → {other.task.get(key)}")
        found |= containers_differ(service.task, other.task)
        for key, words in (("task_role", "task role"), ("execution_role", "execution role")):
            if service.task.get(key) != other.task.get(key):
                found.add(words)
        if service.grace_seconds != other.grace_seconds:
            found.add(f"grace {service.grace_seconds} → {other.grace_seconds} s")
        if (service.minimum_percent, service.maximum_percent) != (
            other.minimum_percent,
            other.maximum_percent,
        ):
            found.add(f"rollout {_percent(service)} → {_percent(other)}")
    if old.health_interval_seconds != new.health_interval_seconds:
        found.add("health check")
    return found


def _percent(service: Service) -> str:
    """`100 to 200 %`: of the tasks, how many stay healthy and how many may run."""
    return f"{service.minimum_percent} to {service.maximum_percent} %"


def _containers(task: Mapping[str, Json]) -> list[dict[str, Json]]:
    return json.loads(task["container_definitions"])


def containers_differ(old: Mapping[str, Json], new: Mapping[str, Json]) -> set[str]:
    """The keys of the containers that differ, the image apart; a sidecar under its name."""
    before, after = ({c["name"]: c for c in _containers(t)} for t in (old, new))
    found = {f"container {name}" for name in before.keys() ^ after.keys()}
    for name in before.keys() & after.keys():
        keys = before[name].keys() | after[name].keys()
        found |= {
            key
            for key in keys
            if key not in {"image", "cpu", "memory"}
            and before[name].get(key) != after[name].get(key)
        }
    return found


def job_changes(base: Plan, head: Plan) -> tuple[ModelChange, ...]:
    """The jobs that changed; none of them interrupts a run that has begun."""
    found: list[ModelChange] = []
    for key in sorted(base.jobs.keys() | head.jobs.keys(), key=lambda k: (k[1], k[0])):
        old, new = base.jobs.get(key), head.jobs.get(key)
        told = list(_job_told(old, new))
        if told:
            kinds: tuple[Kind, ...] = tuple(dict.fromkeys(kind for kind, _ in told))
            words = tuple(words for _, words in told if words)
            found.append(ModelChange(key[0], key[1], kinds, words, True, None, None, is_job=True))
    return tuple(found)


def _job_told(old: Job | None, new: Job | None) -> Iterator[tuple[Kind, str]]:
    if old is None or new is None:
        yield ("added" if old is None else "removed"), ""
        return
    if old.pool != new.pool:
        yield "moved", f"pool {old.pool} → {new.pool}"
    if old.image != new.image:
        yield "new image", f"{old.image} → {new.image}"
    if old.devices != new.devices:
        yield (
            "devices moved",
            f"devices {devices_text([old.devices])} → {devices_text([new.devices])}",
        )
    if old.schedule != new.schedule:
        yield "changed", f"schedule {old.schedule or 'none'} → {new.schedule or 'none'}"
    rest = containers_differ(old.task, new.task)
    rest |= {k for k in (*_SIZES, "network_mode") if old.task.get(k) != new.task.get(k)}
    if rest:
        yield "changed", ", ".join(sorted(rest))


# ---- what the stack file itself changes --------------------------------------------------------


class Touched:
    """Whose entry in the stack file changed."""

    def __init__(self, before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> None:
        self.before, self.after = _entries(before), _entries(after)
        self.known = before is not None and after is not None

    def model(self, name: str, region: str) -> bool:
        """Whether what the entries of the model and of the Region say of this Region changed."""
        olds, news = (
            (_here(side.get(("models", name)), region), side.get(("regions", region)))
            for side in (self.before, self.after)
        )
        return not self.known or olds != news

    def entry(self, key: str, name: str) -> bool:
        return self.before.get((key, name)) != self.after.get((key, name))


def _here(entry: Json, region: str) -> Json:
    """What a model's entry says of one Region: another one may come or go beside it."""
    if not isinstance(entry, dict):
        return entry
    told = dict(cast("dict[str, Json]", entry))
    where = told.pop("regions", None)
    if isinstance(where, dict):
        return told, cast("dict[str, Json]", where).get(region)
    return told, {} if where is None or region in where else None


def _pool_touched(old: Pool | None, new: Pool | None) -> bool:
    """Whether a pool is another in this Region, its layout and its size apart."""
    if old is None or new is None:
        return old is not new
    return (old.key, old.max_size, old.retired, old.instances) != (
        new.key,
        new.max_size,
        new.retired,
        new.instances,
    )


def _entries(config: Mapping[str, str] | None) -> dict[tuple[str, str], Json]:
    found: dict[tuple[str, str], Json] = {}
    for full, text in (config or {}).items():
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            continue
        if isinstance(value, dict):
            members = cast("dict[str, Json]", value)
            found |= {(full.rpartition(":")[2], name): entry for name, entry in members.items()}
    return found


# ---- holding what would move -------------------------------------------------------------------


def disturbed(changes: Sequence[ModelChange]) -> tuple[ModelChange, ...]:
    """Running models whose devices move although nobody touched them."""
    return tuple(
        c for c in changes if not c.touched and c.before and c.after and _gone(c.before, c.after)
    )


def _gone(before: Model, after: Model) -> bool:
    """Whether a service that may run tasks goes, or goes on with other devices."""
    kept = {s.key: s.devices for s in after.services}
    return any(kept.get(s.key) != s.devices and s.most for s in before.services)
