"""What runs of a stack, model by model.

`None` marks what AWS did not say. A replica is promised if the plan or the service wants it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import catalog
from catalog.types import StopReason
from neuron_ecs.operations.answers import left_out
from neuron_ecs.operations.compare import devices_of
from neuron_ecs.operations.observed import (
    Names,
    Observation,
    ObservedCluster,
    ObservedDeployment,
    ObservedInstance,
    ObservedService,
    ObservedTask,
    by_family,
    family_of,
    in_order,
    names_of_key,
    revision_of,
)
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.reasons import Reasons, why_stopped
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import spans
from planning import blocks, plan

State = Literal["runs", "stopped", "rests", "starting", "short", "down", "unknown"]
"""Of a model: all replicas, none wanted, none or some outside of the hours of its Capacity Blocks,
all but not yet healthy, some, none, not read."""

GOOD: frozenset[State] = frozenset({"runs", "stopped", "rests"})


@dataclass(frozen=True, slots=True)
class Rollout:
    """A deployment under way, or one that failed: tasks of the new revision, and how many of
    them failed."""

    state: str
    running: int
    wanted: int
    failed: int
    reason: str


@dataclass(frozen=True, slots=True)
class Slot:
    """The tasks of a model on one set of devices."""

    devices: str
    wanted: int
    running: int
    pending: int
    revisions: tuple[str, ...]  # of its running tasks, or of the service if none runs
    images: tuple[str, ...]
    tasks: tuple[str, ...]  # ids of those that run
    instances: tuple[str, ...]
    service: str
    rollout: Rollout | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last thing that went wrong: what AWS said, what it means and what to do."""

    at: datetime
    said: str
    means: str
    do: str


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model in a Region."""

    name: str
    pool: str
    state: State
    promised: int
    wanted: int = 0
    running: int = 0
    pending: int = 0
    healthy: int | None = None  # behind the load balancer; None without one, or if not read
    slots: tuple[Slot, ...] = ()
    problems: tuple[str, ...] = ()
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """An instance of a pool, and the tasks on it."""

    pool: str
    name: str
    type: str
    state: str
    connected: bool
    image: str
    template: str  # version of the launch template
    launched: datetime | None
    chips: int  # Neuron devices
    busy: int | None  # of them in use
    tasks: tuple[str, ...] | None  # `model on devices`


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool; `instances` is `None` if they could not be read."""

    name: str
    kind: str
    state: str
    instances: int | None
    planned: tuple[int, int]
    blocks: str = ""  # what to know of the hours of its Capacity Blocks now


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job; `running` is `None` if its tasks could not be read."""

    name: str
    running: int | None


@dataclass(frozen=True, slots=True)
class RegionStatus:
    """A Region. `unread` says what AWS refused to say, and why.

    It is drained if no service wants a task although the plan does, and its load balancer is left
    out of the names `left_out`.
    """

    name: str
    pools: tuple[PoolStatus, ...]
    instances: tuple[InstanceStatus, ...]
    models: tuple[ModelStatus, ...]
    jobs: tuple[JobStatus, ...]
    unread: tuple[str, ...] = ()
    drained: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every promised replica runs, as far as all of it could be read."""
        return not self.unread and all(m.state in GOOD for m in self.models)


def read_status(stack: Stack, only: str | None) -> list[RegionStatus]:
    """What runs in each Region, and what it is left out of; `only` leaves the other models and
    jobs out."""
    limits, reasons, clock = catalog.load().limits, stack.reasons, stack.clock

    def ask(reader: Reader) -> RegionStatus:
        observed = reader.with_targets(only) if only else reader.overview(clock.now(), limits)
        return status(reader.region, observed, reader.names, reasons, clock.now(), only)

    with stack.reading():
        found = stack.ask_each(ask, lambda region, why: unread(region, why, only))
        readable = {one.name: not one.unread for one in found}
        asked = sorted(stack.regions, key=lambda region: not readable[region.name])
        out, why = left_out(stack.account, asked, only)
    return [
        replace(one, left_out=out.get(one.name, ()), unread=(*one.unread, *why)) for one in found
    ]


def status(
    region: plan.RegionPlan,
    observed: Observation,
    names: Names | None,
    reasons: Reasons,
    now: datetime,
    only: str | None = None,
) -> RegionStatus:
    """What runs in a Region; `only` leaves the other models and jobs out."""
    return _Status(region, observed, names, reasons, now, only).region_status()


def unread(region: plan.RegionPlan, why: str, only: str | None = None) -> RegionStatus:
    """The status of a Region of which nothing could be read."""
    models = tuple(
        ModelStatus(name=m.name, pool=region.pool(m.pool).name, state="unknown", promised=_least(m))
        for m in region.models
        if only in (None, m.name)
    )
    return RegionStatus(region.name, (), (), models, (), (why,))


def unread_parts(region: plan.RegionPlan, observed: Observation) -> Iterator[str]:
    """What AWS refused to say about a Region, and the clusters that do not exist."""
    yield from map(str, observed.failed_calls)
    for cluster in (region.auto_scaling, region.managed_instances):
        actual = observed.clusters.get(cluster.kind) if cluster else None
        if cluster is None or actual is None or actual.name is not None:
            continue
        if len(actual.candidates) > 1:
            both = ", ".join(actual.candidates)
            yield f"several clusters may be it: {both}; name the right one with --outputs"
        else:
            yield f"the cluster {cluster.key} does not exist: the stack is not up there"


def _least(model: plan.ModelPlan) -> int:
    return sum(s.desired_count for s in model.services)


class _Status:
    def __init__(
        self,
        region: plan.RegionPlan,
        observed: Observation,
        names: Names | None,
        reasons: Reasons,
        now: datetime,
        only: str | None,
    ) -> None:
        self.region = region
        self.observed = observed
        self.names = names
        self.reasons = reasons
        self.now = now
        self.only = only
        self.tasks = observed.tasks
        self.services = observed.by_service_key(names)
        self.of_group: dict[str, list[ObservedTask]] = {}
        self.on: dict[str, list[ObservedTask]] = {}  # by the ARN of the instance
        for task in self.tasks:
            self.of_group.setdefault(task.group, []).append(task)
            if task.on_instance:
                self.on.setdefault(task.instance, []).append(task)
        self.instances = {i.arn: i for c in observed.clusters.values() for i in c.instances or ()}
        self.workloads = by_family(region)
        definitions = [s.task_definition for m in region.models for s in m.services]
        definitions += [job.task_definition for job in region.jobs]
        self.planned = {d.family: d.devices for d in definitions}

    def region_status(self) -> RegionStatus:
        clusters = [c for c in (self.region.auto_scaling, self.region.managed_instances) if c]
        models = tuple(self.model(m) for m in self.region.models if self.only in (None, m.name))
        jobs = tuple(self.job(j) for j in self.region.jobs if self.only in (None, j.name))
        pools: list[PoolStatus] = []
        instances: list[InstanceStatus] = []
        for cluster in clusters:
            actual = self.observed.clusters.get(cluster.kind, ObservedCluster(None))
            known = self.names.capacity_providers if self.names else None
            for pool in cluster.pools:
                there = [
                    i for i in actual.instances or () if names_of_key(pool.key, [i.provider], known)
                ]
                pools.append(self.pool(pool, actual, there))
                was_read = actual.tasks is not None
                instances += (self.instance(pool.name, i, was_read=was_read) for i in there)
        if self.only is not None:
            used = {m.pool for m in models}
            pools = [p for p in pools if p.name in used]
            instances = [
                i for i in instances if any(t.partition(" ")[0] == self.only for t in i.tasks or ())
            ]
        return RegionStatus(
            self.region.name,
            tuple(pools),
            tuple(instances),
            models,
            jobs,
            tuple(unread_parts(self.region, self.observed)),
            self.drained(),
        )

    def drained(self) -> bool:
        planned = [s for m in self.region.models for s in m.services if s.desired_count]
        there = [self.services.get(s.key) for s in planned]
        return bool(planned) and all(one is not None and one.desired == 0 for one in there)

    # -- models --------------------------------------------------------------------------------

    def model(self, model: plan.ModelPlan) -> ModelStatus:
        pool = self.region.pool(model.pool)
        found = [(s, self.services.get(s.key)) for s in model.services]
        slots = [self.slot(planned, one) for planned, one in found if one is not None]
        services = [one for _, one in found if one is not None]
        wanted = sum(s.wanted for s in slots)
        running = sum(s.running for s in slots)
        promised = max(wanted, _least(model))
        healthy = self.healthy(services) if model.target_group else None
        cluster = self.observed.clusters.get(pool.kind)
        was_read = cluster is not None and cluster.services is not None
        problems = [
            f"no service on {_devices(s.task_definition.devices)}" for s, one in found if not one
        ]
        state = _state(promised, running, healthy)
        if state not in GOOD and blocks.at(plan.block_hours(pool), self.now)[0]:
            state = "rests"
        if not was_read:
            state, problems = "unknown", []
        elif model.target_group and healthy is None and services:
            problems.append("the health of its targets could not be read")
            state = "unknown" if state in GOOD else state
        problems += self.unhealthy(services)
        return ModelStatus(
            name=model.name,
            pool=pool.name,
            state=state,
            promised=promised,
            wanted=wanted,
            running=running,
            pending=sum(s.pending for s in slots),
            healthy=healthy,
            slots=tuple(slots),
            problems=tuple(problems),
            trouble=self.trouble(services),
        )

    def slot(self, service: plan.Service, one: ObservedService) -> Slot:
        tasks = [t for t in self.of_group.get(f"service:{one.name}", ()) if t.is_running]
        definitions = [t.task_definition for t in tasks] or [one.task_definition]
        containers = self.observed.containers.get(one.task_definition, ())
        planned = service.task_definition.devices
        named = tuple(sorted(devices_of(containers)))
        devices = planned if planned == "all" or not containers else named
        images = [
            c.image or "" for t in tasks for c in t.containers if c.name == service.container_name
        ] or [str(c.get("image", "")) for c in containers if c["name"] == service.container_name]
        hosts = [
            self.instances[t.instance].instance_id for t in tasks if t.instance in self.instances
        ]
        return Slot(
            devices=_devices(devices),
            wanted=one.desired,
            running=one.running,
            pending=one.pending,
            revisions=tuple(sorted(set(map(revision_of, definitions)), key=in_order)),
            images=tuple(sorted(set(filter(None, images)))),
            tasks=tuple(sorted(t.name for t in tasks)),
            instances=tuple(sorted(set(hosts))),
            service=one.name,
            rollout=rollout_of(one),
        )

    def healthy(self, services: Sequence[ObservedService]) -> int | None:
        """The replicas that are healthy in every target group; `None` if one was not read."""
        described = {
            group: sum(t.state == "healthy" for t in targets)
            for group, targets in self.observed.targets.items()
        }
        counts = {**self.observed.healthy, **described}
        groups = {g for s in services for g in s.target_groups}
        if not groups or not groups <= set(counts):
            return None
        return min(counts[group] for group in groups)

    def unhealthy(self, services: Sequence[ObservedService]) -> Iterator[str]:
        counts: dict[str, int] = {}
        for group in {g for s in services for g in s.target_groups}:
            for target in self.observed.targets.get(group, ()):
                if target.state.startswith("unhealthy"):
                    found = self.reasons.of_message(target.reason)
                    said = found.meaning if found else target.description or target.reason
                    counts[said] = counts.get(said, 0) + 1
        for said, number in sorted(counts.items()):
            yield f"{number} unhealthy behind the load balancer: {said}"

    def trouble(self, services: Sequence[ObservedService]) -> Trouble | None:
        """The last error of a model: a task that stopped, or a message of its services.

        A message that only counts such tasks gives way to the task.
        """
        found = [
            _trouble(task.stopped, why_stopped(task), self.reasons.of_task(task))
            for service in services
            for task in self.of_group.get(f"service:{service.name}", ())
            if task.stopped and self.reasons.is_error(task)
        ]
        for service in services:
            for event in service.events:
                meant = self.reasons.of_message(event.message)
                counts = meant is not None and meant.action.startswith(_READ_TASKS) and found
                if meant is not None and meant.is_error and not counts:
                    text = without_service(event.message, service.name)
                    found.append(_trouble(event.at, text, meant))
        return max(found, key=lambda t: t.at, default=None)

    # -- jobs, pools, instances ----------------------------------------------------------------

    def job(self, job: plan.JobPlan) -> JobStatus:
        if any(c.tasks is None for c in self.observed.clusters.values()):
            return JobStatus(job.name, None)
        family = job.task_definition.family
        ours = [t for t in self.tasks if family_of(t.task_definition) == family and t.on_instance]
        return JobStatus(job.name, len(ours))

    def pool(
        self, pool: plan.Pool, actual: ObservedCluster, there: Sequence[ObservedInstance]
    ) -> PoolStatus:
        known = self.names.capacity_providers if self.names else None
        providers = [p for p in actual.providers or () if names_of_key(pool.key, [p.name], known)]
        state = next((p.status for p in providers), "unknown")
        number = None if actual.instances is None else len(there)
        _, said = blocks.at(plan.block_hours(pool), self.now)
        return PoolStatus(pool.name, pool.kind, state, number, pool.layout.instances, said)

    def instance(self, pool: str, instance: ObservedInstance, *, was_read: bool) -> InstanceStatus:
        tasks = self.on.get(instance.arn, [])
        held = {d for t in tasks for d in self.held(t)}
        planned = next(p.layout.devices for p in self.region.pools if p.name == pool)
        chips = planned if instance.registered is None else len(instance.registered)
        return InstanceStatus(
            pool=pool,
            name=instance.name,
            type=instance.instance_type,
            state=instance.status,
            connected=instance.agent_connected,
            image=instance.image_id or "",
            template=instance.template_version,
            launched=instance.launched,
            chips=chips,
            busy=len(held) if was_read else None,
            tasks=tuple(sorted(self.on_instance(t) for t in tasks)) if was_read else None,
        )

    def held(self, task: ObservedTask) -> frozenset[str]:
        """The devices of a task: as ECS says, as its definition names them, or as planned."""
        if task.devices:
            return task.devices
        containers = self.observed.containers.get(task.task_definition)
        if containers is not None:
            return frozenset(map(str, devices_of(containers)))
        planned = self.planned.get(family_of(task.task_definition), ())
        return frozenset() if planned == "all" else frozenset(map(str, planned))

    def on_instance(self, task: ObservedTask) -> str:
        family = family_of(task.task_definition)
        name = self.workloads.get(family, family)
        held = tuple(int(d) for d in sorted(self.held(task), key=in_order) if d.isdecimal())
        where = f" on {_devices(held)}" if held or family in self.planned else ""
        state = "" if task.last_status == "RUNNING" else f" ({task.last_status})"
        return f"{name}{where}{state}"


_READ_TASKS = "read the stopped tasks"  # of stop_reasons.csv


def _state(promised: int, running: int, healthy: int | None) -> State:
    if promised == 0:
        return "stopped"
    if running == 0:
        return "down"
    if running < promised:
        return "short"
    if healthy is not None and healthy < promised:
        return "down" if healthy == 0 else "starting"
    return "runs"


def rollout_of(one: ObservedService) -> Rollout | None:
    """The deployment that is under way, or has failed; `None` once it is complete."""
    if one.rollout != "FAILED" and not one.deploys:
        return None
    first = next((d for d in one.rollouts if d.status == "PRIMARY"), _NO_DEPLOYMENT)
    state = "failed" if one.rollout == "FAILED" else "under way"
    return Rollout(state, first.running, first.desired, first.failed, one.rollout_reason)


_NO_DEPLOYMENT = ObservedDeployment("", "", 0, 0, 0, "")


def _trouble(at: datetime, said: str, meant: StopReason | None) -> Trouble:
    return Trouble(at, said, meant.meaning if meant else "", meant.action if meant else "")


def of_wanted(there: int, wanted: int, word: str) -> str:
    """`1 of 2 running`; `2 running, 1 wanted` where there are more, as while tasks are replaced."""
    if there > wanted:
        return f"{there} {word}, {wanted} wanted"
    return f"{there} of {wanted} {word}"


def without_service(message: str, service: str) -> str:
    """A message of a service without the name of the service at its head."""
    return message.removeprefix(f"(service {service}) ")


def _devices(devices: Sequence[int] | Literal["all"]) -> str:
    if devices == "all":
        return "all chips"
    if not devices:
        return "no chip"
    word = "chip" if len(devices) == 1 else "chips"
    return f"{word} {spans([int(d) for d in devices])}"
