"""What it costs to keep a replica of a model when one instance ends."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from catalog import Catalog
from config import ModelEntry, Replicas, parse
from planning.plan import Plan
from planning.price import NOTHING, Amount, pool_rates, running
from planning.settle import settle, texts_of
from planning.situation import Situation


def spreading_costs(
    config: Mapping[str, str], plan: Plan, models: Iterable[str], catalog: Catalog
) -> dict[str, Amount | None]:
    """Returns USD a month that `spread: instances` adds for each of these models of a plan.

    `config` is what the plan was made of. `None` where a pool has no instances for it, or none
    around the lines of its layout; a pool without a price counts as nothing.
    """
    situation = settle(
        parse(texts_of(config, plan.project)),
        catalog,
        project=plan.project,
        stack=plan.stack,
        home_region=plan.home_region,
    )
    return {name: _cost(situation, plan, name, catalog) for name in models}


def _cost(s: Situation, plan: Plan, name: str, catalog: Catalog) -> Amount | None:
    models = {**s.settings.models, name: _spread(s.settings.models[name])}
    tried = Situation(
        s.settings.model_copy(update={"models": models}),
        catalog,
        project=s.project,
        stack=s.stack,
        home_region=s.home_region,
        written=s.written,
        amis=s.amis,
    )
    cost = NOTHING
    for region in plan.regions:
        for pool in (region.pool(m.pool) for m in region.models if m.name == name):
            here = tried.pools[region.name, pool.name]
            cut, layout = tried.cut(here), tried.layout(here)
            if cut is None or layout is None or cut.fewest > (here.max_size or cut.fewest):
                return None
            kept = pool.name in s.settings.layout.get(region.name, {})
            if kept and tried.keeping(here).crowded:
                return None
            rates = pool_rates(pool, region.name, catalog)
            cost += rates.monthly(running(replace(pool, layout=layout)))
            cost -= rates.monthly(running(pool))
    return cost


def _spread(entry: ModelEntry) -> ModelEntry:
    """The model with `spread: instances` wherever its minimum is above 1."""
    regions = entry.regions
    if isinstance(regions, dict):
        regions = {
            name: one.model_copy(update={"replicas": one.replicas and _apart(one.replicas)})
            for name, one in regions.items()
        }
    return entry.model_copy(update={"replicas": _apart(entry.replicas), "regions": regions})


def _apart(replicas: Replicas) -> Replicas:
    more = replicas.min > 1
    return replicas.model_copy(update={"spread": "instances"}) if more else replicas
