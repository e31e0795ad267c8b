"""Deals replicas to the services of a model, and sets how many tasks each wants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.observed import ObservedService
from neuron_ecs.operations.reading import Reader
from neuron_ecs.terminal import ERRORS, UsageError
from planning import plan
from planning.dealing import share_evenly


@dataclass(frozen=True, slots=True)
class Slot:
    """A service of a model in the account, and what the plan says of it."""

    cluster: str
    planned: plan.Service
    service: ObservedService

    @property
    def chips(self) -> str:
        """`0, 1`, `all` or `none`: the Neuron devices that the plan gives it."""
        devices = self.planned.task_definition.devices
        return "all" if devices == "all" else ", ".join(map(str, devices)) or "none"


def slots_of(reader: Reader, models: Sequence[plan.ModelPlan]) -> list[Slot]:
    """Returns the services of models in the order of the plan. Raises `UsageError` if one does
    not exist."""
    observed, region = reader.recent(), reader.region
    found = observed.by_service_key(reader.names)
    slots: list[Slot] = []
    for model in models:
        cluster = observed.clusters.get(region.pool(model.pool).kind)
        absent = [s for s in model.services if s.key not in found]
        if absent or cluster is None or cluster.name is None:
            why = "; ".join(map(str, observed.failed_calls))
            what = f"{len(absent)} of the {len(model.services)} services of {model.name}"
            raise UsageError(
                f"{region.name}: {why or f'{what} do not exist; the stack is not up there'}", ERRORS
            )
        slots += [Slot(cluster.name, s, found[s.key]) for s in model.services]
    return slots


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
