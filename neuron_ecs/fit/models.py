"""The search for instance types and Regions that can serve a language model."""

from dataclasses import dataclass, field, replace

from catalog import Catalog, ModelDeployment
from neuron_ecs.fit.instances import (
    Option,
    Refusal,
    TaskRequirements,
    options_on,
    order,
    types_of,
)
from planning.serving.options import (
    ModelRequirements,
    ServingOption,
    assumptions,
    host_memory_shortfall,
    preference,
    serving_options,
)


@dataclass(frozen=True, slots=True)
class ModelSearch(ModelRequirements):
    """What a model requires, and what its tasks require besides."""

    where: TaskRequirements = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class ModelOption:
    """An instance type in a Region that can serve a model."""

    option: Option
    serving: ServingOption


@dataclass(frozen=True, slots=True)
class ModelFit:
    """The result of a search: options, the best first, and the reasons against other types.

    ``assumes`` are the assumptions of the estimates; ``reported`` are documented deployments of
    the model.
    """

    options: tuple[ModelOption, ...]
    refusals: tuple[Refusal, ...]
    assumes: tuple[str, ...]
    reported: tuple[ModelDeployment, ...]


def fit_model(search: ModelSearch, catalog: Catalog) -> ModelFit:
    """Finds the instance types and Regions that can serve the model.

    Options on which the model fits come before tight ones, then the cheapest come first.
    """
    options: list[ModelOption] = []
    refusals: list[Refusal] = []
    for kind in types_of(search.where, catalog):
        servings = serving_options(kind, search, catalog)
        if isinstance(servings, str):
            refusals.append(Refusal(kind.name, (), servings))
            continue
        for serving in servings:
            required = replace(
                search.where,
                devices=max(search.where.devices, serving.devices),
                memory_mib=max(search.where.memory_mib, search.host_memory_mib(serving.server)),
            )
            found, refused = options_on(kind, required, catalog)
            options += [ModelOption(option, serving) for option in found]
            shortfall = host_memory_shortfall(kind, search, serving, catalog)
            refusals += [
                replace(r, why=shortfall) if shortfall and not r.regions else r for r in refused
            ]
    options.sort(key=_order)
    return ModelFit(
        tuple(options),
        tuple(dict.fromkeys(refusals)),
        tuple(assumptions(search, (o.serving for o in options))),
        tuple(d for d in catalog.serving.deployments if d.model == search.model.id),
    )


def _order(found: ModelOption) -> tuple[object, ...]:
    """Sorts by verdict and price, then as `serve` prefers."""
    unpriced, hour, *rest = order(found.option)
    verdict, *more = preference(found.serving, found.serving.devices)
    return verdict, unpriced, hour, *more, *rest
