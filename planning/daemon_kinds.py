"""Which daemons run on the instances of a pool, and what they take of them."""

from dataclasses import dataclass

from config import Settings
from planning import choices
from planning.entries import RegionalPool
from planning.rooms import Room


@dataclass(frozen=True, slots=True)
class DaemonKind:
    """A task that runs once on each Neuron instance of Auto Scaling capacity."""

    name: str
    field: str  # of the stack file, which switches it on
    room: Room
    ports: tuple[int, ...]  # of the host


METRICS = DaemonKind(
    "neuron-metrics",
    "neuron_metrics",
    Room(*(sum(n) for n in zip(choices.MONITOR_SIZE, choices.AGENT_SIZE, strict=True))),
    (choices.MONITOR_PORT,),
)


def daemon_kinds(settings: Settings, pool: RegionalPool) -> tuple[DaemonKind, ...]:
    """Returns the daemons of a pool's instances: none without chips, or on Managed Instances."""
    if pool.managed or not pool.neuron:
        return ()
    return (METRICS,) if settings.neuron_metrics is not None else ()
