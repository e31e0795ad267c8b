"""Pools as a whole: what runs on them, for how long, and on which architecture."""

from collections.abc import Iterator

from config import ManagedInstancesCapacity
from messages.finding import Severity
from messages.phrases import listed
from planning import managed_types
from planning.proposals import passes_with
from planning.rules.rule import Report, rule
from planning.situation import Situation


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
    for work in s.distinct_work:
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
    used = {w.pool.name for w in s.work}.union(*(u.pools for u in s.unserved))
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


@rule(
    "NE140",
    "No instance type is left for the pool",
    Severity.ERROR,
    "ECS launches types that have everything a capacity provider asks for, of at least 2 vCPU and "
    "no nano or micro size.",
    do="Name types by allowed_instance_types or accelerators; with both, types that have both.",
    table="neuron_families",
)
def no_type_left(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instances-instance-types.html
    and https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-managed-instances.html
    (no instance types satisfy the instance requirements)."""
    for name, spec in s.settings.capacity.items():
        if not isinstance(spec, ManagedInstancesCapacity):
            continue
        path = f"capacity.{name}.allowed_instance_types"
        if not spec.allowed_instance_types and not managed_types.accelerators(spec, s.catalog):
            yield Report(path, "is missing, and so is accelerators", _some_types(s, name))
        types = [t for p in spec.allowed_instance_types for t in s.catalog.instances.matching(p)]
        if s.types_named(name) or not types:
            continue
        if s.too_small.issuperset(types):
            what, fix = "Managed Instances run none of them", _larger(s, name, types)
        else:
            what = f"none of them has {' or '.join(managed_types.accelerators(spec, s.catalog))}"
            field = "accelerators" if spec.accelerators else "accelerator_manufacturers"
            left = s.passes({path: ()}), s.passes({f"capacity.{name}.{field}": ()})
            fixes = ["leave it out"] * left[0] + [f"leave {field} out"] * left[1]
            fix = ", or ".join(fixes) or _some_types(s, name)
        yield Report(path, f"is [{', '.join(spec.allowed_instance_types)}]; {what}", fix)


def _some_types(s: Situation, pool: str) -> str:
    """Types that suit the pool, as `write [inf2.*]`: a family of Neuron types, or one type."""
    here = [r for r in s.pool_regions(pool) if r in s.regions]
    types = [t for t in s.neuron_types_in(here) if managed_types.proven(t, s.catalog)]
    families = [f"{t.partition('.')[0]}.*" for t in types]
    works = [w for _, w in s.named_workloads() if w.capacity == pool]
    offered = {t for r in here for t in s.catalog.places.types_offered(r)} - s.too_small
    others = [k for k in s.catalog.instances.types.values() if not k.neuron and k.name in offered]
    others = [k for k in others if all(s.holds(k, w) for w in works)]
    plain = [k.name for k in sorted(others, key=lambda k: (k.memory_mib, k.name))][:8]
    tried = [*dict.fromkeys(families), *types, *plain, *s.catalog.instances.neuron_types]
    return f"write [{next((t for t in tried if passes_with(s, pool, t)), tried[0])}]"


def _larger(s: Situation, pool: str, types: list[str]) -> str:
    """Types of the same families that Managed Instances run, in the pool's Regions."""
    families = {t.partition(".")[0] for t in types}
    offered = {t for r in s.pool_regions(pool) for t in s.catalog.places.types_offered(r)}
    fitting = [t for t in sorted(offered - s.too_small) if t.partition(".")[0] in families]
    kinds = sorted((s.catalog.instances.types[t] for t in fitting), key=lambda k: k.memory_mib)
    return f"write [{kinds[0].name}]" if kinds else "write [c7i.large]"


RULES = (managed_instances_drain, nothing_runs, mixed_architectures, no_type_left)
