"""The price of a stack as `plan`, `preview` and `map` print it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from messages.phrases import counted, listed, low_to_high
from neuron_ecs.terminal import joined, table, wrapped
from planning.price import HOURS, NOTHING, PoolCost, StackPrice, span
from planning.watching_price import WatchingCost

_HEAD = ("Region", "pool", "instances", "a month", "idle chips", "rollout", "jobs")


def render(price: StackPrice, *, width: int) -> Iterator[str]:
    """The lines of the price: a pool each, Regions, the sum, and what is in none of them."""
    costs = price.costs
    if not costs:
        return
    head = f"Price, USD a month of {HOURS} hours, at minimum to maximum replicas"
    if any(any(cost.rollout or ()) or any(cost.jobs) for cost in costs):
        head += "; an hour, what a rollout of all models and the jobs add while they last"
    yield from wrapped(head, width)
    yield from table([_HEAD, *_rows(price)], indent="  ", width=width)
    rates: dict[tuple[str, str], list[str]] = {}
    notes: dict[tuple[str, str], list[str]] = {}
    for cost in costs:
        if not cost.unknown:
            rates.setdefault((cost.rates, cost.date), []).append(cost.region)
        if cost.note:
            notes.setdefault((cost.pool, cost.note), []).append(cost.region)
    for (rate, date), regions in rates.items():
        where = listed(list(dict.fromkeys(regions)), most=6)
        yield from _line(f"rate: {rate} in {where}, as of {date}", width)
    for (pool, note), regions in notes.items():
        yield from _line(f"{pool} in {listed(regions, most=6)}: {note}", width)
    for text in _watching(price):
        yield from _line(text, width)
    yield from _line(f"not included: {'; '.join(price.not_included)}", width)


def _watching(price: StackPrice) -> Iterator[str]:
    """What alarms, dashboards and daemons add, Regions with the same cost together."""
    regions: dict[WatchingCost, list[str]] = {}
    for cost in price.watching:
        regions.setdefault(replace(cost, region=""), []).append(cost.region)
    for cost, where in regions.items():
        metrics, checks, custom = cost.alarm_metrics, cost.health_checks, cost.custom_metrics
        words = [f"{counted(metrics, 'metric')} in alarms"] if metrics else []
        words += ["a dashboard"] if cost.dashboards else []
        words += [counted(custom, "custom metric")] if custom else []
        words += [f"about {cost.log_gib} GiB of logs"] if cost.log_gib else []
        words += [f"{counted(checks, 'health check')} of Route 53"] if checks else []
        money = "unknown"
        if cost.amount is not None:
            money = f"+${cost.amount:.2f} a month, as of {cost.date}"
        each = " each" if len(where) > 1 else ""
        yield f"{listed(words)} in {listed(where, most=6)}: {money}{each}"


def _line(text: str, width: int) -> Iterator[str]:
    yield from wrapped(text, width, "  ", "    ")


def _rows(price: StackPrice) -> Iterator[tuple[str, ...]]:
    pools = Counter(cost.region for cost in price.costs)
    for region, amount in price.by_region().items():
        yield from (_row(cost) for cost in price.costs if cost.region == region)
        if len(pools) > 1 and pools[region] > 1:
            yield region, "all", "", joined(span(amount)), "", "", ""
    if len(price.costs) > 1:
        idle = sum((cost.idle for cost in price.costs), NOTHING)
        name = "all that is priced" if any(cost.unknown for cost in price.costs) else "all"
        yield name, "", "", joined(span(price.amount)), joined(span(idle)), "", ""


def _row(cost: PoolCost) -> tuple[str, ...]:
    size = low_to_high(cost.instances_min, cost.instances_max)
    types = cost.lowest_type
    if cost.instance_type != types:
        types += f" to {cost.instance_type}"
    month, idle = ("unknown", "") if cost.unknown else (span(cost.amount), span(cost.idle))
    return (
        cost.region,
        cost.pool,
        f"{joined(str(size))} {types}",
        joined(month),
        joined(idle),
        _added(cost, cost.rollout),
        _added(cost, cost.jobs),
    )


def _added(cost: PoolCost, added: tuple[int, int] | None) -> str:
    """`+$0.76`: USD an hour of the instances that are added; their number without a price."""
    if added is None:
        return "unknown"
    if not any(added):
        return "-"
    hourly = cost.hourly(added)
    low, high = (f"+${amount:,.2f}" for amount in (hourly.minimum, hourly.maximum))
    return joined(
        low_to_high(*(f"+{n}" for n in added)) if cost.unknown else low_to_high(low, high)
    )
