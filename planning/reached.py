"""The containers of a task that answer: their ports, and their places behind the load balancer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from catalog import Catalog, Server
from config import Container, ModelEntry
from planning import choices
from planning.command_line import server_of, words
from planning.entries import RegionalWorkload
from planning.everywhere import host_everywhere
from planning.once import once_for_each
from planning.serving.servers import SERVERS
from planning.situation import Situation

_OF_A_PATTERN = re.compile(r"[A-Za-z0-9_.$/~\"'@:+-]*")


@dataclass(frozen=True, slots=True)
class Reached:
    """A container behind the load balancer.

    ``sidecar`` is its name in the stack file, empty for the model's own; ``container`` its name in
    the task. ``at`` is the path of its health check's path in the stack file. ``patterns`` are of
    the requests' paths that the load balancer lets through, beginning with ``path``. A request is
    without a byte for up to ``silent_seconds``; an answer takes up to ``answer_seconds``. ``host``
    is the name that requests have, ``by_host`` whether no other container has it: its path is then
    empty. An empty host is the load balancer's own name. ``everywhere`` is its name over all
    Regions, if it has one.
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
    everywhere: str = ""

    @property
    def called(self) -> str:
        """The name that no other container of the stack may have."""
        return self.everywhere or self.host

    @property
    def checked_path(self) -> str:
        """The path of the health check; a query is not part of it."""
        return f"{self.path}{self.health_path.partition('?')[0]}"

    def health_pattern(self, catalog: Catalog) -> str:
        """The pattern of the health check's path alone; empty if it cannot be written as one."""
        asked = self.checked_path
        fits = len(asked) <= catalog.limits.value("listener_rule_value_max")
        return asked if fits and _OF_A_PATTERN.fullmatch(asked) else ""


@once_for_each
def reached(s: Situation, work: RegionalWorkload) -> tuple[Reached, ...]:
    """Returns a model's containers behind the load balancer, its own first; none of a job."""
    if work.is_job:
        return ()
    own = [("", port) for port in work.spec.served_ports[:1]]
    called = (*own, *work.spec.sidecar_ports.items())
    return tuple(_reached(s, work, sidecar, port) for sidecar, port in called)


def all_reached(s: Situation, region: str = "") -> Iterator[tuple[RegionalWorkload, Reached]]:
    """Yields each container behind the load balancer of a Region, by default of every Region, with
    its model."""
    for work in s.work:
        if region in ("", work.region):
            yield from ((work, one) for one in reached(s, work))


def called_as(s: Situation, work: RegionalWorkload, name: str) -> Reached:
    """Returns a model's own container as it is behind the load balancer under another name."""
    return _reached(s, work, "", work.spec.served_ports[0], name)


def _host(s: Situation, region: str, container: str) -> tuple[str, bool]:
    """The name at which a container is called, and whether no other one has it.

    An empty one is the load balancer's own, which AWS chooses.
    """
    traffic = s.settings.traffic
    if traffic.domain is not None:
        return f"{container}.{region}.{traffic.domain.name}", True
    first = next(iter(traffic.hosts.get(region, ())), "")
    return (f"{container}{first[1:]}", True) if first.startswith("*.") else (first, False)


def _reached(
    s: Situation, work: RegionalWorkload, sidecar: str, port: int, name: str = ""
) -> Reached:
    """Lets the paths of the entry through, else those that the server has for callers, else all."""
    paths = None
    if sidecar:
        spec, container = work.spec.sidecars[sidecar], f"{work.name}-{sidecar}"
        path, health = spec.path or f"/{container}", spec.health_path
        at = f"{work.path}.sidecars.{sidecar}.health_path"
    else:
        spec, container, check = work.spec, name or work.name, work.spec.health_check
        path, health = f"/{container}", check.path if check else choices.HEALTH_PATH
        at = f"{work.path}.health_check.path"
        paths = spec.paths if isinstance(spec, ModelEntry) else None
    host, by_host = _host(s, work.region, container)
    path = "" if by_host else path
    row = running_server(spec, s.catalog)
    passing = paths or (row.paths if row else (choices.EVERY_PATH,))
    return Reached(
        sidecar=sidecar,
        container=container,
        spec=spec,
        port=port,
        path=path,
        health_path=health,
        at=at,
        patterns=_patterns(path, passing, health, s.catalog),
        silent_seconds=row.silent_seconds if row else choices.IDLE_TIMEOUT_SECONDS,
        answer_seconds=row.answer_seconds if row else choices.DEREGISTRATION_DELAY_SECONDS,
        host=host,
        by_host=by_host,
        everywhere=host_everywhere(s.settings, container),
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


def instance_ports(s: Situation, work: RegionalWorkload) -> tuple[tuple[int, int], ...]:
    """Returns the ports of the instance on which a model's containers answer, as ranges.

    In bridge mode Docker chooses from the ephemeral ports; in awsvpc none is the instance's.
    """
    answering = reached(s, work)
    match work.network_mode:
        case "bridge" if answering:
            return ((s.catalog.limits.value("ephemeral_port_first"), choices.EPHEMERAL_LAST),)
        case "host":
            return tuple((one.port, one.port) for one in answering)
        case _:
            return ()


def opened(work: RegionalWorkload) -> Iterator[tuple[str, int]]:
    """Yields path in the stack file and number of each port on which a container answers."""
    for port in work.spec.served_ports:
        yield f"{work.path}.{'port' if port == work.spec.port else 'ports'}", port
    for name, port in work.spec.sidecar_ports.items():
        yield f"{work.path}.sidecars.{name}.port", port
