"""The services of a model in the account."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuron_ecs.operations.observed import Observation, ObservedService
from neuron_ecs.operations.reading import Reader
from neuron_ecs.terminal import ERRORS, UsageError
from planning import plan


@dataclass(frozen=True, slots=True)
class Slot:
    """A service of a model in the account, and what the plan says of it."""

    cluster: str
    planned: plan.Service
    service: ObservedService

    @property
    def chips(self) -> str:
        """The Neuron devices that the plan gives it."""
        return chips_of(self.planned)


def chips_of(service: plan.Service) -> str:
    """`0, 1`, `all` or `none`: the Neuron devices of a service."""
    devices = service.task_definition.devices
    return "all" if devices == "all" else ", ".join(map(str, devices)) or "none"


def slots_of(reader: Reader, observed: Observation, models: Sequence[plan.ModelPlan]) -> list[Slot]:
    """Returns the services of models in the order of the plan. Raises `UsageError` if one does
    not exist."""
    region = reader.region
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
