"""What was read from the account."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from planning import plan

Verdict = Literal["ok", "note", "differs", "unknown"]


Kind = Literal["Region", "cluster", "capacity", "service", "job", "instance"]


RESOLVE = "resolve:ssm:"


_SUFFIX = r"-[0-9a-f]{7}"  # https://www.pulumi.com/docs/iac/concepts/resources/names/


_AFTER_OR_BEFORE_AN_INSTANCE = frozenset({"PROVISIONING", "DEPROVISIONING", "STOPPED"})


@dataclass(frozen=True, slots=True)
class Names:
    """Physical names by the plan's keys, as the stack's outputs tell them for a Region."""

    clusters: Mapping[str, str]  # by kind of cluster
    capacity_providers: Mapping[str, str]
    services: Mapping[str, str]
    task_definitions: Mapping[str, str]  # ARNs


@dataclass(frozen=True, slots=True)
class ProviderSeen:
    """A capacity provider that is attached to the cluster."""

    name: str
    status: str
    update_status: str
    reason: str


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """A service, with the state of its PRIMARY deployment."""

    name: str
    status: str
    desired: int
    running: int
    pending: int
    task_definition: str  # ARN
    providers: tuple[str, ...]
    deployments: int
    rollout: str  # COMPLETED, IN_PROGRESS, FAILED; empty where ECS does not tell
    rollout_reason: str


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task. `devices` are the ids that ECS assigned to its containers, empty where it does not
    hand out devices."""

    arn: str
    group: str
    task_definition: str
    instance: str  # ARN of the container instance; empty before it is placed
    last_status: str
    desired_status: str
    health: str
    devices: frozenset[str]

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def on_instance(self) -> bool:
        """Whether it may hold devices: placed, and its containers not known to have stopped."""
        return bool(self.instance) and self.last_status not in _AFTER_OR_BEFORE_AN_INSTANCE


@dataclass(frozen=True, slots=True)
class InstanceSeen:
    """A container instance, and the image of its EC2 instance.

    Devices are ids of the resource NEURON_DEVICES; None where the agent registers none, as on EC2
    capacity. `ports` are the host ports that ECS holds for tasks or for itself.
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


@dataclass(frozen=True, slots=True)
class ClusterSeen:
    """A cluster; `candidates` are all that might be it, and None what could not be read."""

    name: str | None
    candidates: tuple[str, ...] = ()
    status: str = ""
    providers: tuple[ProviderSeen, ...] | None = None
    services: tuple[ServiceSeen, ...] | None = None
    tasks: tuple[TaskSeen, ...] | None = None
    instances: tuple[InstanceSeen, ...] | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A question that AWS did not answer."""

    asked: str
    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What AWS said about a Region."""

    clusters: Mapping[str, ClusterSeen]  # by kind; one that is absent here could not be looked for
    containers: Mapping[str, tuple[Mapping[str, Any], ...]] = field(
        default_factory=dict[str, tuple[Mapping[str, Any], ...]]
    )
    """Container definitions by the ARN of the task definition, or by family for its latest."""
    images: Mapping[str, str] = field(default_factory=dict[str, str])  # image id by parameter path
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `problems` says what differs, or why there is no answer."""

    region: str
    kind: Kind
    name: str
    verdict: Verdict
    found: str
    problems: tuple[str, ...] = ()


def called(key: str, names: Sequence[str], known: Mapping[str, str] | None) -> tuple[str, ...]:
    """Those of the names that the plan's key may have: the output's, or the key and a suffix."""
    if known is not None:
        return tuple(name for name in names if name == known.get(key))
    pattern = re.compile(re.escape(key) + _SUFFIX)
    return tuple(name for name in names if pattern.fullmatch(name))


def family_of(task_definition: str) -> str:
    """The family in a task definition's ARN."""
    return task_definition.rpartition("/")[2].rpartition(":")[0]


def families(region: plan.RegionPlan) -> frozenset[str]:
    """The families of all task definitions in a Region; they carry project and stack."""
    services = [s.task_definition.family for m in region.models for s in m.services]
    return frozenset([*services, *(j.task_definition.family for j in region.jobs)])


def parameter_paths(region: plan.RegionPlan) -> tuple[str, ...]:
    """The parameters that hold the images of the Region's Auto Scaling pools."""
    images = {p.image_id for p in region.pools if isinstance(p, plan.AutoScalingPool)}
    return tuple(sorted(i.removeprefix(RESOLVE) for i in images if i.startswith(RESOLVE)))


def unread(region: plan.RegionPlan, reason: str) -> tuple[Check, ...]:
    """The one check of a Region about which nothing could be read."""
    return (Check(region.name, "Region", region.name, "unknown", "not read", (reason,)),)
