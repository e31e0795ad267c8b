"""The parts of two plans whose graphs can differ: what is the same on both sides is left out.

A Region refers to no other one, a model or job to none beside it. So what a workload registers
follows from its own plan, the roles that it names and the ground it stands on: the Region's
network, capacity and load balancer, and the stack's tags and flags. Of a pool everything counts but
its layout, which registers nothing. Where the ground is the same, workloads that are the same
register the same, and nothing that is registered for the others changes with them.

Alarms, rules of events and dashboards are part of the ground, and name services and target groups.
What names workloads that are left out goes with them; what names others as well keeps them all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeVar, cast

from planning.alarms import Alarm, EventRule, NameOf
from planning.dashboards import Dashboard
from planning.plan import (
    AutoScalingCluster,
    JobPlan,
    Layout,
    ManagedInstancesCluster,
    ModelPlan,
    Plan,
    RegionPlan,
    Role,
)

_Roles = tuple[Mapping[str, Role], Mapping[str, Role]]
"""The roles by key, on both sides."""

_Cluster = TypeVar("_Cluster", AutoScalingCluster, ManagedInstancesCluster)

_NO_LAYOUT = Layout(0, (), 0, 0)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is left of both plans; Regions and workloads that were left out.

    Workloads are (Region, path): a model and a job may have one name, so `models.a` and `jobs.a`.
    """

    base: Plan
    head: Plan
    regions: tuple[str, ...] = ()
    workloads: tuple[tuple[str, str], ...] = ()


def differing(base: Plan, head: Plan) -> Parts:
    """The parts of the plans that can register something different."""
    if _around(base) != _around(head):
        return Parts(base, head)
    roles = (_roles(base), _roles(head))
    olds = {region.name: region for region in base.regions}
    same: list[str] = []
    left: list[tuple[str, ModelPlan | JobPlan]] = []
    for region in head.regions:
        old = olds.get(region.name)
        if (
            old is None
            or _ground(old) != _ground(region)
            or not _alike(_of_clusters(region), roles)
        ):
            continue
        alike = list(_same(old, region, roles))
        if {w.key for w in alike} == {w.key for side in (old, region) for w in _workloads(side)}:
            same.append(region.name)
        else:
            left += [(region.name, workload) for workload in _apart((old, region), alike)]
    keys = {(region, workload.key) for region, workload in left}

    def part(plan: Plan) -> Plan:
        kept = (_without(r, keys) for r in plan.regions if r.name not in same)
        return replace(plan, regions=tuple(kept))

    return Parts(part(base), part(head), tuple(same), tuple(sorted(map(_path, left))))


def _around(plan: Plan) -> tuple[object, ...]:
    """What every Region's graph follows from, besides its own plan; roles are always registered.

    The channel of Slack names the topics of all Regions, and one record validates the certificates
    of names over all of them.
    """
    topics = {r.name: r.topic for r in plan.regions if plan.slack is not None}
    flags = plan.tags, plan.wait_for_steady_state, plan.slack, topics, plan.certificate
    return plan.project, plan.stack, plan.home_region, *flags


def _roles(plan: Plan) -> Mapping[str, Role]:
    return {role.key: role for role in plan.roles}


def _alike(keys: Iterable[str], roles: _Roles) -> bool:
    """Whether the roles of these keys are the same on both sides."""
    return all(roles[0].get(key) == roles[1].get(key) for key in keys)


def _workloads(region: RegionPlan) -> tuple[ModelPlan | JobPlan, ...]:
    return (*region.models, *region.jobs)


def _path(left: tuple[str, ModelPlan | JobPlan]) -> tuple[str, str]:
    region, workload = left
    return region, f"{'jobs' if isinstance(workload, JobPlan) else 'models'}.{workload.name}"


def _same(base: RegionPlan, head: RegionPlan, roles: _Roles) -> Iterator[ModelPlan | JobPlan]:
    """The models and jobs of a Region that register the same on both sides."""
    olds = {workload.key: workload for workload in _workloads(base)}
    for workload in _workloads(head):
        if olds.get(workload.key) == workload and _alike(_named(workload), roles):
            yield workload


def _apart(
    sides: Sequence[RegionPlan], alike: list[ModelPlan | JobPlan]
) -> Sequence[ModelPlan | JobPlan]:
    """Those of the workloads that nothing names together with one that is not among them."""
    watched = [frozenset(_names_in(one)) for side in sides for one in _watchers(side)]
    watched += [names for side in sides for names in _sharing(side)]
    while True:
        here = frozenset(key for workload in alike for key in _keys(workload))
        shared = {key for names in watched if names & here and names - here for key in names}
        kept = [workload for workload in alike if not shared.intersection(_keys(workload))]
        if len(kept) == len(alike):
            return kept
        alike = kept


def _sharing(region: RegionPlan) -> Iterator[frozenset[str]]:
    """The keys of the target groups that one rule of a load balancer names."""
    for group in (group for model in region.models for group in model.target_groups):
        for one in (group, *group.other_names):
            yield from (frozenset(s.target_group for s in rule.shares) for rule in one.rules)


def _watchers(region: RegionPlan) -> Iterator[Alarm | EventRule | Dashboard]:
    yield from region.alarms
    yield from region.event_rules
    if region.dashboard is not None:
        yield region.dashboard


def _names_in(value: object) -> Iterator[str]:
    """The keys of the services and target groups that something which watches names."""
    if isinstance(value, NameOf):
        if value.resource in ("service", "target_group"):
            yield value.key
    elif isinstance(value, tuple):
        for item in cast(tuple[object, ...], value):
            yield from _names_in(item)
    elif is_dataclass(value):
        if isinstance(value, Alarm):
            yield from value.after
        for field in fields(value):
            yield from _names_in(getattr(value, field.name))


def _keys(workload: ModelPlan | JobPlan) -> Iterator[str]:
    """The keys of the services and target groups of a workload."""
    if isinstance(workload, ModelPlan):
        yield from (service.key for service in workload.services)
        yield from (group.key for group in workload.target_groups)


def _ground(region: RegionPlan) -> RegionPlan:
    """The Region without its workloads, and without who sits on which chip."""
    return replace(
        region,
        models=(),
        jobs=(),
        auto_scaling=_bare(region.auto_scaling),
        managed_instances=_bare(region.managed_instances),
    )


def _bare(cluster: _Cluster | None) -> _Cluster | None:
    if cluster is None:
        return None
    pools = tuple(replace(pool, layout=_NO_LAYOUT) for pool in cluster.pools)
    return replace(cluster, pools=pools)


def _of_clusters(region: RegionPlan) -> Iterator[str]:
    """The keys of the roles that the Region's capacity and its daemons refer to."""
    for daemon in region.daemons:
        yield daemon.task_definition.task_role
        yield daemon.task_definition.execution_role
    if region.auto_scaling is not None:
        yield from region.auto_scaling.instance_roles
    if region.managed_instances is not None:
        yield region.managed_instances.instance_role
        yield region.managed_instances.infrastructure_role


def _named(workload: ModelPlan | JobPlan) -> Iterator[str]:
    """The keys of the roles that a workload refers to."""
    if isinstance(workload, JobPlan):
        definitions = (workload.task_definition,)
        if workload.schedule:
            yield workload.schedule.role
    else:
        definitions = tuple(service.task_definition for service in workload.services)
    for definition in definitions:
        yield definition.task_role
        yield definition.execution_role
        if definition.ebs_volume is not None:
            yield definition.ebs_volume.role


def _without(region: RegionPlan, keys: set[tuple[str, str]]) -> RegionPlan:
    left = [w for w in _workloads(region) if (region.name, w.key) in keys]
    names = frozenset(key for workload in left for key in _keys(workload))

    def stays(watcher: Alarm | EventRule | Dashboard | None) -> bool:
        return names.isdisjoint(_names_in(watcher))

    return replace(
        region,
        models=tuple(m for m in region.models if (region.name, m.key) not in keys),
        jobs=tuple(j for j in region.jobs if (region.name, j.key) not in keys),
        alarms=tuple(filter(stays, region.alarms)),
        event_rules=tuple(filter(stays, region.event_rules)),
        dashboard=region.dashboard if stays(region.dashboard) else None,
    )
