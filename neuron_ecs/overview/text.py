"""The decisions of a plan: Regions, pools, chips, tasks, jobs, starts, and what is watched."""

import json
from collections.abc import Iterator

import catalog
from messages.phrases import counted, listed, low_to_high
from neuron_ecs.terminal import joined, spans, table, wrapped
from planning import Plan
from planning import plan as planned
from planning.price import pool_cost


def render(plan: Plan, *, width: int) -> Iterator[str]:
    """The decisions, Region by Region; a Region that repeats an earlier one is a line."""
    pools = [p for r in plan.regions for p in r.pools]
    models = {m.name for r in plan.regions for m in r.models}
    jobs = {j.name for r in plan.regions for j in r.jobs}
    yield (
        f"{plan.project}/{plan.stack}: {counted(len(plan.regions), 'Region')}, "
        f"{counted(len({p.name for p in pools}), 'pool')}, {counted(len(models), 'model')}, "
        f"{counted(len(jobs), 'job')}; home Region {plan.home_region}"
    )
    seen: dict[tuple[str, ...], str] = {}
    for region in plan.regions:
        body = tuple(_region(region, width=width))
        yield ""
        if body in seen:
            yield f"{region.name}  {_network(region)}; the rest as in {seen[body]}"
            continue
        seen[body] = region.name
        yield f"{region.name}  {_network(region)}"
        yield from body


def _region(region: planned.RegionPlan, *, width: int) -> Iterator[str]:
    if region.pools:
        head = ("pool", "kind", "instance type", "purchase", "instances", "Neuron devices")
        yield from table([head, *map(_pool_row, region.pools)], indent="  ", width=width)
        for pool in region.pools:
            for text in _block_lines(pool):
                yield from wrapped(text, width, "  ", "    ")
            if len(pool.instance_types) > 1:
                cost = pool_cost(pool, region, catalog.load())
                text = f"{pool.name}: ECS chooses among {listed(pool.instance_types, most=50)}"
                text += f", {cost.unknown or cost.rates}"
                yield from wrapped(text, width, "  ", "    ")
    if region.models or region.jobs:
        yield ""
        yield from table([_TASK_HEAD, *_task_rows(region)], indent="  ", width=width)
    yield from table(_mount_rows(region), indent="  ", width=width)
    for job in region.jobs:
        yield f"  job {job.name} {_when(job)}{f'; {job.waits}' if job.waits else ''}"


def _network(region: planned.RegionPlan) -> str:
    match region.network:
        case planned.OwnNetwork(cidr=cidr, zones=zones, nat_zone_ids=nat):
            ways = counted(len(nat), "NAT gateway") if nat else "VPC endpoints, no NAT gateway"
            return f"network {cidr} in {listed([z.zone_id for z in zones])}, {ways}"
        case planned.GivenNetwork(vpc_id=vpc, private_subnets=subnets):
            return f"network {vpc} in {listed([z for z, _ in subnets])}"


def _pool_row(pool: planned.Pool) -> tuple[str, ...]:
    placed = pool.layout
    match pool:
        case planned.AutoScalingPool(instance_type=kind, max_size=most):
            words, types = "Auto Scaling", kind
            idle = f"+{pool.headroom}" if pool.headroom else ""
            size = f"{low_to_high(*placed.instances)}{idle} of at most {most}"
        case planned.ManagedInstancesPool(instance_types=admitted):
            words, types = "Managed Instances", listed(admitted, most=2)
            size = low_to_high(*placed.instances)
    state = f"{pool.name} (retired)" if pool.retired else pool.name
    purchase = joined(pool.purchase.kind.replace("_", " "))
    return state, words, types, purchase, joined(size), _chips(pool)


def _chips(pool: planned.Pool) -> str:
    """`5 of 6 taken on each, free: 5`: devices that tasks of models use, as the map draws them."""
    placed = pool.layout
    if not placed.devices:
        return "all" if placed.slots else "none"
    taken = {d for a in placed.assignments if a.tasks_max for d in a.devices}
    free = [d for d in range(placed.devices) if d not in taken]
    words = joined(f"{len(taken)} of {placed.devices}") + " taken on each"
    return words + (f", {joined(f'free: {spans(free)}')}" if free and taken else "")


def _block_lines(pool: planned.Pool) -> Iterator[str]:
    """When the instances of a pool run that has the hours of its Capacity Blocks."""
    if not isinstance(pool, planned.AutoScalingPool):
        return
    passed: list[str] = []
    drained = ""
    for one in pool.blocks:
        runs = f"{counted(pool.max_size, 'instance')} from {one.start} until {one.drained}"
        between = f" between {drained} and {one.start}"
        update = f"; run `pulumi up` without {listed(passed)}{between}" if passed else ""
        yield f"{pool.name}: {one.reservation_id} ends {one.end}; {runs}{update}"
        passed.append(one.reservation_id)
        drained = one.drained


_TASK_HEAD = ("model or job", "pool", "devices", "tasks", "CPU units", "MiB", "network", "rollout")


def _task_rows(region: planned.RegionPlan) -> Iterator[tuple[str, ...]]:
    names = {p.key: p.name for p in region.pools}
    for model in region.models:
        for service in model.services:
            yield _row(
                model.name,
                names[service.pool],
                service.task_definition,
                low_to_high(service.desired_count, service.tasks_max),
                "starts, then stops" if service.surges else "stops, then starts",
            )
    for job in region.jobs:
        yield _row(f"{job.name} (job)", names[job.pool], job.task_definition, "", "")


def _row(
    name: str, pool: str, task: planned.TaskDefinition, tasks: str, rollout: str
) -> tuple[str, ...]:
    devices = task.devices if isinstance(task.devices, str) else spans(task.devices)
    cpu, memory = _sizes(task)
    return name, pool, devices or "-", tasks, str(cpu), str(memory), task.network_mode, rollout


def _sizes(task: planned.TaskDefinition) -> tuple[int, int]:
    """CPU units and MiB of a task, wherever its definition states them."""
    containers: list[dict[str, int]] = json.loads(task.container_definitions)
    cpu, memory = (sum(c.get(key, 0) for c in containers) for key in ("cpu", "memory"))
    return task.cpu or cpu, task.memory or memory


def _mount_rows(region: planned.RegionPlan) -> list[tuple[str, ...]]:
    """The mounts of each container, those of all services of a model once; with a heading."""
    tasks = [s.task_definition for m in region.models for s in m.services]
    rows: dict[tuple[str, ...], None] = {}
    for task in (*tasks, *(job.task_definition for job in region.jobs)):
        volumes = {volume.name: volume for volume in task.volumes}
        for mount in task.mounts:
            path = f"{mount.path} (read-only)" if mount.read_only else mount.path
            rows[mount.container, joined(path), joined(_volume(volumes[mount.volume]))] = None
    return [("container", "mounts at", "volume"), *rows] if rows else []


def _volume(volume: planned.TaskVolume) -> str:
    match volume:
        case planned.HostVolume(path=path):
            return f"{path} of each instance"
        case planned.EfsVolume(file_system=key):
            return f"EFS {key}"
        case planned.EbsVolume(size_gib=size, snapshot_id=snapshot):
            parts = (f"{size} GiB" if size else "", snapshot)
            return ", ".join(("EBS", *(p for p in parts if p), "of each task"))
        case planned.S3FilesVolume(file_system=arn, directory=directory):
            return f"S3 Files {arn.rpartition('/')[2]}{directory}"
        case planned.EmptyVolume():
            return "empty, of the task"


def _when(job: planned.JobPlan) -> str:
    if job.compiles:
        return f"starts by `neuron-ecs compile {job.compiles}`"
    if job.schedule is None:
        return "starts by hand (`pulumi stack output run_commands`)"
    return f"starts at {job.schedule.expression} {job.schedule.timezone}, and by hand"


def starts(plan: Plan) -> Iterator[str]:
    """How long a start of each model takes, cold and warm, as far as sources tell."""
    rows: dict[tuple[str, ...], None] = {}
    models = [m for region in plan.regions for m in region.models]
    for model in models:
        seconds = (model.cold_seconds, model.warm_seconds)
        if model.cache and model.cache.required:  # no start compiles
            seconds = (model.warm_seconds, model.warm_seconds)
        cold, warm = (f"{-(-s // 60)} min" if s else "not known" for s in seconds)
        rows[model.name, cold, warm if model.cache or not model.cold_seconds else "not kept"] = None
    if any(model.cold_seconds for model in models):
        yield ""
        yield "Starts"
        yield from table([("model", "first, up to", "again, about"), *rows], indent="  ")


def compiling(plan: Plan) -> Iterator[str]:
    """The steps by which a model that is compiled ahead starts, or changes, without compiling."""
    models = [m for region in plan.regions for m in region.models if m.cache and m.cache.marker]
    for model in {m.name: m for m in models}.values():
        assert model.cache is not None
        command = f"neuron-ecs compile {model.name} --stack {plan.stack}"
        found = f"(fingerprint {model.cache.fingerprint})"
        stops = "no task starts" if model.cache.required else "each start compiles"
        yield ""
        yield f"Compiled ahead: {model.name} {found}; before that {stops}"
        yield f"  new      write models.{model.name}.replicas: 0 and run `pulumi up`,"
        yield f"           `{command}`,"
        yield "           write the replicas and run `pulumi up` again"
        yield f"  changed  `{command}` before `pulumi up`"


def watched(plan: Plan, *, width: int) -> Iterator[str]:
    """Which alarms, events, dashboards and daemons each Region has, and who receives them."""
    lines: list[str] = []
    for region in plan.regions:
        found = [counted(len(region.alarms), "alarm")] if region.alarms else []
        if region.event_rules:
            found.append(f"{counted(len(region.event_rules), 'kind')} of events")
        if found:
            lines.append(f"{region.name}: {' and '.join(found)}, to {_recipients(plan, region)}")
        if region.dashboard:
            lines.append(f"{region.name}: dashboard {region.dashboard.name}")
        lines += [
            f"{region.name}: daemon {daemon.name} on each Neuron instance of Auto Scaling, logs in "
            f"{daemon.log_group.name}"
            for daemon in region.daemons
        ]
    if lines:
        yield ""
        yield "Watching"
        for line in lines:
            yield from wrapped(line, width, "  ", "    ")


def _recipients(plan: Plan, region: planned.RegionPlan) -> str:
    named = {a for alarm in region.alarms for a in alarm.actions if isinstance(a, str)}
    found = [*sorted(named), *(region.topic.emails if region.topic else ())]
    if plan.slack and region.topic:
        found.append(f"Slack channel {plan.slack.channel}")
    return listed(found) if found else "no recipient"
