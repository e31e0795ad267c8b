"""Deals replicas to the services of a model, and sets how many tasks each wants."""

from collections.abc import Mapping, Sequence

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.slots import Slot
from planning.dealing import share_evenly


def dealt(limits: Sequence[int], replicas: int) -> tuple[int, ...]:
    """Deals replicas to services as the plan does; what passes their limits goes to each in turn.

    `limits` are the tasks of each service at the plan's maximum.
    """
    within = share_evenly(replicas, limits)
    more = replicas - sum(within)
    extra = share_evenly(more, [more] * len(limits))
    return tuple(a + b for a, b in zip(within, extra, strict=True))


def wanted(slots: Sequence[Slot], replicas: int) -> dict[str, int]:
    """How many tasks each service is to want, by its name; only those that change."""
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
