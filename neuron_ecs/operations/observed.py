"""What was read from the account."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from planning import plan

Verdict = Literal["ok", "note", "differs", "unknown"]
Kind = Literal["Region", "cluster", "capacity", "service", "job", "instance"]

RESOLVE = "resolve:ssm:"
_SUFFIX = r"-[0-9a-f]{7}"  # https://www.pulumi.com/docs/iac/concepts/resources/names/
_SUFFIXED = re.compile(f".*{_SUFFIX}")
_EXAMPLE = "-0123456"
_AFTER_OR_BEFORE_AN_INSTANCE = frozenset({"PROVISIONING", "DEPROVISIONING", "STOPPED"})


@dataclass(frozen=True, slots=True)
class Names:
    """Physical names by the plan's keys, from the stack's outputs for a Region."""

    clusters: Mapping[str, str]  # by kind of cluster
    capacity_providers: Mapping[str, str]
    services: Mapping[str, str]
    task_definitions: Mapping[str, str]  # ARNs


@dataclass(frozen=True, slots=True)
class ObservedProvider:
    """A capacity provider that is attached to the cluster."""

    name: str
    status: str
    update_status: str
    reason: str
    group: str = ""  # name of its Auto Scaling group; empty on Managed Instances


@dataclass(frozen=True, slots=True)
class ObservedDeployment:
    """A deployment of a service: PRIMARY is the one that it moves to."""

    status: str
    task_definition: str  # ARN
    desired: int
    running: int
    failed: int  # tasks that did not start, or not well
    rollout: str


@dataclass(frozen=True, slots=True)
class ObservedEvent:
    """A message of a service, or an activity of a scaler; `failed` says that it did not succeed."""

    at: datetime
    message: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ObservedService:
    """A service, with the state of its PRIMARY deployment."""

    name: str
    status: str
    desired: int
    running: int
    pending: int
    task_definition: str  # ARN
    providers: tuple[str, ...]
    deployments: int
    rollout: str  # COMPLETED, IN_PROGRESS, FAILED; empty if ECS states none
    rollout_reason: str
    rollouts: tuple[ObservedDeployment, ...] = ()
    events: tuple[ObservedEvent, ...] = ()  # ECS returns the newest 100
    target_groups: tuple[str, ...] = ()  # ARNs

    @property
    def deploys(self) -> bool:
        """Whether a deployment is under way."""
        return self.rollout == "IN_PROGRESS" or self.deployments > 1


@dataclass(frozen=True, slots=True)
class ObservedContainer:
    """A container of a task. `exit_code` is `None` until it has exited."""

    name: str
    image: str
    exit_code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ObservedTask:
    """A task. `devices` are the ids that ECS assigned to its containers, empty if none."""

    arn: str
    group: str
    task_definition: str
    instance: str  # ARN of the container instance; empty before it is placed
    last_status: str
    desired_status: str
    health: str
    devices: frozenset[str]
    started: datetime | None = None
    stopped: datetime | None = None
    stop_code: str = ""
    stop_reason: str = ""
    started_by: str = ""
    containers: tuple[ObservedContainer, ...] = ()

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def on_instance(self) -> bool:
        """Whether it may use devices: placed, and its containers not known to have stopped."""
        return bool(self.instance) and self.last_status not in _AFTER_OR_BEFORE_AN_INSTANCE

    @property
    def is_running(self) -> bool:
        """Whether it runs, and nothing has asked it to stop."""
        return self.last_status == self.desired_status == "RUNNING"


@dataclass(frozen=True, slots=True)
class ObservedInstance:
    """A container instance, and the image of its EC2 instance.

    Devices are ids of the resource NEURON_DEVICES; None where the agent registers none, as on EC2
    capacity. `ports` are the host ports that ECS reserves for tasks or for itself.
    """

    arn: str
    instance_id: str
    status: str
    agent_connected: bool
    provider: str
    instance_type: str
    registered: frozenset[str] | None
    remaining: frozenset[str] | None
    ports: frozenset[int] | None
    image_id: str | None
    launched: datetime | None = None
    template_version: str = ""  # of the launch template; empty on Managed Instances

    @property
    def name(self) -> str:
        """The id of the EC2 instance, or of the container instance without one."""
        return self.instance_id or self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class ObservedCluster:
    """A cluster. `candidates` are all names that match; `None` marks what could not be read."""

    name: str | None
    candidates: tuple[str, ...] = ()
    status: str = ""
    providers: tuple[ObservedProvider, ...] | None = None
    services: tuple[ObservedService, ...] | None = None
    tasks: tuple[ObservedTask, ...] | None = None
    instances: tuple[ObservedInstance, ...] | None = None


@dataclass(frozen=True, slots=True)
class ObservedTarget:
    """A task behind the load balancer."""

    state: str
    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that AWS refused, or that got no answer."""

    asked: str
    reason: str

    def __str__(self) -> str:
        return f"{self.asked}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Observation:
    """What AWS returned about a Region."""

    clusters: Mapping[str, ObservedCluster]  # by kind; one that is absent was not listed
    containers: Mapping[str, tuple[Mapping[str, Any], ...]] = field(
        default_factory=dict[str, tuple[Mapping[str, Any], ...]]
    )
    """Container definitions by the ARN of the task definition, or by family for its latest."""
    images: Mapping[str, str] = field(default_factory=dict[str, str])  # image id by parameter path
    failed_calls: tuple[FailedCall, ...] = ()
    targets: Mapping[str, tuple[ObservedTarget, ...]] = field(
        default_factory=dict[str, tuple[ObservedTarget, ...]]
    )
    """Targets by the ARN of their group; a group that could not be read is absent."""
    activities: Mapping[str, tuple[ObservedEvent, ...]] = field(
        default_factory=dict[str, tuple[ObservedEvent, ...]]
    )
    """What scaled, by the name of the service or of the capacity provider."""
    healthy: Mapping[str, int] = field(default_factory=dict[str, int])
    """Healthy targets by the ARN of their group, by the load balancer's metric minutes ago."""

    @property
    def tasks(self) -> list[ObservedTask]:
        """The tasks of all clusters, as far as they could be read."""
        return [task for cluster in self.clusters.values() for task in cluster.tasks or ()]

    @property
    def services(self) -> list[ObservedService]:
        """The services of all clusters, as far as they could be read."""
        return [one for cluster in self.clusters.values() for one in cluster.services or ()]

    def by_service_key(self, names: Names | None) -> "dict[str, ObservedService]":
        """The services by the plan's keys."""
        there = {s.name: s for s in self.services}
        known = names.services if names else None
        return {key: there[name] for key, name in by_key(list(there), known).items()}


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `problems` says what differs, or why there is no answer."""

    region: str
    kind: Kind
    name: str
    verdict: Verdict
    found: str
    problems: tuple[str, ...] = ()


def names_of_key(
    key: str, names: Sequence[str], known: Mapping[str, str] | None
) -> tuple[str, ...]:
    """Returns the names that belong to a key: the output's, or the key with the engine's suffix."""
    if known is not None:
        return tuple(name for name in names if name == known.get(key))
    pattern = re.compile(re.escape(key) + _SUFFIX)
    return tuple(name for name in names if pattern.fullmatch(name))


def by_key(names: Sequence[str], known: Mapping[str, str] | None) -> dict[str, str]:
    """Returns the names by the key that each belongs to; the first of several."""
    if known is not None:
        return {key: name for key, name in known.items() if name in names}
    found: dict[str, str] = {}
    for name in names:
        if _SUFFIXED.fullmatch(name):
            found.setdefault(name[: -len(_EXAMPLE)], name)
    return found


def in_order(text: str) -> tuple[int, str]:
    """Sorts ids of devices and revisions as numbers, and other texts after them."""
    return (int(text), "") if text.isdecimal() else (1 << 30, text)


def family_of(task_definition: str) -> str:
    """The family in a task definition's ARN."""
    return task_definition.rpartition("/")[2].rpartition(":")[0]


def revision_of(task_definition: str) -> str:
    """The revision in a task definition's ARN."""
    return task_definition.rpartition(":")[2]


def by_family(region: plan.RegionPlan) -> dict[str, str]:
    """The models, jobs and daemons of a Region by the families of their task definitions, which
    contain project and stack."""
    models = {s.task_definition.family: m.name for m in region.models for s in m.services}
    daemons = {d.task_definition.family: f"daemon {d.name}" for d in region.daemons}
    return models | {j.task_definition.family: j.name for j in region.jobs} | daemons


def parameter_paths(region: plan.RegionPlan) -> tuple[str, ...]:
    """The parameters that contain the images of the Region's Auto Scaling pools."""
    images = {p.image_id for p in region.pools if isinstance(p, plan.AutoScalingPool)}
    return tuple(sorted(i.removeprefix(RESOLVE) for i in images if i.startswith(RESOLVE)))


def unread_region(region: plan.RegionPlan, reason: str) -> tuple[Check, ...]:
    """Returns the one check of a Region that could not be read at all."""
    return (Check(region.name, "Region", region.name, "unknown", "not read", (reason,)),)
