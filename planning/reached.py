"""The containers of a task that answer: their ports, and their places behind the load balancer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from catalog import Catalog, Server
from config import Container, ModelEntry
from planning import choices
from planning.command_line import server_of, words
from planning.serving.servers import SERVERS
from planning.situation import RegionalWorkload, Situation

_OF_A_PATTERN = re.compile(r"[A-Za-z0-9_.$/~\"'@:+-]*")


@dataclass(frozen=True, slots=True)
class Reached:
    """A container behind the load balancer.

    ``sidecar`` is its name in the stack file, empty for the model's own; ``container`` its name in
    the task. ``at`` is the path of its health check's path in the stack file. ``patterns`` are of
    the requests' paths that the load balancer lets through, beginning with ``path``. A request is
    without a byte for up to ``silent_seconds``; an answer takes up to ``answer_seconds``. ``host``
    is the name that requests have, ``by_host`` whether no other container has it: its path is then
    empty. An empty host is the load balancer's own name.
    """

    sidecar: str
    container: str
    spec: Container
    port: int
    path: str
    health_path: str
    at: str
    patterns: tuple[str, ...]
    silent_seconds: int
    answer_seconds: int
    host: str
    by_host: bool


def reached(s: Situation, work: RegionalWorkload) -> tuple[Reached, ...]:
    """Returns a model's containers behind the load balancer, its own first; none of a job."""
    if work.is_job:
        return ()
    check = work.spec.health_check
    health, path = check.path if check else choices.HEALTH_PATH, f"/{work.name}"
    at = f"{work.path}.health_check.path"
    paths = work.spec.paths if isinstance(work.spec, ModelEntry) else None
    found = [
        _reached(s, work, "", port, (path, health, at), paths)
        for port in work.spec.served_ports[:1]
    ]
    for name, port in work.spec.sidecar_ports.items():
        sidecar = work.spec.sidecars[name]
        path, at = (
            sidecar.path or f"/{work.name}-{name}",
            f"{work.path}.sidecars.{name}.health_path",
        )
        found.append(_reached(s, work, name, port, (path, sidecar.health_path, at), None))
    return tuple(found)


def host(s: Situation, region: str, container: str) -> tuple[str, bool]:
    """The name at which a container is called, and whether no other one has it.

    An empty one is the load balancer's own, which AWS chooses.
    """
    traffic = s.settings.traffic
    if traffic.domain is not None:
        return f"{container}.{region}.{traffic.domain.name}", True
    first = next(iter(traffic.hosts.get(region, ())), "")
    return (f"{container}{first[1:]}", True) if first.startswith("*.") else (first, False)


def _reached(
    s: Situation,
    work: RegionalWorkload,
    sidecar: str,
    port: int,
    asked: tuple[str, str, str],
    paths: tuple[str, ...] | None,
) -> Reached:
    """Lets `paths` through, else those that the server has for callers, else every path.

    `asked` are its path before others, that of its health check, and where the latter is written.
    """
    path, health, at = asked
    spec = work.spec.sidecars[sidecar] if sidecar else work.spec
    container = f"{work.name}-{sidecar}" if sidecar else work.name
    name, by_host = host(s, work.region, container)
    path, catalog = "" if by_host else path, s.catalog
    row = running_server(spec, catalog)
    passing = paths or (row.paths if row else (choices.EVERY_PATH,))
    return Reached(
        sidecar=sidecar,
        container=container,
        spec=spec,
        port=port,
        path=path,
        health_path=health,
        at=at,
        patterns=_patterns(path, passing, health, catalog),
        silent_seconds=row.silent_seconds if row else choices.IDLE_TIMEOUT_SECONDS,
        answer_seconds=row.answer_seconds if row else choices.DEREGISTRATION_DELAY_SECONDS,
        host=name,
        by_host=by_host,
    )


def _patterns(
    prefix: str, passing: tuple[str, ...], health: str, catalog: Catalog
) -> tuple[str, ...]:
    """The patterns of the container's paths and that of its health check, with the prefix.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html:
    which characters a pattern has; * stands for any others, and for what is too long.
    """
    if choices.EVERY_PATH in passing:
        return tuple(filter(None, (prefix, f"{prefix}{choices.EVERY_PATH}")))
    found = [f"{prefix}{path}" for path in passing]
    checked = health.partition("?")[0]
    if not any(fnmatchcase(checked, path) for path in passing):
        asked, spelled = f"{prefix}{checked}", _OF_A_PATTERN.match(f"{prefix}{checked}")
        most = catalog.limits.value("listener_rule_value_max") - 1
        begins = (spelled[0] if spelled else "")[:most]
        found.append(begins if begins == asked else f"{begins}*")
    return tuple(found)


def running_server(container: Container, catalog: Catalog) -> Server | None:
    """The server of the container's image, if its command starts it; None if no table knows."""
    row = server_of(container, catalog)
    if row is None or (row.entry == "arguments" and not container.entry_point):
        return row
    return row if SERVERS[row.name].started_by(words(container)) else None


def grace_seconds(work: RegionalWorkload, catalog: Catalog) -> int:
    """How long failed health checks of a new task do not count."""
    check, row = work.spec.health_check, running_server(work.spec, catalog)
    if check is not None and check.grace_seconds is not None:
        return check.grace_seconds
    return row.cold_start_seconds if row else choices.GRACE_SECONDS


def leaving_seconds(s: Situation, work: RegionalWorkload) -> int:
    """How long a stopping task answers before it is told to end; 0 without a load balancer."""
    return max((one.answer_seconds for one in reached(s, work)), default=0)


def opened(work: RegionalWorkload) -> Iterator[tuple[str, int]]:
    """Yields path in the stack file and number of each port on which a container answers."""
    for port in work.spec.served_ports:
        yield f"{work.path}.{'port' if port == work.spec.port else 'ports'}", port
    for name, port in work.spec.sidecar_ports.items():
        yield f"{work.path}.sidecars.{name}.port", port
