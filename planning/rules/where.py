"""Regions, zones, instance types and pools: what exists, and what is offered where."""

import ipaddress
from collections.abc import Iterator, Mapping

from config import AutoScalingCapacity, ExistingNetworkEntry, ManagedInstancesCapacity
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import listed, nearest
from planning.rules.rule import Report, rule
from planning.situation import Situation


@rule(
    "NE101",
    "Unknown AWS Region",
    Severity.ERROR,
    "AWS has no Region of this name.",
    do="Name Regions as AWS writes them, such as us-west-2, and the home Region under aws:region.",
)
def unknown_region(s: Situation) -> Iterator[Report]:
    """Regions are those of https://docs.aws.amazon.com/global-infrastructure/latest/regions/."""
    for name in s.settings.regions:
        if name not in s.catalog.places.regions:
            yield Report(
                f"regions.{name}", "is no AWS Region", nearest(name, s.catalog.places.regions)
            )
    if s.home_region not in s.catalog.places.regions:
        what = f"is {shown(s.home_region)}, no AWS Region" if s.home_region else "is missing"
        some = next(iter(s.settings.regions), "us-west-2")
        fix = nearest(s.home_region, s.catalog.places.regions) if s.home_region else f"write {some}"
        yield Report(
            "aws:region",
            what,
            fix,
            None if s.home_region else "IAM is global and is managed from one home Region.",
        )


@rule(
    "NE102",
    "AWS documents no Neuron AMI for the Region",
    Severity.ERROR,
    "AWS documents the ECS-optimized Neuron AMI for 17 Regions. In other Regions it may be missing "
    "or disappear.",
    do="Choose a documented Region, or accept the risk with accept_undocumented_ami: true.",
)
def undocumented_ami(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html lists the 17.

    The parameter was seen in further Regions, which AWS does not document.
    """
    for name, spec in s.regions.items():
        region = s.catalog.places.regions[name]
        pools = [p for (r, _), p in s.pools.items() if r == name and not p.managed and p.neuron]
        if not pools or region.neuron_ami == "documented":
            continue
        types = {t.name for p in pools for t in p.types}
        documented = [
            r.name
            for r in s.catalog.places.regions.values()
            if r.neuron_ami == "documented"
            and all(s.catalog.places.zones_offering(t, r.name) for t in types)
        ]
        other = f"use {listed(documented)}, which offer {listed(sorted(types))}"
        if region.neuron_ami == "undocumented" and not spec.accept_undocumented_ami:
            yield Report(
                f"regions.{name}",
                "is none of the Regions for which AWS documents the Neuron AMI",
                f"{other if documented else 'choose another Region'}; or write "
                "accept_undocumented_ami: true, since the AMI parameter was seen there",
            )
        elif region.neuron_ami != "undocumented":
            yield Report(
                f"regions.{name}",
                "has no known ECS-optimized Neuron AMI",
                other if documented else "choose another Region",
                "Instances of an Auto Scaling pool start from that AMI.",
            )


@rule(
    "NE103",
    "Regions of several AWS partitions in one stack",
    Severity.ERROR,
    "A stack uses the credentials of one AWS partition.",
    do="Make one stack for each partition.",
)
def several_partitions(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html"""
    home = s.catalog.places.regions.get(s.home_region)
    for name in s.regions:
        region = s.catalog.places.regions[name]
        if home is not None and region.partition != home.partition:
            yield Report(
                f"regions.{name}",
                f"is in the partition {region.partition}, aws:region in {home.partition}",
                f"make a stack of its own for {region.partition}",
            )


@rule(
    "NE104",
    "Unknown instance type",
    Severity.ERROR,
    "EC2 has no instance type of that name.",
    do="Write an instance type, or a pattern that matches one, as EC2 names it.",
)
def unknown_type(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypes, as the catalog holds it.

    ECS checks no name: a misspelt pattern passes and nothing ever launches
    (API_InstanceRequirementsRequest, allowedInstanceTypes).
    """
    for name, spec in s.settings.capacity.items():
        match spec:
            case AutoScalingCapacity(instance_type=written):
                if s.catalog.instances.get(written) is None:
                    yield Report(
                        f"capacity.{name}.instance_type",
                        f'is "{written}"',
                        nearest(written, _likely(s, written)),
                    )
            case ManagedInstancesCapacity(allowed_instance_types=patterns):
                for index, pattern in enumerate(patterns):
                    if not s.catalog.instances.matching(pattern):
                        yield Report(
                            f"capacity.{name}.allowed_instance_types[{index}]",
                            f'is "{pattern}", which matches no instance type',
                            nearest(pattern, _likely(s, pattern)),
                        )


def _likely(s: Situation, word: str) -> list[str]:
    """Neuron types, and others of the family that the word begins with."""
    family = word.split(".")[0]
    others = [t for t in s.catalog.instances.types if t.split(".")[0] == family]
    return [*s.catalog.instances.neuron_types, *others]


@rule(
    "NE105",
    "Instance type is not offered in the Region",
    Severity.ERROR,
    "EC2 does not offer the type in the Region.",
    do="Give the pool only Regions that offer its type, or another type there.",
)
def not_offered(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypeOfferings, as the catalog holds it; an Auto Scaling group accepts the
    type in any Region and then never launches (aws/containers-roadmap#723)."""
    for name in s.settings.capacity:
        types = s.types_named(name)
        missing = [
            r
            for (r, pool_name), pool in s.pools.items()
            if pool_name == name and not pool.types and s.catalog.places.offerings_known(r)
        ]
        if not types or not missing:
            continue
        offering = sorted({r for t in types for r in s.catalog.places.regions_offering(t)})
        mine = [r for r in offering if r in s.regions]
        families = {
            k.neuron.family
            for t in types
            if (k := s.catalog.instances.neuron_types.get(t)) and k.neuron
        }
        here: Mapping[str, list[str]] = {
            r: [
                t
                for t, k in s.catalog.instances.neuron_types.items()
                if k.neuron and s.catalog.places.zones_offering(t, r)
            ]
            for r in missing
        }
        fixes = [f"{listed(types, most=3)} is offered in {listed(offering)}" if offering else ""]
        if mine:
            fixes.append(f"write regions: [{', '.join(mine)}]")
        for region in missing[:3]:
            same = [
                t
                for t in here[region]
                if (k := s.catalog.instances.neuron_types[t].neuron) and k.family in families
            ]
            if same or here[region]:
                fixes.append(f"{region} offers {listed(same or here[region], most=4)}")
            elif families:
                fixes.append(f"{region} offers no Neuron type")
        yield Report(
            f"capacity.{name}",
            f"asks for {listed(types, most=3)}, not offered in {listed(missing)}",
            "; ".join(f for f in fixes if f),
        )


@rule(
    "NE106",
    "No usable Availability Zone for the pool",
    Severity.ERROR,
    "EC2 offers an instance type only in some zones of a Region.",
    do="Add a subnet in a zone that offers the type, or remove the zone restriction.",
)
def not_in_zones(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypeOfferings by Availability Zone id; names such as us-east-1a differ
    from account to account, ids do not."""
    for (region, name), pool in s.pools.items():
        if not pool.types or pool.zone_ids:
            continue
        offering = sorted(
            {z for t in pool.types for z in s.catalog.places.zones_offering(t.name, region)}
        )
        network = s.settings.regions[region].network
        types = listed([t.name for t in pool.types], most=3)
        if not offering and not isinstance(network, ExistingNetworkEntry):
            yield Report(
                f"regions.{region}.network",
                f"is the stack's own, in a Region whose zones are not known, for the pool {name}",
                "name an existing network, or run `neuron-ecs catalog refresh` with "
                "credentials for it",
                "The blocks of the stack's own network follow from the ids of its zones.",
            )
        elif pool.spec.zone_ids:
            wanted = [
                z
                for z in pool.spec.zone_ids
                if z.startswith(s.catalog.places.regions[region].short)
            ]
            yield Report(
                f"capacity.{name}.zone_ids",
                f"has {listed(wanted) or 'no zone'} for {region}, where {types} is not offered"
                if not set(wanted) & set(offering)
                else f"has {listed(wanted)} for {region}, without a subnet there",
                f"in {region} it is offered in {listed(offering)}"
                if offering
                else f"the network has {listed(s.network_zones(region))}",
            )
        elif isinstance(network, ExistingNetworkEntry):
            yield Report(
                f"regions.{region}.network.private_subnets",
                f"has {listed(network.private_subnets)}; {types} of the pool {name} is offered in "
                "none of them",
                f"add a subnet in {listed(offering)}, or give the pool other regions",
            )


@rule(
    "NE107",
    "Region is not part of the stack",
    Severity.ERROR,
    "Only the Regions of the stack have a network and clusters.",
    do="Add the Region under regions, or remove it from the pool, model or job.",
)
def region_not_in_stack(s: Situation) -> Iterator[Report]:
    """The stack file itself: `regions` says where; pools, models and jobs choose among them."""
    for name in s.settings.capacity:
        for region in s.pool_regions(name):
            if region not in s.settings.regions:
                yield Report(
                    f"capacity.{name}.regions",
                    f"names {region}, which is not under regions",
                    f"{nearest(region, s.settings.regions)} Or add it under regions.",
                )
    for path, spec in s.named_workloads():
        for region, override in s.work_regions(spec).items():
            pool = override.capacity or spec.capacity
            if spec.regions is None or pool not in s.settings.capacity:
                continue
            pools = [r for r in s.pool_regions(pool) if r in s.settings.regions]
            if region not in s.settings.regions:
                yield Report(
                    f"{path}.regions",
                    f"names {region}, which is not under regions",
                    f"{nearest(region, s.settings.regions)} Or add it under regions.",
                )
            elif region not in pools:
                others = [p for p in s.settings.capacity if region in s.pool_regions(p)]
                yield Report(
                    f"{path}.regions",
                    f"names {region}, where its pool {pool} is not",
                    f"the pool is in {listed(pools)}"
                    + (f"; in {region} there is {listed(others)}" if others else ""),
                )
    for where, given in (
        ("traffic.certificate_arns", s.settings.traffic.certificate_arns),
        ("traffic.allow_from", s.settings.traffic.allow_from),
    ):
        for region in given if isinstance(given, dict) else ():
            if region not in s.settings.regions:
                yield Report(
                    f"{where}.{region}",
                    "is not under regions",
                    nearest(region, s.settings.regions),
                )


@rule(
    "NE108",
    "Pool does not exist or is retired",
    Severity.ERROR,
    "A model or job runs on a pool of the stack file.",
    do="Name a pool of the stack file that is not retired.",
)
def unknown_pool(s: Situation) -> Iterator[Report]:
    """A service names its capacity provider; CreateService refuses one that does not exist."""
    for path, spec in s.named_workloads():
        named = {"capacity": spec.capacity} | {
            f"regions.{region}.capacity": override.capacity
            for region, override in s.work_regions(spec).items()
            if override.capacity
        }
        for where, pool in named.items():
            if pool not in s.settings.capacity:
                yield Report(f"{path}.{where}", f'is "{pool}"', nearest(pool, s.settings.capacity))
            elif s.settings.capacity[pool].retired:
                others = [n for n, c in s.settings.capacity.items() if not c.retired]
                yield Report(
                    f"{path}.{where}",
                    f"is {pool}, which is retired",
                    f"move it to {listed(others)}" if others else "write another pool",
                    "A retired pool stays without tasks for one update, so that AWS can detach it.",
                )


@rule(
    "NE109",
    "Region has no ECS Managed Instances",
    Severity.ERROR,
    "ECS Managed Instances is not available in every Region.",
    do="Use kind: auto_scaling there, or leave the Region out of the pool.",
)
def no_managed_instances(s: Situation) -> Iterator[Report]:
    """The Regions are those of the table of AMI accounts in
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ManagedInstances.html."""
    for (region, name), pool in s.pools.items():
        if pool.managed and not s.catalog.places.regions[region].managed_instances:
            others = [r for r in s.regions if s.catalog.places.regions[r].managed_instances]
            yield Report(
                f"capacity.{name}",
                f"has kind: managed_instances, which {region} does not have",
                "make it kind: auto_scaling"
                + (f", or write regions: [{', '.join(others)}]" if others else ""),
            )


@rule(
    "NE110",
    "Offerings of the Region are not in the catalog",
    Severity.WARNING,
    "The catalog has no offerings of the Region.",
    do="Refresh the catalog with credentials that may use the Region.",
)
def offerings_unknown(s: Situation) -> Iterator[Report]:
    """What is known to be absent is an error; what is not known is a warning."""
    for region in s.regions:
        if not s.catalog.places.offerings_known(region):
            yield Report(
                f"regions.{region}",
                "is not in the catalog: the types that its zones offer are not known",
                "run `neuron-ecs catalog refresh` with credentials for it",
            )


@rule(
    "NE111",
    "Instance type has an accelerator other than Neuron",
    Severity.ERROR,
    "A pool has Neuron types, or types without any accelerator.",
    do="Use a Neuron type, or a type without an accelerator for models that need none.",
)
def other_accelerator(s: Situation) -> Iterator[Report]:
    """The ECS-optimized AMIs used here drive Neuron devices only; GPU types need the GPU AMI
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-optimized_AMI.html)."""
    for name, spec in s.settings.capacity.items():
        field = (
            "instance_type" if isinstance(spec, AutoScalingCapacity) else "allowed_instance_types"
        )
        others = [
            t
            for t in s.types_named(name)
            if s.catalog.instances.types[t].accelerator not in ("none", "neuron")
        ]
        if others and not any(t in s.catalog.instances.neuron_types for t in s.types_named(name)):
            kinds = sorted({s.catalog.instances.types[t].accelerator for t in others})
            yield Report(
                f"capacity.{name}.{field}",
                f"is {listed(others, most=3)}, with an accelerator of another kind "
                f"({listed(kinds)})",
                f"choose a Neuron type: {listed(s.catalog.instances.neuron_types)}",
            )


@rule(
    "NE112",
    "Pool has no reservation, or a purchase option of the other kind",
    Severity.ERROR,
    "A reservation belongs to one Region, and the pool must name it.",
    do="Give a reservation for each Region of the pool, or choose another purchase option.",
)
def reservation_missing(s: Situation) -> Iterator[Report]:
    """CreateLaunchTemplate takes a reservation's id, a Managed Instances capacity provider the ARN
    of a resource group of reservations; both live in one Region."""
    wanting = ("capacity_reservation", "capacity_block", "reserved")
    for (region, name), pool in s.pools.items():
        field = "reservation_group_arns" if pool.managed else "reservation_ids"
        if pool.purchase in wanting and pool.reservation is None:
            example = "arn:aws:resource-groups:…" if pool.managed else "cr-…"
            yield Report(
                f"capacity.{name}.{field}",
                f"has no entry for {region}, where the pool's purchase is {pool.purchase}",
                f"write {field}: {{{region}: {example}}}",
            )
        allowed = (
            ("on_demand", "spot", "reserved")
            if pool.managed
            else ("on_demand", "spot", "capacity_reservation", "capacity_block")
        )
        if pool.purchase not in allowed:
            yield Report(
                f"capacity.{name}.regions.{region}.purchase",
                f"is {pool.purchase}, which this kind of capacity does not have",
                f"write one of {listed(allowed)}",
                "Managed Instances take ON_DEMAND, SPOT or RESERVED; EC2 launch templates take "
                "Spot, Capacity Reservations and Capacity Blocks.",
            )


@rule(
    "NE113",
    "Invalid CIDR block or zone id of a network",
    Severity.ERROR,
    "The stack's own network has a block of /16 to /20, which is divided among the zones.",
    do="Write /16 to /20 for the stack's own network, and zone ids for an existing one.",
)
def network_block(s: Situation) -> Iterator[Report]:
    """VPC blocks are /16 to /28 (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html);
    an eighth for each zone must still hold a load balancer's 8 addresses in its public eighth."""
    for region, spec in s.regions.items():
        network = spec.network
        if isinstance(network, ExistingNetworkEntry):
            short = s.catalog.places.regions[region].short
            wrong = [z for z in network.private_subnets if not z.startswith(f"{short}-az")]
            if wrong:
                zones = listed(s.catalog.places.zone_ids(region)) or f"{short}-az1 …"
                yield Report(
                    f"regions.{region}.network.private_subnets",
                    f"names {listed(wrong)}, no zone of {region}",
                    f"its zones are {zones}",
                    "Subnets are keyed by the id of their Availability Zone.",
                )
            continue
        if network.cidr is None:
            continue
        try:
            block = ipaddress.ip_network(network.cidr)
        except ValueError as error:
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {network.cidr}: {error}",
                f"write {_block_around(network.cidr)}",
            )
            continue
        if not 16 <= block.prefixlen <= 20:
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {network.cidr}",
                f"write {_block_around(network.cidr)}",
            )


def _block_around(cidr: str) -> str:
    """The block of a legal size at the address; a default if the address is malformed."""
    address, _, prefix = cidr.partition("/")
    fit = min(20, max(16, int(prefix)))
    try:
        return str(ipaddress.ip_network(f"{address}/{fit}", strict=False))
    except ValueError:
        return "10.0.0.0/16"


RULES = (
    unknown_region,
    undocumented_ami,
    several_partitions,
    unknown_type,
    not_offered,
    not_in_zones,
    region_not_in_stack,
    unknown_pool,
    no_managed_instances,
    offerings_unknown,
    other_accelerator,
    reservation_missing,
    network_block,
)
