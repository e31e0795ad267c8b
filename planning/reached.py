"""The containers of a task that answer: their ports, and their places behind the load balancer."""

from collections.abc import Iterator
from dataclasses import dataclass

from config import Container
from planning import choices
from planning.situation import RegionalWorkload


@dataclass(frozen=True, slots=True)
class Reached:
    """A container behind the load balancer.

    ``sidecar`` is its name in the stack file, empty for the model's own; ``container`` its name in
    the task. ``at`` is the path of its health check's path in the stack file.
    """

    sidecar: str
    container: str
    spec: Container
    port: int
    path: str
    health_path: str
    at: str


def reached(work: RegionalWorkload) -> tuple[Reached, ...]:
    """Returns a model's containers behind the load balancer, its own first; none of a job."""
    if work.is_job:
        return ()
    check = work.spec.health_check
    health = check.path if check else choices.HEALTH_PATH
    at = f"{work.path}.health_check.path"
    found = [
        Reached("", work.name, work.spec, port, f"/{work.name}", health, at)
        for port in work.spec.served_ports[:1]
    ]
    for name, port in work.spec.sidecar_ports.items():
        sidecar, container = work.spec.sidecars[name], f"{work.name}-{name}"
        path, at = sidecar.path or f"/{container}", f"{work.path}.sidecars.{name}.health_path"
        found.append(Reached(name, container, sidecar, port, path, sidecar.health_path, at))
    return tuple(found)


def opened(work: RegionalWorkload) -> Iterator[tuple[str, int]]:
    """Yields path in the stack file and number of each port on which a container answers."""
    for port in work.spec.served_ports:
        yield f"{work.path}.{'port' if port == work.spec.port else 'ports'}", port
    for name, port in work.spec.sidecar_ports.items():
        yield f"{work.path}.sidecars.{name}.port", port
