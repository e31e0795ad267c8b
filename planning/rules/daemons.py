"""What watches the chips: where it runs, and what it needs there."""

from collections.abc import Iterator

from config import OwnNetworkEntry
from messages.finding import Severity
from planning import images
from planning.daemon_kinds import daemon_images, daemon_kinds
from planning.entries import RegionalPool
from planning.proposals import other_port
from planning.reached import opened
from planning.rules.rule import Report, rule
from planning.situation import Situation


@rule(
    "NE840",
    "Port is taken by a daemon",
    Severity.ERROR,
    "A host port belongs to one task of an instance, and daemons are placed before other tasks.",
    do="Let the server listen on another port.",
)
def port_of_a_daemon(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html: hostPort."""
    for work in s.distinct_work:
        if work.network_mode != "host":
            continue
        taken = {port: k for k in daemon_kinds(s.settings, work.pool) for port in k.ports}
        for at, port in opened(work):
            if port in taken:
                yield Report(
                    at,
                    f"is {port}, which the daemon {taken[port].name} has on each instance",
                    f"write {other_port(work, at, port)}, and let the server listen there",
                )


def _watched(s: Situation) -> list[RegionalPool]:
    """The pools whose instances run a daemon."""
    return [pool for pool in s.pools.values() if daemon_kinds(s.settings, pool)]


@rule(
    "NE841",
    "Chips of Managed Instances are not watched",
    Severity.NOTE,
    "Whether a daemon shares the devices of Managed Instances, which ECS assigns as a whole, is "
    "proven nowhere, so none runs there.",
    do="Use kind: auto_scaling for models whose chips are to be seen.",
)
def managed_chips_are_not_watched(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-daemons.html says nothing
    of Neuron devices."""
    if not _watched(s):
        return
    managed = (pool for pool in s.pools.values() if pool.managed and pool.neuron)
    for name in dict.fromkeys(pool.name for pool in managed):
        yield Report(
            f"capacity.{name}",
            "is of kind managed_instances: neuron_metrics shows nothing of its chips",
            "use kind: auto_scaling where they are to be seen",
        )


@rule(
    "NE842",
    "Nothing is there to watch",
    Severity.WARNING,
    "Daemons run on Neuron instances of Auto Scaling capacity.",
    do="Leave neuron_metrics out, or use kind: auto_scaling.",
)
def nothing_to_watch(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html:
    schedulingStrategy; services on Managed Instances have capacity providers, which daemons
    lack."""
    if s.settings.neuron_metrics is not None and s.pools and not _watched(s):
        yield Report(
            "neuron_metrics",
            "is given; no pool of kind auto_scaling has Neuron devices",
            "leave it out",
        )


@rule(
    "NE843",
    "Daemon image without NAT",
    Severity.ERROR,
    "Without NAT an instance reaches only what has a VPC endpoint: private ECR of its Region, but "
    "no public registry.",
    do="Copy the images to private ECR repositories of the Region, or write nat: one.",
    table="public_registries",
)
def daemon_image_without_a_way_out(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html: endpoints serve
    private repositories, not Amazon ECR Public."""
    given = s.settings.neuron_metrics
    if given is None:
        return
    for region in dict.fromkeys(pool.region for pool in _watched(s)):
        network = s.regions[region].network
        if not isinstance(network, OwnNetworkEntry) or network.nat != "none":
            continue
        for field, image in daemon_images(given, s.catalog).items():
            registry = images.public_registry(image, s.catalog)
            if registry is not None:
                suffix = s.catalog.places.regions[region].dns_suffix
                copy = f"111122223333.dkr.ecr.{{region}}.{suffix}/{image.rpartition('/')[2]}"
                yield Report(
                    f"neuron_metrics.{field}",
                    f"is {image}, of {registry}; the network of {region} has no NAT",
                    f"write {copy}, once a copy is there, or write "
                    f"regions.{region}.network.nat: one",
                )


RULES = (
    port_of_a_daemon,
    managed_chips_are_not_watched,
    nothing_to_watch,
    daemon_image_without_a_way_out,
)
