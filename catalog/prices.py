"""Prices of instances, on demand and Spot. No plan depends on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Final

from catalog.tables import Tables

ON_DEMAND: Final = "on_demand"
SPOT: Final = "spot"
"""The purchase options of ``prices.csv``: those that have a price."""


class Prices:
    """USD an hour of a Linux instance, by instance type, Region and purchase option."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def on_demand(self, instance_type: str, region: str) -> Decimal | None:
        """USD an hour of an on-demand Linux instance, the same in every zone of the Region.

        None if the price list has none or the Region was not captured (see ``known``).
        """
        return self._prices.get((instance_type, region, ON_DEMAND), {}).get("")

    def spot(self, instance_type: str, region: str) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest Spot price over the Region's zones, USD an hour.

        A snapshot: Spot prices change by large factors. None if no price was captured.
        """
        zones = self._prices.get((instance_type, region, SPOT), {})
        return (min(zones.values()), max(zones.values())) if zones else None

    def known(self, region: str, purchase: str) -> bool:
        """Whether prices were captured; if so, a type without a price is not sold that way."""
        return (region, purchase) in self._days

    def day(self, region: str, purchase: str) -> date | None:
        """The day of the Region's prices; None if they were not captured."""
        return self._days.get((region, purchase))

    def watching(self, item: str, partition: str) -> Decimal | None:
        """USD a month of an item of CloudWatch: `alarm_metric`, `custom_metric`, `dashboard` or
        `log_gib`, which is of data that is written.

        Without AWS's free tier, which is of an account. None for a partition without prices here.
        """
        return self._watching.get((item, partition))

    @cached_property
    def _watching(self) -> Mapping[tuple[str, str], Decimal]:
        rows = self._tables.rows("watching_prices")
        return {(r["item"], r["partition"]): r.number("usd_per_month") for r in rows}

    @cached_property
    def source(self) -> str:
        """The source of the prices, from the manifest."""
        return next(row["source"] for row in self._tables.manifest if row["table"] == "prices")

    @cached_property
    def _prices(self) -> Mapping[tuple[str, str, str], Mapping[str, Decimal]]:
        found: dict[tuple[str, str, str], dict[str, Decimal]] = {}
        for row in self._tables.rows("prices"):
            key = (row["instance_type"], row["region"], row["purchase"])
            found.setdefault(key, {})[row["zone_id"]] = row.number("usd_per_hour")
        return found

    @cached_property
    def _days(self) -> Mapping[tuple[str, str], date]:
        return {
            (row["region"], row["purchase"]): row.day("date")
            for row in self._tables.rows("price_captures")
        }
