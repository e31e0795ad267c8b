"""Which daemons run on the instances of a pool, and what they take of them."""

from dataclasses import dataclass

from catalog import Catalog
from config import NeuronMetrics, Settings
from planning import agent, choices
from planning.entries import RegionalPool
from planning.rooms import Room, together


@dataclass(frozen=True, slots=True)
class DaemonKind:
    """A task that runs once on each Neuron instance of Auto Scaling capacity."""

    name: str
    room: Room
    ports: tuple[int, ...]  # of the host


METRICS = DaemonKind(
    "neuron-metrics",
    together((Room(*choices.MONITOR_SIZE), Room(*choices.AGENT_SIZE))),
    (choices.MONITOR_PORT,),
)
DETECTOR = DaemonKind(
    "problem-detector",
    together((Room(*choices.DETECTOR_SIZE), Room(*choices.RECOVERY_SIZE))),
    (choices.DETECTOR_HEALTH_PORT, choices.DETECTOR_PORT),
)


def daemon_kinds(settings: Settings, pool: RegionalPool) -> tuple[DaemonKind, ...]:
    """Returns the daemons of a pool's instances: none without chips, or on Managed Instances."""
    given = settings.neuron_metrics
    if given is None or pool.managed or not pool.neuron:
        return ()
    return (METRICS,) if given.problem_detector is None else (METRICS, DETECTOR)


def daemon_images(given: NeuronMetrics, catalog: Catalog) -> dict[str, str]:
    """Returns the image of each container of the daemons, by its field below `neuron_metrics`."""
    known, detector = catalog.neuron.daemon_images, given.problem_detector
    found = {
        "monitor_image": given.monitor_image or known["neuron-monitor"],
        "agent_image": given.agent_image or agent.image(catalog),
    }
    if detector is not None:
        found |= {
            "problem_detector.detector_image": detector.detector_image
            or known["node-problem-detector"],
            "problem_detector.recovery_image": detector.recovery_image
            or known["neuron-node-recovery"],
        }
    return found
