"""Takes the tasks off an instance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.following import again_and_again
from neuron_ecs.operations.observed import (
    Observation,
    ObservedInstance,
    ObservedTask,
    by_family,
    by_key,
    family_of,
)
from neuron_ecs.operations.reading import Reader
from planning import plan


@dataclass(frozen=True, slots=True)
class Host:
    """An instance of a pool, and what runs on it."""

    region: str
    cluster: str
    pool: plan.Pool
    instance: ObservedInstance
    tasks: tuple[ObservedTask, ...]

    @property
    def name(self) -> str:
        return self.instance.instance_id or self.instance.arn.rpartition("/")[2]


def hosts(reader: Reader, observed: Observation) -> list[Host]:
    """The instances of a Region's pools, the oldest first."""
    found: list[Host] = []
    known = reader.names.capacity_providers if reader.names else None
    for cluster in observed.clusters.values():
        providers = by_key([p.name for p in cluster.providers or ()], known)
        tasks = [t for t in cluster.tasks or () if t.on_instance]
        for pool in reader.region.pools:
            found += [
                Host(
                    reader.region.name,
                    cluster.name or "",
                    pool,
                    one,
                    tuple(t for t in tasks if t.instance == one.arn),
                )
                for one in cluster.instances or ()
                if one.provider and one.provider == providers.get(pool.key)
            ]
    return sorted(found, key=lambda h: (str(h.instance.launched or ""), h.name))


def workloads(region: plan.RegionPlan, tasks: Sequence[ObservedTask]) -> dict[str, int]:
    """How many of some tasks are of each model or job."""
    named = by_family(region)
    counts: dict[str, int] = {}
    for task in tasks:
        name = named.get(family_of(task.task_definition), "another task")
        counts[name] = counts.get(name, 0) + 1
    return counts


def short_without(region: plan.RegionPlan, observed: Observation, host: Host) -> list[str]:
    """The models that fall below their minimum while the tasks of an instance move, as text.

    A service whose update starts a new task first keeps its tasks up while an instance drains.
    """
    found: list[str] = []
    tasks = [t for c in observed.clusters.values() for t in c.tasks or ()]
    for model in region.models:
        families = {s.task_definition.family: s for s in model.services}
        running = [t for t in tasks if t.is_running and family_of(t.task_definition) in families]
        leaving = [
            t
            for t in running
            if t.instance == host.instance.arn and not families[family_of(t.task_definition)].surges
        ]
        left = len(running) - len(leaving)
        if leaving and left < model.replicas_min:
            found.append(f"{model.name} has {left} of {model.replicas_min} replicas meanwhile")
    return found


def set_state(aws: Calls, host: Host, state: str) -> None:
    """Sets an instance DRAINING or ACTIVE."""
    aws.ecs.update_container_instances_state(
        cluster=host.cluster, containerInstances=[host.instance.arn], status=state
    )


def until_empty(
    aws: Calls,
    host: Host,
    clock: Clock,
    until: datetime,
    seen: Callable[[int], None] = lambda _: None,
) -> int:
    """Returns how many tasks are left on an instance once there is none, or at a time.

    Tasks of jobs are not ended by draining: they are waited for.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html
    """

    def look() -> int:
        answer = aws.ecs.describe_container_instances(
            cluster=host.cluster, containerInstances=[host.instance.arn]
        )
        left = sum(
            one.get("runningTasksCount", 0) + one.get("pendingTasksCount", 0)
            for one in answer["containerInstances"]
        )
        seen(left)
        return left

    return again_and_again(aws, clock, look, is_over=lambda left: not left, until=until)
