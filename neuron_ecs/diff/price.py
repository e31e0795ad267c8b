"""What the instances cost before and after."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog import Catalog
from planning.plan import Plan
from planning.price import (
    HOURS,
    NOTHING,
    Amount,
    PoolCost,
    not_included,
    plan_costs,
)
from planning.watching_price import watching_costs


@dataclass(frozen=True, slots=True)
class Line:
    """A pool in a Region: `included` with rate, source and date, or not and `why_not`."""

    region: str
    pool: str
    before: PoolCost | None
    after: PoolCost | None
    included: bool
    why_not: str
    source: str
    date: str
    note: str

    @property
    def difference(self) -> Amount:
        return _amount(self.after) - _amount(self.before)


@dataclass(frozen=True, slots=True)
class Price:
    """All lines, their sums, and what is in none of them."""

    hours: int
    lines: tuple[Line, ...]
    before: Amount
    after: Amount
    not_included: tuple[str, ...]

    @property
    def difference(self) -> Amount:
        return self.after - self.before

    def by_region(self) -> Mapping[str, tuple[Amount, Amount]]:
        """Before and after by Region."""
        found: dict[str, tuple[Amount, Amount]] = {}
        for line in self.lines:
            before, after = found.get(line.region, (NOTHING, NOTHING))
            found[line.region] = (before + _amount(line.before), after + _amount(line.after))
        return found

    def by_model(self) -> Mapping[str, tuple[Amount, Amount]]:
        """Before and after by model, over all Regions; `FREE` for devices that no model takes."""
        found: dict[str, tuple[Amount, Amount]] = {}
        for line in self.lines:
            for side, cost in enumerate((line.before, line.after)):
                for model, amount in cost.by_model.items() if cost else ():
                    pair = list(found.get(model, (NOTHING, NOTHING)))
                    pair[side] += amount
                    found[model] = (pair[0], pair[1])
        return dict(sorted(found.items()))


def _amount(cost: PoolCost | None) -> Amount:
    return cost.amount if cost else NOTHING


def price(base: Plan, head: Plan, catalog: Catalog) -> Price:
    """The price of both plans, pool by pool."""
    olds, news = ({(c.region, c.pool): c for c in plan_costs(p, catalog)} for p in (base, head))
    keys = sorted(olds.keys() | news.keys())
    lines = tuple(_line(olds.get(key), news.get(key)) for key in keys)
    return Price(
        HOURS,
        lines,
        sum((_amount(line.before) for line in lines), NOTHING),
        sum((_amount(line.after) for line in lines), NOTHING),
        (*not_included(base, head), *_watching(base, head, catalog), *_unpriced(lines)),
    )


def _watching(base: Plan, head: Plan, catalog: Catalog) -> Iterator[str]:
    if watching_costs(base, catalog) or watching_costs(head, catalog):
        yield "alarms, dashboards, custom metrics and health checks, whose price `plan` shows"


def _unpriced(lines: tuple[Line, ...]) -> Iterator[str]:
    for line in lines:
        if not line.included:
            yield f"pool {line.pool} in {line.region}: {line.why_not}"


def _line(before: PoolCost | None, after: PoolCost | None) -> Line:
    cost = after or before
    assert cost is not None
    missing = dict.fromkeys(c.unknown for c in (before, after) if c and c.unknown)
    return Line(
        region=cost.region,
        pool=cost.pool,
        before=before,
        after=after,
        included=not missing,
        why_not="; ".join(missing),
        source="" if missing else cost.source,
        date="" if missing else cost.date,
        note=cost.note,
    )
