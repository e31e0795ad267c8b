"""Rules about zones: which of them a pool can use, and which the catalog has seen."""

from collections.abc import Iterator

from config import ExistingNetworkEntry
from messages.finding import Severity
from messages.phrases import flow, listed, nearest_or
from planning import addresses
from planning.entries import RegionalPool
from planning.rules.rule import Report, rule
from planning.situation import Situation


@rule(
    "NE106",
    "No usable Availability Zone for the pool",
    Severity.ERROR,
    "EC2 offers an instance type only in some zones of a Region.",
    table="offerings",
    do="Add a subnet in a zone that offers the type, or remove the zone restriction.",
)
def not_in_zones(s: Situation) -> Iterator[Report]:
    """EC2 DescribeInstanceTypeOfferings by Availability Zone id; names such as us-east-1a differ
    from account to account, ids do not."""
    for (region, name), pool in s.pools.items():
        if not pool.types:
            continue
        network = s.settings.regions[region].network
        own = not isinstance(network, ExistingNetworkEntry)
        offering = sorted(
            {z for t in pool.types for z in s.catalog.places.zones_offering(t.name, region)}
        )
        if own and (report := _without_blocks(s, pool, offering)):
            yield report
        elif not pool.zone_ids and pool.spec.zone_ids:
            yield Report(
                f"capacity.{name}.zone_ids",
                _zones_that_miss(s, pool, offering),
                _zones_instead(s, pool, offering),
            )
        elif not pool.zone_ids and isinstance(network, ExistingNetworkEntry):
            yield Report(
                f"regions.{region}.network.private_subnets",
                f"has {listed(network.private_subnets)}; {_types(pool)} of the pool {name} is "
                "offered in none of them",
                f"add a subnet in {listed(offering)}",
            )


def _types(pool: RegionalPool) -> str:
    return listed([t.name for t in pool.types], most=3)


def _without_blocks(s: Situation, pool: RegionalPool, offering: list[str]) -> Report | None:
    """What an own network cannot have: a subnet in a zone whose id gives it no block."""
    region, path = pool.region, f"capacity.{pool.name}.zone_ids"
    short = s.catalog.places.regions[region].short
    if not s.network_zones(region):
        return Report(
            f"regions.{region}.network",
            f"is the stack's own, in a Region whose zones are not known, for the pool {pool.name}",
            f"name zones under {path} ({short}-az1 …) or an existing network, or run "
            "`neuron-ecs catalog refresh` with credentials for it",
            "The blocks of the stack's own network follow from the ids of its zones.",
        )
    without = [z for z in _of_region(s, pool) if not addresses.has_blocks(z)]
    if not without:
        return None
    return Report(
        path,
        f"has {listed(without)} for {region}, where the stack's own network has no subnet",
        _zones_instead(s, pool, offering),
        f"The stack's own network has blocks for {short}-az{addresses.ZONES[0]} to "
        f"{short}-az{addresses.ZONES[-1]}: they follow from the ids of the zones.",
        severity=Severity.WARNING if pool.zone_ids else None,
        dated=False,
    )


def _of_region(s: Situation, pool: RegionalPool) -> list[str]:
    """The zones that the pool names in its Region."""
    short = s.catalog.places.regions[pool.region].short
    return [z for z in pool.spec.zone_ids if z.startswith(short)]


def _zones_that_miss(s: Situation, pool: RegionalPool, offering: list[str]) -> str:
    """Why a pool can use none of the zones that it names."""
    named = _of_region(s, pool)
    if not named:
        return f"has no zone of {pool.region}"
    if set(named) & set(offering):
        return f"has {listed(named)} for {pool.region}, without a subnet there"
    return f"has {listed(named)} for {pool.region}, where {_types(pool)} is not offered"


def _zones_instead(s: Situation, pool: RegionalPool, offering: list[str]) -> str:
    """`write [usw2-az1]`: the zones of the network that offer the type, and those that are written
    for other Regions."""
    here = [z for z in s.network_zones(pool.region) if not offering or z in offering]
    others = [z for z in pool.spec.zone_ids if z not in _of_region(s, pool)]
    return f"write {flow([*others, *here])}" if here else f"name a subnet in {listed(offering)}"


@rule(
    "NE136",
    "Zone is not in the catalog",
    Severity.WARNING,
    "The zone offered no instance type when the Region was captured: it is new, or does not exist.",
    do="Check the zone id, or refresh the catalog with credentials for the Region.",
)
def unknown_zone(s: Situation) -> Iterator[Report]:
    """EC2 DescribeAvailabilityZones; ids are those of
    https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html. Local Zones are
    zones too."""
    places = s.catalog.places
    for region, spec in s.regions.items():
        network = spec.network
        given = network.private_subnets if isinstance(network, ExistingNetworkEntry) else {}
        named = [(f"regions.{region}.network.private_subnets", zone) for zone in given]
        for (_, name), pool in ((k, p) for k, p in s.pools.items() if k[0] == region):
            for index, zone in enumerate(pool.spec.zone_ids):
                if zone not in given and zone in pool.zone_ids:
                    named.append((f"capacity.{name}.zone_ids[{index}]", zone))
        for path, zone in named:
            known = places.zone_ids(region)
            if known and zone not in known and places.is_zone(zone, region):
                yield Report(
                    path,
                    f"has {zone}, which the catalog has not seen in {region} "
                    f"({places.captured_on(region)})",
                    nearest_or(zone, known, "run `neuron-ecs catalog refresh`, if it is new"),
                )


RULES = (not_in_zones, unknown_zone)
