"""What a plan's instances cost: USD a month, at the minimum and at the maximum of replicas.

A rate is in the catalog or it is unknown; an unknown rate is named, never guessed. A model's part
of a pool is that of its Neuron devices: devices times tasks, of all devices of the instances.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from catalog import Catalog
from messages.phrases import listed
from planning.plan import Plan, Pool

NOT_IN_ANY_PRICE = (
    "storage, load balancers, NAT gateways and VPC endpoints, data transfer, logs and taxes"
)

MANAGEMENT_FEE = "the management fee of ECS Managed Instances"

HOURS = 730
"""Hours of a month, as AWS's own pricing calculator counts them
(https://docs.aws.amazon.com/pricing-calculator/latest/userguide/hours-in-month.html)."""

FREE = ""
"""Stands for the devices that no model takes, where costs are given by model."""

ZERO = Decimal(0)


# ---- rates -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """USD an hour of one instance; on Spot the lowest and the highest of the Region's zones."""

    low: Decimal
    high: Decimal


def hourly_rate(instance_type: str, region: str, purchase: str, catalog: Catalog) -> Rate | None:
    """The rate of an instance by the pool's purchase; `None` where the catalog has none.

    A reservation is paid at the on-demand rate. A Capacity Block has no rate: its price is quoted
    and paid when it is bought.
    """
    if purchase == "capacity_block":
        return None
    if purchase == "spot":
        found = catalog.prices.spot(instance_type, region)
        return Rate(*found) if found else None
    price = catalog.prices.on_demand(instance_type, region)
    return Rate(price, price) if price is not None else None


def price_list(purchase: str) -> str:
    """The catalog's list of prices in which the purchase is: `spot` or `on_demand`."""
    return "spot" if purchase == "spot" else "on_demand"


# ---- costs -----------------------------------------------------------------------------------


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
class PoolCost:
    """What the instances of a pool cost in a Region.

    Where ECS may choose among several types, the minimum is with instances of the cheapest, the
    maximum with instances of the dearest. Where a rate is `None`, `unknown` says why, and the
    amount is zero.
    """

    region: str
    pool: str
    instance_type: str  # the dearest
    purchase: str
    rate: Decimal | None  # USD an hour
    lowest_type: str  # the cheapest
    lowest_rate: Decimal | None  # USD an hour
    instances_min: int
    instances_max: int
    amount: Amount
    by_model: Mapping[str, Amount]  # `FREE` for the rest; empty without a rate
    unknown: str = field(compare=False)
    note: str = field(compare=False)

    @property
    def rates(self) -> str:
        """`$0.7582 an hour for inf2.xlarge`, with the dearest type where there are several."""
        text = f"${self.lowest_rate} an hour for {self.lowest_type}"
        if self.lowest_type == self.instance_type:
            return text
        return f"{text} to ${self.rate} for {self.instance_type}"


def plan_costs(plan: Plan, catalog: Catalog) -> tuple[PoolCost, ...]:
    """The cost of every pool, in order of Region and name."""
    found = [pool_cost(pool, r.name, catalog) for r in plan.regions for pool in r.pools]
    return tuple(sorted(found, key=lambda cost: (cost.region, cost.pool)))


def pool_cost(pool: Pool, region: str, catalog: Catalog) -> PoolCost:
    """The cost of a pool's instances."""
    purchase = pool.purchase.kind
    rates = {t: hourly_rate(t, region, purchase, catalog) for t in pool.instance_types}
    known = {t: rate.high for t, rate in rates.items() if rate is not None}
    complete = len(known) == len(rates) and bool(known)
    by_price = sorted(
        known if complete else pool.instance_types, key=lambda t: (known.get(t, ZERO), t)
    )
    rate, lowest = (known[t] if complete else None for t in (by_price[-1], by_price[0]))
    least, most = pool.layout.instances
    amount = Amount((lowest or ZERO) * HOURS * least, (rate or ZERO) * HOURS * most)
    return PoolCost(
        region=region,
        pool=pool.name,
        instance_type=by_price[-1],
        purchase=purchase,
        rate=rate,
        lowest_type=by_price[0],
        lowest_rate=lowest,
        instances_min=least,
        instances_max=most,
        amount=amount,
        by_model=_by_model(pool, amount) if complete else {},
        unknown=""
        if complete
        else _why_unknown(pool, region, catalog, [t for t in rates if t not in known]),
        note=_note(pool, region, catalog),
    )


def not_included(*plans: Plan) -> Iterator[str]:
    """What is in no cost of these plans."""
    yield NOT_IN_ANY_PRICE
    if any(region.managed_instances for plan in plans for region in plan.regions):
        yield MANAGEMENT_FEE


def _by_model(pool: Pool, amount: Amount) -> Mapping[str, Amount]:
    devices = pool.layout.devices or 1  # of several types: a task has them all
    totals = [devices * number for number in pool.layout.instances]
    found: dict[str, Amount] = {}
    for taken in pool.layout.assignments:
        if taken.is_job:
            continue
        held = len(taken.devices) or 1
        part = Amount(
            _part(amount.minimum, held * taken.tasks_min, totals[0]),
            _part(amount.maximum, held * taken.tasks_max, totals[1]),
        )
        found[taken.workload] = found.get(taken.workload, NOTHING) + part
    return {**found, FREE: amount - sum(found.values(), NOTHING)}


def _part(amount: Decimal, devices: int, total: int) -> Decimal:
    return amount * devices / total if total else ZERO


def _why_unknown(pool: Pool, region: str, catalog: Catalog, missing: list[str]) -> str:
    if pool.purchase.kind == "capacity_block":
        return "a Capacity Block is paid in full when it is bought"
    prices = price_list(pool.purchase.kind)
    words = "Spot price" if prices == "spot" else "on-demand price"
    if not catalog.prices.known(region, prices):
        return f"the catalog has no {words} of {region}"
    return f"the catalog has no {words} of {listed(missing, most=3)} in {region}"


def _note(pool: Pool, region: str, catalog: Catalog) -> str:
    several = len(pool.instance_types) > 1
    notes = (
        ["ECS chooses the type: the cheapest at the minimum, the dearest at the maximum"]
        if several
        else []
    )
    match pool.purchase.kind:
        case "spot":
            found = hourly_rate(pool.instance_types[0], region, "spot", catalog)
            span = f", {found.low} to {found.high} an hour over the zones" if found else ""
            notes.append(
                f"Spot: the highest zone's price of that day{'' if several else span}; it moves"
            )
        case "capacity_reservation" | "reserved":
            notes.append("on-demand rate; a reservation is paid whether instances run or not")
        case _:
            pass
    return "; ".join(notes)
