"""A plan by Region and name, and what the comparison derives from its pools, models and services.

A plan is an argument of every function here; no decision of it is made again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from planning.document import Json, as_json
from planning.plan import (
    AutoScalingPool,
    GivenNetwork,
    JobPlan,
    ModelPlan,
    Plan,
    Pool,
    RegionPlan,
    Service,
    TaskDefinition,
)

Key = tuple[str, str]
"""Region, and name of a pool, model or job."""

Devices = tuple[int, ...] | Literal["all"]

_DEFAULT_STOP_SECONDS = 30
"""How long ECS waits between SIGTERM and SIGKILL where a container does not say
(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html)."""


@dataclass(frozen=True)
class PlanIndex:
    """A plan with its parts by Region and name."""

    plan: Plan

    @cached_property
    def regions(self) -> Mapping[str, RegionPlan]:
        return {region.name: region for region in self.plan.regions}

    @cached_property
    def pools(self) -> Mapping[Key, Pool]:
        return {(r.name, pool.name): pool for r in self.plan.regions for pool in r.pools}

    @cached_property
    def models(self) -> Mapping[Key, ModelPlan]:
        return {(r.name, model.name): model for r in self.plan.regions for model in r.models}

    @cached_property
    def jobs(self) -> Mapping[Key, JobPlan]:
        return {(r.name, job.name): job for r in self.plan.regions for job in r.jobs}

    @cached_property
    def clusters(self) -> frozenset[Key]:
        """Region and kind of every cluster."""
        found = [
            (r.name, c) for r in self.plan.regions for c in (r.auto_scaling, r.managed_instances)
        ]
        return frozenset((region, cluster.kind) for region, cluster in found if cluster)

    def pool_name(self, region: str, workload: ModelPlan | JobPlan) -> str:
        """The name of the workload's pool; the workload holds its key."""
        return self.regions[region].pool(workload.pool).name


EMPTY = PlanIndex(Plan("", "", "", (), True, (), ()))
"""Stands for a side that has no plan, and for a revision without the stack file."""


# ---- pools -----------------------------------------------------------------------------------


def max_size(pool: Pool) -> int | None:
    """The largest number of instances; `None` on Managed Instances, which have no limit."""
    return pool.max_size if isinstance(pool, AutoScalingPool) else None


_LAUNCHED_WITH = (
    "image_id",
    "root_device",
    "root_volume_gib",
    "metadata_hop_limit",
    "agent_config",
    "network_interfaces",
    "placement_group",
    "storage_gib",
    "local_storage",
    "allowed_instance_types",
)


def launched_with(pool: Pool) -> Mapping[str, Json]:
    """The fields that new instances are launched with, as JSON; those that run keep their own."""
    return {key: as_json(getattr(pool, key)) for key in _LAUNCHED_WITH if hasattr(pool, key)}


# ---- models ----------------------------------------------------------------------------------


def shares(region: RegionPlan | None) -> Mapping[str, Mapping[str, int]]:
    """The models that answer under each name, with their weights; a weight of 1 for one alone."""
    models = region.models if region else ()
    names = {g.key: m.called(g) for m in models for g in m.target_groups}
    found: dict[str, dict[str, int]] = {}
    for model in models:
        for group in model.target_groups:
            for name, one in group.names(model.called(group)).items():
                given = [share for rule in one.rules[:1] for share in rule.shares]
                weights = {names[share.target_group]: share.weight for share in given}
                found[name] = weights or {model.called(group): 1}
    return found


def images(model: ModelPlan) -> tuple[str, ...]:
    """The images of its services, each once."""
    return tuple(dict.fromkeys(s.task_definition.image for s in model.services))


def device_sets(model: ModelPlan) -> tuple[Devices, ...]:
    """The devices of each of its services, sorted."""
    return tuple(sorted((s.task_definition.devices for s in model.services), key=str))


def devices_each(model: ModelPlan) -> int | Literal["all"]:
    """Devices of one task."""
    first = model.services[0].task_definition.devices if model.services else ()
    return "all" if first == "all" else len(first)


def passing(model: ModelPlan) -> Mapping[str, tuple[str, ...]]:
    """Patterns of its own paths that the load balancer lets through, by what answers."""
    return {
        model.called(group): tuple(
            path.removeprefix(rule.prefix) or "/" for rule in group.rules for path in rule.paths
        )
        for group in model.target_groups
    }


def stop_seconds(service: Service) -> int:
    """Seconds that a task has to stop: the longest of its containers."""
    found = containers(service.task_definition).values()
    return max(
        (c.get("stopTimeout", _DEFAULT_STOP_SECONDS) for c in found), default=_DEFAULT_STOP_SECONDS
    )


def containers(task: TaskDefinition) -> Mapping[str, Mapping[str, Json]]:
    """The container definitions by name."""
    return {c["name"]: c for c in json.loads(task.container_definitions)}


def services_on(index: PlanIndex, region: str, pool: Pool) -> Iterator[tuple[ModelPlan, Service]]:
    """The services on a pool of the Region, each with its model."""
    for model in index.regions[region].models if region in index.regions else ():
        yield from ((model, service) for service in model.services if service.pool == pool.key)


def network(region: RegionPlan) -> str:
    """The Region's VPC in words: `vpc_id vpc-0a`, or `our own, 10.0.0.0/16`."""
    if isinstance(region.network, GivenNetwork):
        return f"vpc_id {region.network.vpc_id}"
    return f"our own, {region.network.cidr}"
