"""Deals replicas to the services of a model, and sets how many tasks each wants."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from messages.phrases import counted
from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.slots import Slot, slots_of
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import UsageError, joined, table, wrapped
from planning import plan
from planning.dealing import share_evenly


@dataclass(frozen=True, slots=True)
class Dealt:
    """A model in a Region with its services, and how many tasks those that change are to want."""

    region: plan.RegionPlan
    model: plan.ModelPlan
    slots: list[Slot]
    counts: dict[str, int]  # by the name of the service


def deal(stack: Stack, name: str, replicas: int, *, force: bool) -> list[Dealt]:
    """Deals replicas of a model to its services in each Region.

    Raises `UsageError` beyond the limits of the stack file, unless `force` allows it.
    """
    models = stack.models(name)
    for region, model in models:
        low, high = model.replicas_min, model.replicas_max
        if not force and not low <= replicas <= high:
            raise UsageError(
                f"{name} has {low} to {high} replicas in {region.name}, and {replicas} is asked "
                "for; --force does it nevertheless, until the next update or scaling"
            )
    found: list[Dealt] = []
    for region, model in models:
        slots = stack.ask(region, lambda of, m=model: slots_of(of, of.recent(), [m]))
        found.append(Dealt(region, model, slots, _changed(slots, replicas)))
    return found


def dealt(limits: Sequence[int], replicas: int) -> tuple[int, ...]:
    """Deals replicas to services as the plan does; what passes their limits goes to each in turn.

    `limits` are the tasks of each service at the plan's maximum.
    """
    within = share_evenly(replicas, limits)
    more = replicas - sum(within)
    extra = share_evenly(more, [more] * len(limits))
    return tuple(a + b for a, b in zip(within, extra, strict=True))


def _changed(slots: Sequence[Slot], replicas: int) -> dict[str, int]:
    counts = dealt([s.planned.tasks_max for s in slots], replicas)
    return {
        slot.service.name: count
        for slot, count in zip(slots, counts, strict=True)
        if slot.service.desired != count
    }


def set_counts(aws: Calls, cluster: str, counts: Mapping[str, int]) -> None:
    """Sets how many tasks services want."""
    aws.each(
        counts.items(),
        lambda one: aws.ecs.update_service(cluster=cluster, service=one[0], desiredCount=one[1]),
    )


def shown(
    stack: Stack, name: str, replicas: int, found: Sequence[Dealt], width: int
) -> Iterator[str]:
    """What would change, and what the plan and the next update make of it."""
    yield f"{stack.title}: {name} to {counted(replicas, 'replica')}"
    rows = [("Region", "chips", "now", "then")]
    for one in found:
        for slot in one.slots:
            then = one.counts.get(slot.service.name, slot.service.desired)
            rows.append((one.region.name, joined(slot.chips), str(slot.service.desired), str(then)))
    yield from table(rows, indent="  ", width=width)
    if not any(one.counts for one in found):
        yield "nothing is to be done"
        return
    for region, model in ((one.region.name, one.model) for one in found):
        notes: list[str] = []
        if replicas > model.replicas_max:
            notes.append(
                f"the pool's instances are planned for {model.replicas_max}; tasks above that "
                "wait for room"
            )
        if model.replicas_min == model.replicas_max != replicas:
            notes.append(
                f"the stack file says {model.replicas_min}, which an update may bring back; to "
                f"keep it: neuron-ecs models set {name} replicas={replicas}"
            )
        for note in notes:
            yield from wrapped(f"{region}: {note}", width, "  ", "    ")
