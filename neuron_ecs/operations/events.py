"""What happened to a stack, in order of time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from catalog.types import StopReason
from messages.phrases import counted
from neuron_ecs.operations.observed import Names, Observation, by_family, family_of, names_of_key
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.reasons import Reasons, explained, why_stopped
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.status import unread_parts, without_service
from neuron_ecs.terminal import paint, wrapped
from planning import plan

Kind = Literal["service", "task", "scaling", "capacity"]
"""A message of ECS, a task that stopped, a model that was scaled, instances of a pool."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: what AWS said, and what it means."""

    at: datetime
    region: str
    kind: Kind
    about: str  # the model, job or pool
    said: str
    is_error: bool
    means: str = ""
    do: str = ""


def read_events(stack: Stack, only: str | None) -> tuple[list[Event], list[str]]:
    """The events of every Region, and what could not be read."""
    reasons = stack.reasons

    def ask(reader: Reader) -> tuple[list[Event], Iterator[str]]:
        observed = reader.with_activities(only)
        found = events(reader.region, observed, reader.names, reasons, only)
        return found, unread_parts(reader.region, observed)

    with stack.reading():
        return stack.ask_all(ask)


def events(
    region: plan.RegionPlan,
    observed: Observation,
    names: Names | None,
    reasons: Reasons,
    only: str | None = None,
) -> list[Event]:
    """Everything that a Region tells of, sorted by time; `only` leaves out what is of other
    models, jobs and pools."""
    found = [
        *_of_services(region, observed, names, reasons),
        *_of_tasks(region, observed, reasons),
        *_of_pools(region, observed, names, reasons),
    ]
    about = {only, *(region.pool(m.pool).name for m in region.models if m.name == only)}
    about |= {region.pool(j.pool).name for j in region.jobs if j.name == only}
    ours = [e for e in found if only is None or e.about in about]
    return sorted(ours, key=lambda e: (e.at, e.about, e.said))


def _explained(event: Event, meant: StopReason | None) -> Event:
    if meant is None:
        return event
    return replace(
        event,
        means=meant.meaning if meant.is_error else "",
        do=meant.action if meant.is_error else "",
        is_error=event.is_error or meant.is_error,
    )


def _of_services(
    region: plan.RegionPlan, observed: Observation, names: Names | None, reasons: Reasons
) -> Iterator[Event]:
    services = observed.by_service_key(names)
    for model in region.models:
        for service in (services[p.key] for p in model.services if p.key in services):
            for one in service.events:
                said = without_service(one.message, service.name)
                event = Event(one.at, region.name, "service", model.name, said, is_error=False)
                yield _explained(event, reasons.of_message(one.message))
            for one in observed.activities.get(service.name, ()):
                event = Event(one.at, region.name, "scaling", model.name, one.message, one.failed)
                yield _explained(event, reasons.of_message(one.message))


def _of_tasks(region: plan.RegionPlan, observed: Observation, reasons: Reasons) -> Iterator[Event]:
    workloads = by_family(region)
    for task in observed.tasks:
        about = workloads.get(family_of(task.task_definition))
        if task.stopped is None or about is None:
            continue
        said = f"task {task.name} stopped: {why_stopped(task)}"
        event = Event(
            task.stopped, region.name, "task", about, said, is_error=reasons.is_error(task)
        )
        yield _explained(event, reasons.of_task(task))


def _of_pools(
    region: plan.RegionPlan, observed: Observation, names: Names | None, reasons: Reasons
) -> Iterator[Event]:
    known = names.capacity_providers if names else None
    for pool in region.pools:
        for name in names_of_key(pool.key, list(observed.activities), known):
            for one in observed.activities[name]:
                event = Event(one.at, region.name, "capacity", pool.name, one.message, one.failed)
                yield _explained(event, reasons.of_message(one.message))


def newest(found: Iterable[Event], since: datetime, limit: int) -> tuple[list[Event], int]:
    """The newest events of several Regions, oldest first, and how many more there are."""
    ours = sorted((e for e in found if e.at >= since), key=lambda e: e.at)
    return ours[-limit:], max(len(ours) - limit, 0)


def headline(shown: Sequence[Event], more: int) -> str:
    """`12 events, 3 errors; 5 older ones are left out: raise --limit`."""
    errors = sum(e.is_error for e in shown)
    text = f"{counted(len(shown), 'event')}, {counted(errors, 'error')}"
    return text + (f"; {more} older are left out: raise --limit" if more else "")


def render(shown: Iterable[Event], now: datetime, *, width: int, coloured: bool) -> Iterator[str]:
    """A line for each event, with what it means and what to do below an error."""
    for event in shown:
        day = "" if event.at.date() == now.date() else f"{event.at:%m-%d} "
        word = "ERROR" if event.is_error else "     "
        head = f"{day}{event.at:%H:%M:%S}  "
        text = f"{event.region}  {event.about} ({event.kind}): {event.said}"
        first, *rest = wrapped(text, width, f"{head}{word}  ", "      ")
        if event.is_error and coloured:
            first = head + paint(word, "31") + first[len(head) + len(word) :]
        yield first
        yield from rest
        if event.is_error:
            yield from explained(event.means, event.do, width, "      ")
