"""Names of tasks in the network: how the stack's own tasks call a model without a load balancer."""

from typing import Literal

from config import ModelEntry
from planning import choices, names, routes
from planning.entries import RegionalWorkload
from planning.reached import instance_ports, reached
from planning.situation import Situation


def discovered(work: RegionalWorkload) -> bool:
    """Whether its tasks have names in the network."""
    return isinstance(work.spec, ModelEntry) and work.spec.discovery == "cloud_map"


def namespace(s: Situation, region: str) -> routes.Namespace | None:
    """Returns the namespace of a Region, and the ports that its tasks answer on; none without."""
    found = [work for work in s.work if work.region == region and discovered(work)]
    if not found:
        return None
    openings = {opening for work in found for opening in _openings(s, work)}
    return routes.Namespace(
        key=names.key(s.catalog.places.regions[region].short, "namespace"),
        name=_name(s),
        openings=tuple(sorted(openings, key=lambda o: (o.to, o.ports))),
    )


def registry(s: Situation, work: RegionalWorkload, number: str) -> routes.Registry | None:
    """Returns where the tasks of one service of a model are registered; none without a name.

    Cloud Map has a name once in a namespace, so the registry stays when the model moves to another
    pool: the new service registers its tasks there before the old one takes its own out. Services
    of ECS that follow one another share a registry in Spinnaker's deployments as well
    (https://github.com/spinnaker/clouddriver/pull/3604); AWS states no limit.

    A service of ECS has one registry, of A records in awsvpc mode and of SRV records in the others
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html). An SRV
    record has the port of the model, or of its first sidecar with a port.
    """
    if not discovered(work):
        return None
    label = f"{work.name}-{number}"
    record: Literal["A", "SRV"] = "A" if work.network_mode == "awsvpc" else "SRV"
    called = next(iter(reached(s, work)), None)
    return routes.Registry(
        key=names.key(s.catalog.places.regions[work.region].short, label, "name"),
        label=label,
        host=f"{label}.{_name(s)}",
        record=record,
        container=called.container if called and record == "SRV" else "",
        port=called.port if called else None,
    )


def _name(s: Situation) -> str:
    most = s.catalog.limits.value("domain_label_max")
    labels = (names.label(part, most) for part in (s.stack, s.project))
    return ".".join((*labels, choices.PRIVATE_DOMAIN))


def _openings(s: Situation, work: RegionalWorkload) -> list[routes.Opening]:
    own = ((one.port, one.port) for one in reached(s, work))
    found = own if work.client == "tasks" else instance_ports(s, work)
    return [routes.Opening(work.client, ports) for ports in found]
