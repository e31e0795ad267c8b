"""Traffic to the models: load balancers, certificates, callers, and the containers that answer."""

from collections.abc import Iterator
from math import ceil

from config import ExistingNetworkEntry, ModelEntry
from messages.finding import Severity
from messages.phrases import listed
from planning.command_line import option
from planning.everywhere import named_everywhere
from planning.proposals import other_port
from planning.public import is_public, some_certificates, speaks_https, written_callers
from planning.reached import Reached, all_reached, reached
from planning.rules.rule import Report, rule
from planning.situation import Situation, serving_regions
from planning.weights import shared_names


@rule(
    "NE501",
    "Load balancer without a certificate",
    Severity.WARNING,
    "Without a certificate the load balancer uses plain HTTP.",
    do="Write traffic.domain with a hosted zone, or give an ACM certificate for each Region.",
)
def plain_http(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html:
    a listener takes a certificate of its own Region."""
    domain = s.settings.traffic.domain
    missing = [r for r in serving_regions(s) if not speaks_https(s, r)]
    if missing:
        public = "; or name a public zone of the domain under traffic.domain.validation_zone_id"
        yield Report(
            "traffic.certificate_arns",
            f"has no certificate for {listed(missing)}: prompts and answers cross the "
            f"{'internet' if any(is_public(s, r) for r in missing) else 'network'} in clear text",
            f"write {some_certificates(s, missing)}" + public * (domain is not None),
        )


@rule(
    "NE502",
    "No caller is allowed",
    Severity.WARNING,
    "A load balancer whose security group admits no caller receives no request.",
    do="Write the callers under traffic.allow_from.",
)
def no_caller(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html;
    in the stack's own network the VPC's block is admitted by default."""
    allowed = s.settings.traffic.allow_from
    for region in (r for r in serving_regions(s) if not is_public(s, r)):
        given = isinstance(s.settings.regions[region].network, ExistingNetworkEntry)
        if given and not written_callers(s, region):
            yield Report(
                "traffic.allow_from",
                f"admits no caller in {region}, which has an existing network",
                f"write {_callers(allowed, region)}, or name the blocks and groups that call",
            )


def _callers(allowed: tuple[str, ...] | dict[str, tuple[str, ...]], region: str) -> str:
    """`[10.0.0.0/8]`, for one of several Regions under its name."""
    if not isinstance(allowed, dict):
        return "[10.0.0.0/8]"
    return f"traffic.allow_from.{region}: [10.0.0.0/8]"


@rule(
    "NE503",
    "Load balancer needs subnets in two zones",
    Severity.ERROR,
    "A load balancer needs subnets in at least two zones.",
    do="Give subnets in two zones, or give no model a port.",
)
def two_zones(s: Situation) -> Iterator[Report]:
    """API_CreateLoadBalancer: "You must specify subnets from at least two Availability Zones"."""
    for region in serving_regions(s):
        network = s.settings.regions[region].network
        if isinstance(network, ExistingNetworkEntry) and len(network.private_subnets) < 2:
            others = [
                z for z in s.catalog.places.zone_ids(region) if z not in network.private_subnets
            ]
            yield Report(
                f"regions.{region}.network.private_subnets",
                f"has one zone, {listed(network.private_subnets)}",
                f"add a subnet in {listed(others)}" if others else "give it a second zone's subnet",
            )


@rule(
    "NE504",
    "Security group given for several Regions",
    Severity.ERROR,
    "A security group belongs to one VPC of one Region.",
    do="Write a list of callers for each Region.",
)
def security_group_everywhere(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html"""
    allowed = s.settings.traffic.allow_from
    regions = serving_regions(s)
    if isinstance(allowed, tuple) and len(regions) > 1:
        groups = [a for a in allowed if a.startswith("sg-")]
        if groups:
            yield Report(
                "traffic.allow_from",
                f"names {listed(groups)} for {listed(regions)}",
                f"write {{{', '.join(_by_region(allowed, regions))}}}",
            )


def _by_region(allowed: tuple[str, ...], regions: list[str]) -> list[str]:
    """The callers of each Region; the groups that are written stay in the first."""
    blocks = [a for a in allowed if not a.startswith("sg-")]
    return [
        f"{region}: [{', '.join(allowed if region == regions[0] else [*blocks, 'sg-…'])}]"
        for region in regions
    ]


@rule(
    "NE391",
    "Two containers of a task have one port",
    Severity.ERROR,
    "In host and awsvpc mode the containers of a task share one network, so only one of them can "
    "use a port.",
    do="Give each container a port of its own.",
)
def same_port(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html:
    containers of a task share the network interface; in host mode, the host's."""
    for work in s.distinct_work:
        if work.network_mode == "bridge":
            continue
        taken = dict.fromkeys(work.spec.served_ports, work.name)
        for name, port in work.spec.sidecar_ports.items():
            at, other = f"{work.path}.sidecars.{name}.port", taken.setdefault(port, name)
            if other != name:
                free = other_port(work, at, port)
                listens = option([*(work.spec.sidecars[name].command or ())], "port") == str(port)
                yield Report(
                    at,
                    f"is {port}, which {other} has as well, in {work.network_mode} mode",
                    f"write {free.replace('port: ', '--port=')} and {free}"
                    if listens
                    else f"write {free}, and let the server listen there",
                )


@rule(
    "NE392",
    "Too many target groups of a service",
    Severity.ERROR,
    "A service registers its tasks with at most five target groups, one for each container with a "
    "port.",
    do="Give fewer sidecars a port, or make one of them a model.",
    table="limits",
)
def too_many_target_groups(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/register-multiple-targetgroups.html"""
    most = s.catalog.limits.value("target_groups_per_service")
    for work in s.distinct_work:
        answering, both = reached(s, work), s.settings.traffic.both_schemes
        room = most // 2 if both else most
        for one in answering[room:]:
            twice = ", each with two target groups (traffic.both_schemes)" * both
            yield Report(
                f"{work.path}.sidecars.{one.sidecar}.port",
                f"is {one.port}: {len(answering)} containers of {work.name} have a port{twice}",
                f"leave it out, so that {room} have one",
            )


@rule(
    "NE393",
    "Path of a container that nothing calls",
    Severity.WARNING,
    "The load balancer calls a model and its sidecars by their ports.",
    do="Write the port on which the container answers, or leave the path out.",
)
def path_without_a_port(s: Situation) -> Iterator[Report]:
    """API_LoadBalancer, containerPort: the port of the container to associate."""
    for path, spec in s.named_workloads():
        for name, sidecar in sorted(spec.sidecars.items()):
            called = sidecar.port is not None and isinstance(spec, ModelEntry)
            for field in ("path", "health_path"):
                if field in sidecar.model_fields_set and not called:
                    why = "and no port" if sidecar.port is None else "and belongs to a job"
                    at = f"{path}.sidecars.{name}.{field}"
                    yield Report(at, f"is {getattr(sidecar, field)}, {why}", "leave it out")
            if called and sidecar.path and s.settings.traffic.domain is not None:
                why = "and the sidecar has a name of its own in the domain, for every path"
                yield Report(
                    f"{path}.sidecars.{name}.path", f"is {sidecar.path}, {why}", "leave it out"
                )
        if isinstance(spec, ModelEntry) and spec.paths and not spec.served_ports:
            yield Report(f"{path}.paths", f"is {listed(spec.paths)}, and no port", "leave it out")


@rule(
    "NE528",
    "Two containers behind the load balancer have one path",
    Severity.ERROR,
    "A request goes where the first rule of the listener sends it, and no other rule with its path "
    "gets any.",
    do="Give each sidecar with a port a path of its own. A model's is /<name>.",
)
def same_path(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html:
    rules are evaluated in priority order."""
    reported: set[str] = set()
    for region in ("",) if named_everywhere(s.settings) else serving_regions(s):
        here = list(all_reached(s, region))
        taken = {
            (o.reached.called, o.reached.path): o.name
            for o in shared_names(s)
            if region in ("", o.region)
        }
        taken |= {(one.called, one.path): work.name for work, one in here if not one.sidecar}
        places = {(one.called, one.path) for _, one in here}
        for work, one in here:
            name = f"{work.name}/{one.sidecar}" if one.sidecar else work.name
            other = taken.setdefault((one.called, one.path), name)
            at = f"{work.path}.sidecars.{one.sidecar}{'' if one.by_host else '.path'}"
            if other == name or at in reported:
                continue
            reported.add(at)
            if one.by_host:
                yield Report(
                    at, f"is called at {one.called}, as {other} is", "give it another name"
                )
                continue
            names = (one.container, one.sidecar, f"{one.container}-2", f"{one.sidecar}-of-it")
            free = next(
                (f"/{n}" for n in names if (one.called, f"/{n}") not in places), "/of-its-own"
            )
            yield Report(at, f"is {one.path}, which {other} has as well", f"write {free}")


@rule(
    "NE739",
    "Too many rules of a load balancer",
    Severity.ERROR,
    "A load balancer has at most 100 rules, and a rule takes three paths.",
    do="Name fewer paths, or spread the models over more stacks or Regions.",
    table="limits",
)
def too_many_rules(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"""
    most = s.catalog.limits.value("rules_per_load_balancer")
    each = s.catalog.limits.value("listener_rule_condition_values")
    needed: dict[str, list[tuple[str, Reached, int]]] = {}
    token = s.settings.traffic.authentication.jwt is not None
    for work, one in all_reached(s):
        health = {one.health_pattern(s.catalog)} - {""} if token else set[str]()
        rules = len(health) + ceil(len({*one.patterns} - health) / each)
        needed.setdefault(work.region, []).append((f"{work.path}.paths", one, rules))
    for region, counts in sorted(needed.items()):
        others = [o for o in shared_names(s) if o.region == region and not o.is_model]
        total = sum(ceil(len(other.reached.patterns) / each) for other in others)
        total += sum(rules for _, _, rules in counts)
        if token and total > most:
            yield Report(
                "traffic.authentication.jwt",
                f"needs a rule for each health check: {total} in {region}, whose load balancer has "
                f"at most {most}",
                "leave it out",
            )
            continue
        for path, one, rules in counts if len(counts) <= most < total else ():
            if rules > 1:
                first = one.patterns[0].removeprefix(one.path)
                yield Report(
                    path,
                    f"has {first} and {len(one.patterns) - 1} more: {rules} of the {total} rules "
                    f"of the load balancer of {region}",
                    f"keep at most {each - 1}, or write [/*]",
                )


RULES = (
    too_many_rules,
    same_port,
    too_many_target_groups,
    path_without_a_port,
    plain_http,
    no_caller,
    two_zones,
    security_group_everywhere,
    same_path,
)
