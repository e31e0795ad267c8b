"""Workloads of a plan: models with their services, and jobs."""

from dataclasses import replace

from config import AutoScalingCapacity, JobEntry
from planning import (
    audit,
    choices,
    containers,
    discovery,
    identity,
    names,
    permissions,
    plan,
    queue,
    routes,
    scaling,
    service_tasks,
    volumes,
)
from planning.authentication import key_server, own_key, token_check
from planning.command_line import server_of
from planning.compile_cache import CompileCache
from planning.entries import RegionalWorkload
from planning.everywhere import everywhere
from planning.images import resolved
from planning.make_capacity import pool_key
from planning.public import is_public
from planning.reached import Reached, grace_seconds, leaving_seconds, reached
from planning.regional import in_region
from planning.serving.records import WrittenOut
from planning.situation import Situation
from planning.weights import shared_names


def _log_group(s: Situation, work: RegionalWorkload) -> plan.LogGroup:
    kind = "jobs" if work.is_job else "models"
    return plan.LogGroup(
        names.key(_short(s, work), kind, work.name, "logs"),
        identity.log_group_name(s, work),
        work.spec.log_retention_days,
        audit.kms_key(s, work.region),
    )


def _short(s: Situation, work: RegionalWorkload) -> str:
    return s.catalog.places.regions[work.region].short


def _task_definition(
    s: Situation, work: RegionalWorkload, devices: tuple[int, ...], slot: str
) -> plan.TaskDefinition:
    kind = work.smallest
    size = s.task_size(work)
    assert kind is not None
    assert size is not None
    job = "job" if work.is_job else ""
    key = names.key(_short(s, work), job, work.name, slot, pool_key(s, work.pool).split("_", 1)[1])
    hardware, spec = kind.neuron, work.pool.spec
    efa = isinstance(spec, AutoScalingCapacity) and spec.efa
    whole = hardware is not None and len(devices) == hardware.devices
    named = () if work.managed_devices else devices
    # above 10 vCPU AWS's pages disagree on a task-level size; the containers carry it then
    contested = s.catalog.limits.value("managed_instances_task_cpu_max_units")
    task_level = not work.pool.managed or size.cpu_units <= contested
    unreserved = work.spec.cpu_units is None and not work.device_count  # without a limit either
    if unreserved or size.cpu_units < s.catalog.limits.value("task_cpu_min"):
        task_level = False
    return plan.TaskDefinition(
        key=key,
        family=identity.task_family(s, work, slot),
        compatibility="MANAGED_INSTANCES" if work.pool.managed else "EC2",
        network_mode=work.network_mode,
        cpu=size.cpu_units if task_level else None,
        memory=size.memory_mib if task_level else None,
        member_of=_member_of(work),
        container_definitions=containers.definitions(
            work,
            s.catalog,
            size=size,
            devices=named,
            log_group=_log_group(s, work).name,
            stack=s.qualified_name,
            slot=slot,
            efa_devices=hardware.efa_interfaces if hardware and whole and efa else 0,
        ),
        task_role=identity.logical_name(s, identity.task_role(work)),
        execution_role=identity.logical_name(s, identity.execution_role(work)),
        devices="all" if work.managed_devices else devices,
        image=resolved(work.spec.image, work.region, s.catalog),
        process_tag=containers.process_tag(work, slot, s.catalog),
        volumes=volumes.task_volumes(s, work, slot),
        mounts=volumes.mounts(work, slot),
    )


def _member_of(work: RegionalWorkload) -> tuple[str, ...]:
    """Returns placement expressions: named devices need their instance type.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference-task-def.html
    """
    kind = work.pool.type
    if work.managed_devices or kind is None or (work.pool.managed and not work.device_count):
        return ()
    return (
        "attribute:ecs.os-type == linux",
        f"attribute:ecs.instance-type == {kind.name}",
    )


def model_plan(s: Situation, work: RegionalWorkload) -> plan.ModelPlan:
    """Returns the plan of a model in its Region: a service for each slot it has tasks on."""
    short = _short(s, work)
    public = is_public(s, work.region)
    groups = [_target_group(s, work, one, public=public) for one in reached(s, work)]
    # A service is named by its number, not by its devices. If its devices move, it rolls out and
    # stops its old tasks. A new service would wait for the devices of the old one, which the engine
    # deletes only at the end of the update.
    target_group = next((group for group in groups if not group.sidecar), None)
    services = [
        _service(s, work, tasks, str(tasks.number)) for tasks in service_tasks.services(s, work)
    ]
    others = reached(s, work) if s.settings.traffic.both_schemes else ()
    second = [_target_group(s, work, one, public=not public) for one in others]
    group = target_group.key if target_group else ""
    load = scaling.measured(s, work, names.balancer_key(short, public=public), group)
    services = scaling.scaled(s, work, services, load)
    moved = scaling.mover(s, work)
    row = server_of(work.spec, s.catalog)
    out = s.written.get(work.name)
    return plan.ModelPlan(
        cold_seconds=row.cold_start_seconds if row else 0,
        warm_seconds=row.warm_start_seconds if row else 0,
        cache=_cache(out, work.region) if out else None,
        name=work.name,
        key=names.key(short, work.name),
        pool=pool_key(s, work.pool),
        network_mode=work.network_mode,
        log_group=_log_group(s, work),
        target_group=target_group,
        services=_in_two_waves(services),
        replicas_min=work.replicas.min,
        replicas_max=work.tasks_max,
        sidecar_target_groups=tuple(group for group in groups if group.sidecar),
        second_target_groups=tuple(second),
        mover=moved,
        serve_seconds=scaling.serve_seconds(s, work),
        rise_seconds=scaling.rise_seconds(s, work) if moved and moved.by_load else 0,
        server_metrics=queue.server_metrics(work, s.catalog, f"{s.project}/{s.stack}"),
    )


def _cache(out: WrittenOut, region: str) -> CompileCache | None:
    if out.cache is None:
        return None
    return CompileCache(
        kind=out.cache.kind,
        place=in_region(out.cache.place, region),
        fingerprint=out.cache.fingerprint,
        marker=in_region(out.ahead.marker, region) if out.ahead else "",
        required=out.compiled,
    )


def _in_two_waves(services: list[plan.Service]) -> tuple[plan.Service, ...]:
    """Makes the second half of the services wait for the first, if all stop before they start.

    Updated together they would take the whole model down.
    """
    stopping = all(service.minimum_healthy_percent == 0 for service in services)
    if len(services) < 2 or not stopping:
        return tuple(services)
    half = (len(services) + 1) // 2
    first = tuple(service.key for service in services[:half])
    return (*services[:half], *(replace(service, after=first) for service in services[half:]))


def _service(
    s: Situation, work: RegionalWorkload, tasks: service_tasks.ServiceTasks, slot: str
) -> plan.Service:
    task = _task_definition(s, work, tasks.devices, slot)
    least, most = tasks.tasks_min, tasks.tasks_max
    low, high = tasks.percentages
    ports = work.spec.served_ports
    grace = grace_seconds(work, s.catalog)
    return plan.Service(
        key=task.key,
        pool=pool_key(s, work.pool),
        task_definition=task,
        desired_count=least,
        # Registering the limits moves a count that is outside of them. Services of a fixed number
        # of tasks need that only at 0, where tasks that somebody started must end.
        scaling=plan.Scaling(names.key(task.key, "scaling"), least, most)
        if least < most or not most
        else None,
        minimum_healthy_percent=low,
        maximum_percent=high,
        distinct_instance=bool(tasks.devices) and work.network_mode == "awsvpc",
        pack=not work.pool.managed,
        spread_zones=work.replicas.spread == "instances" and not work.pool.managed,
        grace_seconds=grace if work.spec.called else None,
        container_name=work.name,
        container_port=ports[0] if ports else None,
        exec=work.spec.exec,
        timeouts=_timeouts(work, most, low, high, (grace, leaving_seconds(s, work))),
        after=(),
        registry=discovery.registry(s, work, slot),
    )


def _timeouts(
    work: RegionalWorkload, most: int, low: int, high: int, seconds: tuple[int, int]
) -> plan.Timeouts:
    """Returns how long the engine waits, in minutes; `seconds` are of a load and of leaving.

    A wave takes the time to boot, pull and load. An update without room takes several waves.
    """
    load, leaving = (-(-time // 60) for time in seconds)
    wave = choices.BOOT_MINUTES + choices.PULL_MINUTES + load
    ending = -(-work.stop_seconds // 60) + leaving
    at_once = most if high > 100 else max(1, most - -(-most * low // 100))
    waves = -(-most // max(at_once, 1))
    return plan.Timeouts(
        create_minutes=min(choices.MOST_MINUTES, wave + choices.BOOT_MINUTES),
        update_minutes=min(choices.MOST_MINUTES, waves * (wave + ending) + choices.BOOT_MINUTES),
        delete_minutes=min(choices.MOST_MINUTES, ending + 2 * choices.BOOT_MINUTES),
    )


def _target_group(
    s: Situation, work: RegionalWorkload, one: Reached, *, public: bool
) -> plan.TargetGroup:
    check, short, row = work.spec.health_check, _short(s, work), key_server(one.spec, s.catalog)
    most, scheme = s.catalog.limits.value("target_group_name_max"), names.scheme(public=public)
    name = "-".join(filter(None, (short, scheme, work.name)))
    key = names.autonamed(name, most)
    if one.sidecar:
        key = names.hashed(f"{name}-{one.sidecar}", f"{work.name}/{one.sidecar}", most)
    elif scheme:  # a model can have a name that begins with the word
        key = names.hashed(name, f"{scheme} {work.name}", most)
    return plan.TargetGroup(
        key=key,
        target_type="ip" if work.network_mode == "awsvpc" or work.pool.managed else "instance",
        port=one.port,
        health_path=in_region(one.health_path, work.region),
        health_interval_seconds=check.interval_seconds
        if check
        else choices.HEALTH_INTERVAL_SECONDS,
        health_timeout_seconds=check.timeout_seconds if check else choices.HEALTH_TIMEOUT_SECONDS,
        unhealthy_threshold=check.retries if check else choices.UNHEALTHY_THRESHOLD,
        deregistration_delay_seconds=one.answer_seconds,
        path_prefix=one.path,
        sidecar=one.sidecar,
        rules=_rules(s, names.key(short, work.name, one.sidecar, "path", scheme), one),
        host=one.host,
        caller_key=_caller_key(s, work, one),
        everywhere=everywhere(s, work, one.sidecar, group=key, host=one.everywhere, public=public),
        check_path=row.key_check if row else "",
    )


def _caller_key(s: Situation, work: RegionalWorkload, one: Reached) -> routes.CallerKey | None:
    secret = own_key(one.spec, s.catalog)
    return routes.CallerKey(in_region(secret, work.region)) if secret else None


def _rules(s: Situation, key: str, one: Reached) -> tuple[routes.ListenerRule, ...]:
    """The first rule keeps its key; a rule takes so many paths.

    Rules that check a token have keys of their own: AWS gives a rule the next free priority when it
    is made, and the open one of the health check must stand before them.
    """
    most, patterns = s.catalog.limits.value("listener_rule_condition_values"), one.patterns
    token, first = token_check(s.settings), None
    if token is not None:
        health = one.health_pattern(s.catalog)
        patterns = tuple(p for p in patterns if p != health)
        if health:
            opened = names.key(key, "health")
            first = routes.ListenerRule(opened, (health,), one.path, _hosts(one))
    checked = tuple(
        routes.ListenerRule(
            key=names.key(key, "token" if token else "", str(1 + at // most) if at else ""),
            paths=patterns[at : at + most],
            prefix=one.path,
            hosts=_hosts(one),
            token=token,
            after=first.key if first else "",
        )
        for at in range(0, len(patterns), most)
    )
    return (first, *checked) if first else checked


def _hosts(one: Reached) -> tuple[str, ...]:
    return tuple(filter(None, (one.host, one.everywhere))) if one.by_host else ()


def under_shared_names(
    s: Situation, region: str, models: tuple[plan.ModelPlan, ...]
) -> tuple[plan.ModelPlan, ...]:
    """Returns the models of a Region with the rules of the names under which several answer."""
    public = is_public(s, region)
    first = {m.name: m.target_group for m in models if m.target_group}
    second = {m.name: g for m in models for g in m.second_target_groups if not g.sidecar}
    for groups, scheme in ((first, public), (second, not public)):
        if groups:
            _share_names(s, region, groups, public=scheme)
    return tuple(
        replace(
            model,
            target_group=first.get(model.name),
            second_target_groups=tuple(
                group if group.sidecar else second[model.name]
                for group in model.second_target_groups
            ),
        )
        for model in models
    )


def _share_names(
    s: Situation, region: str, groups: dict[str, plan.TargetGroup], *, public: bool
) -> None:
    """Gives the target groups of one load balancer, by model, the rules of shared names."""
    short, scheme = s.catalog.places.regions[region].short, names.scheme(public=public)
    for one in (name for name in shared_names(s) if name.region == region):
        shares = tuple(routes.Share(groups[w.name].key, weight) for w, weight in one.weights)
        rules = tuple(
            replace(rule, shares=shares if len(shares) > 1 else ())
            for rule in _rules(s, names.key(short, one.name, "path", scheme), one.reached)
        )
        most = max(one.weights, key=lambda member: member[1])[0]  # its health is that of the name
        over_all = everywhere(
            s,
            one.owner,
            "",
            group=groups[most.name].key,
            host=one.reached.everywhere,
            public=public,
            name=one.name,
        )
        group = groups[one.owner.name]
        if one.is_model:
            group = replace(group, rules=rules, everywhere=over_all)
        else:
            other = routes.OtherName(one.name, one.reached.host, one.reached.path, rules, over_all)
            group = replace(group, other_names=(*group.other_names, other))
        groups[one.owner.name] = group


def job_plan(s: Situation, work: RegionalWorkload, waits: str) -> plan.JobPlan:
    """Returns the plan of a job in its Region. `waits` says where it would wait for devices."""
    placed = s.layout(work.pool)
    devices = placed.job_devices(work.name) if placed is not None else ()
    task = _task_definition(s, work, devices, "")
    schedule = None
    spec = work.spec
    requested = spec.schedule if isinstance(spec, JobEntry) else None
    if requested is not None:
        schedule = plan.Schedule(
            key=names.autonamed(
                names.key(_short(s, work), work.name, "schedule"),
                s.catalog.limits.value("schedule_name_max"),
            ),
            expression=requested.expression,
            timezone=requested.timezone,
            role=identity.logical_name(s, identity.scheduler_role(work)),
            start=permissions.run_task(
                s.catalog.places.regions[work.region].partition, work.region, task.family
            ),
        )
    return plan.JobPlan(
        name=work.name,
        key=names.key(_short(s, work), "job", work.name),
        pool=pool_key(s, work.pool),
        log_group=_log_group(s, work),
        task_definition=task,
        schedule=schedule,
        waits=waits,
        timeout_minutes=spec.timeout_minutes if isinstance(spec, JobEntry) else None,
        attempts=spec.attempts if isinstance(spec, JobEntry) else 1,
        compiles=s.compile_jobs.get(work.name, ""),
    )
