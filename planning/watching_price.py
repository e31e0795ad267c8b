"""What alarms, dashboards and daemons cost: USD a month, beside the price of the instances."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import cast

from catalog import Catalog
from planning.alarms import Alarm, Math
from planning.plan import Plan


@dataclass(frozen=True, slots=True)
class WatchingCost:
    """What watching a Region costs. An alarm is paid by the metrics that it reads.

    Without prices of the partition the rates are `None`. Health checks are those of Route 53; the
    first ones of an account may be free.
    """

    region: str
    alarm_metrics: int
    dashboards: int
    custom_metrics: int  # of daemons, and of sidecars that measure servers
    health_checks: int
    alarm_rate: Decimal | None  # USD a month of a metric in an alarm
    dashboard_rate: Decimal | None  # USD a month
    metric_rate: Decimal | None  # USD a month
    health_check_rate: Decimal | None  # USD a month
    date: str  # of the rates, as YYYY-MM-DD
    log_gib: Decimal = Decimal(0)  # that both write in a month, with the most replicas: about
    log_rate: Decimal | None = None  # USD a GiB

    @property
    def amount(self) -> Decimal | None:
        """USD a month; `None` if not known."""
        paid = (
            (self.alarm_metrics, self.alarm_rate),
            (self.dashboards, self.dashboard_rate),
            (self.custom_metrics, self.metric_rate),
            (self.health_checks, self.health_check_rate),
        )
        if any(rate is None for _, rate in paid) or (self.log_gib and self.log_rate is None):
            return None
        logs = (self.log_gib, self.log_rate)
        return sum((number * rate for number, rate in (*paid, logs) if rate), Decimal(0))


def watching_costs(plan: Plan, catalog: Catalog) -> tuple[WatchingCost, ...]:
    """Returns the cost of each Region that has an alarm, a dashboard or custom metrics."""
    found: list[WatchingCost] = []
    for region in plan.regions:
        alarms = tuple(_alarms(region))
        metrics = sum(_metrics(alarm) for alarm in alarms)
        servers = [m.server_metrics for m in region.models if m.server_metrics]
        if metrics or region.dashboard or region.daemons or servers:
            mib = sum(one.log_mib for one in (*region.daemons, *servers))
            cost = WatchingCost(
                region=region.name,
                alarm_metrics=metrics,
                dashboards=1 if region.dashboard else 0,
                custom_metrics=sum(len(one.all) for one in servers)
                + sum(daemon.metrics for daemon in region.daemons),
                health_checks=sum(len(model.names_everywhere) for model in region.models),
                alarm_rate=catalog.prices.watching("alarm_metric", region.partition),
                dashboard_rate=catalog.prices.watching("dashboard", region.partition),
                metric_rate=catalog.prices.watching("custom_metric", region.partition),
                health_check_rate=catalog.prices.watching("health_check", region.partition),
                date=catalog.dated("watching_prices").isoformat(),
                log_gib=(Decimal(mib) / 1024).quantize(Decimal("0.1")),
                log_rate=catalog.prices.watching("log_gib", region.partition),
            )
            found.append(cost)
    return tuple(found)


def document(cost: WatchingCost) -> dict[str, object]:
    """Returns the cost of a Region as JSON; amounts are decimals as text."""
    return {
        "region": cost.region,
        "alarm_metrics": cost.alarm_metrics,
        "dashboards": cost.dashboards,
        "custom_metrics": cost.custom_metrics,
        "health_checks": cost.health_checks,
        "log_gib": f"{cost.log_gib}",
        "usd_per_month": None if cost.amount is None else f"{cost.amount:.2f}",
        "date": cost.date,
    }


def _metrics(alarm: Alarm) -> int:
    return len(alarm.measured.queries) if isinstance(alarm.measured, Math) else 1


def _alarms(value: object) -> Iterator[Alarm]:
    """Every alarm in a part of the plan, wherever it stands."""
    if isinstance(value, Alarm):
        yield value
    elif isinstance(value, tuple):
        for member in cast("tuple[object, ...]", value):
            yield from _alarms(member)
    else:
        for name in _fields(type(value)):
            yield from _alarms(getattr(value, name))


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
