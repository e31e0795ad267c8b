"""A stack file for several language models together, on the cheapest set of pools.

Models share a pool or have pools of their own. For each group of models it plans a pool of the few
types that should be the cheapest for it, and takes the price of the plan. `NOT_TRIED` says what is
left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from math import ceil

from catalog import Catalog
from messages.finding import Refused
from messages.phrases import listed
from neuron_ecs.fit.instances import Option
from neuron_ecs.fit.models import ModelOption, ModelSearch, fit_model
from neuron_ecs.fit.stack_lines import (
    DISK_FIXED_GIB,
    auto_scaling_entry,
    fitting_ami,
    model_name,
    region_entry,
    served_entry,
)
from planning import decide
from planning.price import Amount, stack_price
from planning.serving.memory import Verdict
from planning.serving.shapes import entry_of

NOT_TRIED = (
    "Managed Instances, several types in one pool, a Region of its own for a model, more replicas "
    "than one, more than three types for each group, and every grouping of more than four models"
)
GROUPED = 4
"""Up to so many models every grouping is tried; of more, a pool for all and one for each."""
_TYPES = 3  # instance types that are planned for each group

Entries = dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool for some of the models: its type, their names, and their entries."""

    instance_type: str
    models: tuple[str, ...]
    entry: dict[str, object]
    entries: Entries
    amount: Amount | None  # USD a month; None without a price
    tight: bool  # whether a model only just fits


@dataclass(frozen=True, slots=True)
class Choice:
    """A set of pools for all models."""

    pools: tuple[Pool, ...]

    @property
    def amount(self) -> Amount | None:
        """USD a month; `None` if a pool has no price."""
        found = [pool.amount for pool in self.pools if pool.amount is not None]
        if len(found) < len(self.pools):
            return None
        return sum(found[1:], found[0])

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts what fits before what is tight, then by price and by the number of pools."""
        amount, tight = self.amount, any(pool.tight for pool in self.pools)
        return tight, amount is None, amount.maximum if amount else Decimal(0), len(self.pools)


@dataclass(frozen=True, slots=True)
class Together:
    """The choices, the best first, and why a model has none."""

    names: tuple[str, ...]
    choices: tuple[Choice, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Search:
    """The models by number, each with its options by instance type, one for each Region."""

    searches: Sequence[ModelSearch]
    names: Sequence[str]
    able: Sequence[dict[str, list[ModelOption]]]
    regions: Sequence[str]
    catalog: Catalog
    project: str


def together(
    searches: Sequence[ModelSearch], regions: Sequence[str], catalog: Catalog, project: str
) -> Together:
    """Returns the sets of pools that plan without an error."""
    names = _names(searches)
    able = [_by_type(search, regions, catalog) for search in searches]
    refused = [
        f"no instance type serves {search.model.id} {_where(search, regions)}: see `neuron-ecs fit "
        f"--model {search.model.id} --regions {','.join(regions)}`, which says why of each"
        for search, types in zip(searches, able, strict=True)
        if not types
    ]
    if refused:
        return Together(names, (), tuple(refused))
    every = tuple(range(len(searches)))
    sizes = range(1, len(every) + 1) if len(every) <= GROUPED else {1, len(every)}
    pools: dict[tuple[int, ...], Pool] = {}
    choices: list[Choice] = []
    for group in (g for size in sizes for g in combinations(every, size)):
        found = _pools(_Search(searches, names, able, regions, catalog, project), group)
        if isinstance(found, str):
            refused += [found] if len(group) == 1 else []
            continue
        pools[group] = found[0]
        if group == every:  # other types for one pool of all models are choices as well
            choices += [Choice((pool,)) for pool in found[1:]]
    choices += [Choice(tuple(pools[g] for g in groups)) for groups in _groupings(every, pools)]
    return Together(names, tuple(sorted(choices, key=lambda c: c.order)), tuple(refused))


def configuration(
    choice: Choice,
    searches: Sequence[ModelSearch],
    names: Sequence[str],
    regions: Sequence[str],
    catalog: Catalog,
    project: str,
) -> dict[str, object]:
    """Returns what stands under `config` of the stack file."""
    capacity: Entries = {}
    models: Entries = {}
    for pool in choice.pools:
        family = pool.instance_type.split(".")[0]
        name = next(
            n for n in (family, *(f"{family}-{i}" for i in range(2, 99))) if n not in capacity
        )
        capacity[name] = pool.entry
        models |= {model: {**entry, "capacity": name} for model, entry in pool.entries.items()}
    document: dict[str, object] = {
        "aws:region": regions[0],
        f"{project}:regions": {name: region_entry(name, catalog) for name in regions},
        f"{project}:capacity": capacity,
        f"{project}:models": {name: models[name] for name in names},
    }
    shapes = {
        s.model.id: dict(entry_of(s.model))
        for s in searches
        if catalog.serving.models.get(s.model.id) != s.model
    }
    return document | ({f"{project}:shapes": shapes} if shapes else {})


def texts(document: dict[str, object]) -> Mapping[str, str]:
    """Returns a configuration as the engine hands it over."""
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in document.items()}


def _where(search: ModelSearch, regions: Sequence[str]) -> str:
    how = search.where.purchase.replace("_", " ")
    return f"{how} in {'' if len(regions) == 1 else 'all of '}{listed(regions)}"


def _names(searches: Sequence[ModelSearch]) -> tuple[str, ...]:
    names: list[str] = []
    for search in searches:
        name = model_name(search.model.id)
        names.append(name if name not in names else f"{name[:36]}-{len(names) + 1}")
    return tuple(names)


def _by_type(
    search: ModelSearch, regions: Sequence[str], catalog: Catalog
) -> dict[str, list[ModelOption]]:
    """Returns the best option of each instance type in every one of the Regions."""
    found: dict[str, dict[str, ModelOption]] = {}
    for option in fit_model(search, catalog).options:
        here = found.setdefault(option.option.instance_type, {})
        here.setdefault(option.option.region, option)
    return {kind: list(o.values()) for kind, o in found.items() if len(o) == len(regions)}


def _groupings(
    rest: tuple[int, ...], pools: dict[tuple[int, ...], Pool]
) -> Iterator[list[tuple[int, ...]]]:
    """Yields every way to put all models into groups that have a pool."""
    if not rest:
        yield []
        return
    for group in pools:
        if group[0] == rest[0] and set(group) <= set(rest):
            for others in _groupings(tuple(i for i in rest if i not in group), pools):
                yield [group, *others]


def _pools(s: _Search, group: tuple[int, ...]) -> list[Pool] | str:
    """Returns the pools that plan for the group, the best first, or the first error of the last."""

    def rank(kind: str) -> tuple[object, ...]:
        options = [s.able[i][kind] for i in group]
        instances = ceil(sum(Decimal(1) / o[0].option.tasks_per_instance for o in options))
        tight = max(o[0].serving.estimate.verdict for o in options)
        prices = [o.option.price for o in options[0]]
        known = [p.high for p in prices if p is not None]
        return tight, len(known) < len(prices), sum(known, Decimal(0)) * instances, kind

    shared = [kind for kind in s.able[group[0]] if all(kind in s.able[i] for i in group)]
    pools: list[Pool] = []
    why = f"no instance type serves {' and '.join(s.names[i] for i in group)}"
    for kind in sorted(shared, key=rank)[:_TYPES]:
        found = _planned(s, kind, group)
        if isinstance(found, str):
            why = found
        else:
            pools.append(found)
    return sorted(pools, key=lambda pool: Choice((pool,)).order) or why


def _planned(s: _Search, kind: str, group: tuple[int, ...]) -> Pool | str:
    chosen = [(s.searches[i], s.able[i][kind][0]) for i in group]
    names = tuple(s.names[i] for i in group)
    entries = {
        name: _model(*pair, s.regions, s.catalog) for name, pair in zip(names, chosen, strict=True)
    }
    entry = _pool_entry(kind, chosen, s.catalog)
    tight = any(o.serving.estimate.verdict is not Verdict.FITS for _, o in chosen)
    pool = Pool(kind, names, entry, entries, None, tight)
    for _ in range(2):  # with the instances that the plan needs, and one more to roll out on
        document = configuration(
            Choice((pool,)), [of for of, _ in chosen], names, s.regions, s.catalog, s.project
        )
        try:
            plan = decide(texts(document), s.catalog, project=s.project, stack="init")
        except Refused as refused:
            return f"{kind}: {refused.findings[0].path} {refused.findings[0].what}"
        needed = max(p.layout.instances_max for r in plan.regions for p in r.pools)
        price = stack_price(plan, s.catalog)
        amount = None if any(cost.unknown for cost in price.costs) else price.amount
        pool = replace(pool, entry={**entry, "max_size": needed + 1}, amount=amount)
    return pool


def _pool_entry(
    kind: str, chosen: Sequence[tuple[ModelSearch, ModelOption]], catalog: Catalog
) -> dict[str, object]:
    amis = [fitting_ami(o.serving.image.image, o.option.region, catalog) for _, o in chosen]
    per_instance = min(len(chosen), max(o.option.tasks_per_instance for _, o in chosen))
    disk = DISK_FIXED_GIB + per_instance * max(search.disk_gib for search, _ in chosen)
    oldest = min(filter(None, amis), default=None)
    purchase = chosen[0][0].where.purchase
    return auto_scaling_entry(kind, len(chosen) + 1, purchase, oldest, disk)


def _model(
    search: ModelSearch, found: ModelOption, regions: Sequence[str], catalog: Catalog
) -> dict[str, object]:
    option: Option = found.option
    entry = served_entry(search, found.serving, catalog, regions)
    if option.task.memory_mib > option.share.memory_mib:
        entry["memory_mib"] = option.task.memory_mib
    return entry
