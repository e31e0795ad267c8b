"""How long an update of a stack can take, and in how many waves its services change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planning import choices
from planning.plan import Plan, Service


@dataclass(frozen=True, slots=True)
class Creation:
    """The first update of a stack.

    The engine makes the services of one wave at the same time; all are steady within `minutes`, or
    given up. `other_minutes` are for the network, capacity and load balancers before them.
    """

    services: int
    waves: int
    minutes: int
    other_minutes: int


def creation(plan: Plan) -> Creation:
    """Returns how long the first update takes at most."""
    services = _services(plan)
    minutes = last_end(services, lambda service: service.timeouts.create_minutes)
    return Creation(len(services), waves(services), minutes, choices.OTHER_MINUTES)


def waves(services: Sequence[Service]) -> int:
    """Returns the number of waves in which services change: one waits for those before it."""
    return last_end(services, lambda _: 1)


def last_end(services: Sequence[Service], takes: Callable[[Service], int]) -> int:
    """Returns when the last service is steady; one begins when those that it waits for are.

    These come before it. One that is not among the services is not waited for.
    """
    ends: dict[str, int] = {}
    for service in services:
        start = max((ends.get(key, 0) for key in service.after), default=0)
        ends[service.key] = start + takes(service)
    return max(ends.values(), default=0)


def _services(plan: Plan) -> list[Service]:
    """Every service; those for which another one waits come before it."""
    return [s for region in plan.regions for model in region.models for s in model.services]


def update_minutes(plan: Plan) -> int:
    """Returns the minutes within which an update ends where each service takes all of its timeout.

    Services change at the same time, unless one waits for others to be steady; old ones are deleted
    at the end. `choices.OTHER_MINUTES` are for all other resources.
    """
    services = _services(plan)
    deleting = max((s.timeouts.delete_minutes for s in services), default=0)
    changing = last_end(services, _changing_minutes)
    return choices.OTHER_MINUTES + changing + deleting


def _changing_minutes(service: Service) -> int:
    return max(service.timeouts.create_minutes, service.timeouts.update_minutes)
