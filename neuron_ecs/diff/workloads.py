"""What changes of each model and job, and which models move although no entry of theirs changed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from messages.phrases import listed, low_to_high
from neuron_ecs.diff.plans import (
    Devices,
    PlanIndex,
    containers,
    device_sets,
    devices_each,
    images,
    launched_with,
    max_size,
    passing,
)
from neuron_ecs.terminal import spans
from planning.document import Json
from planning.plan import JobPlan, ModelPlan, Pool, Service, TaskDefinition

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


@dataclass(frozen=True, slots=True)
class ModelChange:
    """A model in a Region that is not the same on both sides."""

    region: str
    name: str
    kinds: tuple[Kind, ...]
    lines: tuple[str, ...]  # what changes, in words, one for each
    touched: bool  # whether its entry, its pool's or its Region's in the stack file changed
    before: ModelPlan | None
    after: ModelPlan | None
    is_job: bool = False


def devices_text(sets: Sequence[Devices]) -> str:
    """`0-3 and 4-7`, `all`, or `none`: devices of services."""
    lines = ["all" if one == "all" else spans(one) for one in sets if one]
    return " and ".join(lines) or "none"


def model_changes(
    base: PlanIndex,
    head: PlanIndex,
    before: Mapping[str, str] | None,
    after: Mapping[str, str] | None,
) -> tuple[ModelChange, ...]:
    """The models that changed, by name and Region; the texts are those of the stack files."""
    touched = Touched(before, after)
    found: list[ModelChange] = []
    for key in sorted(base.models.keys() | head.models.keys(), key=lambda k: (k[1], k[0])):
        old, new = base.models.get(key), head.models.get(key)
        lines = list(_model_lines(key[0], old, new, base, head))
        if lines:
            pools = {
                (key[0], side.pool_name(key[0], m)) for side, m in ((base, old), (head, new)) if m
            }
            found.append(
                ModelChange(
                    region=key[0],
                    name=key[1],
                    kinds=tuple(dict.fromkeys(kind for kind, _ in lines)),
                    lines=tuple(words for _, words in lines if words),
                    touched=touched.model(key[1], key[0])
                    or any(_pool_touched(base.pools.get(p), head.pools.get(p)) for p in pools),
                    before=old,
                    after=new,
                )
            )
    return tuple(found)


def _model_lines(
    region: str, old: ModelPlan | None, new: ModelPlan | None, base: PlanIndex, head: PlanIndex
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
    pools = base.pool_name(region, old), head.pool_name(region, new)
    yield from _changed(old, new, pools)


def _changed(old: ModelPlan, new: ModelPlan, pools: tuple[str, str]) -> Iterator[tuple[Kind, str]]:
    where = ({s.pool for s in old.services}, {s.pool for s in new.services})
    if pools[0] != pools[1]:
        yield "moved", f"pool {pools[0]} → {pools[1]}"
    elif where[0] != where[1]:
        yield "moved", f"pool {pools[0]} changes its type or purchase"
    if (old.replicas_min, old.replicas_max) != (new.replicas_min, new.replicas_max):
        yield "resized", f"replicas {_replicas(old)} → {_replicas(new)}"
    each = devices_each(old), devices_each(new)
    if each[0] != each[1]:
        yield "resized", f"{each[0]} → {each[1]} devices each"
    if images(old) != images(new):
        yield "new image", f"{' '.join(images(old))} → {' '.join(images(new))}"
    olds, news = device_sets(old), device_sets(new)
    if olds != news:
        grown = each[0] != each[1] or set(olds) <= set(news)
        shrunk = set(news) <= set(olds)
        kind: Kind = "resized" if grown or shrunk or pools[0] != pools[1] else "devices moved"
        yield kind, f"devices {devices_text(olds)} → {devices_text(news)}"
    rest = sorted(_rest(old, new))
    if rest:
        yield "changed", ", ".join(rest)


def _replicas(model: ModelPlan) -> str:
    return low_to_high(model.replicas_min, model.replicas_max)


def _rest(old: ModelPlan, new: ModelPlan) -> set[str]:
    """What else of a task or of the service differs, by its AWS name."""
    found: set[str] = set()
    if old.network_mode != new.network_mode:
        found.add("network mode")
    olds, news = passing(old), passing(new)
    for name in olds.keys() & news.keys():
        for word, some, others in (("opens", news, olds), ("closes", olds, news)):
            if more := [path for path in some[name] if path not in others[name]]:
                found.add(f"{word} {listed(more)}")
    after = {s.task_definition.devices: s for s in new.services}
    for service in old.services:
        other = after.get(service.task_definition.devices)
        if other is None:
            continue
        if service.registry != other.registry:
            found.add("name in the network")
        task, new_task = service.task_definition, other.task_definition
        for key in _SIZES:
            pair = getattr(task, key), getattr(new_task, key)
            if pair[0] != pair[1]:
                found.add(f"{key} {pair[0]} → {pair[1]}")
        found |= containers_differ(task, new_task)
        if task.task_role != new_task.task_role:
            found.add("task role")
        if task.execution_role != new_task.execution_role:
            found.add("execution role")
        if service.grace_seconds != other.grace_seconds:
            found.add(f"grace {service.grace_seconds} → {other.grace_seconds} s")
        if _percent(service) != _percent(other):
            found.add(f"rollout {_percent(service)} → {_percent(other)}")
    if _checks(old) != _checks(new):
        found.add("health check")
    return found


def _checks(model: ModelPlan) -> set[int]:
    return {group.health_interval_seconds for group in model.target_groups}


def _percent(service: Service) -> str:
    """`100 to 200 %`: of the tasks, how many stay healthy and how many may run."""
    return f"{service.minimum_healthy_percent} to {service.maximum_percent} %"


def containers_differ(old: TaskDefinition, new: TaskDefinition) -> set[str]:
    """The keys of the containers that differ, the image apart; a sidecar under its name."""
    before, after = containers(old), containers(new)
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


def job_changes(base: PlanIndex, head: PlanIndex) -> tuple[ModelChange, ...]:
    """The jobs that changed; none of them interrupts a run that has begun."""
    found: list[ModelChange] = []
    for key in sorted(base.jobs.keys() | head.jobs.keys(), key=lambda k: (k[1], k[0])):
        old, new = base.jobs.get(key), head.jobs.get(key)
        lines = list(_job_lines(key[0], old, new, base, head))
        if lines:
            kinds: tuple[Kind, ...] = tuple(dict.fromkeys(kind for kind, _ in lines))
            words = tuple(words for _, words in lines if words)
            found.append(ModelChange(key[0], key[1], kinds, words, True, None, None, is_job=True))
    return tuple(found)


def _job_lines(
    region: str, old: JobPlan | None, new: JobPlan | None, base: PlanIndex, head: PlanIndex
) -> Iterator[tuple[Kind, str]]:
    if old is None or new is None:
        yield ("added" if old is None else "removed"), ""
        return
    task, new_task = old.task_definition, new.task_definition
    pools = base.pool_name(region, old), head.pool_name(region, new)
    if pools[0] != pools[1]:
        yield "moved", f"pool {pools[0]} → {pools[1]}"
    if task.image != new_task.image:
        yield "new image", f"{task.image} → {new_task.image}"
    if task.devices != new_task.devices:
        moved = f"{devices_text([task.devices])} → {devices_text([new_task.devices])}"
        yield "devices moved", f"devices {moved}"
    if _schedule(old) != _schedule(new):
        yield "changed", f"schedule {_schedule(old)} → {_schedule(new)}"
    rest = containers_differ(task, new_task)
    rest |= {k for k in (*_SIZES, "network_mode") if getattr(task, k) != getattr(new_task, k)}
    if rest:
        yield "changed", ", ".join(sorted(rest))


def _schedule(job: JobPlan) -> str:
    return f"{job.schedule.expression} {job.schedule.timezone}" if job.schedule else "none"


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
    rest = dict(cast("dict[str, Json]", entry))
    where = rest.pop("regions", None)
    if isinstance(where, dict):
        return rest, cast("dict[str, Json]", where).get(region)
    return rest, {} if where is None or region in where else None


def _pool_touched(old: Pool | None, new: Pool | None) -> bool:
    """Whether a pool is another in this Region, its layout and its size apart."""
    if old is None or new is None:
        return old is not new
    sides = [(p.key, max_size(p), p.retired, launched_with(p)) for p in (old, new)]
    return sides[0] != sides[1]


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
    """Running models whose devices move although no entry of theirs changed."""
    return tuple(
        c for c in changes if not c.touched and c.before and c.after and _gone(c.before, c.after)
    )


def _gone(before: ModelPlan, after: ModelPlan) -> bool:
    """Whether a service that may run tasks goes, or goes on with other devices."""
    kept = {s.key: s.task_definition.devices for s in after.services}
    return any(
        kept.get(s.key) != s.task_definition.devices and s.tasks_max for s in before.services
    )
