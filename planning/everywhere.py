"""Names over all Regions: where a stack has them, and what takes a Region out of their answers."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network

from config import OwnNetworkEntry, Settings
from planning import addresses, choices, names, routes
from planning.alarms import Alarm, balancer_metric
from planning.entries import RegionalWorkload
from planning.public import is_public, open_to_anyone, public_in, written_callers
from planning.situation import Situation


def named_everywhere(settings: Settings) -> bool:
    """Whether each model has a name over all Regions.

    The answer to it is the load balancer of any Region, so its callers must reach all of them.
    """
    reached = settings.traffic.connected or public_in(settings.traffic, settings.regions)
    return settings.traffic.domain is not None and reached


def host_everywhere(settings: Settings, container: str) -> str:
    """Returns the name of a container over all Regions; empty without one."""
    domain = settings.traffic.domain
    return f"{container}.{domain.name}" if domain and named_everywhere(settings) else ""


def everywhere(
    s: Situation,
    work: RegionalWorkload,
    sidecar: str,
    *,
    group: str,
    host: str,
    public: bool,
    name: str = "",
) -> routes.Everywhere | None:
    """Returns the record and the health of a container in a Region; `None` without such a name.

    `group` is the key of the target group whose healthy targets decide, `public` the scheme of its
    load balancer: where both schemes are there, the name is that of the first. `name` is one that
    the model shares with others.
    """
    domain, region, model = s.settings.traffic.domain, work.region, name or work.name
    if domain is None or not host or public != is_public(s, region):
        return None
    short = s.catalog.places.regions[region].short
    key = names.key(short, model, sidecar, "everywhere")
    minutes = choices.LEFT_OUT_MINUTES
    called = f"{model}/{sidecar}" if sidecar else model
    what = "no healthy replica, left out of its name over all Regions"
    alarm = Alarm(
        key=key,
        name=names.fitted(
            f"{s.project}-{s.stack} {called} in {region}: {what}",
            s.catalog.limits.value("alarm_name_max"),
        ),
        description=f"{called} in {region}: no healthy replica for {minutes} minutes. Route 53 "
        f"answers {host} with other Regions. Run neuron-ecs doctor {work.name}",
        # The nodes of a load balancer count for themselves: one that sees a healthy target serves.
        measured=balancer_metric(
            "HealthyHostCount",
            "Maximum",
            choices.METRIC_SECONDS,
            names.balancer_key(short, public=public),
            group,
        ),
        comparison="LessThanThreshold",
        threshold=1,
        periods=minutes * 60 // choices.METRIC_SECONDS,
        # Route 53 takes no alarm of which some of the periods are enough.
        datapoints=minutes * 60 // choices.METRIC_SECONDS,
        missing_data="breaching",  # a target group without a target reports nothing
        actions=(),
    )
    return routes.Everywhere(
        key=key, host=host, zone_id=domain.zone_id, target_group=group, alarm=alarm
    )


def shared_certificate(
    s: Situation, balancers: Mapping[str, routes.LoadBalancer | None]
) -> routes.SharedCertificate | None:
    """Returns the certificates of the names over all Regions; `None` where the stack makes none.

    `balancers` are those of each Region. The record that validates them is read from the
    certificate of the home Region where that has one: it is the Region least likely to go.
    """
    domain = s.settings.traffic.domain
    making = sorted(r for r, made in balancers.items() if made and made.makes_certificate)
    if domain is None or not named_everywhere(s.settings) or not making:
        return None
    return routes.SharedCertificate(
        key="everywhere",
        name=f"*.{domain.name}",
        validation_zone_id=domain.validating_zone_id,
        first=s.home_region if s.home_region in making else making[0],
        certificates=tuple(
            (region, names.key(s.catalog.places.regions[region].short, "everywhere"))
            for region in making
        ),
    )


def callers(s: Situation, region: str) -> tuple[str, ...]:
    """Returns who may call the models of a Region, as CIDR blocks and security groups.

    By default it is the Region's own network, with names over all Regions all networks of the
    stack; none of an existing network, and none of a public load balancer.
    """
    if open_to_anyone(s, region):
        return (choices.ANYWHERE,)
    here, own = written_callers(s, region), own_blocks(s)
    if here or is_public(s, region) or region not in own:
        return here
    others = own.values() if named_everywhere(s.settings) else ()
    return tuple(dict.fromkeys((own[region], *others)))


def own_blocks(s: Situation) -> dict[str, str]:
    """Returns the block of each network that the stack makes, by Region."""
    return {
        region: addresses.own_cidr(spec.network, region, s.catalog)
        for region, spec in s.regions.items()
        if isinstance(spec.network, OwnNetworkEntry)
    }


def admitted(caller: str, callers: Iterable[str]) -> bool:
    """Whether the callers of a load balancer include a CIDR block or a security group."""
    if caller.startswith("sg-"):
        return caller in callers
    block = IPv4Network(caller)
    blocks = (IPv4Network(other) for other in callers if not other.startswith("sg-"))
    return any(block.subnet_of(other) for other in blocks)


def admitted_in_all(callers: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Returns the callers that every load balancer admits, sorted."""
    all_of_them = {caller for some in callers for caller in some}
    return tuple(sorted(c for c in all_of_them if all(admitted(c, some) for some in callers)))
