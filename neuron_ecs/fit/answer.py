"""The answer of a search: what can run a task, or serve a language model."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from catalog import Catalog, ModelDeployment
from neuron_ecs.fit.instances import PURCHASES, Option, Purchase, Refusal, TaskRequirements, fit
from neuron_ecs.fit.models import ModelSearch, fit_model
from planning.serving.options import ServingOption


@dataclass(frozen=True, slots=True)
class Proposal:
    """An option, and for a model the way to serve it."""

    option: Option
    serving: ServingOption | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search: proposals, the best first, refusals and assumptions."""

    required: TaskRequirements
    model: ModelSearch | None
    proposals: tuple[Proposal, ...]
    refusals: tuple[Refusal, ...]
    assumes: tuple[str, ...] = ()
    reported: tuple[ModelDeployment, ...] = ()
    other_purchases: tuple[Purchase, ...] = ()


def answer(required: TaskRequirements, model: ModelSearch | None, known: Catalog) -> Answer:
    """Returns what can run the tasks, or serve the model."""
    if model is None:
        tasks = fit(required, known)
        proposals = tuple(Proposal(option, None) for option in tasks.options)
        found = Answer(required, None, proposals, tasks.refusals)
    else:
        served = fit_model(model, known)
        proposals = tuple(Proposal(o.option, o.serving) for o in served.options)
        found = Answer(required, model, proposals, served.refusals, served.assumes, served.reported)
    if proposals:
        return found

    def can(where: TaskRequirements) -> bool:
        if model is None:
            return bool(fit(where, known).options)
        return bool(fit_model(replace(model, where=where), known).options)

    return replace(found, other_purchases=_others(required, can))


def _others(
    required: TaskRequirements, can: Callable[[TaskRequirements], bool]
) -> tuple[Purchase, ...]:
    """The other purchase options with which at least one type can run it."""
    return tuple(
        purchase
        for purchase in PURCHASES
        if purchase != required.purchase
        and not (purchase == "capacity_block" and required.kind == "managed_instances")
        and can(replace(required, purchase=purchase))
    )
