"""Services that wait for ever in one update: for devices, or for a count that changes last.

The engine creates and updates services, waits until each is steady, and then deletes what is gone
from the program (https://www.pulumi.com/docs/iac/concepts/how-pulumi-works/). It leaves the count
of a scaled service alone, and moves its limits after the service. So a task can wait for a device
that is let go only after it runs. Everything here is at the minimum of replicas: with more of them
the same change needs more room, never less. Only what can never end is found, in whatever order
things happen; a change that ends in some orders and waits in others passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neuron_ecs.diff.plans import PlanIndex, max_size, services_on
from planning.plan import ModelPlan, Pool, Service

_Pair = tuple[ModelPlan, Service, Service | None]
"""A service of the head's pool with its model, and as the base has it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Models that wait for devices of a pool, each wanted on so many instances at once.

    With `enough` instances no model waits, wherever ECS has placed the tasks, and at the maximum of
    replicas too: as many as there are tasks on devices of one that changes.
    """

    models: tuple[str, ...]
    devices: tuple[int, ...]
    instances: int
    enough: int
    leaving: tuple[str, ...]  # models with a service that holds some of these devices to the end


@dataclass(frozen=True, slots=True)
class Stuck:
    """A model with a service that can neither stop nor start a task at the count that it has."""

    model: str
    service: Service
    tasks: int


def waiting(base: PlanIndex, head: PlanIndex, region: str, pool: Pool) -> Waiting | None:
    """Returns the models that wait for devices for ever with the pool at its maximum, or `None`.

    A device serves one task on each instance, so what is wanted on more instances than there may
    be is wanted in vain, in whatever way ECS places the rest.
    """
    limit, devices = max_size(pool), range(pool.layout.devices)
    if limit is None or not devices:
        return None
    pairs = _pairs(base, head, region, pool)
    leaving = _leaving(base, head, region, pool)
    wanted = dict.fromkeys(devices, 0)
    held = dict.fromkeys(devices, 0)  # by tasks that are on the device when the update begins
    more = dict.fromkeys(devices, 0)  # one at a time is enough: it frees an old one
    waits: dict[int, set[str]] = {}
    for model, service, old in pairs:
        moves = (
            old is None
            or old.task_definition != service.task_definition
            or _tasks(old) < _tasks(service, old)
        )
        for device in _devices(service, pool):
            wanted[device] += _tasks(service, old)
            if old is not None and device in _devices(old, pool):
                held[device] += _tasks(service, old)
            more[device] = max(more[device], _more(service, old, device, pool))
            if moves and _tasks(service, old):
                waits.setdefault(device, set()).add(model.name)
    holds: dict[int, set[str]] = {}
    for model, service in leaving:
        for device in _devices(service, pool):
            wanted[device] += _tasks(service)
            held[device] += _tasks(service)
            if _tasks(service):
                holds.setdefault(device, set()).add(model.name)
    # a deployment may start its one more task before other services first want the device
    wanted = {d: max(number, held[d] + more[d]) for d, number in wanted.items()}
    short = [d for d, number in wanted.items() if number > limit and d in waits]
    if not short:
        return None
    return Waiting(
        tuple(sorted({name for d in short for name in waits[d]})),
        tuple(short),
        max(wanted[d] for d in short),
        _enough(pairs, [s for _, s in leaving], pool),
        tuple(sorted({name for d in short for name in holds.get(d, ())})),
    )


def _enough(pairs: Sequence[_Pair], leaving: Sequence[Service], pool: Pool) -> int:
    """Returns the number of instances with which no model waits: see `Waiting`."""
    most = [(s, max(s.tasks_max, old.tasks_max if old else 0)) for _, s, old in pairs]
    most += [(s, s.tasks_max) for s in leaving]
    found = 0
    for _, service, old in pairs:
        if old != service:
            mine = set(_devices(service, pool))
            tasks = sum(number for s, number in most if mine & set(_devices(s, pool)))
            found = max(found, tasks + (old is not None and _starts_first(service)))
    return found


def stuck(base: PlanIndex, head: PlanIndex, region: str, pool: Pool) -> Iterator[Stuck]:
    """The services of the head's pool whose new tasks never start.

    The percentages follow from the new minimum of replicas, the count is still the old one: ECS
    rounds the least number of healthy tasks up and the largest number of tasks down
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html).
    """
    for model, service, old in _pairs(base, head, region, pool):
        if old is None or old.task_definition == service.task_definition or not service.scaled:
            continue
        tasks = old.desired_count
        fewest = -(-tasks * service.minimum_healthy_percent // 100)
        most = tasks * service.maximum_percent // 100
        if tasks and fewest >= tasks and most <= tasks:
            yield Stuck(model.name, service, tasks)


def _pairs(base: PlanIndex, head: PlanIndex, region: str, pool: Pool) -> Sequence[_Pair]:
    olds = {s.key: s for _, s in services_on(base, region, pool)}
    return [(model, s, olds.get(s.key)) for model, s in services_on(head, region, pool)]


def _leaving(
    base: PlanIndex, head: PlanIndex, region: str, pool: Pool
) -> Sequence[tuple[ModelPlan, Service]]:
    kept = {s.key for _, s in services_on(head, region, pool)}
    return [(model, s) for model, s in services_on(base, region, pool) if s.key not in kept]


def _devices(service: Service, pool: Pool) -> tuple[int, ...]:
    devices = service.task_definition.devices
    return tuple(range(pool.layout.devices)) if devices == "all" else devices


def _starts_first(service: Service) -> bool:
    """Whether a deployment starts a new task before an old one stops: none may be missing."""
    return service.minimum_healthy_percent == 100


def _tasks(service: Service, old: Service | None = None) -> int:
    """Tasks while the update lasts: a scaled service that exists keeps the count that it has."""
    return (old if old is not None and service.scaled else service).desired_count


def _more(service: Service, old: Service | None, device: int, pool: Pool) -> int:
    """One more on the device, where a new task starts before an old one on it has stopped."""
    if old is None or old.task_definition == service.task_definition or not _starts_first(service):
        return 0
    return 1 if _tasks(service, old) and device in _devices(old, pool) and old.desired_count else 0
