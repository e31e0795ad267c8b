"""Pools as a whole: what runs on them, for how long, and on which architecture."""

from collections.abc import Iterator

from messages.finding import Severity
from messages.phrases import listed
from planning.rules.rule import Report, rule
from planning.situation import Situation, each_workload


@rule(
    "NE137",
    "Managed Instance ends before a long job",
    Severity.NOTE,
    "ECS drains a Managed Instance from its 14th day on, and ends it at most seven days later. The "
    "task of a job ends with it and is not started again.",
    do="Write checkpoints and resume, or use kind: auto_scaling for jobs that run longer.",
    table="limits",
)
def managed_instances_drain(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instances-patching.html
    and https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ManagedInstances.html: at most
    14 days"""
    days = s.catalog.limits.value("managed_instances_drain_days")
    for work in each_workload(s):
        if work.is_job and work.pool.managed:
            yield Report(
                work.path,
                f"runs on the Managed Instances pool {work.pool.name}, whose instances drain from "
                f"day {days}",
                f"let it write checkpoints and resume if it can run for {days} days or more",
            )


@rule(
    "NE138",
    "Pool without a workload",
    Severity.NOTE,
    "Nothing runs on the pool; its minimum size is paid for all the same.",
    do="Name the pool as the capacity of a model or job, or remove it.",
)
def nothing_runs(s: Situation) -> Iterator[Report]:
    """CreateAutoScalingGroup: a group keeps its MinSize whether tasks run or not."""
    used = {w.pool.name for w in s.work}
    for name in s.settings.capacity:
        here = [p for (_, n), p in s.pools.items() if n == name]
        if here and name not in used:
            yield Report(
                f"capacity.{name}",
                f"(kind {s.settings.capacity[name].kind}) has no model and no job",
                ("remove it, or " if len(s.settings.capacity) > 1 else "")
                + f"add a model or job on {name}",
            )


@rule(
    "NE139",
    "Pool mixes architectures",
    Severity.WARNING,
    "ECS may choose an instance of either architecture. A container whose image was built for the "
    "other one ends with an exec format error.",
    do="Allow types of one architecture.",
)
def mixed_architectures(s: Situation) -> Iterator[Report]:
    """API_InstanceRequirementsRequest, allowedInstanceTypes, and
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters-managed-instances.html
    (runtimePlatform)."""
    seen: set[str] = set()
    for (_, name), pool in s.pools.items():
        kinds = {kind.architecture: kind for kind in reversed(pool.types)}
        if len(kinds) < 2 or name in seen:
            continue
        seen.add(name)
        own = [k.name for k in pool.types if k.architecture == pool.types[0].architecture]
        yield Report(
            f"capacity.{name}.allowed_instance_types",
            "allows " + listed([f"{k.name} ({a})" for a, k in sorted(kinds.items())]),
            f"write [{', '.join(sorted(own)[:5])}]",
        )


RULES = (managed_instances_drain, nothing_runs, mixed_architectures)
