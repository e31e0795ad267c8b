"""Purchase options: usage classes, Capacity Blocks, reservations, Spot, pool sizes."""

from collections.abc import Iterator

from catalog import InstanceType
from config import AutoScalingCapacity, ManagedInstancesCapacity
from messages.finding import Severity
from messages.phrases import counted, listed
from planning.entries import RegionalPool, RegionalWorkload
from planning.make_capacity import written_blocks
from planning.proposals import size_path, unpriced, with_zone
from planning.reached import leaving_seconds
from planning.rules.rule import Report, rule
from planning.situation import Situation

_USAGE_CLASS = {
    "on_demand": "on-demand",
    "spot": "spot",
    "capacity_reservation": "on-demand",
    "capacity_block": "capacity-block",
}
_RESERVED = ("capacity_reservation", "capacity_block", "reserved")
_GROUP = "arn:aws:resource-groups:{}:…"
_OF_MANAGED = ("on_demand", "spot", "reserved")


def _purchase_path(s: Situation, pool: RegionalPool) -> str:
    """The path of the pool's purchase option in its Region."""
    override = s.pool_regions(pool.name)[pool.region]
    return f"{pool.path}.regions.{pool.region}.purchase" if override.purchase else _of(pool)


def _of(pool: RegionalPool) -> str:
    return f"{pool.path}.purchase"


def _buyable(pool: RegionalPool) -> bool:
    """Whether the kind of capacity has the purchase option."""
    return not pool.managed or pool.purchase in _OF_MANAGED


def _as_types(kinds: list[InstanceType]) -> str:
    return listed([t.name for t in kinds], most=3)


@rule(
    "NE114",
    "Purchase option is not sold for the instance type",
    Severity.ERROR,
    "EC2 sells an instance type only in certain ways: on demand, as Spot, in Capacity Blocks.",
    table="instance_types",
    do="Choose a purchase option of the type, or use another type.",
)
def purchase_not_sold(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypes, SupportedUsageClasses: on-demand, spot, capacity-block; a Capacity
    Reservation holds on-demand instances."""
    reported: set[str] = set()
    for pool in s.pools.values():
        wanted = _USAGE_CLASS.get(pool.purchase)
        path = _purchase_path(s, pool)
        refused = [t for t in pool.types if wanted not in t.usage_classes]
        if wanted in (None, "capacity-block") or not _buyable(pool) or path in reported:
            continue
        if not refused or len(refused) < len(pool.types):
            continue  # ECS chooses another type
        reported.add(path)
        ways = [w for w, c in _USAGE_CLASS.items() if all(c in t.usage_classes for t in refused)]
        ways = [w for w in ways if w in ("on_demand", "spot") or pool.reservation]
        ways = [w for w in ways if not pool.managed or w in _OF_MANAGED]
        families = {t.neuron.family for t in refused if t.neuron}
        others = [
            t.name
            for t in s.catalog.instances.neuron_types.values()
            if t.neuron
            and t.neuron.family in families
            and wanted in t.usage_classes
            and s.catalog.places.zones_offering(t.name, pool.region)
        ]
        yield Report(
            path,
            f"is {pool.purchase}; {_as_types(refused)} is not sold that way",
            f"write purchase: {' or '.join(ways)}"
            + (f", or use {listed(others)}" if others else ""),
        )


@rule(
    "NE115",
    "No documented Capacity Blocks of the type in the Region",
    Severity.WARNING,
    "EC2 sells Capacity Blocks of certain types in certain Regions, and adds to both.",
    do="Make sure that the reservation is a Capacity Block of this type, or use another purchase "
    "option.",
    table="capacity_blocks",
)
def no_capacity_blocks_here(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html lists types and
    Regions."""
    for (region, _), pool in s.pools.items():
        kind = pool.type
        if pool.purchase != "capacity_block" or pool.managed or kind is None:
            continue
        selling = s.catalog.places.capacity_block_regions(kind.name)
        held = "blocks" if pool.blocks else "reservation_ids"
        if region not in selling:
            yield Report(
                _purchase_path(s, pool),
                f"is capacity_block; AWS documents no Capacity Blocks of {kind.name} in {region}",
                f"make sure that {pool.reservation} is one"
                + (f" (they are sold in {listed(selling)})" if selling else "")
                + (
                    f", or write purchase: on_demand and leave {held} out"
                    if "on-demand" in kind.usage_classes
                    else ""
                ),
            )


def _block(s: Situation, pool: RegionalPool) -> str:
    """The fix for a pool that is to use a Capacity Block."""
    how = "use kind: auto_scaling with" if pool.managed else "write"
    return f"{how} purchase: capacity_block, reservation_ids: {{{pool.region}: cr-…}}" + with_zone(
        s, pool
    )


@rule(
    "NE116",
    "Instance type is sold in the Region only as Capacity Blocks",
    Severity.WARNING,
    "EC2 offers the type in the Region, but AWS's price list has no such price there: the Region "
    "sells the type in Capacity Blocks.",
    table="prices",
    do="Buy a Capacity Block, or use a Region where the type has a price.",
)
def sold_in_blocks_only(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html, and the AWS
    price list as the catalog holds it: instances would never launch."""
    for (region, name), pool in s.pools.items():
        wanted = "spot" if pool.purchase == "spot" else "on_demand"
        bought = pool.purchase in ("on_demand", "spot", "capacity_reservation")
        without = [t for t in pool.types if unpriced(s, t.name, region, wanted)]
        if not bought or not _buyable(pool) or not without or len(without) < len(pool.types):
            continue
        first = without[0].name
        others = [
            r
            for r in s.catalog.places.regions_offering(first)
            if s.catalog.prices.known(r, wanted) and not unpriced(s, first, r, wanted)
        ]
        yield Report(
            _purchase_path(s, pool),
            f"is {pool.purchase} for the pool {name}; {_as_types(without)} has no "
            f"{wanted.replace('_', '-')} price in {region}",
            _block(s, pool) + (f", or use {listed(others)}, with a price" if others else ""),
        )


@rule(
    "NE117",
    "Pool is larger than a Capacity Block",
    Severity.WARNING,
    "A Capacity Block has at most 64 instances, and a pool uses one block in each Region: further "
    "instances never launch.",
    do="Lower max_size, or make a pool for each block.",
    table="limits",
)
def larger_than_a_block(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html. An Auto Scaling
    group of any size is accepted."""
    most = s.catalog.limits.value("capacity_block_instances_max")
    for pool in s.pools.values():
        if pool.purchase == "capacity_block" and not pool.managed and (pool.max_size or 0) > most:
            yield Report(
                size_path(s, pool),
                f"is {pool.max_size}, in a Capacity Block",
                f"write max_size: {most}, or make {-(-(pool.max_size or 0) // most)} pools with a "
                "block each",
            )


@rule(
    "NE118",
    "Capacity Block on Managed Instances is unproven",
    Severity.WARNING,
    "A resource group can contain Capacity Blocks, but AWS does not document that Managed "
    "Instances can use such a group.",
    table="prices",
    do="Use kind: auto_scaling for Capacity Blocks, or test it in an account first.",
)
def blocks_on_managed_instances(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-cr-group.html; AWS's documented
    way to run ECS tasks in a Capacity Block is an Auto Scaling group
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-capacity-blocks.html)."""
    for (region, _), pool in s.pools.items():
        only = [t for t in pool.types if unpriced(s, t.name, region, "on_demand")]
        if pool.managed and pool.purchase == "reserved" and only and len(only) == len(pool.types):
            yield Report(
                _purchase_path(s, pool),
                f"is reserved; {region} sells {_as_types(only)} only in Capacity Blocks",
                f"{_block(s, pool)}, or test one instance first",
            )


def _reservations(s: Situation, name: str) -> Iterator[tuple[str, str, str]]:
    """Path, Region and value of every reservation that a pool's entry gives."""
    spec = s.settings.capacity[name]
    if isinstance(spec, AutoScalingCapacity):
        given, field, key = dict(spec.reservation_ids), "reservation_ids", "reservation_id"
    else:
        given, field, key = (
            dict(spec.reservation_group_arns),
            "reservation_group_arns",
            "reservation_group_arn",
        )
    for region, value in given.items():
        yield f"capacity.{name}.{field}.{region}", region, value
    for path, region, block in written_blocks(s, name):
        yield f"{path}.id", region, block.id
    for region, override in s.pool_regions(name).items():
        value = getattr(override, key)
        if value is not None:
            yield f"capacity.{name}.regions.{region}.{key}", region, value


@rule(
    "NE119",
    "Reservation in a Region that the pool does not use",
    Severity.WARNING,
    "The pool never uses a reservation in a Region where it does not run, and you pay for it.",
    do="Add the Region to the pool, or remove the reservation.",
)
def reservation_elsewhere(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-reservations.html: a
    reservation is made in one zone of one Region."""
    for name in s.settings.capacity:
        regions = s.pool_regions(name)
        for path, region, value in _reservations(s, name):
            if region not in regions:
                there = f"regions: [{', '.join([*regions, region])}]"
                used = s.settings.capacity[name].purchase in _RESERVED and region in s.regions
                yield Report(
                    path,
                    f"is {value}; the pool is in {listed(regions)}",
                    f"remove it, or write {there}" if used else "remove it",
                )


@rule(
    "NE120",
    "Reservation is not used by the purchase option",
    Severity.WARNING,
    "Only a pool whose purchase option is a reservation uses one. You pay for the reservation "
    "either way.",
    do="Write the purchase option that uses the reservation, or remove the reservation.",
)
def reservation_not_used(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-reservations.html: billed at
    the on-demand rate whether instances run in it or not."""
    for name in s.settings.capacity:
        hours = {f"{path}.id" for path, _, _ in written_blocks(s, name)}
        for path, region, value in _reservations(s, name):
            pool = s.pools.get((region, name))
            if pool is not None and pool.purchase not in _RESERVED:
                sold = pool.type and "on-demand" not in pool.type.usage_classes
                wanted = "capacity_block" if path in hours or sold else "capacity_reservation"
                where = _purchase_path(s, pool)
                if len(s.pool_regions(name)) > 1:  # the others have no reservation
                    listed_there = s.settings.capacity[name].regions is not None
                    where = f"{pool.path}.regions.{region}.purchase" if listed_there else ""
                wanted = "reserved" if pool.managed else wanted + with_zone(s, pool)
                yield Report(
                    path,
                    f"is {value}; the pool's purchase in {region} is {pool.purchase}",
                    f"write {where}: {wanted}, or remove it" if where else "remove it",
                )


@rule(
    "NE121",
    "Override belongs to the other kind of capacity",
    Severity.ERROR,
    "The two kinds of capacity have different settings. This one would be ignored.",
    do="Write the setting of this kind of capacity.",
)
def override_of_the_other_kind(s: Situation) -> Iterator[Report]:
    """API_ManagedInstancesProvider of the Amazon ECS API Reference has no size and takes a resource
    group of reservations; API_AutoScalingGroupProvider has a group with sizes."""
    for name, spec in s.settings.capacity.items():
        managed = isinstance(spec, ManagedInstancesCapacity)
        for region, override in s.pool_regions(name).items():
            path = f"capacity.{name}.regions.{region}"
            if managed and override.max_size is not None:
                yield Report(
                    f"{path}.max_size",
                    f"is {override.max_size}, on Managed Instances, which have no size",
                    "remove it: the replicas of the models limit the number of instances",
                )
            if managed and override.blocks:
                yield Report(
                    f"{path}.blocks",
                    f"is {len(override.blocks)} Capacity Blocks, on Managed Instances",
                    "leave it out",
                )
            if managed and override.reservation_id is not None:
                yield Report(
                    f"{path}.reservation_id",
                    f"is {override.reservation_id}, on Managed Instances",
                    "leave it out, and write reservation_group_arn: "
                    f"{_GROUP.format(region)}, a group that contains it",
                )
            if not managed and override.reservation_group_arn is not None:
                yield Report(
                    f"{path}.reservation_group_arn",
                    f"is {override.reservation_group_arn}, on an Auto Scaling pool",
                    "leave it out, and write reservation_id: cr-…",
                )


@rule(
    "NE122",
    "Reservation group belongs to another Region",
    Severity.ERROR,
    "A resource group of reservations belongs to one Region, which its ARN names.",
    do="Give each Region its own group.",
)
def group_of_another_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-cr-group.html"""
    for name, spec in s.settings.capacity.items():
        for path, region, arn in _reservations(s, name):
            known = s.catalog.places.regions.get(region)
            if not isinstance(spec, ManagedInstancesCapacity) or known is None:
                continue
            _, partition, _, arn_region, account, group = arn.split(":", 5)
            if arn_region != region or partition != known.partition:
                yield Report(
                    path,
                    f"is {arn}, a group of {arn_region} in the partition {partition}",
                    f"write arn:{known.partition}:resource-groups:{region}:{account}:{group}, the "
                    f"group of {region}",
                )


@rule(
    "NE123",
    "Reservation groups belong to several accounts",
    Severity.WARNING,
    "A stack is built in one account. A reservation group of another account works only if it is "
    "shared with that account.",
    do="Name groups of the stack's own account, or share them with AWS RAM.",
)
def groups_of_several_accounts(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservation-sharing.html"""
    found = [
        (path, arn, arn.split(":")[4])
        for name, spec in s.settings.capacity.items()
        if isinstance(spec, ManagedInstancesCapacity)
        for path, _, arn in _reservations(s, name)
    ]
    accounts = list(dict.fromkeys(account for _, _, account in found))
    for path, arn, account in found:
        if account != accounts[0]:
            yield Report(
                path,
                f"is {arn}, in account {account}; another group is in account {accounts[0]}",
                f"name a group of {accounts[0]}, or share this one with it",
            )


@rule(
    "NE124",
    "Zone that the pool cannot use",
    Severity.WARNING,
    "Instances run only in zones of the pool's Regions that offer the type and have a subnet.",
    table="offerings",
    do="Name zones that the pool can use.",
)
def zone_of_no_use(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypeOfferings by Availability Zone id."""
    for name, spec in s.settings.capacity.items():
        here = [p for (_, n), p in s.pools.items() if n == name]
        if not here or any(not p.zone_ids for p in here):
            continue
        shorts = {s.catalog.places.regions[p.region].short: p for p in here}
        for index, zone in enumerate(spec.zone_ids):
            pool = shorts.get(zone.partition("-")[0])
            if pool is not None and zone in pool.zone_ids:
                continue
            if pool is None:
                what = f"is {zone}, a zone of none of the pool's Regions"
            elif not s.catalog.places.is_zone(zone, pool.region):
                what = f"is {zone}, which {pool.region} cannot have"
            elif zone not in s.network_zones(pool.region):
                what = f"is {zone}, where the network of {pool.region} has no subnet"
            else:
                what = f"is {zone}, where {_as_types(list(pool.types))} is not offered"
            usable = [
                z
                for p in here
                if pool is None or p is pool
                for z in s.network_zones(p.region)
                if any(z in s.catalog.places.zones_offering(t.name, p.region) for t in p.types)
            ]
            yield Report(
                f"capacity.{name}.zone_ids[{index}]",
                what,
                f"remove it: the pool can use {listed(usable)}",
            )


@rule(
    "NE125",
    "Zone of the reservation is not given",
    Severity.WARNING,
    "A reservation is in one Availability Zone. The group cannot launch instances in the others.",
    do="Write the reservation's zone under zone_ids.",
)
def reservation_without_its_zone(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-capacity-blocks.html: a
    group that uses a Capacity Block or a targeted reservation stays in its zone."""
    for name, spec in s.settings.capacity.items():
        wide = [
            p
            for (_, n), p in s.pools.items()
            if n == name
            and p.purchase in ("capacity_reservation", "capacity_block")
            and p.reservation is not None
            and len(p.zone_ids) > 1
            and not (isinstance(spec, AutoScalingCapacity) and spec.efa)
        ]
        if wide and not wide[0].managed:
            zones = " or ".join(f"[{z}]" for p in wide[:1] for z in p.zone_ids)
            if len(wide) > 1:
                zones = f"[{', '.join(p.zone_ids[0] for p in wide)}]"
            yield Report(
                f"capacity.{name}.zone_ids",
                f"does not say in which zone {listed([p.reservation or '' for p in wide])} is",
                f"write {zones}, the zone of each reservation",
            )


@rule(
    "NE126",
    "EFA pool runs in one zone only",
    Severity.NOTE,
    "EFA traffic stays in one subnet, and a cluster placement group in one zone.",
    do="Name the zone under zone_ids if another one has more capacity.",
)
def efa_stays_in_one_zone(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html and
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html"""
    for (region, name), pool in s.pools.items():
        spec = pool.spec
        if isinstance(spec, AutoScalingCapacity) and spec.efa and len(pool.zone_ids) > 1:
            yield Report(
                f"capacity.{name}.zone_ids",
                f"allows {listed(pool.zone_ids)} in {region}; with efa the pool uses only "
                f"{pool.zone_ids[0]}",
                "write " + " or ".join(f"[{z}]" for z in pool.zone_ids),
            )


def _once(s: Situation, *, purchase: str) -> Iterator[RegionalWorkload]:
    """Every workload on a pool with this purchase option, once."""
    seen: set[str] = set()
    for work in s.work:
        if work.pool.purchase == purchase and work.path not in seen:
            seen.add(work.path)
            yield work


@rule(
    "NE127",
    "Stop timeout exceeds the Spot notice",
    Severity.WARNING,
    "EC2 reclaims a Spot instance two minutes after its notice, even if tasks still run.",
    do="Stop within the notice, or choose another purchase option.",
    table="limits",
)
def stops_longer_than_spot_waits(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html"""
    notice = s.catalog.limits.value("spot_notice_seconds")
    for work in _once(s, purchase="spot"):
        wanted = work.spec.stop_timeout_seconds
        if wanted is not None and wanted > notice:
            yield Report(
                f"{work.path}.stop_timeout_seconds",
                f"is {wanted}, on the Spot pool {work.pool.name}",
                f"write at most {notice}, or move it to a pool that is not Spot",
            )


@rule(
    "NE128",
    "Spot interruption can cut off responses",
    Severity.NOTE,
    "EC2 reclaims a Spot instance two minutes after its notice. Responses that are still in "
    "progress are cut off.",
    do="Let callers retry, or write purchase: on_demand.",
    table="limits",
)
def spot_cuts_answers(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html"""
    notice = s.catalog.limits.value("spot_notice_seconds")
    pools: dict[str, list[RegionalWorkload]] = {}
    for work in _once(s, purchase="spot"):
        leaving = leaving_seconds(s, work)
        if leaving and leaving + work.stop_seconds > notice:
            pools.setdefault(work.pool.name, []).append(work)
    for name, works in pools.items():
        served, leaving = (
            listed([w.name for w in works]),
            [leaving_seconds(s, w) for w in works],
        )
        yield Report(
            f"capacity.{name}.purchase",
            f"is spot; {served} can take {max(leaving)} s to leave the load balancer",
            "let callers retry, or write purchase: on_demand",
        )


@rule(
    "NE129",
    "Spot interruption ends a job",
    Severity.NOTE,
    "ECS replaces only the tasks of services. A job ends with its Spot instance and is not started "
    "again.",
    do="Write checkpoints and start the job again, or write purchase: on_demand.",
)
def spot_ends_jobs(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/standalone-tasks.html; the
    retries of EventBridge Scheduler cover the start of a task, not its work."""
    for work in _once(s, purchase="spot"):
        if work.is_job:
            yield Report(
                work.path,
                f"runs on the Spot pool {work.pool.name} and is lost with its instance",
                "let it write checkpoints and resume from the last one, or move it to a pool that "
                "is not Spot",
            )


@rule(
    "NE130",
    "Scaling out from zero launches two instances",
    Severity.NOTE,
    "Managed scaling launches two instances at once when a group has none.",
    do="Write max_size: 1 if one instance is enough.",
    table="limits",
)
def two_from_nothing(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html and
    https://github.com/aws/containers-roadmap/issues/1716; scaling in takes 15 minutes or more."""
    at_once = s.catalog.limits.value("scale_out_from_zero")
    for (region, name), pool in s.pools.items():
        spec, kind, works = pool.spec, pool.type, s.work_on(pool)
        if not isinstance(spec, AutoScalingCapacity) or kind is None or spec.min_size:
            continue
        large = kind.vcpus >= s.catalog.limits.value("scale_out_note_vcpus")
        asleep = bool(works) and not any(w.replicas.min for w in works if not w.is_job)
        if large and asleep and pool.max_size and pool.max_size >= at_once:
            yield Report(
                size_path(s, pool),
                f"is {pool.max_size}: the first task of the pool {name} in {region} launches "
                f"{at_once} instances of {kind.name}, one of which stays idle for 15 minutes or "
                "more",
                "write max_size: 1, where one is enough",
            )


@rule(
    "NE131",
    "Minimum size is larger than the models can use",
    Severity.WARNING,
    "min_size instances always run and are paid for, even without tasks.",
    do="Lower min_size to what the replicas can use.",
)
def instances_that_only_idle(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-capacity-limits.html"""
    reported: set[str] = set()
    for (region, name), pool in s.pools.items():
        spec, works = pool.spec, s.work_on(pool)
        if not isinstance(spec, AutoScalingCapacity) or spec.retired or name in reported:
            continue
        if pool.type is None or any(w.is_job for w in works):
            continue
        cut = s.cut(pool)
        if cut is None:
            continue
        needed = cut.instances + s.packed(pool, s.others(pool))
        if spec.min_size > needed:
            reported.add(name)
            yield Report(
                f"capacity.{name}.min_size",
                f"is {spec.min_size}; all replicas in {region} together use "
                f"{counted(needed, 'instance')} at most",
                f"write min_size: {needed}",
            )


@rule(
    "NE132",
    "Capacity Block pool has a minimum size",
    Severity.WARNING,
    "Instances cannot be launched in a Capacity Block before it starts or in its last half hour.",
    do="Leave min_size at 0; with the hours of the block the instances start by themselves.",
    table="limits",
)
def block_with_a_minimum(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-capacity-blocks.html:
    the group's desired capacity is 0 outside the block."""
    minutes = s.catalog.limits.value("capacity_block_ends_early_minutes")
    reported: set[str] = set()
    for (_, name), pool in s.pools.items():
        spec = pool.spec
        if not isinstance(spec, AutoScalingCapacity) or name in reported or not spec.min_size:
            continue
        if pool.purchase == "capacity_block":
            reported.add(name)
            yield Report(
                f"capacity.{name}.min_size",
                f"is {spec.min_size}, in a Capacity Block: outside its time the group keeps "
                "trying to launch instances",
                f"write min_size: 0: instances end {minutes} minutes before the block",
            )


@rule(
    "NE133",
    "Reservation is given for two types or Regions",
    Severity.ERROR,
    "A reservation is for one instance type, in one zone of one Region.",
    do="Give each pool and Region its own reservation.",
)
def one_reservation_for_two(s: Situation) -> Iterator[Report]:
    """API_CreateCapacityReservation of the Amazon EC2 API Reference: InstanceType and
    AvailabilityZone are of the reservation."""
    first: dict[str, tuple[str, RegionalPool]] = {}
    for name in s.settings.capacity:
        for path, region, value in _reservations(s, name):
            pool = s.pools.get((region, name))
            if pool is None or pool.managed or pool.type is None:
                continue
            where, other = first.setdefault(value, (path, pool))
            assert other.type is not None
            differ = (other.region, other.type.name) != (pool.region, pool.type.name)
            if differ and where != path:
                yield Report(
                    path,
                    f"is {value}, which {where} has for {other.type.name} in {other.region}",
                    f"give the reservation of {pool.type.name} in {pool.region}",
                )


RULES = (
    purchase_not_sold,
    no_capacity_blocks_here,
    sold_in_blocks_only,
    larger_than_a_block,
    blocks_on_managed_instances,
    reservation_elsewhere,
    reservation_not_used,
    override_of_the_other_kind,
    group_of_another_region,
    groups_of_several_accounts,
    zone_of_no_use,
    reservation_without_its_zone,
    efa_stays_in_one_zone,
    stops_longer_than_spot_waits,
    spot_cuts_answers,
    spot_ends_jobs,
    two_from_nothing,
    instances_that_only_idle,
    block_with_a_minimum,
    one_reservation_for_two,
)
