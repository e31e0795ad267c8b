"""Makes the plan from the stack file and the catalog alone: Regions, networks, load balancers.

Capacity is planned in `make_capacity`, models and jobs in `make_workloads`, roles in `identity`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from catalog import Catalog
from config import ExistingNetworkEntry, Settings
from config.explaining import is_below
from messages.finding import Finding, Refused, Severity
from planning import (
    addresses,
    audit,
    choices,
    daemons,
    discovery,
    event_rules,
    identity,
    names,
    overview,
    plan,
    recipients,
    routes,
    volumes,
    waiting,
    watching,
)
from planning.addresses import zones_with_blocks
from planning.authentication import of_keys
from planning.command_line import containers
from planning.daemon_kinds import DETECTOR
from planning.entries import RegionalPool
from planning.everywhere import callers, shared_certificate
from planning.make_capacity import (
    auto_scaling_cluster,
    managed_instances_cluster,
)
from planning.make_workloads import job_plan, model_plan, under_shared_names
from planning.public import faces_outside, is_public
from planning.reached import all_reached
from planning.rules import RULES
from planning.serving.ahead import GATE
from planning.serving.records import WrittenOut
from planning.settle import settle
from planning.situation import Situation, serving_regions
from planning.trial import Errors, Trials

_OF_THE_MODEL = (
    *("serve", "image", "neuron_devices", "command", "environment", "secrets"),
    *("cpu_units", "memory_mib", "shared_memory_mib"),
)
"""Fields of a model whose values are for the model that it serves."""
_NO_ROOM = "finds no room while the replicas of its pool run"


def make_plan(
    settings: Settings, catalog: Catalog, *, project: str, stack: str, home_region: str
) -> plan.Plan:
    """Returns the plan of the stack, with its warnings and notes.

    Raises `Refused` with all findings if any of them is an error.
    """
    situation = settle(settings, catalog, project=project, stack=stack, home_region=home_region)
    findings = judge(situation)
    if any(f.severity is Severity.ERROR for f in findings):
        raise Refused(findings)
    settings = situation.settings
    reported = tuple(f for f in findings if f.code not in settings.silence)
    waits = {
        (j.region, j.name): _NO_ROOM if wait.blocked else wait.text  # of jobs that compile
        for j, wait in waiting.jobs(situation, compiling=True)
    }
    regions = tuple(_region(situation, name, waits) for name in situation.regions)
    return plan.Plan(
        project=project,
        stack=stack,
        home_region=home_region,
        tags=tuple(sorted(settings.tags.items())),
        wait_for_steady_state=settings.wait_for_steady_state,
        regions=regions,
        roles=identity.roles(situation),
        findings=reported,
        silenced=tuple(sorted(settings.silence.items())),
        stage=settings.stage,
        written=tuple(
            _written(situation, name, out) for name, out in sorted(situation.written.items())
        ),
        slack=recipients.slack(situation),
        certificate=shared_certificate(situation, {r.name: r.load_balancer for r in regions}),
    )


def of_entries(found: Iterable[Finding], s: Situation) -> Iterator[Finding]:
    """The findings, each at a path that the stack file has.

    The job and the container of `compile: ahead` are copies of their model: what the model has as
    well is said there alone. On the model's pool that is all of which the model has the code.
    """
    copies = {f"jobs.{job}": model for job, model in s.compile_jobs.items()}
    copies |= {f"models.{m}.sidecars.{GATE}": m for m in s.compile_jobs.values()}
    all_found = tuple(found)
    copy_of = {f: next((c for c in copies if is_below(f.path, c)), None) for f in all_found}
    own = [f for f in all_found if copy_of[f] is None]
    at_path = {(f.code, f.path) for f in own}
    of_model = {(f.code, f.path.split(".")[1]) for f in own if f.path.startswith("models.")}
    for one in all_found:
        copy = copy_of[one]
        if copy is None:
            yield one
            continue
        model, rest = copies[copy], one.path[len(copy) + 1 :]
        serve = s.settings.models[model].serve
        elsewhere = serve is not None and serve.compile_on
        if rest in ("capacity", "neuron_devices") and elsewhere:
            yield replace(one, path=f"models.{model}.serve.compile_on")
            continue
        same = (one.code, f"models.{model}.{rest}".rstrip("."))
        if same not in at_path if elsewhere else (one.code, model) not in of_model:
            at = f"models.{model}.serve.compile"
            yield replace(one, path=at, what=f"is ahead; of {one.path}: {one.what}")


def judge(situation: Situation, *, in_full: bool = True) -> tuple[Finding, ...]:
    """Returns the findings of all rules, errors first, then by path.

    Otherwise than `in_full` these are only errors, whose proposals are not tried.
    """
    of_errors = [rule for rule in RULES if rule.severity is Severity.ERROR]

    def errors(settings: Settings, written_out: bool) -> Errors:
        tried = (Situation if written_out else settle)(
            settings,
            situation.catalog,
            project=situation.project,
            stack=situation.stack,
            home_region=situation.home_region,
        )
        found = (f for rule in of_errors for f in rule.findings(tried))
        return frozenset((f.code, f.path) for f in found if f.severity is Severity.ERROR)

    if in_full:
        situation.trials = Trials(situation.source, situation.settings, errors)
    rules = RULES if in_full else of_errors
    found = {f: None for rule in rules for f in rule.findings(situation)}
    found |= dict.fromkeys(_beside_the_model(situation, in_full=in_full))
    told = {of_keys(f, situation.settings): None for f in of_entries(found, situation)}
    kept = (f for f in told if in_full or f.severity is Severity.ERROR)
    return tuple(sorted(kept, key=lambda f: f.sort_key))


def _beside_the_model(s: Situation, *, in_full: bool) -> Iterator[Finding]:
    """The errors of models that cannot be served, in what is written beside `serve`."""
    found = {u.model: u.stand_in() for u in s.unserved}
    stand_ins = {model: entry for model, entry in found.items() if entry is not None}
    if not stand_ins:
        return
    models = {n: stand_ins.get(f"models.{n}", m) for n, m in s.source.models.items()}
    settings = s.source.model_copy(update={"models": models})
    names = {"project": s.project, "stack": s.stack, "home_region": s.home_region}
    for finding in judge(settle(settings, s.catalog, **names), in_full=in_full):
        model, _, field = finding.path.removeprefix("models.").partition(".")
        is_error = finding.severity is Severity.ERROR
        if is_error and f"models.{model}" in stand_ins and not field.startswith(_OF_THE_MODEL):
            yield finding


def _written(s: Situation, name: str, out: WrittenOut) -> plan.WrittenModel:
    values = [plan.WrittenValue(v.field, json.dumps(v.value), v.because) for v in out.values]
    volume = s.settings.volumes.get(choices.SERVE_CACHE)
    if volume is not None and choices.SERVE_CACHE in out.entry.mounts:
        text = json.dumps(volume.model_dump(mode="json", exclude_unset=True))
        why = "the disk of each instance, for the artefacts of each service, now and before"
        values.append(plan.WrittenValue(f"volumes.{choices.SERVE_CACHE}", text, why))
    return plan.WrittenModel(name, tuple(values))


def _region(s: Situation, name: str, waits: Mapping[tuple[str, str], str]) -> plan.RegionPlan:
    region = s.catalog.places.regions[name]
    here = [p for (r, _), p in s.pools.items() if r == name]
    models = under_shared_names(
        s, name, tuple(model_plan(s, w) for w in s.work if w.region == name and not w.is_job)
    )
    jobs = tuple(
        job_plan(s, w, waits.get((name, w.name), ""))
        for w in s.work
        if w.region == name and w.is_job
    )
    network = _network(s, name, here)
    answering = list(all_reached(s, name))
    silent = [one.silent_seconds for _, one in answering]
    first = _load_balancer(s, name, network, max(silent)) if silent else None
    built = plan.RegionPlan(
        name=name,
        short=region.short,
        partition=region.partition,
        dns_suffix=region.dns_suffix,
        network=network,
        auto_scaling=auto_scaling_cluster(s, region.short, here),
        managed_instances=managed_instances_cluster(s, region.short, here),
        models=models,
        jobs=jobs,
        load_balancer=first,
        second_balancer=_other_scheme(s, name, network, first) if first else None,
        task_ports=tuple(sorted({one.port for w, one in answering if w.network_mode == "awsvpc"})),
        awsvpc=any(w.region == name and w.network_mode == "awsvpc" for w in s.work),
        file_systems=volumes.file_systems(s, name),
        topic=recipients.topic(s, name),
        namespace=discovery.namespace(s, name),
    )
    built = replace(built, daemons=daemons.daemons(s, built))
    told = replace(
        built, alarms=watching.alarms(s, built), event_rules=event_rules.event_rules(s, built)
    )
    told = replace(told, models=watching.judged(told.models, told.alarms))
    return replace(told, dashboard=overview.dashboard(s, told))


def _network(s: Situation, region: str, pools: list[RegionalPool]) -> plan.Network:
    short = s.catalog.places.regions[region].short
    key = names.key(short, "network")
    spec = s.regions[region].network
    if isinstance(spec, ExistingNetworkEntry):
        outside = sorted(spec.public_subnets.items()) if faces_outside(s, region) else ()
        inside = tuple(sorted(spec.private_subnets.items()))
        return plan.GivenNetwork(key, spec.vpc_id, inside, tuple(outside))
    used = zones_with_blocks(tuple(sorted({z for p in pools for z in p.zone_ids})))
    others = [z for z in zones_with_blocks(s.network_zones(region)) if z not in used]
    zones = tuple(sorted([*used, *others[: max(0, 2 - len(used))]]))
    cidr = addresses.own_cidr(spec, region, s.catalog)
    nat = {"one": zones[:1], "per_zone": zones, "none": ()}[spec.nat]
    return plan.OwnNetwork(
        key=key,
        cidr=cidr,
        zones=tuple(addresses.zone_subnets(cidr, z) for z in zones),
        nat_zone_ids=nat,
        gateway_endpoints=(_endpoint(s, region, "s3"),),
        interface_endpoints=() if nat else _interface_endpoints(s, region),
        flow_logs=audit.flow_logs(s, region),
        s3_policy=audit.s3_policy(s, region),
        public_zone_ids=zones if region in serving_regions(s) and faces_outside(s, region) else (),
    )


def _endpoint(s: Situation, region: str, service: str) -> str:
    prefix = (
        "cn.com.amazonaws"
        if s.catalog.places.regions[region].partition == "aws-cn"
        else "com.amazonaws"
    )
    return f"{prefix}.{region}.{service}"


def _interface_endpoints(s: Situation, region: str) -> tuple[str, ...]:
    """Returns service names of the interface endpoints for a network without NAT gateway."""
    works = [w for w in s.work if w.region == region]
    references = [r for w in works for _, c in containers(w) for r in c.references.values()]
    needed = {"instances", "images", "logs", "host_access"}
    if any(":secretsmanager:" in r for r in references):
        needed.add("secrets")
    if any(":secretsmanager:" not in r for r in references):
        needed.add("parameters")
    if any(w.spec.exec for w in works):
        needed.add("exec")
        if s.settings.security.exec_logs and audit.kms_key(s, region):
            needed.add("exec_key")
    if DETECTOR in daemons.kinds_in(s, region):
        needed.add("detector")
    services = {e.service for e in s.catalog.networks.interface_endpoints if e.needed_for in needed}
    return tuple(_endpoint(s, region, service) for service in sorted(services))


def _load_balancer(
    s: Situation, region: str, network: plan.Network, silent_seconds: int
) -> plan.LoadBalancer:
    short = s.catalog.places.regions[region].short
    traffic = s.settings.traffic
    public = is_public(s, region)
    allowed = callers(s, region)
    return plan.LoadBalancer(
        key=names.balancer_key(short, public=public),
        group_key=names.balancer_key(short),
        public=public,
        name_key=_balancer_name(s, short, public=public),
        certificate_arn=traffic.certificate_arns.get(region),
        allow_cidrs=tuple(sorted(c for c in allowed if not c.startswith("sg-"))),
        allow_security_groups=tuple(sorted(c for c in allowed if c.startswith("sg-"))),
        zone_ids=_zone_ids(network, public=public),
        access_logs=audit.bucket(s.settings.security.access_logs, region),
        deletion_protection=s.settings.security.deletion_protection,
        web_acl_arn=s.settings.security.web_acl_arns.get(region, ""),
        idle_timeout_seconds=silent_seconds,
        names=_names(s, region),
        trust_store_arn=traffic.authentication.mutual_tls.get(region, ""),
    )


def _other_scheme(
    s: Situation, region: str, network: plan.Network, first: plan.LoadBalancer
) -> plan.LoadBalancer | None:
    """The load balancer that the next update makes the first one, with the same callers."""
    if not s.settings.traffic.both_schemes:
        return None
    short, public = s.catalog.places.regions[region].short, not first.public
    return replace(
        first,
        key=names.balancer_key(short, public=public),
        public=public,
        name_key=_balancer_name(s, short, public=public),
        zone_ids=_zone_ids(network, public=public),
    )


def _balancer_name(s: Situation, short: str, *, public: bool) -> str:
    name = "-".join(filter(None, (short, names.scheme(public=public), s.stack)))
    most = s.catalog.limits.value("load_balancer_name_max")
    return names.autonamed(name.replace("_", "-").replace(".", "-"), most)


def _zone_ids(network: plan.Network, *, public: bool) -> tuple[str, ...]:
    """The zones of a load balancer: those of its network with a subnet for it."""
    match network:
        case plan.OwnNetwork(zones=zones):
            return tuple(z.zone_id for z in zones)
        case plan.GivenNetwork(private_subnets=inside, public_subnets=outside):
            return tuple(z for z, _ in (outside if public else inside))


def _names(s: Situation, region: str) -> routes.Names | None:
    """A certificate that is given wins over one that the hosted zone could validate."""
    domain = s.settings.traffic.domain
    if domain is None:
        return None
    return routes.Names(
        key=names.key(s.catalog.places.regions[region].short, "names"),
        name=f"*.{region}.{domain.name}",
        zone_id=domain.zone_id,
        associated=domain.private and region not in domain.associated,
        validation_zone_id=""
        if region in s.settings.traffic.certificate_arns
        else domain.validating_zone_id,
    )
