"""The domain of the models: its names, its hosted zone, and the certificates that cover them."""

from collections.abc import Iterator

from messages.finding import Severity
from messages.phrases import listed
from planning.discovery import discovered
from planning.everywhere import admitted, callers, named_everywhere
from planning.public import speaks_https
from planning.reached import all_reached
from planning.rules.rule import Report, rule
from planning.situation import Situation, serving_regions


@rule(
    "NE746",
    "Name is longer than a label of a domain",
    Severity.ERROR,
    "With traffic.domain the name of a model, and those of a model and its sidecar together, are "
    "a label of a domain name, which has at most 63 characters.",
    do="Give the model or its sidecar a shorter name.",
    table="limits",
)
def long_label(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html"""
    most, reported = s.catalog.limits.value("domain_label_max"), set[str]()
    for work, one in all_reached(s):
        at = f"{work.path}.sidecars.{one.sidecar}"
        if one.by_host and len(one.container) > most and at not in reported:
            reported.add(at)
            left = max(1, most - len(work.name) - 1)
            yield Report(
                at,
                f"gets the name {one.container} for its port {one.port}: {len(one.container)} "
                "characters",
                f"give it a name of at most {left} characters",
            )


@rule(
    "NE741",
    "Domain is too long",
    Severity.ERROR,
    "The first name of a certificate of ACM has at most 64 characters, and a name in a rule of a "
    "load balancer 128.",
    do="Choose a shorter domain.",
    table="limits",
)
def long_domain(s: Situation) -> Iterator[Report]:
    """API_RequestCertificate, DomainName; API_HostHeaderConditionConfig."""
    domain = s.settings.traffic.domain
    if domain is None:
        return
    names: list[tuple[str, str, int]] = []
    for region in serving_regions(s):
        if domain.validating_zone_id and region not in s.settings.traffic.certificate_arns:
            most = s.catalog.limits.value("certificate_name_max")
            names.append((f"*.{region}.{domain.name}", "a certificate", most))
        here = [one.host for _, one in all_reached(s, region)]
        most = s.catalog.limits.value("listener_rule_value_max")
        names.append((max(here, key=len), "a rule of a load balancer", most))
    long = [(len(name) - most, name, what, most) for name, what, most in names if len(name) > most]
    for more, name, what, most in sorted(long, reverse=True)[:1]:
        yield Report(
            "traffic.domain.name",
            f"is {domain.name}: {name} has {len(name)} characters, and {what} takes {most}",
            f"take a domain that is {more} characters shorter",
        )


@rule(
    "NE742",
    "Certificate is validated in a private zone",
    Severity.ERROR,
    "ACM looks for the record that validates a certificate in the public DNS, for 72 hours; the "
    "update waits for it and fails.",
    do="Name a public hosted zone of the domain, or give certificates of your own.",
)
def validated_in_private(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html"""
    domain = s.settings.traffic.domain
    if domain is not None and domain.private and domain.validation_zone_id == domain.zone_id:
        yield Report(
            "traffic.domain.validation_zone_id",
            f"is {domain.zone_id}, the private zone of the domain",
            "name a public hosted zone of the domain",
        )


@rule(
    "NE743",
    "Hosted zone is not known",
    Severity.NOTE,
    "Route 53 takes records only in a hosted zone of the account that builds the stack, whose name "
    "the records end with. Both show when the first record is made.",
    do="Compare the hosted zone with what the stack file says of it.",
)
def unknown_zone(s: Situation) -> Iterator[Report]:
    """API_ChangeResourceRecordSets: InvalidChangeBatch, NoSuchHostedZone, AccessDenied."""
    domain = s.settings.traffic.domain
    if domain is not None and serving_regions(s):
        kind = "private" if domain.private else "public"
        yield Report(
            "traffic.domain.zone_id",
            f"is {domain.zone_id}: the plan does not know its account, whether it is {kind}, nor "
            f"whether {domain.name} is in it",
            f"run `aws route53 get-hosted-zone --id {domain.zone_id}` with the account's "
            "credentials, then silence NE743",
        )


@rule(
    "NE744",
    "Certificate does not cover a name",
    Severity.WARNING,
    "Callers refuse a certificate without the name that they call.",
    do="Use a certificate with *. before the Region and the domain.",
)
def uncovered_name(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/acm/latest/userguide/acm-certificate-characteristics.html: a
    wildcard stands for one label."""
    traffic = s.settings.traffic
    for region in serving_regions(s) if traffic.domain else ():
        covered = traffic.hosts.get(region, ())
        here = [one for _, one in all_reached(s, region)]
        names = dict.fromkeys([one.host for one in here] + [o.everywhere for o in here])
        wanted = dict.fromkeys(_wildcard(name) for name in names if name)
        missing = [name for name in names if name and not {name, _wildcard(name)} & {*covered}]
        if region in traffic.certificate_arns and covered and missing:
            quoted = ", ".join(f'"{name}"' for name in wanted)
            each = "it" if len(wanted) < 2 else "them"
            yield Report(
                f"traffic.hosts.{region}",
                f"is {', '.join(covered)}, without {missing[0]}",
                f"write [{quoted}], with a certificate that has {each}",
            )


def _wildcard(name: str) -> str:
    return f"*.{name.partition('.')[2]}"


@rule(
    "NE745",
    "Names of no certificate",
    Severity.WARNING,
    "The names of `hosts` are those of the certificate in `certificate_arns`.",
    do="Give the certificate, or leave the names out.",
)
def names_without_certificate(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html"""
    traffic = s.settings.traffic
    for region in sorted(traffic.hosts.keys() - traffic.certificate_arns.keys()):
        if region in s.settings.regions:
            yield Report(
                f"traffic.hosts.{region}",
                f"is {', '.join(traffic.hosts[region])}, and {region} has no certificate",
                "leave it out",
            )


@rule(
    "NE773",
    "HTTPS at a name that no certificate has",
    Severity.NOTE,
    "The load balancer's own name is below amazonaws.com, for which ACM issues no certificate: "
    "clients that check the name refuse. Callers need a name that the certificate covers.",
    do="Name the hosts that the certificate covers, with records of your own.",
)
def unnamed_certificate(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/acm/latest/userguide/setup-domain.html"""
    traffic = s.settings.traffic
    named = traffic.hosts.keys() if traffic.domain is None else serving_regions(s)
    here = [r for r in serving_regions(s) if r in traffic.certificate_arns and r not in named]
    if here:
        hosts = ", ".join(
            [
                *(f"{r}: [{', '.join(h)}]" for r, h in traffic.hosts.items()),
                *(f"{r}: [{r}.models.example.com]" for r in here),
            ]
        )
        yield Report(
            "traffic.hosts",
            f"names no host for the certificate of {listed(here)}",
            f"write {{{hosts}}}, with a name of the certificate",
        )


@rule(
    "NE747",
    "Name in the network without a port",
    Severity.ERROR,
    "In bridge and host mode ECS registers a host and a port of a container in an SRV record, and "
    "takes no registry without a port.",
    do="Give the model the port on which it answers, or no name.",
)
def name_without_port(s: Situation) -> Iterator[Report]:
    """API_ServiceRegistry, containerName and containerPort;
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html"""
    for work in s.work:
        if discovered(work) and not work.spec.called and work.network_mode != "awsvpc":
            yield Report(
                f"{work.path}.discovery",
                f"is cloud_map, and no container of the model has a port in {work.network_mode} "
                "mode",
                "leave it out",
            )


@rule(
    "NE770",
    "Names over all Regions without a domain",
    Severity.WARNING,
    "The name of a model over all Regions is `<model>.<domain>`.",
    do="Write traffic.domain, or leave connected out.",
)
def connected_without_domain(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-latency.html: the
    records are in a hosted zone."""
    if s.settings.traffic.connected and s.settings.traffic.domain is None:
        yield Report("traffic.connected", "is true, and there is no domain", "leave it out")


@rule(
    "NE771",
    "Name over all Regions with HTTPS in some of them",
    Severity.WARNING,
    "The same URL is answered by each Region: callers by HTTPS find nothing at the port where a "
    "load balancer speaks plain HTTP.",
    do="Give a certificate for each Region, or for none.",
)
def two_schemes(s: Situation) -> Iterator[Report]:
    """API_CreateListener: a port and a protocol, HTTPS with a certificate."""
    plain = [region for region in serving_regions(s) if not speaks_https(s, region)]
    secure = [region for region in serving_regions(s) if speaks_https(s, region)]
    connected = s.settings.traffic.connected and s.settings.traffic.domain is not None
    if connected and plain and secure:
        yield Report(
            "traffic.connected",
            f"is true, with HTTPS in {listed(secure)} and plain HTTP in {listed(plain)}",
            "leave it out",
        )


@rule(
    "NE772",
    "Callers of a name over all Regions may not call all of them",
    Severity.WARNING,
    "Route 53 answers with the nearest healthy Region, whoever asks: a load balancer that does not "
    "admit the caller lets the connection time out.",
    do="Admit the same callers in all Regions.",
)
def callers_of_some_regions(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html"""
    if not named_everywhere(s.settings):
        return
    found = {region: callers(s, region) for region in serving_regions(s)}
    found = {region: some for region, some in found.items() if some}
    blocks = sorted({c for some in found.values() for c in some if not c.startswith("sg-")})
    for block in blocks:
        absent = [region for region, some in found.items() if not admitted(block, some)]
        if absent:
            there = [region for region in found if region not in absent]
            lines = [
                f"{region}: [{', '.join([*blocks, *(c for c in some if c.startswith('sg-'))])}]"
                for region, some in found.items()
            ]
            yield Report(
                "traffic.allow_from",
                f"admits {block} in {listed(there)}, and not in {listed(absent)}",
                f"write {{{', '.join(lines)}}}",
            )
            return


RULES = (
    connected_without_domain,
    two_schemes,
    callers_of_some_regions,
    name_without_port,
    long_domain,
    validated_in_private,
    unknown_zone,
    uncovered_name,
    names_without_certificate,
    unnamed_certificate,
    long_label,
)
