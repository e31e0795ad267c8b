"""What the instances cost before and after: a month of 730 hours, at minimum and maximum size.

A rate is in the catalog or it is not: what has none is named, never guessed. A model's share is
that of its chips: devices times tasks, of all devices of the pool's instances.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from catalog import Catalog
from messages.phrases import listed
from neuron_ecs.diff.plans import Plan, Pool
from planning.price import MANAGEMENT_FEE, NOT_IN_ANY_PRICE

HOURS = 730
"""Hours of a month, as AWS's own pricing calculator counts them
(https://docs.aws.amazon.com/pricing-calculator/latest/userguide/hours-in-month.html)."""

FREE = ""
"""The name under which the chips that nobody holds are counted."""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """USD a month, at the minimum and at the maximum of replicas."""

    minimum: Decimal
    maximum: Decimal

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.minimum + other.minimum, self.maximum + other.maximum)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.minimum - other.minimum, self.maximum - other.maximum)


NOTHING = Amount(ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Cost:
    """A pool's instances on one side."""

    instance_type: str
    purchase: str
    rate: Decimal | None  # USD an hour
    instances_min: int
    instances_max: int
    amount: Amount
    shares: Mapping[str, Amount]  # by model; `FREE` for chips without one


@dataclass(frozen=True, slots=True)
class Line:
    """A pool in a Region: `included` with rate, source and date, or `not included` and why not."""

    region: str
    pool: str
    before: Cost | None
    after: Cost | None
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
        """Before and after by model, over all Regions; `FREE` for chips that nobody holds."""
        found: dict[str, tuple[Amount, Amount]] = {}
        for line in self.lines:
            for side, cost in enumerate((line.before, line.after)):
                for model, amount in cost.shares.items() if cost else ():
                    pair = list(found.get(model, (NOTHING, NOTHING)))
                    pair[side] += amount
                    found[model] = (pair[0], pair[1])
        return dict(sorted(found.items()))


def _amount(cost: Cost | None) -> Amount:
    return cost.amount if cost else NOTHING


def price(base: Plan, head: Plan, catalog: Catalog) -> Price:
    """The price of both plans, pool by pool."""
    keys = sorted(base.pools.keys() | head.pools.keys())
    lines = tuple(_line(base.pools.get(key), head.pools.get(key), catalog) for key in keys)
    fee = any(p.managed for plan in (base, head) for p in plan.pools.values())
    return Price(
        HOURS,
        lines,
        sum((_amount(line.before) for line in lines), NOTHING),
        sum((_amount(line.after) for line in lines), NOTHING),
        tuple(_not_included(lines, fee)),
    )


def _not_included(lines: tuple[Line, ...], fee: bool) -> Iterator[str]:
    yield NOT_IN_ANY_PRICE
    if fee:
        yield MANAGEMENT_FEE
    for line in lines:
        if not line.included:
            yield f"pool {line.pool} in {line.region}: {line.why_not}"


def _line(before: Pool | None, after: Pool | None, catalog: Catalog) -> Line:
    pool = after or before
    assert pool is not None
    costs = [_cost(p, catalog) if p else None for p in (before, after)]
    purchase = "spot" if pool.purchase == "spot" else "on_demand"
    missing = [
        _why_not(p, catalog)
        for p, cost in zip((before, after), costs, strict=True)
        if p and cost and cost.rate is None
    ]
    day = catalog.price_date(pool.region, purchase)
    return Line(
        region=pool.region,
        pool=pool.name,
        before=costs[0],
        after=costs[1],
        included=not missing,
        why_not="; ".join(dict.fromkeys(missing)),
        source="" if missing else catalog.price_source,
        date="" if missing or day is None else day.isoformat(),
        note=_note(pool, catalog),
    )


def _why_not(pool: Pool, catalog: Catalog) -> str:
    if pool.purchase == "capacity_block":
        return "a Capacity Block is paid in full when it is bought"
    purchase = "spot" if pool.purchase == "spot" else "on_demand"
    words = "Spot price" if purchase == "spot" else "on-demand price"
    if not catalog.prices_known(pool.region, purchase):
        return f"the catalog has no {words} of {pool.region}"
    return f"the catalog has no {words} of {listed(pool.types, most=3)} in {pool.region}"


def _note(pool: Pool, catalog: Catalog) -> str:
    if pool.purchase == "spot":
        found = catalog.spot_price(pool.types[0], pool.region)
        span = f", {found[0]} to {found[1]} an hour over the zones" if found else ""
        return f"Spot: the highest zone's price of that day{span}; it moves"
    if pool.purchase in {"capacity_reservation", "reserved"}:
        return "on-demand rate; a reservation is paid whether instances run or not"
    if len(pool.types) > 1:
        return f"the dearest of {listed(pool.types, most=3)}: AWS chooses"
    return ""


def _rate(kind: str, pool: Pool, catalog: Catalog) -> Decimal | None:
    if pool.purchase == "capacity_block":
        return None
    if pool.purchase == "spot":
        found = catalog.spot_price(kind, pool.region)
        return found[1] if found else None
    return catalog.on_demand_price(kind, pool.region)


def _cost(pool: Pool, catalog: Catalog) -> Cost:
    rates = {kind: _rate(kind, pool, catalog) for kind in pool.types}
    known = {kind: rate for kind, rate in rates.items() if rate is not None}
    complete = len(known) == len(rates) and bool(known)
    kind = max(known, key=lambda k: (known[k], k)) if complete else pool.types[0]
    rate = known[kind] if complete else None
    amounts = [
        (rate or ZERO) * HOURS * number for number in (pool.instances_min, pool.instances_max)
    ]
    amount = Amount(*amounts)
    return Cost(
        kind, pool.purchase, rate, pool.instances_min, pool.instances_max, amount,
        _shares(pool, amount) if rate is not None else {},
    )  # fmt: skip


def _shares(pool: Pool, amount: Amount) -> Mapping[str, Amount]:
    """Each model's part; where instances have no chips, nobody's."""
    held: dict[str, Amount] = {}
    if not pool.devices:
        return {FREE: amount}
    chips_min = pool.devices * pool.instances_min
    chips_max = pool.devices * pool.instances_max
    for seat in pool.seats:
        if seat.is_job:
            continue
        part = Amount(
            _part(amount.minimum, len(seat.devices) * seat.least, chips_min),
            _part(amount.maximum, len(seat.devices) * seat.most, chips_max),
        )
        held[seat.workload] = held.get(seat.workload, NOTHING) + part
    rest = amount - sum(held.values(), NOTHING)
    return {**held, FREE: rest}


def _part(amount: Decimal, chips: int, of: int) -> Decimal:
    return amount * chips / of if of else ZERO
