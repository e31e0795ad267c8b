"""Traffic to the models: load balancers, certificates and callers."""

from collections.abc import Iterator

from config import ExistingNetworkEntry
from messages.finding import Severity
from messages.phrases import listed
from planning.rules.rule import Report, rule
from planning.situation import Situation, serving_regions


@rule(
    "NE501",
    "Load balancer without a certificate",
    Severity.WARNING,
    "Without a certificate the load balancer uses plain HTTP.",
    do="Give an ACM certificate for each Region.",
)
def plain_http(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html:
    a listener takes a certificate of its own Region."""
    missing = [r for r in serving_regions(s) if r not in s.settings.traffic.certificate_arns]
    if missing:
        yield Report(
            "traffic.certificate_arns",
            f"has no certificate for {listed(missing)}: prompts and answers cross the network in "
            "clear text",
            f"write certificate_arns: {{{', '.join(_certificate(s, r) for r in missing)}}}",
        )


def _certificate(s: Situation, region: str) -> str:
    return f"{region}: arn:{s.catalog.places.regions[region].partition}:acm:{region}:…"


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
    for region in serving_regions(s):
        here = allowed.get(region, ()) if isinstance(allowed, dict) else allowed
        if not here and isinstance(s.settings.regions[region].network, ExistingNetworkEntry):
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


RULES = (plain_http, no_caller, two_zones, security_group_everywhere)
