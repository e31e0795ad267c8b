"""Regions, their Availability Zones, and which instance types are offered there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from types import MappingProxyType

from catalog.instances import generation
from catalog.tables import Tables
from catalog.types import Region


class Places:
    """Regions, zone ids and offerings."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @cached_property
    def regions(self) -> Mapping[str, Region]:
        """Every Region of the tables, by name."""
        return MappingProxyType({r.name: r for r in self._tables.typed("regions", Region)})

    def zone_ids(self, region: str) -> tuple[str, ...]:
        """Every zone id of the Region that offers any instance type, sorted."""
        return self._zone_ids.get(region, ())

    def is_zone(self, zone_id: str, region: str) -> bool:
        """Whether the text has the form of a zone id of the Region, also of a Local Zone.

        Such as usw2-az1, usw2-lax1-az1, usw2-wl1-las-wlz1.
        Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
        """
        short = re.escape(self.regions[region].short)
        return bool(re.fullmatch(rf"{short}-([a-z0-9]+-)*(az|wlz)\d+", zone_id))

    def zones_offering(self, instance_type: str, region: str) -> tuple[str, ...]:
        """The zone ids of the Region that offer the type, sorted; empty if none is known."""
        by_region, _ = self._offerings
        return tuple(by_region.get(region, {}).get(instance_type, "").split())

    def types_offered(self, region: str) -> tuple[str, ...]:
        """The instance types that the Region offers in at least one zone, sorted."""
        by_region, _ = self._offerings
        return tuple(sorted(by_region.get(region, {})))

    def regions_offering(self, instance_type: str) -> tuple[str, ...]:
        """The Regions that offer the type in at least one zone, sorted."""
        _, by_type = self._offerings
        return tuple(by_type.get(instance_type, ()))

    def offerings_known(self, region: str) -> bool:
        """Whether the offerings of the Region were captured; if not, they are unknown."""
        return region in self._captured

    def captured_on(self, region: str) -> date | None:
        """The day on which the Region's offerings were captured; None if they never were."""
        return self._captured.get(region)

    def newer_there(self, instance_type: str, region: str) -> bool:
        """Whether the type is of a later generation than all that the Region's capture knows.

        AWS brings new generations to a Region after the first Regions have them: trn2 where there
        was trn1 or no trn, c8g where there was c7i.
        """
        series, number = generation(instance_type)
        return number > self._generations.get(region, {}).get(series, 0)

    def capacity_block_regions(self, instance_type: str) -> tuple[str, ...]:
        """The Regions in which EC2 sells Capacity Blocks of the type, sorted."""
        return self._capacity_blocks.get(instance_type, ())

    @cached_property
    def _offerings(self) -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, list[str]]]:
        # Zone ids stay one string until they are needed: the table is large.
        by_region: dict[str, dict[str, str]] = {}
        by_type: dict[str, list[str]] = {}
        for name, region, zones in self._tables.offerings():
            if region in by_region:
                by_region[region][name] = zones
            else:
                by_region[region] = {name: zones}
            if name in by_type:
                by_type[name].append(region)
            else:
                by_type[name] = [region]
        return by_region, by_type

    @cached_property
    def _zone_ids(self) -> Mapping[str, tuple[str, ...]]:
        return {
            region: tuple(sorted({zone for cell in set(types.values()) for zone in cell.split()}))
            for region, types in self._offerings[0].items()
        }

    @cached_property
    def _captured(self) -> Mapping[str, date]:
        rows = self._tables.rows("captures")
        return {row["region"]: row.day("date") for row in rows if row["table"] == "offerings"}

    @cached_property
    def _generations(self) -> Mapping[str, Mapping[str, int]]:
        newest: dict[str, dict[str, int]] = {}
        for region, types in self._offerings[0].items():
            here = newest[region] = {}
            for family in {name.partition(".")[0] for name in types}:
                series, number = generation(family)
                here[series] = max(number, here.get(series, 0))
        return newest

    @cached_property
    def _capacity_blocks(self) -> Mapping[str, tuple[str, ...]]:
        regions: dict[str, list[str]] = {}
        for row in self._tables.rows("capacity_blocks"):
            regions.setdefault(row["instance_type"], []).append(row["region"])
        return {name: tuple(sorted(names)) for name, names in regions.items()}
