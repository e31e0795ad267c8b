"""What a model's callers notice while the update rolls out, from the plans and the changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from messages.phrases import counted, listed
from neuron_ecs.diff.plans import Model, Plan, Pool, Service
from neuron_ecs.diff.resources import ResourceChange
from neuron_ecs.diff.workloads import ModelChange

Word = Literal[
    "none",
    "rolling",
    "replaced in place",
    "moves",
    "starts",
    "ends",
]

HEALTHY_THRESHOLD = 2
"""Checks that a target must pass, as the program's target groups say."""

_SERVICE = "aws:ecs/service:Service"

_QUIET = frozenset(
    {
        "availabilityZoneRebalancing",
        "deploymentCircuitBreaker",
        "deploymentMaximumPercent",
        "deploymentMinimumHealthyPercent",
        "desiredCount",
        "enableEcsManagedTags",
        "enableExecuteCommand",
        "healthCheckGracePeriodSeconds",
        "orderedPlacementStrategies",
        "placementConstraints",
        "propagateTags",
        "region",
        "tags",
        "waitForSteadyState",
    }
)
"""Inputs of a service whose update starts no deployment
(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Seconds without a replica; `most` is None where only the model itself knows."""

    least: int
    most: int | None

    @property
    def text(self) -> str:
        """`4 to 34 min without a replica`."""
        if self.most is None:
            return f"without a replica for {_minutes(self.least)} and as long as it takes to load"
        return f"without a replica for {_minutes(self.least, self.most)}"


@dataclass(frozen=True, slots=True)
class Impact:
    """The impact on a model in a Region, in a word and in words."""

    word: Word
    text: str
    gap: Gap | None = None
    extra_instances: int = 0  # at most, while it rolls out
    doubled: bool = False  # every instance of the model has a second one for a while


def _minutes(*seconds: int) -> str:
    rounded = list(dict.fromkeys(f"{-(-s // 60)}" for s in seconds))
    return f"{' to '.join(rounded)} min"


def impacts(
    changes: Sequence[ModelChange],
    resources: Sequence[ResourceChange] | None,
    base: Plan,
    head: Plan,
) -> Mapping[tuple[str, str], Impact]:
    """The impact on each model that runs on either side and is touched, by Region and name.

    Without a graph, what a deployment starts is judged by the task definitions alone.
    """
    deployed = None if resources is None else _deployed(resources)
    keys = {(c.region, c.name) for c in changes if not c.is_job}
    keys |= {
        (m.region, m.name)
        for m in head.models.values()
        if deployed and any(s.key in deployed for s in m.services)
    }
    return {
        key: _impact(base.models.get(key), head.models.get(key), deployed, base, head)
        for key in sorted(keys)
    }


def _deployed(resources: Sequence[ResourceChange]) -> dict[str, bool]:
    """Services that get a new deployment, and whether by being replaced."""
    return {
        r.name: r.action == "replace"
        for r in resources
        if r.type == _SERVICE
        and r.action in {"update", "replace"}
        and (r.action == "replace" or any(_loud(p.path, p.effect) for p in r.properties))
    }


def _loud(path: tuple[str, ...], effect: str) -> bool:
    return path[0] == "inputs" and path[1] not in _QUIET and effect not in {"ignored"}


def _impact(
    old: Model | None,
    new: Model | None,
    deployed: Mapping[str, bool] | None,
    base: Plan,
    head: Plan,
) -> Impact:
    if new is None:
        assert old is not None
        return Impact("ends", "its tasks stop, nobody answers there any more")
    pool = head.pools[new.region, new.pool]
    if old is None:
        more = _rise(base, head, pool)
        return Impact("starts", f"starts beside the others{more}")
    before = {s.key: s for s in old.services}
    after = {s.key: s for s in new.services}
    come = [s for k, s in after.items() if k not in before and s.most]
    gone = [s for k, s in before.items() if k not in after and s.most]
    restarted = [s for k, s in after.items() if k in before and _restarts(before[k], s, deployed)]
    if gone:
        more = _rise(base, head, pool)
        if not any(s.desired for s in (*come, *after.values())):
            return Impact("moves", "its services go and none that runs comes: nobody answers")
        said = "new services start first, the old ones go when these are steady"
        return Impact("moves", f"{said}{more}{_also(restarted, old)}")
    if restarted:
        return _rollout(new, restarted, pool)
    if come:
        return Impact("none", f"{counted(len(come), 'service')} more{_rise(base, head, pool)}")
    if (old.least, old.most) != (new.least, new.most):
        return Impact("none", "tasks come or go, those that stay are not touched")
    return Impact("none", "no task restarts")


def _also(restarted: Sequence[Service], old: Model) -> str:
    return f"; {counted(len(restarted), 'service')} that stay restart" if restarted else ""


def _restarts(before: Service, after: Service, deployed: Mapping[str, bool] | None) -> bool:
    if not (before.desired or before.most or after.desired):
        return False
    if deployed is not None:
        return after.key in deployed
    return before.task != after.task


def _rise(base: Plan, head: Plan, pool: Pool) -> str:
    old = base.pools.get((pool.region, pool.name))
    before = old.instances_min if old else 0
    if pool.instances_min > before:
        size = f"from {before} to {counted(pool.instances_min, 'instance')}"
        return f"; pool {pool.name} grows {size}"
    return ""


def _rollout(model: Model, restarted: Sequence[Service], pool: Pool) -> Impact:
    """All restarted services of a model have the same percentages: they follow from the pool."""
    running = [s for s in restarted if s.desired]
    tasks = sum(s.desired for s in running)
    if not running:
        return Impact("none", "no task of these services runs at minimum size")
    if all(s.maximum_percent > 100 for s in running):
        if pool.managed and pool.devices:
            return Impact(
                "rolling",
                f"a new task starts before the old one stops: its {counted(tasks, 'instance')} "
                f"are doubled during the rollout",
                extra_instances=tasks,
                doubled=True,
            )
        room = max(0, (pool.max_size or tasks + pool.instances_min) - pool.instances_min)
        extra = min(max(s.desired for s in running), room) if pool.devices else 0
        more = f", on up to {counted(extra, 'instance')} more" if extra else ""
        said = f"a new task starts before the old one stops{more}"
        return Impact("rolling", said, extra_instances=extra)
    elsewhere = [s for s in model.services if s not in restarted and s.desired]
    if all(s.minimum_percent == 0 for s in running):
        gap = _gap(model, running)
        waves = [s for s in running if s.waits_for]
        if elsewhere or (waves and len(waves) < len(running)):
            share = max(len(waves), len(running) - len(waves)) if waves else len(running)
            of = len(running) + len(elsewhere)
            said = f"the pool has no room: {share} of {of} services are away at a time"
            return Impact("rolling", f"{said}, {gap.text.replace('without a replica', 'each')}")
        return Impact(
            "replaced in place",
            f"the pool has no room: the old task stops before the new one starts; {gap.text}",
            gap=gap,
        )
    said = "the pool has no room: one task of a service after the other stops and starts"
    return Impact("rolling", said)


def _gap(model: Model, services: Sequence[Service]) -> Gap:
    """From the last answer to the first of the new task.

    ECS waits for the deregistration delay, then sends SIGTERM and waits for the stop timeout; the
    new task is healthy after two checks at the earliest, and is given up after its grace time.
    """
    stop = max(s.stop_seconds for s in services)
    if not model.path:
        return Gap(0, None)
    least = model.deregistration_seconds + HEALTHY_THRESHOLD * model.health_interval_seconds
    grace = max((s.grace_seconds or 0) for s in services)
    return Gap(least, model.deregistration_seconds + stop + max(grace, least))


# ---- pools -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolChange:
    """A pool in a Region that is not the same on both sides."""

    region: str
    name: str
    told: tuple[str, ...]
    impact: str
    before: Pool | None
    after: Pool | None


_WORDS = {
    "image_id": "AMI",
    "root_volume_gib": "root volume GiB",
    "storage_gib": "storage GiB",
    "allowed_instance_types": "allowed instance types",
}


def pool_changes(base: Plan, head: Plan) -> tuple[PoolChange, ...]:
    """The pools that changed, by Region and name."""
    found: list[PoolChange] = []
    for key in sorted(base.pools.keys() | head.pools.keys()):
        old, new = base.pools.get(key), head.pools.get(key)
        if old == new:
            continue
        if old is None or new is None:
            told = ("added" if old is None else "removed",)
            found.append(PoolChange(key[0], key[1], told, "", old, new))
            continue
        launched = {k: (v, new.instances.get(k)) for k, v in old.instances.items()}
        changed = {k: pair for k, pair in launched.items() if pair[0] != pair[1]}
        told = [f"{_WORDS.get(k, k)} {_shown(a)} → {_shown(b)}" for k, (a, b) in changed.items()]
        for words, pair in (
            ("instance type", (listed(old.types, most=2), listed(new.types, most=2))),
            ("purchase", (old.purchase, new.purchase)),
            ("max_size", (old.max_size, new.max_size)),
            ("instances", (_size(old), _size(new))),
            ("retired", (old.retired, new.retired)),
        ):
            if pair[0] != pair[1]:
                told.append(f"{words} {pair[0]} → {pair[1]}")
        told += _seats_told(old, new)
        if not told and old.seats != new.seats:
            told.append("who sits where")
        impact = ""
        if changed and old.key == new.key:
            impact = (
                "new instances only: those that run keep what they have until they are replaced; "
                "nothing refreshes them"
            )
        if told:
            found.append(PoolChange(key[0], key[1], tuple(told), impact, old, new))
    return tuple(found)


def _seats_told(old: Pool, new: Pool) -> Iterator[str]:
    """The models that stay and whose number of tasks there is another."""
    before, after = _tasks(old), _tasks(new)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"tasks of {name} {_span(*before[name])} → {_span(*after[name])}"


def _tasks(pool: Pool) -> Mapping[str, tuple[int, int]]:
    """The tasks of each model on the pool, at minimum and at maximum."""
    found: dict[str, tuple[int, int]] = {}
    for seat in pool.seats:
        if not seat.is_job:
            least, most = found.get(seat.workload, (0, 0))
            found[seat.workload] = (least + seat.least, most + seat.most)
    return found


def _size(pool: Pool) -> str:
    return _span(pool.instances_min, pool.instances_max)


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _shown(value: object) -> str:
    text = str(value).removeprefix("resolve:ssm:").removesuffix("/image_id")
    return text.rpartition("/")[2] if text.startswith("/") else text
