"""Which load balancers are public, and who on the internet may call them."""

from collections.abc import Iterable

from config import Public, Traffic
from planning.situation import Situation


def public_in(traffic: Traffic, regions: Iterable[str]) -> bool:
    """Whether the load balancers of all these Regions have public addresses."""
    given = traffic.public
    if isinstance(given, Public):
        return given.regions is None or set(regions) <= set(given.regions)
    return given


def is_public(s: Situation, region: str) -> bool:
    """Whether the load balancer of the Region has public addresses."""
    return public_in(s.settings.traffic, (region,))


def faces_outside(s: Situation, region: str) -> bool:
    """Whether a load balancer of the Region has public addresses, if only for the next update."""
    return is_public(s, region) or s.settings.traffic.both_schemes


def open_to_anyone(s: Situation, region: str) -> bool:
    """Whether every address on the internet may call in the Region."""
    given = s.settings.traffic.public
    return isinstance(given, Public) and given.anyone and is_public(s, region)


def written_callers(s: Situation, region: str) -> tuple[str, ...]:
    """The blocks and groups that `allow_from` names for the Region."""
    allowed = s.settings.traffic.allow_from
    return allowed.get(region, ()) if isinstance(allowed, dict) else allowed


def speaks_https(s: Situation, region: str) -> bool:
    """Whether the load balancer of the Region has a certificate, given or of the domain."""
    traffic = s.settings.traffic
    validates = traffic.domain is not None and bool(traffic.domain.validating_zone_id)
    return validates or region in traffic.certificate_arns


def some_certificates(s: Situation, regions: Iterable[str]) -> str:
    """`certificate_arns` with an entry for each of the Regions, for the fix of a finding."""
    places = s.catalog.places.regions
    arns = (f"{region}: arn:{places[region].partition}:acm:{region}:…" for region in regions)
    return f"certificate_arns: {{{', '.join(arns)}}}"
