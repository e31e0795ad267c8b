"""A finding that a table of the catalog decides names the table's date, for AWS goes on.

Each rule judges its two fixtures again with one table emptied. If its findings differ, the table
decides, and the finding of the failing fixture must name the date of such a table.
"""

import copy
from collections.abc import Iterator
from functools import cache

import pytest

from catalog import Catalog, load
from catalog.tables import DATA_DIRECTORY, Tables
from planning.rules import Rule
from planning.situation import Situation
from tests.planning.fixtures import Fixture
from tests.planning.stacks import findings_of, situation_of
from tests.planning.test_rules import EACH

# The hardware of a type that a table has. EC2 does not change it, so its day decides nothing.
HARDWARE = {"device_sets", "instance_types", "neuron_families", "neuron_topologies", "neuron_types"}
UNIT = "cpu_units_per_vcpu"
HOUSE = "house choice, not an AWS figure"
# What a Region is (its partition, its zones' prefix) never changes; what AWS offers there does.
OTHERWISE = {
    "neuron_ami": {"documented": "missing", "undocumented": "documented", "missing": "documented"},
    "managed_instances": {"yes": "no", "no": "yes"},
}
# Corrections of single cells and effects of changed properties: no rule reads them by themselves.
INDIRECT = {"overrides", "replacements", "own_networks"}
TABLES = [t.name for t in load().tables() if t.name not in HARDWARE | INDIRECT]


class Without(Tables):
    """The shipped tables, one of them without its facts about AWS."""

    def __init__(self, emptied: str) -> None:
        super().__init__(DATA_DIRECTORY)
        self.emptied = emptied

    def _records(self, table: str) -> Iterator[list[str]]:
        records = super()._records(table)
        if table != self.emptied:
            yield from records
            return
        header = next(records)
        yield header
        for row in records:
            if table == "regions":
                yield [OTHERWISE.get(c, {}).get(v, v) for c, v in zip(header, row, strict=True)]
            elif row[0] == UNIT or any(HOUSE in cell for cell in row):
                yield row

    def offerings(self) -> Iterator[tuple[str, str, str]]:
        return iter(()) if self.emptied == "offerings" else super().offerings()


class Altered(Catalog):
    """The shipped catalog, one table emptied."""

    def __init__(self, emptied: str) -> None:
        super().__init__(DATA_DIRECTORY)
        self._tables = Without(emptied)


@cache
def altered() -> dict[str, Catalog]:
    return {table: Altered(table) for table in TABLES}


def judged(rule: Rule, situation: Situation) -> object:
    """What the rule says of a situation without its fixes, or the error that it raises."""
    try:
        return sorted((report.path, report.what) for report in rule.check(situation))
    except KeyError as error:
        return str(error)


def deciding(rule: Rule, fixture: Fixture) -> set[str]:
    """The tables without which the rule judges one of the two stacks otherwise."""
    found: set[str] = set()
    for config in (fixture.failing, fixture.passing):
        real = situation_of(config)
        assert real.work is not None, "pools and workloads follow from the whole catalog"
        usual = judged(rule, real)
        for table, catalog in altered().items():
            other = copy.copy(real)
            other.catalog = catalog
            if judged(rule, other) != usual:
                found.add(table)
    return found


def days(table: str) -> set[str]:
    """The days that a finding may name for a table: its own, or that of a Region's capture."""
    captures = {"offerings": "captures", "ami_versions": "captures", "prices": "price_captures"}
    found = {str(load().dated(table))}
    for owner, rows in captures.items():
        if table in (owner, rows):
            found |= {row["date"] for row in load().rows(rows) if row.get("table", owner) == owner}
    return found


@pytest.mark.parametrize(("rule", "fixture"), EACH)
def test_a_finding_names_the_date_of_a_table_that_decides(rule: Rule, fixture: Fixture) -> None:
    tables = deciding(rule, fixture)
    for finding in findings_of(fixture.failing):
        if finding.code == rule.code and tables:
            text = f"{finding.what} {finding.why}"
            assert any(day in text for table in tables for day in days(table)), (
                f"{rule.code} judges by {sorted(tables)}, and AWS may have changed since the table "
                f"was made: add table={sorted(tables)[0]!r} to its @rule, or write the date"
            )
