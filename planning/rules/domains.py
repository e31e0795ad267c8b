"""The domain of the models: its names, its hosted zone, and the certificates that cover them."""

from collections.abc import Iterator

from messages.finding import Severity
from planning.discovery import discovered
from planning.reached import reached
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
    for work, one in ((w, one) for w in s.work for one in reached(s, w) if one.by_host):
        at = f"{work.path}.sidecars.{one.sidecar}"
        if len(one.container) > most and at not in reported:
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
    makes = domain.validation_zone_id is not None or not domain.private
    names: list[tuple[str, str, int]] = []
    for region in serving_regions(s):
        if makes and region not in s.settings.traffic.certificate_arns:
            most = s.catalog.limits.value("certificate_name_max")
            names.append((f"*.{region}.{domain.name}", "a certificate", most))
        here = [one.host for w in s.work if w.region == region for one in reached(s, w)]
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
        here = dict.fromkeys(
            one.host for w in s.work if w.region == region for one in reached(s, w)
        )
        missing = [host for host in here if not {host, f"*.{host.partition('.')[2]}"} & {*covered}]
        if region in traffic.certificate_arns and covered and missing:
            wanted = f"*.{region}.{traffic.domain.name}" if traffic.domain else ""
            yield Report(
                f"traffic.hosts.{region}",
                f"is {', '.join(covered)}, without {missing[0]}",
                f'write ["{wanted}"], with a certificate that has it',
            )


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


RULES = (
    name_without_port,
    long_domain,
    validated_in_private,
    unknown_zone,
    uncovered_name,
    names_without_certificate,
    long_label,
)
