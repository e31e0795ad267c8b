"""What a plan's instances cost: USD a month, at the minimum and at the maximum of replicas.

A rate is in the catalog or it is unknown; an unknown rate is named, never guessed. A model's part
of a pool is that of its Neuron devices: devices times tasks, of all devices of the instances.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from catalog import Catalog
from messages.phrases import listed, low_to_high
from planning.placing import picture, placed
from planning.plan import AutoScalingPool, ModelPlan, Plan, Pool, RegionPlan
from planning.watching_price import WatchingCost, watching_costs
from planning.watching_price import document as watching_document

NOT_IN_ANY_PRICE = (
    "storage, load balancers, NAT gateways and VPC endpoints, data transfer, Container Insights, "
    "logs of models and jobs, and taxes"
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

Instances = tuple[int, int]
"""At the minimum and at the maximum of replicas."""


@dataclass(frozen=True, slots=True)
class PoolRates:
    """USD an hour for an instance of a pool's cheapest type, and of its dearest."""

    lowest_type: str
    lowest: Decimal | None  # None unless all types have a rate
    type: str
    rate: Decimal | None
    missing: tuple[str, ...]  # types without a rate

    def hourly(self, instances: Instances) -> Amount:
        """USD an hour of so many instances; nothing without a rate."""
        return Amount((self.lowest or ZERO) * instances[0], (self.rate or ZERO) * instances[1])

    def monthly(self, instances: Instances) -> Amount:
        """USD a month of so many instances; nothing without a rate."""
        cost = self.hourly(instances)
        return Amount(HOURS * cost.minimum, HOURS * cost.maximum)


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
    rollout: Instances | None = field(compare=False)  # see `added_instances`
    jobs: Instances = field(compare=False)
    unknown: str = field(compare=False)
    note: str = field(compare=False)
    source: str = field(compare=False)  # of the rate; empty without one
    date: str = field(compare=False)  # of the rate, as YYYY-MM-DD

    @property
    def idle(self) -> Amount:
        """The part of the devices that no model takes."""
        return self.by_model.get(FREE, NOTHING)

    def hourly(self, added: Instances) -> Amount:
        """USD an hour of instances that are added for a while."""
        low, high = self.lowest_rate or ZERO, self.rate or ZERO
        return Amount(low * added[0], high * added[1])

    @property
    def rates(self) -> str:
        """`$0.7582 an hour for inf2.xlarge`, with the dearest type where there are several."""
        text = f"${self.lowest_rate} an hour for {self.lowest_type}"
        if self.lowest_type == self.instance_type:
            return text
        return f"{text} to ${self.rate} for {self.instance_type}"


def plan_costs(plan: Plan, catalog: Catalog) -> tuple[PoolCost, ...]:
    """The cost of every pool, in order of Region and name."""
    found = [pool_cost(pool, r, catalog) for r in plan.regions for pool in r.pools]
    return tuple(sorted(found, key=lambda cost: (cost.region, cost.pool)))


def running(pool: Pool) -> Instances:
    """The instances of a pool at minimum and at maximum replicas, with the idle ones of headroom:
    none where nothing runs, and none beyond the maximum size."""
    low, high = pool.layout.instances
    if not isinstance(pool, AutoScalingPool):
        return low, high
    least, most = (min(pool.max_size, n + pool.headroom) if n else 0 for n in (low, high))
    return least, most


def pool_rates(pool: Pool, region: str, catalog: Catalog) -> PoolRates:
    """The rates of a pool's instances."""
    found = {t: hourly_rate(t, region, pool.purchase.kind, catalog) for t in pool.instance_types}
    known = {t: rate.high for t, rate in found.items() if rate is not None}
    missing = tuple(t for t in found if t not in known)
    complete = bool(known) and not missing
    by_price = sorted(
        known if complete else pool.instance_types, key=lambda t: (known.get(t, ZERO), t)
    )
    lowest, highest = by_price[0], by_price[-1]
    rate = known.get if complete else dict[str, Decimal]().get
    return PoolRates(lowest, rate(lowest), highest, rate(highest), missing)


def pool_cost(pool: Pool, where: RegionPlan, catalog: Catalog) -> PoolCost:
    """The cost of a pool's instances."""
    purchase, region = pool.purchase.kind, where.name
    rollout, jobs = added_instances(where, pool)
    day = catalog.prices.day(region, price_list(purchase))
    rates, (least, most) = pool_rates(pool, region, catalog), running(pool)
    amount, complete = rates.monthly((least, most)), rates.rate is not None
    return PoolCost(
        region=region,
        pool=pool.name,
        instance_type=rates.type,
        purchase=purchase,
        rate=rates.rate,
        lowest_type=rates.lowest_type,
        lowest_rate=rates.lowest,
        instances_min=least,
        instances_max=most,
        amount=amount,
        by_model=_by_model(pool, amount) if complete else {},
        rollout=rollout,
        jobs=jobs,
        unknown="" if complete else _why_unknown(pool, region, catalog, list(rates.missing)),
        note=_note(pool, region, catalog),
        source=catalog.prices.source if complete else "",
        date=day.isoformat() if complete and day else "",
    )


def added_instances(region: RegionPlan, pool: Pool) -> tuple[Instances | None, Instances]:
    """Returns the instances that a rollout of all models, and the jobs, add while they last.

    The first is `None` where models on the pool have no devices: ECS places them by CPU and memory.
    """
    here = placed(region, pool)
    least, most = (picture(here, full=full) for full in (False, True))
    jobs = tuple(sum(i.role == "job" for i in seen.instances) for seen in (least, most))
    rollout = None if here.without_devices else (len(least.surge), len(most.surge))
    return rollout, (jobs[0], jobs[1])


def one_more(region: RegionPlan, model: ModelPlan, catalog: Catalog) -> Amount | None:
    """USD an hour of one replica above the minimum: nothing where an instance that runs has room.

    `None` at the maximum, or without a rate. Without devices it can be nothing or an instance.
    """
    pool, service = region.pool(model.pool), model.next_service
    rates = pool_rates(pool, region.name, catalog)
    if service is None or rates.rate is None:
        return None
    devices = service.task_definition.devices
    if not devices:
        return Amount(ZERO, rates.rate)
    taken = [(a.devices, a.tasks_min) for a in pool.layout.assignments]
    tasks = [sum(n for where, n in taken if d in where) for d in devices if devices != "all"]
    alone = devices == "all" or max(tasks) >= pool.layout.instances_min
    return rates.hourly((1, 1)) if alone else NOTHING


def not_included(*plans: Plan) -> Iterator[str]:
    """What is in no cost of these plans."""
    yield NOT_IN_ANY_PRICE
    if any(region.managed_instances for plan in plans for region in plan.regions):
        yield MANAGEMENT_FEE


@dataclass(frozen=True, slots=True)
class StackPrice:
    """What the instances of a plan cost, pool by pool, and what is in no cost."""

    costs: tuple[PoolCost, ...]
    not_included: tuple[str, ...]
    watching: tuple[WatchingCost, ...] = ()  # beside the amount: alarms and dashboards

    @property
    def amount(self) -> Amount:
        """USD a month of all instances."""
        return sum((cost.amount for cost in self.costs), NOTHING)

    def by_region(self) -> Mapping[str, Amount]:
        """USD a month by Region."""
        found: dict[str, Amount] = {}
        for cost in self.costs:
            found[cost.region] = found.get(cost.region, NOTHING) + cost.amount
        return found


def stack_price(plan: Plan, catalog: Catalog) -> StackPrice:
    """Returns the price of a plan."""
    costs = plan_costs(plan, catalog)
    missing = [f"pool {c.pool} in {c.region}: {c.unknown}" for c in costs if c.unknown]
    return StackPrice(costs, (*not_included(plan), *missing), watching_costs(plan, catalog))


# ---- words and JSON --------------------------------------------------------------------------


def dollars(amount: Decimal) -> str:
    """`$1,234`."""
    return f"${amount.quantize(Decimal(1)) + 0:,.0f}"  # never -0


def span(amount: Amount) -> str:
    """`$1,234 to $2,468`."""
    return low_to_high(dollars(amount.minimum), dollars(amount.maximum))


def document(price: StackPrice) -> dict[str, object]:
    """Returns the price as JSON; amounts are decimals as text."""
    return {
        "currency": "USD",
        "hours": HOURS,
        "usd_per_month": amount_document(price.amount),
        "by_region": [
            {"region": region, "usd_per_month": amount_document(amount)}
            for region, amount in price.by_region().items()
        ],
        "pools": [
            {
                "region": cost.region,
                "pool": cost.pool,
                "source": cost.source or None,
                "date": cost.date or None,
                "note": cost.note or None,
                "why_not": cost.unknown or None,
                **cost_document(cost),
            }
            for cost in price.costs
        ],
        "watching": [watching_document(cost) for cost in price.watching],
        "not_included": list(price.not_included),
    }


def cost_document(cost: PoolCost) -> dict[str, object]:
    """Returns what the instances of a pool cost, as JSON."""
    known = cost.rate is not None
    return {
        "instance_type": cost.instance_type,
        "purchase": cost.purchase,
        "usd_per_hour": f"{cost.rate:f}" if known else None,
        "lowest": {"instance_type": cost.lowest_type, "usd_per_hour": f"{cost.lowest_rate:f}"}
        if known
        else None,
        "instances": _span_document((cost.instances_min, cost.instances_max)),
        "usd_per_month": amount_document(cost.amount),
        "by_model": [
            {"model": m if m != FREE else None, "usd_per_month": amount_document(a)}
            for m, a in sorted(cost.by_model.items())
        ],
        "rollout": cost.rollout and _added(cost, cost.rollout),
        "jobs": _added(cost, cost.jobs),
    }


def amount_document(amount: Amount) -> dict[str, str]:
    """Returns an amount as JSON."""
    low, high = (f"{n.quantize(Decimal('0.01')) + 0:.2f}" for n in (amount.minimum, amount.maximum))
    return {"min": low, "max": high}


def _span_document(span: Instances) -> dict[str, int]:
    return {"min": span[0], "max": span[1]}


def _added(cost: PoolCost, added: Instances) -> dict[str, object]:
    hourly = amount_document(cost.hourly(added)) if cost.rate is not None else None
    return {"instances": _span_document(added), "usd_per_hour": hourly}


# ---- parts -----------------------------------------------------------------------------------


def _by_model(pool: Pool, amount: Amount) -> Mapping[str, Amount]:
    devices = pool.layout.devices or 1  # of several types: a task has them all
    totals = [devices * number for number in running(pool)]
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
    if isinstance(pool, AutoScalingPool) and pool.headroom:
        notes.append("headroom keeps one instance idle, which is in the price")
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
