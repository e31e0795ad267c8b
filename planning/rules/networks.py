"""Networks and who may call: blocks, addresses, subnets, certificates, callers."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from config import AutoScalingCapacity, ExistingNetworkEntry, OwnNetworkEntry
from messages.finding import Severity
from messages.phrases import listed
from planning import addresses, choices
from planning.addresses import parse_block, zones_with_blocks
from planning.command_line import repository
from planning.entries import RegionalPool
from planning.public import is_public
from planning.reached import all_reached, running_server
from planning.rules.rule import Report, rule
from planning.serving.servers import SERVERS
from planning.situation import Situation, serving_regions

Block = ipaddress.IPv4Network


def _own(s: Situation) -> Iterator[tuple[str, OwnNetworkEntry, Block]]:
    """Region, entry and block of every own network with a block of a valid size."""
    for region, spec in s.regions.items():
        network = spec.network
        if isinstance(network, OwnNetworkEntry):
            block = parse_block(addresses.own_cidr(network, region, s.catalog))
            if block is not None and block.prefixlen in addresses.PREFIXES:
                yield region, network, block


@rule(
    "NE505",
    "CIDR blocks of two networks overlap",
    Severity.WARNING,
    "VPCs with overlapping blocks cannot be connected by a peering connection or a transit "
    "gateway: each takes the addresses of the other for its own.",
    do="Give each network its own block.",
)
def blocks_overlap(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/peering/invalid-peering-configurations.html"""
    seen: list[tuple[str, Block]] = []
    own = list(_own(s))
    says = " although traffic.connected says that they reach each other"
    for region, network, block in sorted(own, key=lambda o: (o[1].cidr is not None, o[0])):
        met = [(r, b) for r, b in seen if b.overlaps(block)]
        if met:
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {network.cidr}, which overlaps {met[0][1]} of {met[0][0]}"
                + says * s.settings.traffic.connected,
                f"write {_free(s, [b for _, _, b in own], block)}, or leave it out",
            )
        seen.append((region, block))


def _free(s: Situation, taken: list[Block], like: Block) -> Block:
    """The first private block of that size that overlaps none of the others; else `like`."""
    held = [*taken, *(Block(b) for b in s.catalog.networks.ipv4_blocks("docker"))]
    for private in (Block(b) for b in s.catalog.networks.ipv4_blocks("private")):
        if private.prefixlen > like.prefixlen:
            continue
        for block in private.subnets(new_prefix=like.prefixlen):
            if not any(block.overlaps(h) for h in held):
                return block
    return like


def _within(s: Situation, block: Block, kind: str) -> list[str]:
    return [b for b in s.catalog.networks.ipv4_blocks(kind) if Block(b).overlaps(block)]


@rule(
    "NE506",
    "CIDR block overlaps Docker's own",
    Severity.WARNING,
    "Docker uses 172.17.0.0/16 for its own bridge on every instance, so containers cannot reach "
    "these addresses in the VPC.",
    do="Write another block.",
    table="ipv4_blocks",
)
def dockers_own_block(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html: "Some AWS services use
    the 172.17.0.0/16 CIDR range. To avoid future conflicts, don't use this range"."""
    own = list(_own(s))
    for region, network, block in own:
        if _within(s, block, "docker"):
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {network.cidr}, which overlaps Docker's own block",
                f"write {_free(s, [b for _, _, b in own], block)}, or leave it out",
            )


@rule(
    "NE507",
    "CIDR block has no host addresses",
    Severity.ERROR,
    "Hosts cannot have loopback, link-local, multicast or reserved addresses.",
    do="Write a private block.",
    table="ipv4_blocks",
)
def block_of_no_hosts(s: Situation) -> Iterator[Report]:
    """https://www.iana.org/assignments/iana-ipv4-special-registry/; link-local addresses of a VPC
    lead to the instance metadata, DNS and time services
    (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html)."""
    own = list(_own(s))
    for region, network, block in own:
        met = _within(s, block, "unusable")
        if met:
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {network.cidr}, in {met[0]}",
                f"write {_free(s, [b for _, _, b in own], block)}, or leave it out",
            )


@rule(
    "NE508",
    "CIDR block consists of public addresses",
    Severity.WARNING,
    "Servers on the internet that have these addresses cannot be reached from the VPC.",
    do="Write a private block.",
    table="ipv4_blocks",
)
def block_of_the_internet(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html recommends the private
    ranges of RFC 1918."""
    own = list(_own(s))
    for region, network, block in own:
        private = [
            b for b in s.catalog.networks.ipv4_blocks("private") if block.subnet_of(Block(b))
        ]
        if not private and not _within(s, block, "unusable"):
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {network.cidr}, a block of public addresses",
                f"write {_free(s, [b for _, _, b in own], block)}, or leave it out",
            )


# ---- addresses -------------------------------------------------------------------------------


def _pool_zones(pool: RegionalPool) -> tuple[str, ...]:
    """The zones of the stack's own network in which the pool's instances run."""
    if isinstance(pool.spec, AutoScalingCapacity) and pool.spec.efa:
        return pool.zone_ids[:1]
    return zones_with_blocks(pool.zone_ids)


def _addresses(s: Situation, pool: RegionalPool) -> int:
    """Addresses that the pool needs at its largest, one for each network interface."""
    works = [w for w in s.work_on(pool) if not w.is_job]
    spec, kind = pool.spec, pool.type
    each = 1
    if isinstance(spec, AutoScalingCapacity) and spec.efa and kind and kind.neuron:
        each = max(1, kind.neuron.efa_interfaces)
    instances = pool.max_size
    if instances is None:
        instances = sum(w.tasks_max for w in works if w.managed_devices)
    return instances * each + sum(w.tasks_max for w in works if w.network_mode == "awsvpc")


@rule(
    "NE509",
    "Network has too few addresses",
    Severity.ERROR,
    "Every network interface needs an address of its subnet: each instance (with EFA each "
    "interface), each awsvpc task, and the load balancer 8 in each subnet.",
    do="Write a larger block, or lower max_size.",
    table="limits",
)
def too_few_addresses(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html (5 addresses of a subnet
    are AWS's) and
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html;
    each zone has an eighth of the block."""
    serving = serving_regions(s)
    for region, network, block in _own(s):
        pools = [p for (r, _), p in s.pools.items() if r == region and _pool_zones(p)]
        aside = s.catalog.limits.value("subnet_reserved_addresses")
        if region in serving:
            aside += s.catalog.limits.value("load_balancer_addresses_per_subnet")
        for zones in sorted({_pool_zones(p) for p in pools}, key=lambda z: (len(z), z)):
            inside = [p for p in pools if set(_pool_zones(p)) <= set(zones)]
            wanted = sum(_addresses(s, p) for p in inside)

            def room(prefix: int, zones: tuple[str, ...] = zones, aside: int = aside) -> int:
                return len(zones) * (2 ** (32 - prefix - 3) - aside)

            if wanted <= room(block.prefixlen):
                continue
            fitting = [p for p in range(block.prefixlen - 1, 15, -1) if wanted <= room(p)]
            larger = (
                f"write {Block((block.network_address, fitting[0]), strict=False)}"
                if fitting
                else "lower max_size"
            )
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {block}: its subnets in {listed(zones)} have {room(block.prefixlen)} "
                f"addresses; {listed([p.name for p in inside])} can take {wanted}",
                larger + ("" if network.cidr or not fitting else " in its place"),
            )
            break


@rule(
    "NE510",
    "Subnet is given twice",
    Severity.ERROR,
    "A subnet belongs to one Availability Zone of one Region.",
    do="Give each zone its own subnet.",
)
def subnet_given_twice(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html"""
    first: dict[str, tuple[str, str, str]] = {}
    for region, spec in s.settings.regions.items():
        network = spec.network
        if not isinstance(network, ExistingNetworkEntry):
            continue
        for kind in ("private_subnets", "public_subnets"):
            subnets: dict[str, str] = getattr(network, kind)
            for zone, subnet in subnets.items():
                path = f"regions.{region}.network.{kind}.{zone}"
                *place, before = first.setdefault(subnet, (region, zone, path))
                if place != [region, zone]:
                    yield Report(
                        path,
                        f"is {subnet}, as {before}",
                        f"give the subnet of {zone}, or remove it",
                    )


@rule(
    "NE511",
    "VPC is given for two Regions",
    Severity.ERROR,
    "A VPC belongs to one Region.",
    do="Give each Region its own VPC.",
)
def vpc_given_twice(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/how-it-works.html: a VPC spans the zones of
    one Region."""
    first: dict[str, str] = {}
    for region, spec in s.settings.regions.items():
        if isinstance(spec.network, ExistingNetworkEntry):
            before = first.setdefault(spec.network.vpc_id, region)
            if before != region:
                yield Report(
                    f"regions.{region}.network.vpc_id",
                    f"is {spec.network.vpc_id}, as that of {before}",
                    f"give the VPC of {region}, or leave network out for one of its own",
                )


# ---- traffic ---------------------------------------------------------------------------------


@rule(
    "NE519",
    "Certificate belongs to another Region",
    Severity.ERROR,
    "A load balancer accepts only certificates of its own Region.",
    do="Request the certificate in each Region, and give each its own ARN.",
)
def certificate_of_another_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html"""
    for region, arn in s.settings.traffic.certificate_arns.items():
        known = s.catalog.places.regions.get(region)
        _, partition, _, arn_region, account, _ = arn.split(":", 5)
        if known is not None and (arn_region, partition) != (region, known.partition):
            yield Report(
                f"traffic.certificate_arns.{region}",
                f"is {arn}, a certificate of {arn_region} in the partition {partition}",
                f"write arn:{known.partition}:acm:{region}:{account}:certificate/…, requested in "
                f"{region}",
            )


def _callers(s: Situation) -> Iterator[tuple[str, str, str | None]]:
    """Path, caller and Region (None: all) of every entry of allow_from."""
    allowed = s.settings.traffic.allow_from
    if isinstance(allowed, dict):
        for region, callers in allowed.items():
            for index, caller in enumerate(callers):
                yield f"traffic.allow_from.{region}[{index}]", caller, region
    else:
        for index, caller in enumerate(allowed):
            yield f"traffic.allow_from[{index}]", caller, None


@rule(
    "NE520",
    "Every address may call",
    Severity.WARNING,
    "Every network that is ever connected to the VPC of an internal load balancer could call the "
    "models.",
    do="Name the networks that call.",
)
def every_address_may_call(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"""
    for path, caller, region in _callers(s):
        block = parse_block(caller)
        inside = [r for r in serving_regions(s) if region in (None, r) and not is_public(s, r)]
        if block is not None and block.prefixlen == 0 and (inside or not serving_regions(s)):
            own = [str(b) for r, _, b in _own(s) if region in (None, r)]
            yield Report(
                path,
                f"is {caller}",
                f"write {(own or ['10.0.0.0/8'])[0]}, or name the blocks that call",
            )


@rule(
    "NE521",
    "Caller is not a CIDR block",
    Severity.ERROR,
    "A CIDR block has four numbers up to 255 and a prefix up to 32, and no bits set behind the "
    "prefix.",
    do="Write the block's first address and its prefix.",
)
def caller_is_no_block(s: Situation) -> Iterator[Report]:
    """API_AuthorizeSecurityGroupIngress of the Amazon EC2 API Reference; the provider refuses host
    bits at the preview (aws_vpc_security_group_ingress_rule)."""
    for path, caller, _ in _callers(s):
        if caller.startswith("sg-"):
            continue
        block = parse_block(caller)
        if block is None:
            numbers, _, prefix = caller.partition("/")
            least = ".".join(str(min(255, int(n))) for n in numbers.split("."))
            near = parse_block(f"{least}/{min(32, int(prefix))}")
            yield Report(path, f"is {caller}, which is not an IPv4 block", f"write {near}")
        elif str(block) != caller:
            address = caller.partition("/")[0]
            yield Report(
                path,
                f"is {caller}, an address inside {block}",
                f"write {block}, or write {address}/32, for one caller",
            )


@rule(
    "NE522",
    "Caller is given twice",
    Severity.ERROR,
    "A security group cannot have the same rule twice.",
    do="Name each caller once.",
)
def caller_given_twice(s: Situation) -> Iterator[Report]:
    """API_AuthorizeSecurityGroupIngress of the Amazon EC2 API Reference:
    InvalidPermission.Duplicate."""
    seen: set[tuple[str | None, str]] = set()
    for path, caller, region in _callers(s):
        if (region, caller) in seen:
            yield Report(path, f"is {caller} for the second time", "remove it")
        seen.add((region, caller))


@rule(
    "NE524",
    "Too many models behind a load balancer",
    Severity.ERROR,
    "An Application Load Balancer has at most 100 target groups, one for each model that serves "
    "and each of its sidecars with a port.",
    do="Spread the models over more stacks or Regions.",
    table="limits",
)
def too_many_served(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"""
    most = s.catalog.limits.value("target_groups_per_load_balancer")
    serving: dict[str, Counter[str]] = {}
    for work, _ in all_reached(s):
        serving.setdefault(work.region, Counter())[work.name] += 1
    crowded = {r: n.total() for r, n in sorted(serving.items()) if n.total() > most}
    if crowded:
        largest = (sorted(serving[region].values(), reverse=True) for region in crowded)
        kept = min(sum(n <= most for n in accumulate(numbers)) for numbers in largest)
        said = listed([f"{number} in {region}" for region, number in crowded.items()])
        yield Report(
            "models",
            f"serve on ports: {said}, behind one load balancer each",
            f"keep at most {kept} with a port in a Region, and give the others another stack",
        )


@rule(
    "NE525",
    "Too many callers in a security group",
    Severity.WARNING,
    "A security group has at most 60 inbound rules, unless the account's quota was raised.",
    do="Name larger blocks, or a security group that the callers share.",
    table="limits",
)
def too_many_callers(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""
    most = s.catalog.limits.value("security_group_inbound_rules")
    callers: dict[str | None, list[str]] = {}
    for _, caller, region in _callers(s):
        callers.setdefault(region, []).append(caller)
    for region, given in callers.items():
        if len(given) > most:
            yield Report(
                f"traffic.allow_from{f'.{region}' if region else ''}",
                f"names {len(given)} callers from {given[0]} on, each of which is a rule",
                f"keep at most {most}",
            )


@rule(
    "NE526",
    "Health check path that the server does not answer",
    Severity.WARNING,
    "The server of this image does not answer GET /health, so no task becomes healthy.",
    do="Write the path that the image's server answers.",
    table="servers",
)
def health_path_of_another_server(s: Situation) -> Iterator[Report]:
    """https://www.tensorflow.org/tfx/serving/api_rest and
    https://pytorch.org/serve/inference_api.html: what the servers of these Deep Learning Containers
    answer; judged where the image's own server runs."""
    reported: set[str] = set()
    for work, one in all_reached(s):
        found, given = running_server(one.spec, s.catalog), one.health_path
        if found is None or one.at in reported:
            continue
        server = SERVERS[found.name]
        if given.startswith(found.health_path) or found.health_path == choices.HEALTH_PATH:
            continue
        reported.add(one.at)
        path = found.health_path_of(one.sidecar or work.name)
        written = f"{{path: {path}}}"
        yield Report(
            one.at,
            f"is {given}; {server.title} in {repository(one.spec.image)} answers {path}",
            (f"write health_path: {path}" if one.sidecar else f"write health_check: {written}")
            + (", with the name that the server gives the model" * (path != found.health_path)),
        )


@rule(
    "NE527",
    "Security group is outside the stack's own network",
    Severity.WARNING,
    "A security group rule can name only groups of its own VPC or of a peered one. The stack's own "
    "network is new and not peered.",
    do="Name CIDR blocks, or use the network of the group.",
)
def group_outside_our_network(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html and
    https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html"""
    own = {region for region, _, _ in _own(s)} & set(serving_regions(s))
    for path, caller, region in _callers(s):
        here = sorted(own & {region}) if region else sorted(own)
        if caller.startswith("sg-") and here:
            yield Report(
                path,
                f"is {caller}, in {listed(here)} with the stack's own network",
                "name the callers' CIDR blocks, or give regions."
                f"{here[0]}.network the VPC of the group",
            )


RULES = (
    blocks_overlap,
    dockers_own_block,
    block_of_no_hosts,
    block_of_the_internet,
    too_few_addresses,
    subnet_given_twice,
    vpc_given_twice,
    certificate_of_another_region,
    every_address_may_call,
    caller_is_no_block,
    caller_given_twice,
    too_many_served,
    too_many_callers,
    health_path_of_another_server,
    group_outside_our_network,
)
