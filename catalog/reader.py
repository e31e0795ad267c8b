"""The catalog: what AWS offers, as frozen rows in groups by subject.

Nothing is read at import; each table is read once, at its first use. The catalog never reads the
network, the clock or the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache, cached_property
from pathlib import Path

from catalog.amis import Amis
from catalog.containers import Containers
from catalog.instances import Instances
from catalog.limits import Limits
from catalog.networks import Networks
from catalog.neuron import Neuron
from catalog.places import Places
from catalog.prices import Prices
from catalog.resources import Resources
from catalog.serving import Serving
from catalog.tables import DATA_DIRECTORY, Tables
from catalog.types import TableInfo


class Catalog:
    """The tables of one directory, in groups. Results are sorted and immutable."""

    def __init__(self, directory: Path) -> None:
        self._tables = Tables(directory)

    def __repr__(self) -> str:
        return f"Catalog({str(self._tables.directory)!r})"

    @cached_property
    def instances(self) -> Instances:
        """Instance types and their Neuron hardware."""
        return Instances(self._tables)

    @cached_property
    def places(self) -> Places:
        """Regions, zones and offerings."""
        return Places(self._tables)

    @cached_property
    def prices(self) -> Prices:
        """Prices of instances."""
        return Prices(self._tables)

    @cached_property
    def amis(self) -> Amis:
        """ECS-optimized AMIs."""
        return Amis(self._tables)

    @cached_property
    def neuron(self) -> Neuron:
        """Neuron SDK releases, drivers, device sets and degrees of tensor parallelism."""
        return Neuron(self._tables, self.instances)

    @cached_property
    def containers(self) -> Containers:
        """Container images, servers and settings of containers."""
        return Containers(self._tables)

    @cached_property
    def serving(self) -> Serving:
        """Language models and the images that serve them."""
        return Serving(self._tables)

    @cached_property
    def networks(self) -> Networks:
        """Endpoints, address blocks and reserved ports."""
        return Networks(self._tables)

    @cached_property
    def limits(self) -> Limits:
        """Limits and closed lists of values."""
        return Limits(self._tables)

    @cached_property
    def resources(self) -> Resources:
        """Replaced properties and managed policies."""
        return Resources(self._tables)

    @cached_property
    def date(self) -> date:
        """The newest date of a table that was filled from the AWS API."""
        rows = self._tables.manifest
        return max(row.day("date") for row in rows if row["filled_by"] == "api")

    def dated(self, table: str) -> date:
        """The day to which a table of the manifest is true."""
        return self._dates[table]

    @cached_property
    def _dates(self) -> Mapping[str, date]:
        return {row["table"]: row.day("date") for row in self._tables.manifest}

    def tables(self) -> tuple[TableInfo, ...]:
        """Every table with its source, date and number of rows; counting reads all of them."""
        return self._tables.described()

    def rows(self, table: str) -> tuple[Mapping[str, str], ...]:
        """The raw rows of a table without overrides, for display.

        Raises KeyError, naming the nearest tables, when the manifest does not name the table.
        """
        return self._tables.shown(table)


@cache
def _shipped() -> Catalog:
    return Catalog(DATA_DIRECTORY)


def load(directory: Path | None = None) -> Catalog:
    """The catalog of a directory of tables; the shipped one, read at most once, by default."""
    return _shipped() if directory is None else Catalog(directory)
