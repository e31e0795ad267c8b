"""What a model's callers notice while the update rolls out, from the plans and the changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from catalog import Catalog
from messages.phrases import counted, listed, low_to_high
from neuron_ecs.diff.plans import (
    PlanIndex,
    launched_with,
    max_size,
    shares,
    stop_seconds,
)
from neuron_ecs.diff.resources import ResourceChange
from neuron_ecs.diff.workloads import ModelChange
from planning import choices
from planning.interruptions import Interruption, Rollouts
from planning.plan import ModelPlan, Pool, Service, block_hours

Word = Literal[
    "none",
    "rolling",
    "replaced in place",
    "moves",
    "starts",
    "ends",
]

_SERVICE = "aws:ecs/service:Service"

_QUIET = frozenset(
    {
        "alarms",
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
            return "without a replica for as long as it takes to load"
        return f"without a replica for {_minutes(self.least, self.most)}"


@dataclass(frozen=True, slots=True)
class Impact:
    """The impact on a model in a Region, in a word and in words."""

    word: Word
    text: str
    gap: Gap | None = None
    extra_instances: int = 0  # at most, while it rolls out
    doubled: bool = False  # every instance of the model has a second one for a while
    lingers: bool = False  # tasks run above the new minimum until somebody lowers the count
    rollout: Interruption | None = field(default=None, compare=False)
    """What its restart costs, by the head's plan. Its money is of a Region, so that two impacts
    are alike without it. None where no task restarts at the minimum of replicas."""


def _minutes(*seconds: int) -> str:
    rounded = list(dict.fromkeys(f"{-(-s // 60)}" for s in seconds))
    return f"{' to '.join(rounded)} min"


def impacts(
    changes: Sequence[ModelChange],
    resources: Sequence[ResourceChange] | None,
    base: PlanIndex,
    head: PlanIndex,
    catalog: Catalog,
) -> Mapping[tuple[str, str], Impact]:
    """The impact on each model that runs on either side and is touched, by Region and name.

    Without a graph, what a deployment starts is judged by the task definitions alone.
    """
    deployed = None if resources is None else _deployed(resources)
    keys = {(c.region, c.name) for c in changes if not c.is_job}
    keys |= {
        key
        for key, model in head.models.items()
        if deployed and any(s.key in deployed for s in model.services)
    }
    rollouts = {region.name: Rollouts(region, catalog) for region in head.plan.regions}
    return {key: _impact(key, deployed, base, head, rollouts) for key in sorted(keys)}


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
    key: tuple[str, str],
    deployed: Mapping[str, bool] | None,
    base: PlanIndex,
    head: PlanIndex,
    rollouts: Mapping[str, Rollouts],
) -> Impact:
    region, old, new = key[0], base.models.get(key), head.models.get(key)
    if new is None:
        assert old is not None
        heirs = _heirs(head, region, old)
        answer = "answers" if len(heirs) == 1 else "answer"
        who = f"{listed(heirs)} {answer} at its URL" if heirs else "nobody answers there any more"
        return Impact("ends", f"its tasks stop, {who}")
    pool = head.regions[region].pool(new.pool)
    more = _rise(base, region, pool)
    if old is None:
        return Impact("starts", f"starts beside the others{more}")
    counts = _Counts.of(old, new)
    if not counts.before[1]:
        return _from_a_stop(counts, more)
    if not new.replicas_max:
        return Impact("ends", "its tasks stop and nobody answers; it keeps its devices")
    before = {s.key: s for s in old.services}
    after = {s.key: s for s in new.services}
    come = [s for k, s in after.items() if k not in before and s.tasks_max]
    gone = [s for k, s in before.items() if k not in after and s.tasks_max]
    restarted = [s for k, s in after.items() if k in before and _restarts(before[k], s, deployed)]
    if gone and come:
        if not counts.after[0]:
            text = "its services go, and those that come have a minimum of 0: nobody answers"
            return Impact("ends", text)
        text = "new services start first, the old ones go when these are steady"
        found = Impact("moves", f"{text}{more}{_also(restarted)}")
        return _through_new_group(found, new, come) if has_new_group(old, new) else found
    fewer = f"{counted(len(gone), 'service')} fewer" if gone else ""
    if restarted:
        found = _rollout(new, restarted, pool, rollouts[region])
        found = _through_new_group(found, new, restarted) if has_new_group(old, new) else found
        text = f"{found.text}; {fewer}" if gone else found.text
        return replace(found, text=text, lingers=counts.lingers)
    parts = [f"{counted(len(come), 'service')} more{more}"] if come else []
    parts += [fewer] if gone else []
    if (old.replicas_min, old.replicas_max) != (new.replicas_min, new.replicas_max):
        parts.append(counts.text)
    return Impact("none", "; ".join(parts) or "no task restarts", lingers=counts.lingers)


def _heirs(head: PlanIndex, region: str, gone: ModelPlan) -> list[str]:
    """The models that answer under the name of one that has gone."""
    found = shares(head.regions.get(region)).get(gone.name)
    return [model for model, weight in (found or {}).items() if weight]


@dataclass(frozen=True, slots=True)
class _Counts:
    """Desired counts of a model, lowest and highest: before the update, after it, and planned.

    The engine leaves the count of a scaled service alone. Registering its new limits moves the
    count into them, no further
    (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html).
    """

    before: tuple[int, int]
    after: tuple[int, int]
    planned: int
    by_load: bool = False  # whether a measured load moves them

    @classmethod
    def of(cls, old: ModelPlan, new: ModelPlan) -> "_Counts":
        before = {s.key: (s.desired_count, s.tasks_max) for s in old.services}
        after = [_moved(before.get(s.key, (0, 0)), s) for s in new.services]
        by_load = new.mover is not None and new.mover.by_load
        planned = sum(s.desired_count for s in new.services)
        return cls(_sums(before.values()), _sums(after), planned, by_load)

    @property
    def lingers(self) -> bool:
        above = self.after[0] > self.planned and self.before[0] > self.planned
        return above and not self.by_load

    @property
    def text(self) -> str:
        """What happens to the tasks whose limits change."""
        (least, most), (fewest, highest) = self.before, self.after
        parts: list[str] = []
        if fewest > least:
            parts.append(_tasks_do(fewest - least, "more start", "more starts"))
        if highest < most:
            text = _tasks_do(most - highest, "stop", "stops")
            parts.append(text if least == most else f"up to {text}")
        if self.lingers:
            stay = "no task stops by itself: what runs stays" if not parts else "the rest stays"
            parts.append(f"{stay} until somebody lowers the desired count")
        elif not parts or fewest:
            parts.append("tasks that stay are not touched")
        return "; ".join(parts)


def _moved(before: tuple[int, int], service: Service) -> tuple[int, int]:
    """The lowest and the highest desired count of a service after the update."""
    if not service.scaled:
        return service.desired_count, service.desired_count
    low, high = (max(service.desired_count, min(service.tasks_max, n)) for n in before)
    return low, high


def _sums(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    pairs = list(counts)
    return sum(low for low, _ in pairs), sum(high for _, high in pairs)


def _tasks_do(number: int, plural: str, singular: str) -> str:
    return f"1 task {singular}" if number == 1 else f"{number} tasks {plural}"


def _from_a_stop(counts: _Counts, more: str) -> Impact:
    """The impact on a model that was stopped before."""
    if counts.after[0]:
        return Impact("starts", f"starts again on its devices{more}")
    return Impact("none", "it stays stopped, until somebody raises the desired count")


def _also(restarted: Sequence[Service]) -> str:
    return f"; {counted(len(restarted), 'service')} that stay restart" if restarted else ""


def _restarts(before: Service, after: Service, deployed: Mapping[str, bool] | None) -> bool:
    if not (before.desired_count or before.tasks_max or after.desired_count):
        return False
    if deployed is not None:
        return after.key in deployed
    return before.task_definition != after.task_definition


def _rise(base: PlanIndex, region: str, pool: Pool) -> str:
    old = base.pools.get((region, pool.name))
    before, after = old.layout.instances[0] if old else 0, pool.layout.instances[0]
    if after > before:
        return f"; pool {pool.name} grows from {before} to {counted(after, 'instance')}"
    return ""


def _rollout(
    model: ModelPlan, restarted: Sequence[Service], pool: Pool, rollouts: Rollouts
) -> Impact:
    """All restarted services of a model have the same percentages: they follow from the pool."""
    running = [s for s in restarted if s.desired_count]
    if not running:
        return Impact("none", "no task of these services runs at minimum size")
    rollout = rollouts.interruption(model, restarted)
    found = _of_restart(model, running, pool, rollout.instances or 0)
    return replace(found, rollout=rollout)


def _of_restart(model: ModelPlan, running: Sequence[Service], pool: Pool, extra: int) -> Impact:
    if all(s.maximum_percent > 100 for s in running):
        if pool.kind == "managed_instances" and pool.layout.devices:
            return Impact(
                "rolling",
                f"a new task starts before the old one stops: its {counted(extra, 'instance')} "
                f"are doubled during the rollout",
                extra_instances=extra,
                doubled=True,
            )
        more = f", on up to {counted(extra, 'instance')} more" if extra else ""
        text = f"a new task starts before the old one stops{more}"
        return Impact("rolling", text, extra_instances=extra)
    elsewhere = [s for s in model.services if s not in running and s.desired_count]
    if all(s.minimum_healthy_percent == 0 for s in running):
        gap = _gap(model, running)
        waves = [s for s in running if s.after]
        if elsewhere or (waves and len(waves) < len(running)):
            share = max(len(waves), len(running) - len(waves)) if waves else len(running)
            of = len(running) + len(elsewhere)
            text = f"the pool has no room: {share} of {of} services are away at a time"
            return Impact("rolling", f"{text}, {gap.text.replace('without a replica', 'each')}")
        return Impact(
            "replaced in place",
            f"the pool has no room: the old task stops before the new one starts; {gap.text}",
            gap=gap,
        )
    text = "the pool has no room: one task of a service after the other stops and starts"
    return Impact("rolling", text)


def has_new_group(old: ModelPlan, new: ModelPlan) -> bool:
    """Whether the load balancer gets another target group for the model. AWS does not change the
    target type of a group, and its port is not used
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyTargetGroup.html).
    """
    before = {group.key: group.target_type for group in old.target_groups}
    after = {group.key: group.target_type for group in new.target_groups}
    return any(before[key] != after[key] for key in before.keys() & after.keys())


def _through_new_group(found: Impact, model: ModelPlan, started: Sequence[Service]) -> Impact:
    """The impact where the target group is replaced as well.

    The listener rule changes before the services do. Its new group is empty until the first new
    task is healthy.
    """
    running = [s for s in started if s.desired_count]
    if found.rollout:
        found = replace(found, rollout=replace(found.rollout, away=model.replicas_min))
    if found.gap:
        return replace(found, text=f"its target group is replaced; {found.text}")
    if not running:  # tasks above the minimum, if there are any
        running = [s for s in started if s.tasks_max]
        found = replace(found, text="the minimum is 0, so this is of tasks that run above it")
    stops_first = found.word != "moves" and any(s.maximum_percent <= 100 for s in running)
    gap = _gap(model, running, stops_first=stops_first)
    text = "its target group is replaced, and the new one is empty until a new task is healthy"
    return replace(
        found, word="replaced in place", text=f"{text}: {gap.text}; {found.text}", gap=gap
    )


def _gap(model: ModelPlan, services: Sequence[Service], *, stops_first: bool = True) -> Gap:
    """From the last answer to the first of the new task.

    Where the old task stops first, ECS waits for the deregistration delay, then sends SIGTERM and
    waits for the stop timeout. The new task is healthy once it has passed its health checks, and is
    given up after its grace time.
    """
    group = next(iter(model.target_groups), None)
    if group is None:
        return Gap(0, None)
    grace = max((s.grace_seconds or 0) for s in services)
    checks = choices.HEALTHY_THRESHOLD * group.health_interval_seconds
    if not stops_first:
        return Gap(checks, max(grace, checks))
    delay, stop = group.deregistration_delay_seconds, max(stop_seconds(s) for s in services)
    return Gap(delay + checks, delay + stop + max(grace, delay + checks))


# ---- pools -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolChange:
    """A pool in a Region that is not the same on both sides."""

    region: str
    name: str
    lines: tuple[str, ...]
    impact: str
    before: Pool | None
    after: Pool | None


_WORDS = {
    "image_id": "AMI",
    "root_volume_gib": "root volume GiB",
    "storage_gib": "storage GiB",
    "allowed_instance_types": "allowed instance types",
}


def pool_changes(base: PlanIndex, head: PlanIndex) -> tuple[PoolChange, ...]:
    """The pools that changed, by Region and name."""
    found: list[PoolChange] = []
    for key in sorted(base.pools.keys() | head.pools.keys()):
        old, new = base.pools.get(key), head.pools.get(key)
        if old == new:
            continue
        if old is None or new is None:
            lines = ("added" if old is None else "removed",)
            found.append(PoolChange(key[0], key[1], lines, "", old, new))
            continue
        after = launched_with(new)
        launched = {k: (v, after.get(k)) for k, v in launched_with(old).items()}
        changed = {k: pair for k, pair in launched.items() if pair[0] != pair[1]}
        lines = [f"{_WORDS.get(k, k)} {_shown(a)} → {_shown(b)}" for k, (a, b) in changed.items()]
        for words, pair in (
            ("instance type", (_types(old), _types(new))),
            ("purchase", (old.purchase.kind, new.purchase.kind)),
            ("max_size", (max_size(old), max_size(new))),
            ("instances", (low_to_high(*old.layout.instances), low_to_high(*new.layout.instances))),
            ("retired", (old.retired, new.retired)),
            ("Capacity Blocks", (_hours(old), _hours(new))),
        ):
            if pair[0] != pair[1]:
                lines.append(f"{words} {pair[0]} → {pair[1]}")
        lines += _task_changes(old, new)
        if not lines and old.layout.assignments != new.layout.assignments:
            lines.append("who sits where")
        impact = ""
        if changed and old.key == new.key:
            impact = (
                "new instances only: those that run keep what they have until they are replaced; "
                "nothing refreshes them"
            )
        if lines:
            found.append(PoolChange(key[0], key[1], tuple(lines), impact, old, new))
    return tuple(found)


def _hours(pool: Pool) -> str:
    """Each Capacity Block and when its instances run."""
    texts = [f"{b.reservation_id} from {b.start} until {b.drained}" for b in block_hours(pool)]
    return listed(texts) if texts else "without hours"


def _task_changes(old: Pool, new: Pool) -> Iterator[str]:
    """The models that stay and whose number of tasks there is another."""
    before, after = _tasks(old), _tasks(new)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"tasks of {name} {low_to_high(*before[name])} → {low_to_high(*after[name])}"


def _tasks(pool: Pool) -> Mapping[str, tuple[int, int]]:
    """The tasks of each model on the pool, at minimum and at maximum."""
    found: dict[str, tuple[int, int]] = {}
    for taken in pool.layout.assignments:
        if not taken.is_job:
            least, most = found.get(taken.workload, (0, 0))
            found[taken.workload] = (least + taken.tasks_min, most + taken.tasks_max)
    return found


def _types(pool: Pool) -> str:
    return listed(pool.instance_types, most=2)


def _shown(value: object) -> str:
    text = str(value).removeprefix("resolve:ssm:").removesuffix("/image_id")
    return text.rpartition("/")[2] if text.startswith("/") else text
