"""Takes the tasks off an instance."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

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
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS, UsageError
from planning import plan


@dataclass(frozen=True, slots=True)
class Host:
    """An instance of a pool, what runs on it and what was read of its Region."""

    region: plan.RegionPlan
    observed: Observation
    cluster: str
    pool: plan.Pool
    instance: ObservedInstance
    tasks: tuple[ObservedTask, ...]

    @property
    def name(self) -> str:
        return self.instance.name


def find_hosts(stack: Stack, choose: Callable[[Host], bool]) -> list[Host]:
    """The instances of the stack that are wanted, those of a Region from the oldest on.

    Raises `UsageError` if instances, or what runs on them, could not be read.
    """

    with stack.reading():
        answers = stack.ask_each(lambda reader: hosts_in(reader, choose), _unread)
    return [host for some in answers for host in some]


def _unread(region: plan.RegionPlan, why: str) -> NoReturn:
    raise UsageError(f"{region.name}: {why}", ERRORS)


def hosts_in(reader: Reader, choose: Callable[[Host], bool]) -> list[Host]:
    """The instances of `find_hosts` in one Region."""
    reader.most_definitions = 0
    observed = reader.observation()
    there = [c for c in observed.clusters.values() if c.name is not None]
    half = any(None in (c.providers, c.tasks, c.instances) for c in there)
    if observed.failed_calls and (half or not observed.clusters):
        _unread(reader.region, "; ".join(map(str, observed.failed_calls)))
    found: list[Host] = []
    known = reader.names.capacity_providers if reader.names else None
    for cluster in observed.clusters.values():
        providers = by_key([p.name for p in cluster.providers or ()], known)
        tasks = [t for t in cluster.tasks or () if t.on_instance]
        for pool in reader.region.pools:
            found += [
                Host(
                    reader.region,
                    observed,
                    cluster.name or "",
                    pool,
                    one,
                    tuple(t for t in tasks if t.instance == one.arn),
                )
                for one in cluster.instances or ()
                if one.provider and one.provider == providers.get(pool.key)
            ]
    return sorted(filter(choose, found), key=lambda h: (str(h.instance.launched or ""), h.name))


def shown(host: Host) -> Iterator[str]:
    """What runs on an instance, and what it means that the tasks leave it."""
    named, jobs = by_family(host.region), {j.name for j in host.region.jobs}
    counts: dict[str, int] = {}
    for task in host.tasks:
        name = named.get(family_of(task.task_definition), "another task")
        counts[name] = counts.get(name, 0) + 1
    tasks = ", ".join(f"{name} ({count})" for name, count in counts.items()) or "no task"
    yield f"{host.name} in {host.region.name}, pool {host.pool.name}: {tasks}"
    for text in short_without(host):
        yield f"until another instance has its tasks, {text}"
    for name in (name for name in counts if name in jobs):
        yield f"a run of {name} is not moved: it is waited for, or end it: neuron-ecs stop {name}"


def short_without(host: Host) -> list[str]:
    """The models that fall below their minimum while the tasks of an instance move, as text.

    A service whose update starts a new task first keeps its tasks up while an instance drains.
    """
    found: list[str] = []
    for model in host.region.models:
        families = {s.task_definition.family: s for s in model.services}
        running = [
            t
            for t in host.observed.tasks
            if t.is_running and family_of(t.task_definition) in families
        ]
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


def until_empty(aws: Calls, host: Host, clock: Clock, until: datetime) -> int:
    """Returns how many tasks are left on an instance once there is none, or at a time.

    Tasks of jobs are not ended by draining: they are waited for.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html
    """

    def look() -> int:
        answer = aws.ecs.describe_container_instances(
            cluster=host.cluster, containerInstances=[host.instance.arn]
        )
        return sum(
            one.get("runningTasksCount", 0) + one.get("pendingTasksCount", 0)
            for one in answer["containerInstances"]
        )

    return again_and_again(aws, clock, look, is_over=lambda left: not left, until=until)
