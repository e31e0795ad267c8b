"""Walks the chain from a caller to a chip, and says which link is broken."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import catalog
from catalog.types import StopReason
from messages.phrases import counted, listed
from neuron_ecs.operations.examine import Examination, examine
from neuron_ecs.operations.observed import ObservedInstance, by_family, by_key, family_of
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.reasons import Reasons, why_stopped
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.status import GOOD, of_wanted, status, without_service
from neuron_ecs.terminal import progress
from planning import blocks, plan

Verdict = Literal["ok", "broken", "waits", "unknown"]
"""`waits`: it is not as it should be, and a link below it is the cause."""

CHAIN = (
    "dns",
    "certificate",
    "listener",
    "targets",
    "service",
    "tasks",
    "instance",
    "agent",
    "chip",
    "image",
    "role",
    "quota",
    "capacity",
)
_BELOW = CHAIN[CHAIN.index("service") + 1 :]
_LAUNCH = ("quota", "capacity")  # without them no instance starts
_RECENT = timedelta(hours=3)
_SOON = timedelta(days=14)
_TAKEN_BACK = "rolling back to"  # the text of a row of stop_reasons.csv


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the chain: the fact, what it means and what to do."""

    name: str
    verdict: Verdict
    fact: str
    means: str = ""
    do: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A model in a Region, and its chain."""

    region: str
    model: str
    state: str
    promised: int
    running: int
    links: tuple[Link, ...]
    unread: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[Link, ...]:
        """The broken links, in the order of the chain."""
        return tuple(link for link in self.links if link.verdict == "broken")

    @property
    def is_well(self) -> bool:
        """Whether the model does what it should, as far as all of it could be read."""
        return self.state in GOOD and not self.broken and not self.unread


@dataclass(frozen=True, slots=True)
class _Trouble:
    at: datetime
    said: str
    meant: StopReason

    def breaks(self, link: str) -> Link:
        return Link(link, "broken", self.said, self.meant.meaning, self.meant.action)


def diagnoses(stack: Stack, only: str | None) -> list[Diagnosis]:
    """Examines the models of every Region, or one of them, and judges their chains."""
    types, reasons = catalog.load().instances, stack.reasons

    def quota_of(pool: plan.Pool) -> tuple[str, int]:
        """The code of the quota that counts a pool's instances, and their vCPUs at the minimum."""
        kind = types.types[pool.instance_types[0]]
        bought = pool.purchase.kind
        counted_as = "spot" if bought == "spot" else "on_demand"
        quota = types.quota(kind.name, counted_as) if bought == counted_as else None
        return quota.code if quota else "", kind.vcpus * pool.layout.instances_min

    def models(region: plan.RegionPlan) -> list[plan.ModelPlan]:
        return [m for m in region.models if only in (None, m.name)]

    def ask(reader: Reader) -> list[Diagnosis]:
        found: list[Diagnosis] = []
        for model in models(reader.region):
            code, vcpus = quota_of(reader.region.pool(model.pool))
            examined = examine(reader, model, code)
            walk = _Walk(reader, model, examined, reasons, stack.clock.now(), vcpus)
            found.append(walk.diagnosis())
        return found

    def unread(region: plan.RegionPlan, why: str) -> list[Diagnosis]:
        return [
            Diagnosis(region.name, m.name, "unknown", m.replicas_min, 0, (), (why,))
            for m in models(region)
        ]

    with progress(f"examining {', '.join(r.name for r in stack.regions)}"):
        return [d for some in stack.ask_each(ask, unread) for d in some]


class _Walk:
    """Judges each link of a model's chain. `vcpus` are those of its pool at the minimum."""

    def __init__(
        self,
        reader: Reader,
        model: plan.ModelPlan,
        examined: Examination,
        reasons: Reasons,
        now: datetime,
        vcpus: int,
    ) -> None:
        region, names = reader.region, reader.names
        whole = status(region, examined.observed, names, reasons, now, model.name)
        self.unread, self.found = whole.unread, whole.models[0]
        self.region = region
        self.model = model
        self.examined = examined
        self.reasons = reasons
        self.now = now
        self.vcpus = vcpus
        self.pool = region.pool(model.pool)
        observed = examined.observed
        known = observed.by_service_key(names)
        self.services = [known[s.key] for s in model.services if s.key in known]
        cluster = observed.clusters.get(self.pool.kind)
        providers = [p.name for p in cluster.providers or ()] if cluster else []
        ours = by_key(providers, names.capacity_providers if names else None)
        self.provider = ours.get(self.pool.key, "")
        there = cluster.instances if cluster and cluster.providers is not None else None
        self.instances = (
            None if there is None else [i for i in there if i.provider == self.provider]
        )
        gone = cluster is not None and cluster.name is None and not cluster.candidates
        self.has_services = gone or (cluster is not None and cluster.services is not None)
        self.has_tasks = gone or (cluster is not None and cluster.tasks is not None)
        self.troubles = sorted(self._troubles(), key=lambda t: t.at, reverse=True)
        self.taken_back = next((t for t in self.troubles if t.meant.text == _TAKEN_BACK), None)
        moving = any(s.rollout for s in self.found.slots)
        self.rests, self.hours = blocks.at(plan.block_hours(self.pool), now)
        self.well = self.found.state == "rests" or (
            self.found.state in GOOD and not moving and self.taken_back is None
        )

    def diagnosis(self) -> Diagnosis:
        return Diagnosis(
            region=self.region.name,
            model=self.model.name,
            state=self.found.state,
            promised=self.found.promised,
            running=self.found.running,
            links=tuple(self.links()),
            unread=self.unread,
        )

    def links(self) -> Iterator[Link]:
        """The chain; of a model without a load balancer from the service on."""
        outer = ("dns", "certificate", "listener", "targets")
        for name in CHAIN:
            if self.model.target_group is not None or name not in outer:
                yield self._link(name)

    def _link(self, name: str) -> Link:
        checks: dict[str, Callable[[], Link]] = {
            "dns": self._dns,
            "certificate": self._certificate,
            "listener": self._listener,
            "targets": self._targets,
            "service": self._service,
            "tasks": self._tasks,
            "instance": self._instance,
            "agent": self._agent,
            "chip": self._chip,
            "quota": self._quota,
        }
        return checks.get(name, lambda: self._told(name))()

    def _effect(self, link: Link, fact: str, causes: Sequence[str]) -> Link:
        """A broken link as it is, or as one that waits if one of the links that cause it is broken;
        `fact` is then what is said of it."""
        if any(self._link(name).verdict == "broken" for name in causes):
            return Link(link.name, "waits", fact)
        return link

    # -- the way of a request --------------------------------------------------------------

    def _dns(self) -> Link:
        way = self.examined.way
        if way is None or way.balancer is None:
            return Link("dns", "unknown", "the load balancer could not be read")
        if not way.balancer:
            return self._absent("dns", "no load balancer leads to the model")
        if way.balancer != "active":
            return Link(
                "dns",
                "broken",
                f"the load balancer is {way.balancer}",
                do="wait, or see its events",
            )
        return self._named() or Link("dns", "ok", way.address)

    def _named(self) -> Link | None:
        """What keeps the Region out of the model's name over all Regions."""
        named, region = self.examined.named, self.region.name
        if named is None:
            return None
        host = named.answer.host
        if not named.has_record or not named.answer.check:
            what = "record" if not named.has_record else "health check"
            return self._absent("dns", f"{host} has no {what} of {region}")
        if named.answer.left_out:
            return Link(
                "dns",
                "broken",
                f"{region} is left out of {host}: its health check is disabled and inverted",
                "somebody drained the Region",
                f"neuron-ecs drain {region} --undo",
            )
        return None

    def _certificate(self) -> Link:
        way = self.examined.way
        if way is None or way.certificate is None:
            return Link("certificate", "unknown", "it could not be read")
        if not way.certificate:
            return Link("certificate", "ok", "none: plain HTTP")
        if way.certificate != "ISSUED":
            return Link(
                "certificate",
                "broken",
                f"its status is {way.certificate}",
                "callers cannot open a connection",
                "renew it in Certificate Manager, or name another in traffic.certificate_arns",
            )
        if way.expires is not None and way.expires - self.now < _SOON:
            day = f"{way.expires:%Y-%m-%d}"
            return Link(
                "certificate", "broken", f"it ends on {day}", do="see why it is not renewed"
            )
        return Link("certificate", "ok", "issued")

    def _listener(self) -> Link:
        way, port = self.examined.way, self._port()
        if way is None or way.has_listener is None:
            return Link("listener", "unknown", "it could not be read")
        if not way.has_listener:
            return self._absent("listener", f"nothing listens on port {port}")
        if way.has_rule is False:
            return self._absent("listener", "no rule leads to the model's target group")
        return Link("listener", "ok", f"port {port}, with a rule for the model")

    def _port(self) -> int:
        return self.region.load_balancer.port if self.region.load_balancer else 0

    def _absent(self, name: str, fact: str) -> Link:
        means = "it was deleted, or the last update failed"
        return Link(name, "broken", fact, means, "run `pulumi up --refresh`")

    def _targets(self) -> Link:
        healthy, running = self.found.healthy, self.found.running
        if healthy is None:
            return Link("targets", "unknown", "their health could not be read")
        fact = of_wanted(healthy, self.found.promised, "healthy")
        if healthy >= self.found.promised:
            return Link("targets", "ok", fact)
        told = self._trouble("targets")
        if told is not None:
            return told.breaks("targets")
        if running > healthy:
            said = "; ".join(p for p in self.found.problems if "unhealthy" in p)
            return Link(
                "targets",
                "broken",
                f"{fact}: {said}" if said else f"{fact}, {running} running",
                do="check health path and port, and whether it needs longer to start",
            )
        return Link("targets", "waits", fact)

    # -- the services and their tasks ----------------------------------------------------------

    def _service(self) -> Link:
        if not self.has_services:
            return Link("service", "unknown", "the services could not be read")
        absent = len(self.model.services) - len(self.services)
        if absent:
            verb = "does" if absent == 1 else "do"
            named = counted(len(self.model.services), "service")
            return self._absent("service", f"{absent} of {named} {verb} not exist")
        wanted = sum(s.desired for s in self.services)
        if not wanted and self.found.promised:
            return Link(
                "service",
                "broken",
                "it wants no task",
                "somebody scaled it to 0, or left the Region",
                f"neuron-ecs scale {self.model.name} {self.model.replicas_min}",
            )
        failed = [s for s in self.services if s.rollout == "FAILED"]
        if failed:
            why = "; ".join(s.rollout_reason for s in failed if s.rollout_reason)
            link = Link(
                "service",
                "broken",
                f"a deployment failed{': ' if why else ''}{why}",
                do=f"go back: neuron-ecs rollback {self.model.name}",
            )
            return self._effect(link, "a deployment failed: see the cause below", _BELOW)
        if self.taken_back is not None:
            link = self.taken_back.breaks("service")
            return self._effect(link, "a deployment is rolled back: see the cause below", _BELOW)
        moving = sum(s.deploys for s in self.services)
        said = f"wants {counted(wanted, 'task')}" + (f", {moving} deploying" if moving else "")
        return Link("service", "ok", said)

    def _tasks(self) -> Link:
        if not self.has_services:
            return Link("tasks", "unknown", "the services could not be read")
        fact = of_wanted(self.found.running, self.found.promised, "running")
        told = self._trouble("tasks")
        if told is not None:
            link = told.breaks("tasks")
            return self._effect(link, fact, _BELOW[1:])
        if self.found.running >= self.found.promised:
            return Link("tasks", "ok", fact)
        return Link("tasks", "waits", fact)

    # -- below the tasks -----------------------------------------------------------------------

    def _instance(self) -> Link:
        told = self._trouble("instance")
        if self.instances is None:
            return Link("instance", "unknown", "instances could not be read")
        active = [i for i in self.instances if i.status == "ACTIVE"]
        fact = f"{counted(len(active), 'active instance')} in pool {self.pool.name}"
        if len(active) < len(self.instances):
            fact += f" of {len(self.instances)}"
        fact += f"; {self.hours}" * bool(self.hours)
        if self.well:
            return Link("instance", "ok", fact)
        if told is not None and len(active) < max(self.pool.layout.instances_min, 1):
            link = told.breaks("instance")
            return self._effect(link, fact, _LAUNCH)
        if not active and self.found.promised:
            link = Link(
                "instance",
                "broken",
                fact,
                "no task can be placed",
                f"see why none starts: neuron-ecs events {self.model.name}",
            )
            return self._effect(link, fact, _LAUNCH)
        return Link("instance", "ok", fact)

    def _agent(self) -> Link:
        lost: Sequence[ObservedInstance] = [
            i for i in self.instances or () if not i.agent_connected
        ]
        if lost:
            names = ", ".join(i.name for i in lost)
            return Link(
                "agent",
                "broken",
                f"the agent of {names} is not connected",
                "ECS neither starts nor stops a task there",
                f"replace it: neuron-ecs replace --pool {self.pool.name} --instance {names}",
            )
        return self._told("agent")

    def _chip(self) -> Link:
        """With who is on the instances, where a lock keeps the tasks out."""
        link = self._told("chip")
        if link.verdict != "broken" or "port" not in link.means:
            return link
        arns = {i.arn for i in self.instances or ()}
        named = by_family(self.region)
        there = [
            f"{named.get(family_of(t.task_definition), 'another')} {t.name[:8]} "
            f"({t.last_status.lower()})"
            for t in self.examined.observed.tasks
            if t.instance in arns and t.on_instance
        ]
        return replace(
            link, means=f"{link.means}; there are {listed(there)}" if there else link.means
        )

    def _quota(self) -> Link:
        told = self._told("quota")
        quota = self.examined.quota
        if told.verdict == "broken" or quota is None:
            return told
        if quota < self.vcpus:
            return Link(
                "quota",
                "broken",
                f"{quota:g} vCPU; the pool needs {self.vcpus}",
                "EC2 launches nothing beyond it",
                "request more in Service Quotas (service ec2)",
            )
        return Link("quota", "ok", f"{quota:g} vCPU")

    def _told(self, name: str) -> Link:
        """A link that only speaks through what went wrong, with tasks above all."""
        told = self._trouble(name)
        if told is None and not (self.well or (self.has_services and self.has_tasks)):
            return Link(name, "unknown", "what went wrong with tasks could not be read")
        if told is None:
            return Link(name, "ok", "")
        return told.breaks(name)

    # -- what went wrong -----------------------------------------------------------------------

    def _trouble(self, link: str) -> _Trouble | None:
        """The newest error that speaks of a link, of a model that is not well."""
        if self.well:
            return None
        return next((t for t in self.troubles if t.meant.link == link), None)

    def _troubles(self) -> Iterator[_Trouble]:
        since = self.now - _RECENT
        groups = {f"service:{s.name}" for s in self.services}
        observed = self.examined.observed
        tasks = [t for t in observed.tasks if t.stopped]
        latest: datetime | None = None
        for task in tasks:
            if task.group not in groups or task.stopped is None:
                continue
            latest = max(latest or task.stopped, task.stopped)
            meant = self.reasons.of_task(task)
            if meant is not None and meant.is_error:
                yield _Trouble(task.stopped, f"task {task.name[:8]}: {why_stopped(task)}", meant)
        for line in self.examined.lines:
            meant = self.reasons.of_line(line)
            if meant is not None and meant.is_error and latest is not None:
                yield _Trouble(latest, line.strip(), meant)
        for service in self.services:
            for event in service.events:
                yield from self._of(event.at, without_service(event.message, service.name), since)
        for event in observed.activities.get(self.provider, ()):
            if event.failed:
                yield from self._of(event.at, event.message, since)

    def _of(self, at: datetime, said: str, since: datetime) -> Iterator[_Trouble]:
        meant = self.reasons.of_message(said)
        if meant is not None and meant.is_error and at >= since:
            yield _Trouble(at, said, meant)
