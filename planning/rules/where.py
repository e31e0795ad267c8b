"""Regions, zones, instance types and pools: what exists, and what is offered where."""

import ipaddress
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice

from catalog import generation
from config import (
    AutoScalingCapacity,
    EbsVolumeEntry,
    ExistingNetworkEntry,
    HostVolumeEntry,
    ManagedInstancesCapacity,
    RegionEntry,
)
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import listed, nearest, nearest_or
from planning.addresses import PREFIXES
from planning.entries import RegionalPool
from planning.proposals import (
    accepting,
    as_group,
    fitting_types,
    in_place,
    moved,
    passes_with,
    with_zone,
)
from planning.rules.rule import Report, rule
from planning.situation import Situation

_TRIED = 8  # types, each with a plan of its own
HELD = ("capacity_reservation", "capacity_block", "reserved")
"""Purchase options that a reservation belongs to."""


@rule(
    "NE101",
    "Unknown AWS Region",
    Severity.ERROR,
    "The catalog has no Region of this name.",
    do="Name Regions as AWS writes them, such as us-west-2, and the home Region under aws:region.",
    table="regions",
)
def unknown_region(s: Situation) -> Iterator[Report]:
    """Regions are those of https://docs.aws.amazon.com/global-infrastructure/latest/regions/."""
    known = s.catalog.places.regions
    for name in s.settings.regions:
        if name not in known:
            yield Report(f"regions.{name}", "is no AWS Region", nearest(name, known))
    if s.home_region not in known:
        what = f"is {shown(s.home_region)}, no AWS Region" if s.home_region else "is missing"
        some = next((name for name in s.settings.regions if name in known), "us-west-2")
        fix = nearest(s.home_region, known) if s.home_region else f"write {some}"
        yield Report(
            "aws:region",
            what,
            fix,
            None if s.home_region else "IAM is global and is managed from one home Region.",
            dated=bool(s.home_region),
        )


@rule(
    "NE102",
    "AWS documents no Neuron AMI for the Region",
    Severity.ERROR,
    "AWS documents the ECS-optimized Neuron AMI for 17 Regions. In other Regions it may be missing "
    "or disappear.",
    do="Choose a documented Region, or accept the risk with accept_undocumented_ami: true.",
    table="regions",
)
def undocumented_ami(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html lists the 17.

    The parameter was seen in further Regions, which AWS does not document.
    """
    for name, spec in s.regions.items():
        if not _pools_of_neuron_amis(s, name) or spec.accept_undocumented_ami:
            continue
        pools = [p for (r, _), p in s.pools.items() if r == name]
        types = {t.name for p in pools for t in p.types}
        here = s.catalog.places.regions[name]
        documented = [
            r.name
            for r in s.catalog.places.regions.values()
            if r.neuron_ami == "documented"
            and r.partition == here.partition
            and all(s.catalog.places.zones_offering(t, r.name) for t in types)
            and not any(p.reservation or p.spec.zone_ids for p in pools)
            and s.passes(moved(s, name, r.name))
        ]
        other = f"use {listed(documented)}, which offer {listed(sorted(types))}; or "
        seen = here.neuron_ami == "undocumented"
        yield Report(
            f"regions.{name}",
            "is none of the Regions for which AWS documents the Neuron AMI",
            f"{other if documented else ''}write accept_undocumented_ami: true"
            + (", since the AMI parameter was seen there" if seen else ", and look for the AMI"),
        )


def _pools_of_neuron_amis(s: Situation, region: str) -> list[RegionalPool]:
    """The pools that start from a Neuron AMI which AWS does not document for the Region."""
    if s.catalog.places.regions[region].neuron_ami == "documented":
        return []
    return [p for (r, _), p in s.pools.items() if r == region and not p.managed and p.neuron]


@rule(
    "NE134",
    "Neuron AMI of the Region is not in the catalog",
    Severity.WARNING,
    "Instances of an Auto Scaling pool start from the ECS-optimized Neuron AMI. AWS does not "
    "document it for this Region, and no capture has seen it.",
    do="Ask Systems Manager for the AMI's parameter in the Region, then refresh the catalog.",
    table="regions",
)
def ami_never_seen(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-inference.html lists 17
    Regions; GovCloud, China and the newest Regions are in no capture."""
    for name, spec in s.regions.items():
        seen = s.catalog.places.regions[name].neuron_ami == "undocumented"
        if not seen and spec.accept_undocumented_ami and _pools_of_neuron_amis(s, name):
            path = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron"
            yield Report(
                f"regions.{name}",
                "has accept_undocumented_ami: true, and the catalog has not seen the AMI there",
                f"run `aws ssm get-parameters-by-path --region {name} --path {path}` before the "
                "first update, or `neuron-ecs catalog refresh` with credentials for it",
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
                f"remove it, and make a stack of its own for {region.partition}",
            )


@rule(
    "NE104",
    "Instance type is not in the catalog",
    Severity.ERROR,
    "A plan follows from the hardware of the instance type, which only the catalog has.",
    do="Write an instance type of the catalog, or a pattern that matches one, or refresh the "
    "catalog if EC2 has a new type.",
    table="instance_types",
)
def unknown_type(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypes, as the catalog holds it.

    ECS checks no name: a misspelt pattern passes and nothing ever launches
    (API_InstanceRequirementsRequest, allowedInstanceTypes).
    """
    day = s.catalog.dated("instance_types")
    for path, name, written in _types_written(s):
        if s.catalog.instances.matching(written) or _foreign(s, written):
            continue
        verb = "matches no type of" if "*" in written else "is not in"
        refresh = "run `neuron-ecs catalog refresh` if EC2 has it now"
        yield Report(
            path,
            f'is "{written}", which {verb} the table of {day}',
            _type_instead(s, name, written, refresh),
        )


def _type_instead(s: Situation, pool: str, written: str, refresh: str) -> str:
    """The nearest type, with what it needs in Regions whose Neuron AMI AWS does not document."""
    likely = _likely(s, pool, written)
    if not likely:
        return refresh
    said = nearest(written, likely)
    near = said.removeprefix("did you mean ").rstrip("?")
    group = isinstance(s.settings.capacity[pool], AutoScalingCapacity)
    if near in s.catalog.instances.neuron_types and group and accepting(s, pool):
        return f"write {near}{accepting(s, pool)}, or {refresh}"
    return nearest_or(written, likely, refresh)


def _types_written(s: Situation) -> Iterator[tuple[str, str, str]]:
    """Path, pool and text of every instance type or pattern of the stack file."""
    for name, spec in s.settings.capacity.items():
        match spec:
            case AutoScalingCapacity(instance_type=written):
                yield f"capacity.{name}.instance_type", name, written
            case ManagedInstancesCapacity(allowed_instance_types=patterns):
                for index, pattern in enumerate(patterns):
                    yield f"capacity.{name}.allowed_instance_types[{index}]", name, pattern


def _foreign(s: Situation, written: str) -> str | None:
    """The accelerator of a type or pattern if it is none of ours: `gpu`, `fpga`, `mac` …"""
    accelerator = s.catalog.instances.accelerator(written)
    return accelerator if accelerator not in (None, "none", "neuron") else None


def _likely(s: Situation, pool: str, word: str) -> list[str]:
    """Types near the word that suit the pool, or else types that suit it; none if no type does.

    First those of the word's series that all of the pool's Regions offer.
    """
    regions = [r for r in s.pool_regions(pool) if r in s.regions]
    series, _ = generation(word)
    by_region = [s.catalog.places.types_offered(r) for r in regions]
    offered = [t for types in by_region for t in types]
    everywhere = set(offered).intersection(*by_region)
    offered = [t for t in offered if t in everywhere] or offered
    same = [t for t in offered if generation(t)[0] == series and not _foreign(s, t)]
    if s.types_named(pool):
        same = [t for t in same if (t in s.catalog.instances.neuron_types) == _neuron(s, pool)]
    fitting = fitting_types(s, pool)
    same = [t for t in dict.fromkeys(same) if t in fitting] or [*dict.fromkeys(same)]
    known = [t for t in s.catalog.instances.types if generation(t)[0] == series]
    spec = s.settings.capacity[pool]
    given = getattr(spec, "allowed_instance_types", (word,))

    def suits(kind: str) -> bool:
        return passes_with(s, pool, *(kind if t == word else t for t in given))

    for types in (same, known):
        near = [t for t in get_close_matches(word[:80], types, n=6) or types[:6] if suits(t)]
        if near:
            return near
    return fitting or [t for t in s.neuron_types_in(regions or s.regions) if suits(t)]


@rule(
    "NE105",
    "Instance type is not offered in the Region",
    Severity.ERROR,
    "EC2 did not offer the type in the Region when its offerings were captured.",
    do="Give the pool only Regions that offer its type, or another type there.",
)
def not_offered(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypeOfferings, as the catalog holds it; an Auto Scaling group accepts the
    type in any Region and then never launches (aws/containers-roadmap#723).

    A Region where the type may have come since is a matter of NE135.
    """
    for name in s.settings.capacity:
        types = s.types_named(name)
        missing = [r for (r, n), pool in s.pools.items() if n == name and not pool.types]
        if types and missing and not any(_foreign(s, t) for t in types):
            yield Report(
                f"capacity.{name}",
                f"asks for {listed(types, most=3)}, not offered in {_dated(s, missing)}",
                _where_offered(s, name, types, missing),
            )


def _dated(s: Situation, regions: list[str]) -> str:
    """`us-west-1 (2026-09-24) and us-east-1 (2026-09-24)`: Regions and days of their captures."""
    return listed([f"{r} ({s.catalog.places.captured_on(r)})" for r in regions])


def _where_offered(s: Situation, pool: str, types: tuple[str, ...], missing: list[str]) -> str:
    """Regions that offer the types, and what the Regions without them offer instead."""
    offering = sorted({r for t in types for r in s.catalog.places.regions_offering(t)})
    partitions = {s.catalog.places.regions[r].partition for r in missing}
    offering = [r for r in offering if s.catalog.places.regions[r].partition in partitions]
    if mine := [r for r in offering if r in s.regions and r in s.pool_regions(pool)]:
        fixes = [f"write regions: [{', '.join(mine)}]"]
    else:
        fixes = [f"use {listed(offering)}, which offer {listed(types, most=3)}"] if offering else []
    here = fitting_types(s, pool)
    if not any(t in s.catalog.instances.neuron_types for t in types):
        series = {generation(t)[0] for t in types}
        offered = [t for r in missing for t in s.catalog.places.types_offered(r)]
        here = [t for t in offered if generation(t)[0] in series]
    here = [t for t in here if all(s.catalog.places.zones_offering(t, r) for r in missing)]
    if here:
        fixes.append(f"use {listed(here, most=4)}, which {listed(missing)} offers")
    none = "" if here else f": {listed(missing)} offers no such type"
    return (", or ".join(fixes) or "give the pool other regions") + none


@rule(
    "NE135",
    "Offering is newer than the catalog",
    Severity.WARNING,
    "The catalog does not know whether EC2 offers the type in the Region now. If it does not, the "
    "pool's instances never launch.",
    do="Refresh the catalog with credentials for the Region, or use a Region that offers the type.",
)
def offering_unknown(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypeOfferings, as the catalog holds it. AWS brings new generations and
    Capacity Blocks to more Regions, and whoever holds a reservation knows that EC2 offers the
    type."""
    for (region, name), pool in s.pools.items():
        if pool.types and s.assumed(pool):
            types = tuple(t.name for t in pool.types)
            yield Report(
                f"capacity.{name}",
                f"asks for {listed(types, most=3)}, which the catalog has not seen in "
                f"{_dated(s, [region])}",
                "run `neuron-ecs catalog refresh`, or " + _where_offered(s, name, types, [region]),
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
                    _region_instead(s, region, f"capacity.{name}", name),
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
                    _region_instead(s, region, path, pool),
                )
            elif region not in pools:
                others = [p for p in s.settings.capacity if region in s.pool_regions(p)]
                yield Report(
                    f"{path}.regions",
                    f"names {region}, where its pool {pool} is not",
                    f"write regions: [{', '.join(r for r in s.work_regions(spec) if r in pools)}]"
                    + (f", or write capacity: {others[0]}" if others else ""),
                )
    for where, given in (
        ("traffic.certificate_arns", s.settings.traffic.certificate_arns),
        ("traffic.allow_from", s.settings.traffic.allow_from),
        ("traffic.hosts", s.settings.traffic.hosts),
        ("security.kms_keys", s.settings.security.kms_keys),
        ("security.web_acl_arns", s.settings.security.web_acl_arns),
        ("alarms.topics", s.settings.alarms.topics if s.settings.alarms else ()),
        *_of_volumes(s),
    ):
        for region in given if isinstance(given, dict) else ():
            if region not in s.settings.regions:
                yield Report(f"{where}.{region}", "is not under regions", "remove it")


def _of_volumes(s: Situation) -> Iterator[tuple[str, dict[str, str]]]:
    for name, entry in s.settings.volumes.items():
        if isinstance(entry, EbsVolumeEntry):
            yield f"volumes.{name}.snapshot_ids", entry.snapshot_ids
        elif not isinstance(entry, HostVolumeEntry):
            yield f"volumes.{name}.file_systems", entry.file_systems


def _region_instead(s: Situation, region: str, path: str, pool: str) -> str:
    """The nearest Region of the stack that suits, the entry that adds this one, or without it."""
    group, _, name = path.partition(".")
    given = getattr(s.settings, group)[name].regions

    def with_other(other: str) -> bool:
        return s.passes({f"{path}.regions": in_place(given, region, other)})

    spec = s.settings.capacity[pool]
    of_pool = None if group == "capacity" else spec.regions  # a model or job is where its pool is
    there = [r for r in s.settings.regions if of_pool is None or r in of_pool]
    likely = [r for r in there if r not in given and with_other(r)]
    added = region in s.catalog.places.regions and spec.purchase not in HELD and not spec.zone_ids
    added = added and (of_pool is None or region in of_pool)
    if added and s.passes({f"regions.{region}": RegionEntry()}):
        return nearest_or(region, likely, f"write regions.{region}: {{}}")
    if len(given) > 1 and with_other(""):
        return nearest_or(region, likely, f"leave {region} out")
    return nearest(region, likely or there or s.settings.regions)


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
                kept = [n for n, c in s.settings.capacity.items() if not c.retired]
                neuron = [n for n in kept if _neuron(s, n) == bool(spec.neuron_devices)]
                likely = neuron or kept or [*s.settings.capacity]
                likely = [n for n in likely if s.passes({f"{path}.{where}": n})] or likely
                yield Report(f"{path}.{where}", f'is "{pool}"', nearest(pool, likely))
            elif s.settings.capacity[pool].retired:
                others = [
                    n
                    for n, c in s.settings.capacity.items()
                    if not c.retired
                    and _neuron(s, n) == bool(spec.neuron_devices)
                    and s.passes({f"{path}.{where}": n})
                ]
                yield Report(
                    f"{path}.{where}",
                    f"is {pool}, which is retired",
                    f"write {others[0]}" if others else f"leave capacity.{pool}.retired out",
                    "A retired pool stays without tasks for one update, so that AWS can detach it.",
                )


def _neuron(s: Situation, pool: str) -> bool:
    """Whether the pool may have Neuron devices."""
    return any(t in s.catalog.instances.neuron_types for t in s.types_named(pool))


@rule(
    "NE109",
    "Region has no documented ECS Managed Instances",
    Severity.WARNING,
    "AWS does not list the Region among those with ECS Managed Instances, and adds Regions.",
    do="Use kind: auto_scaling there, or leave the Region out of the pool.",
    table="regions",
)
def no_managed_instances(s: Situation) -> Iterator[Report]:
    """The Regions are those of the table of AMI accounts in
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ManagedInstances.html."""
    for (region, name), pool in s.pools.items():
        if pool.managed and not s.catalog.places.regions[region].managed_instances:
            others = [r for r in s.regions if s.catalog.places.regions[r].managed_instances]
            yield Report(
                f"capacity.{name}",
                f"has kind: managed_instances, which AWS does not document for {region}",
                as_group(s, name, "test it in an account first")
                + (f", or write regions: [{', '.join(others)}]" if others else ""),
            )


@rule(
    "NE110",
    "Offerings of the Region are not in the catalog",
    Severity.WARNING,
    "The catalog has no offerings of the Region.",
    do="Refresh the catalog with credentials that may use the Region.",
    table="captures",
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
    "Instance type is a Mac or has another accelerator",
    Severity.ERROR,
    "A pool has Neuron types, or types without any accelerator, that run Linux.",
    do="Use a Neuron type, or a type without an accelerator for models that need none.",
)
def other_accelerator(s: Situation) -> Iterator[Report]:
    """The ECS-optimized AMIs used here drive Neuron devices only; GPU types need the GPU AMI
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-optimized_AMI.html)."""
    for path, name, written in _types_written(s):
        accelerator = _foreign(s, written)
        if accelerator is None:
            continue
        what = "a Mac" if accelerator == "mac" else f"with another accelerator ({accelerator})"
        mine = fitting_types(s, name) or _plain_type(s, path, name)
        mine = mine or s.neuron_types_in(s.catalog.places.regions)
        yield Report(path, f"is {written}, {what}", f"use {listed(mine)}{accepting(s, name)}")


def _plain_type(s: Situation, path: str, pool: str) -> list[str]:
    """A type without any accelerator, for a pool whose Regions have no Neuron type in common."""
    if not path.endswith(".instance_type"):
        return []
    offered = [s.catalog.places.types_offered(r) for r in s.pool_regions(pool) if r in s.regions]
    plain = (
        kind.name
        for kind in s.catalog.instances.types.values()
        if kind.neuron is None and all(kind.name in types for types in offered)
    )
    found = next((name for name in islice(plain, _TRIED) if s.passes({path: name})), None)
    return [found] if found else []


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
    for (region, name), pool in s.pools.items():
        field = "reservation_group_arns" if pool.managed else "reservation_ids"
        matched = pool.managed and pool.falls_back  # by what is open, without a group
        if pool.purchase in HELD and pool.reservation is None and not matched:
            partition = s.catalog.places.regions[region].partition
            group = f"arn:{partition}:resource-groups:{region}:…"
            yield Report(
                f"capacity.{name}.{field}",
                f"has no entry for {region}, where the pool's purchase is {pool.purchase}",
                f"write {field}: {{{region}: {group}}}"
                if pool.managed
                else f"write {field}: {{{region}: cr-…}}" + with_zone(s, pool),
            )
        allowed = (
            ("on_demand", "spot", "reserved")
            if pool.managed
            else ("on_demand", "spot", "capacity_reservation", "capacity_block")
        )
        if pool.purchase not in allowed:
            where = f"capacity.{name}.regions.{region}.purchase"
            sold = [way for way in allowed[:2] if s.passes({where: way})]
            yield Report(
                where,
                f"is {pool.purchase}, which this kind of capacity does not have",
                ", or ".join(f"write {way}" for way in sold or allowed[:1]),
                "Managed Instances take ON_DEMAND, SPOT or RESERVED; EC2 launch templates take "
                "Spot, Capacity Reservations and Capacity Blocks.",
            )


@rule(
    "NE113",
    "Invalid CIDR block or zone id of a network",
    Severity.ERROR,
    "The stack's own network has a block of /16 to /22, which is divided among the zones.",
    do="Write /16 to /22 for the stack's own network, and zone ids for an existing one.",
)
def network_block(s: Situation) -> Iterator[Report]:
    """VPC blocks are /16 to /28 (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html),
    and so are subnets (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html): a
    public subnet is an eighth of an eighth."""
    for region, spec in s.regions.items():
        network = spec.network
        if isinstance(network, ExistingNetworkEntry):
            places = s.catalog.places
            wrong = [z for z in network.private_subnets if not places.is_zone(z, region)]
            if wrong:
                free = [z for z in places.zone_ids(region) if z not in network.private_subnets]
                yield Report(
                    f"regions.{region}.network.private_subnets",
                    f"names {listed(wrong)}, no zone id of {region}",
                    f"choose one of {listed(free)}" if free else f"leave {wrong[0]} out",
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
        if block.prefixlen not in PREFIXES:
            yield Report(
                f"regions.{region}.network.cidr",
                f"is {network.cidr}",
                f"write {_block_around(network.cidr)}",
            )


def _block_around(cidr: str) -> str:
    """The block of a legal size at the address; a default if the address is malformed."""
    address, _, prefix = cidr.partition("/")
    fit = min(PREFIXES[-1], max(PREFIXES[0], int(prefix)))
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
    region_not_in_stack,
    unknown_pool,
    no_managed_instances,
    offerings_unknown,
    other_accelerator,
    reservation_missing,
    network_block,
    ami_never_seen,
    offering_unknown,
)
