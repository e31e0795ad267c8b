"""Load balancers with public addresses: their callers, subnets and names."""

from collections.abc import Iterator
from ipaddress import IPv4Network, collapse_addresses

from config import ExistingNetworkEntry, OwnNetworkEntry, Public
from messages.finding import Severity
from messages.phrases import listed
from planning import addresses
from planning.addresses import parse_block
from planning.authentication import asked_key, asks_at_the_door, key_of, key_server
from planning.public import faces_outside, is_public, open_to_anyone, written_callers
from planning.reached import Reached, all_reached
from planning.rules.rule import Report, rule
from planning.situation import Situation, serving_regions

_KEY = "traffic.authentication: {api_key: /keys/models}"


def _public(s: Situation) -> list[str]:
    """Regions whose load balancer is public."""
    return [region for region in serving_regions(s) if is_public(s, region)]


def _outside(s: Situation) -> list[str]:
    """Regions with a public load balancer, if only for the next update."""
    return [region for region in serving_regions(s) if faces_outside(s, region)]


def _where(s: Situation, region: str) -> str:
    """The place of the callers of a Region."""
    by_region = isinstance(s.settings.traffic.allow_from, dict)
    return f"traffic.allow_from.{region}" if by_region else "traffic.allow_from"


@rule(
    "NE752",
    "Public load balancer without callers",
    Severity.WARNING,
    "A public load balancer admits the addresses under traffic.allow_from and no others. Without "
    "one it receives no request.",
    do="Name the public addresses that call.",
)
def public_without_callers(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html"""
    for region in _public(s):
        if not written_callers(s, region) and not open_to_anyone(s, region):
            yield Report(
                "traffic.public",
                f"opens {region}, and allow_from names no caller there",
                f"write {_where(s, region)}: [203.0.113.0/24], with the public addresses that call",
            )


@rule(
    "NE753",
    "Open to the internet without authentication",
    Severity.ERROR,
    "Every address on the internet could use the model, and the chips behind it.",
    do="Write traffic.authentication, or name the addresses that call.",
    table="servers",
)
def open_without_authentication(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html: a load
    balancer forwards every request that its security group and its rules admit."""
    for region in _public(s):
        bare = [
            name
            for name, one in _here(s, region)
            if not key_of(s.settings, name.partition("/")[0]) and not asked_key(one.spec, s.catalog)
        ]
        if bare and open_to_anyone(s, region) and not asks_at_the_door(s.settings, region):
            key = f"write {_KEY}, a parameter that holds the key; or " * _can_ask(s, region)
            yield Report(
                "traffic.public",
                f"is {{anyone: true}}, and {listed(bare)} {'asks' if len(bare) == 1 else 'ask'} "
                "callers for nothing",
                f"{key}write traffic.public: true and {_where(s, region)}: "
                "[203.0.113.0/24], with the public addresses that call",
            )


def _here(s: Situation, region: str) -> list[tuple[str, Reached]]:
    """What answers behind the load balancer of the Region, with its name."""
    return [
        (f"{work.name}/{one.sidecar}" if one.sidecar else work.name, one)
        for work, one in all_reached(s, region)
    ]


def _can_ask(s: Situation, region: str) -> bool:
    """Whether every server behind the load balancer can ask for a key."""
    return all(key_server(one.spec, s.catalog) for _, one in _here(s, region))


@rule(
    "NE754",
    "Every address on the internet among the callers",
    Severity.ERROR,
    "The whole internet calls a public load balancer where traffic.public says {anyone: true}, "
    "with authentication, and not by a block of addresses.",
    do="Name the addresses that call, or write {anyone: true} and authentication.",
)
def everybody_by_blocks(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"""
    for region in _public(s):
        named = written_callers(s, region)
        blocks = [b for b in map(parse_block, named) if b is not None]
        every = list(collapse_addresses(blocks)) == [IPv4Network("0.0.0.0/0")]
        if every and not open_to_anyone(s, region):
            yield Report(
                _where(s, region),
                f"is [{', '.join(named)}], every address, and the load balancer of {region} is "
                "public",
                "name the public addresses that call"
                + f"; or write traffic.public: {{anyone: true}}, {_KEY} and {_where(s, region)}: []"
                * _can_ask(s, region),
            )


@rule(
    "NE755",
    "Caller cannot reach a public load balancer",
    Severity.WARNING,
    "Callers of a public load balancer come from public addresses, those in its own VPC too: by "
    "the address of a NAT gateway. A private block or a security group matches none of them.",
    do="Name the public addresses of the callers.",
    table="ipv4_blocks",
)
def private_caller(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html:
    its name has public addresses;
    https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html: a group stands for
    the private addresses of its interfaces."""
    private = [IPv4Network(b) for b in s.catalog.networks.ipv4_blocks("private")]
    for region in _public(s):
        own = isinstance(s.settings.regions[region].network, OwnNetworkEntry)
        for index, caller in enumerate(written_callers(s, region)):
            block = parse_block(caller)
            group = caller.startswith("sg-") and not own  # NE527 has those of our networks
            if group or (block is not None and any(block.subnet_of(p) for p in private)):
                yield Report(
                    f"{_where(s, region)}[{index}]",
                    f"is {caller}, and the load balancer of {region} is public",
                    "name the public addresses from which it calls",
                )


@rule(
    "NE756",
    "Callers are named beside everyone",
    Severity.WARNING,
    "With traffic.public {anyone: true} every address may call, whatever allow_from names.",
    do="Keep one of the two.",
)
def callers_beside_everyone(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html: rules allow
    only."""
    for region in _public(s):
        named = written_callers(s, region)
        if named and open_to_anyone(s, region):
            yield Report(
                _where(s, region),
                f"is [{', '.join(named)}], and every address may call in {region}",
                "leave it out",
            )


@rule(
    "NE757",
    "Private names of a public load balancer",
    Severity.WARNING,
    "Names in a private hosted zone are known in the stack's VPCs alone: callers on the internet "
    "cannot look them up.",
    do="Use a public hosted zone, or leave traffic.public out.",
)
def private_names(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zones-private.html"""
    domain, regions = s.settings.traffic.domain, _public(s)
    if domain is not None and domain.private and regions:
        yield Report(
            "traffic.domain.private",
            f"is true, and the load balancers of {listed(regions)} are public",
            "write private: false, with the zone_id of a public one, or traffic.public: false",
        )


@rule(
    "NE758",
    "Public load balancer has no subnet in a zone",
    Severity.ERROR,
    "A load balancer has subnets in two zones at least, and sends requests only to targets in "
    "zones where it has one.",
    do="Give a public subnet in each zone where tasks run, two at least.",
)
def no_public_subnet(s: Situation) -> Iterator[Report]:
    """API_CreateLoadBalancer;
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html:
    Target.NotInUse, which ECS takes for an unhealthy task."""
    for region in _outside(s):
        network = s.settings.regions[region].network
        if not isinstance(network, ExistingNetworkEntry):
            continue
        pools = {w.pool.name: w.pool for w in s.work if w.region == region and w.spec.called}
        run = {z for p in pools.values() for z in p.zone_ids if z in network.private_subnets}
        missing = sorted(run - network.public_subnets.keys())
        there = {*network.public_subnets, *missing}
        zones = [*network.private_subnets, *s.catalog.places.zone_ids(region)]
        others = [z for z in dict.fromkeys(zones) if z not in there]
        for zone in [*missing, *others[: max(0, 2 - len(there))]]:
            yield Report(
                f"regions.{region}.network.public_subnets.{zone}",
                f"is not given; a load balancer is public, public_subnets has "
                f"{listed(sorted(network.public_subnets)) or 'none'}, and tasks run in "
                f"{listed(sorted(run))}",
                "write subnet-…; or write traffic.public: false"
                + " and traffic.both_schemes: false" * s.settings.traffic.both_schemes,
            )


@rule(
    "NE759",
    "Public subnets are small for a load balancer",
    Severity.WARNING,
    "A load balancer needs subnets of /27 to grow with its requests. Public subnets of our own "
    "networks are a sixty-fourth of the block.",
    do="Write a larger block.",
    table="limits",
)
def small_public_subnets(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html"""
    most = s.catalog.limits.value("load_balancer_subnet_prefix_max")
    for region in _outside(s):
        network = s.settings.regions[region].network
        if not isinstance(network, OwnNetworkEntry) or network.cidr is None:
            continue
        block = parse_block(network.cidr)
        if block is None or block.prefixlen not in addresses.PREFIXES:
            continue
        if block.prefixlen + 6 > most:
            larger = IPv4Network((block.network_address, most - 6), strict=False)
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {network.cidr}: its public subnets are of /{block.prefixlen + 6}",
                f"write {larger}",
            )


@rule(
    "NE760",
    "Public in a Region that the stack does not have",
    Severity.ERROR,
    "A load balancer is in a Region of the stack.",
    do="Name Regions of the stack.",
)
def public_elsewhere(s: Situation) -> Iterator[Report]:
    """API_CreateLoadBalancer: it is made in the Region of the call."""
    given = s.settings.traffic.public
    named = (given.regions or ()) if isinstance(given, Public) else ()
    for index, region in enumerate(named):
        if region not in s.settings.regions:
            yield Report(
                f"traffic.public.regions[{index}]",
                f"is {region}, which is not under regions",
                "remove it" if len(named) > 1 else "write traffic.public: false",
            )


@rule(
    "NE761",
    "Two load balancers",
    Severity.NOTE,
    "With traffic.both_schemes each Region has a second load balancer of the other scheme, which "
    "costs as much as the first. It is for the update before traffic.public changes.",
    do="Leave it out with the update that changes traffic.public, or after it.",
)
def two_load_balancers(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html:
    no call changes the scheme."""
    if s.settings.traffic.both_schemes and serving_regions(s):
        yield Report(
            "traffic.both_schemes",
            f"is true: two load balancers in each of {listed(serving_regions(s))}",
            "leave it out, once traffic.public is as it should be",
        )


RULES = (
    two_load_balancers,
    public_without_callers,
    open_without_authentication,
    everybody_by_blocks,
    private_caller,
    callers_beside_everyone,
    private_names,
    no_public_subnet,
    small_public_subnets,
    public_elsewhere,
)
