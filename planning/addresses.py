"""IPv4 blocks of our own networks: each zone's blocks follow from its zone id alone."""

import ipaddress
import re

from catalog import Catalog
from config import OwnNetworkEntry
from planning.plan import ZoneSubnets

ZONES = range(1, 8)  # zone numbers for which a network has blocks
PREFIXES = range(16, 23)  # of networks: the largest VPC, and public subnets of /28, the smallest


def parse_block(text: str) -> ipaddress.IPv4Network | None:
    """Parses a CIDR block. Returns `None` if malformed. Host bits are ignored."""
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None


def default_cidr(index: int) -> str:
    """Returns the /16 of the Region with that number; no two Regions have the same."""
    return f"10.{index}.0.0/16"


def own_cidr(network: OwnNetworkEntry, region: str, catalog: Catalog) -> str:
    """Returns the block of the network that the stack makes in a Region."""
    return network.cidr or default_cidr(catalog.networks.own_number(region))


def zone_number(zone_id: str) -> int:
    """Returns 7 for use1-az7. Raises ValueError if it is not the id of an Availability Zone."""
    found = re.fullmatch(r"[a-z0-9]+-az(\d+)", zone_id)
    if found is None:
        raise ValueError(f"{zone_id} is not the id of an Availability Zone")
    return int(found.group(1))


def zone_subnets(cidr: str, zone_id: str) -> ZoneSubnets:
    """Returns the blocks of a zone: an eighth of the network for the private subnet, an eighth of
    the first eighth for the public one.

    They follow from the number of the zone alone, so they stay when other zones come or go.
    """
    eighths = list(ipaddress.ip_network(cidr).subnets(prefixlen_diff=3))
    public = list(eighths[0].subnets(prefixlen_diff=3))
    number = zone_number(zone_id)
    return ZoneSubnets(zone_id, str(eighths[number]), str(public[number]))


def has_blocks(zone_id: str) -> bool:
    """Whether an own network has blocks for a zone of this id."""
    found = re.fullmatch(r"[a-z0-9]+-az(\d+)", zone_id)
    return found is not None and int(found.group(1)) in ZONES


def zones_with_blocks(zone_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Returns those zones that an own network has blocks for."""
    return tuple(z for z in zone_ids if has_blocks(z))
