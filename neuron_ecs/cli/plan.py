"""The `plan` command: what was decided for Regions, pools, chips, tasks, jobs, and the findings."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import catalog
from messages.phrases import counted, listed, low_to_high
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import Parser
from neuron_ecs.arguments.stack import OfStack
from neuron_ecs.cli import price, replicas
from neuron_ecs.terminal import FINE, WRONG_USAGE, joined, spans, table, wrapped
from planning import Plan, choices
from planning import plan as planned
from planning.document import (
    Endpoint,
    GlobalEndpoint,
    as_json,
    document,
    endpoints,
    global_endpoints,
)
from planning.duration import creation
from planning.interruptions import document as interruption_document
from planning.interruptions import interruptions
from planning.price import document as price_document
from planning.price import pool_cost, stack_price

_EPILOG = """\
examples:
  neuron-ecs plan
  neuron-ecs plan --file examples/trn1-training.yaml
  neuron-ecs plan --explain NE203

exit codes: 0 fine, 1 the plan has errors, 2 wrong usage."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfStack):
    """The arguments of `plan`."""

    explain: str | None = option(metavar="CODE", help="what a finding's code means")


def add_arguments(parser: Parser) -> None:
    """Adds the arguments of `plan`."""
    parser.calls(Arguments, run, _EPILOG)


def run(arguments: Arguments) -> int:
    """Writes the plan of a stack file. Raises `Refused` if it cannot be built."""
    if arguments.explain is not None:
        return _explain(arguments.explain)
    out, width = sys.stdout, arguments.width
    file = arguments.read()
    tables = catalog.load()
    plan = file.plan(tables)
    cost = stack_price(plan, tables)
    if arguments.json:
        lost = [interruption_document(found) for found in interruptions(plan, tables)]
        found = {**document(plan), "price": price_document(cost), "interruptions": lost}
        found["creation"] = as_json(creation(plan))
        terminal.write_json(found, out)
        return FINE
    out.writelines(f"{line}\n" for line in render(plan, width=width))
    out.writelines(f"{line}\n" for line in ("", *price.render(cost, width=width)))
    if plan.findings:
        out.write("\n")
        terminal.write(plan.findings, out, width=width)
    for code, reason in plan.silenced:
        out.writelines(f"{line}\n" for line in wrapped(f"silenced {code}  {reason}", width))
    moved = replicas.render(plan, width=width)
    lost = replicas.render_interruptions(file, plan, width=width)
    reached, seen = reach(plan, width=width), watched(plan, width=width)
    made = replicas.render_creation(plan, width=width)
    below = (*starts(plan), *compiling(plan), *moved, *lost, *made, *reached, *seen)
    out.writelines(f"{line}\n" for line in below)
    return FINE


def _explain(code: str) -> int:
    from messages.phrases import nearest
    from planning.reference import explain, pages

    text = explain(code.upper())
    if text is None:
        digits = code.upper().replace("O", "0")  # a letter for a digit: NE2O3
        said = nearest(digits, [page.code for page in pages()])
        sys.stderr.write(f"no finding has the code {code}; {said}\n")
        return WRONG_USAGE
    sys.stdout.write(text)
    return FINE


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
            for text in block_lines(pool):
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
    return state, words, types, purchase, joined(size), chips(pool)


def chips(pool: planned.Pool) -> str:
    """`5 of 6 taken on each, free: 5`: devices that tasks of models use, as the map draws them."""
    placed = pool.layout
    if not placed.devices:
        return "all" if placed.slots else "none"
    taken = {d for a in placed.assignments if a.tasks_max for d in a.devices}
    free = [d for d in range(placed.devices) if d not in taken]
    words = joined(f"{len(taken)} of {placed.devices}") + " taken on each"
    return words + (f", {joined(f'free: {spans(free)}')}" if free and taken else "")


def block_lines(pool: planned.Pool) -> Iterator[str]:
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
    cpu, memory = sizes(task)
    return name, pool, devices or "-", tasks, str(cpu), str(memory), task.network_mode, rollout


def sizes(task: planned.TaskDefinition) -> tuple[int, int]:
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


def reach(plan: Plan, *, width: int) -> Iterator[str]:
    """Where each model can be called, and from where; the load balancer gets its name later."""
    found = list(endpoints(plan))
    over_all = list(global_endpoints(plan))
    named = list(registries(plan))
    if found or named:
        yield ""
        yield "Endpoints"
    rows = [(e.model, _ALL_REGIONS, e.url) for e in over_all]
    yield from table([*rows, *((e.model, e.region, e.url) for e in found)], indent="  ")
    regions: dict[str, dict[str, None]] = {}
    for one in found:
        regions.setdefault(from_where(one), {})[one.region] = None
    for one in over_all:
        text = from_where(one)
        regions[text] = {_ALL_REGIONS: None} | regions.get(text, {})
    for text, names in regions.items():
        yield from wrapped(f"{listed(list(names))}: {text}", width, "  ", "    ")
    for text, models in shown(found).items():
        yield from wrapped(f"{text}: {listed(models)}", width, "  ", "    ")
    if over_all:
        text = (
            f"{_ALL_REGIONS}: the answer is the nearest Region of the model that has a healthy "
            f"replica; one without for {choices.LEFT_OUT_MINUTES} minutes is left out, and one "
            "that `neuron-ecs drain` leaves"
        )
        yield from wrapped(text, width, "  ", "    ")
    if found:
        yield from tried((over_all or found)[0])
    if named:
        text = "names in the network, from the stack's own tasks and instances alone, plain HTTP:"
        yield from wrapped(text, width, "  ", "    ")
        yield from table(named, indent="    ")


_ALL_REGIONS = "all Regions"


def from_where(one: Endpoint | GlobalEndpoint) -> str:
    """From where the endpoint is reachable, and over what."""
    if not one.callers:
        text = "from nowhere, no caller is allowed"
    elif choices.ANYWHERE in one.callers and one.public:
        text = "from every address on the internet"
    else:
        text = f"from {listed(one.callers)} alone"
        text = f"on the internet, {text}" if one.public else text
    if not one.url.startswith("https:"):
        return f"{text}, plain HTTP"
    names = " by a name of the certificate, with a record of yours"
    return f"{text}, HTTPS{names * _is_unnamed(one)}"


def _is_unnamed(one: Endpoint | GlobalEndpoint) -> bool:
    """Whether callers need a name that the plan does not know: no certificate has the load
    balancer's own."""
    return isinstance(one, Endpoint) and one.own_name and one.url.startswith("https:")


def shown(found: Sequence[Endpoint]) -> dict[str, dict[str, None]]:
    """What callers must show, and the names of the models that ask for it."""
    models: dict[str, dict[str, None]] = {}
    asking = list(dict.fromkeys(one.region for one in found if one.certificate))
    where = f" in {listed(asking)}" if any(not one.certificate for one in found) else ""
    for one in found:
        if one.key:
            models.setdefault("with its key alone", {})[one.model] = None
        if one.issuer:
            models.setdefault(f"with a token of {one.issuer}", {})[one.model] = None
        if one.certificate:
            models.setdefault(f"with a certificate of the caller{where}", {})[one.model] = None
    return models


def tried(one: Endpoint | GlobalEndpoint) -> Iterator[str]:
    """A command that calls the endpoint from where its callers are."""
    word = "KEY" if one.key else "TOKEN"
    asked = f'-H "Authorization: Bearer ${word}" ' * bool(one.key or one.issuer)
    asked += "--cert caller.pem --key caller.key " * one.certificate
    url = one.check
    if _is_unnamed(one):
        host, _, path = url.removeprefix("https://").partition("/")
        asked += f"--connect-to ::{host}: "
        url = f"https://$NAME/{path}"
    yield f"  try one from there: curl {asked}{url}"
    if _is_unnamed(one):
        yield "    NAME is one that the certificate covers"
    if one.key:
        yield f"    KEY is the value of {one.key}"


def registries(plan: Plan) -> Iterator[tuple[str, str]]:
    """The name of each service in the network, and what callers look up there."""
    for region in plan.regions:
        for service in (s for model in region.models for s in model.services):
            if service.registry is not None:
                port = f", port {service.registry.port}" if service.registry.port else ""
                of = "SRV" if service.registry.record == "SRV" else f"A{port}"
                yield service.registry.host, f"{region.name} {of}"


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
