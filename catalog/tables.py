"""Reads the CSV files of a catalog directory as rows of text, and as typed rows.

A table is a CSV file; ``tables.csv`` (the manifest) names every one with its source and date.
``overrides.csv`` corrects single cells of other tables.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar, get_args, get_type_hints

from catalog.types import TableInfo, Version

DATA_DIRECTORY: Final = Path(__file__).parent / "data"
"""The directory of the shipped tables."""

MANIFEST: Final = "tables"
"""The table that names all others; it does not name itself."""

_T = TypeVar("_T")


class CatalogError(ValueError):
    """A table cannot be read: a column is missing or a cell does not parse."""


class Row(dict[str, str]):
    """One row of a table: text by column, with conversions that name the table when they fail."""

    def __init__(self, table: str, header: list[str], cells: list[str]) -> None:
        super().__init__(zip(header, cells, strict=True))
        self._table = table

    def __missing__(self, column: str) -> str:
        raise CatalogError(f"{self._table}.csv has no column {column}")

    def text(self, column: str) -> str:
        """The text of the cell."""
        return self[column]

    def integer(self, column: str) -> int:
        """The cell as a whole number."""
        try:
            return int(self[column])
        except ValueError as error:
            raise self._wrong(column, "a whole number", error) from None

    def number(self, column: str) -> Decimal:
        """The cell as a decimal number."""
        try:
            return Decimal(self[column])
        except InvalidOperation as error:
            raise self._wrong(column, "a number", error) from None

    def day(self, column: str) -> date:
        """The cell as a date in ISO 8601."""
        try:
            return date.fromisoformat(self[column])
        except ValueError as error:
            raise self._wrong(column, "a date like 2026-01-31", error) from None

    def version(self, column: str) -> Version:
        """The cell as a version: numbers between dots."""
        try:
            return tuple(int(part) for part in self[column].split("."))
        except ValueError as error:
            raise self._wrong(column, "a version like 2.31", error) from None

    def words(self, column: str) -> tuple[str, ...]:
        """The words of the cell, separated by spaces."""
        return tuple(self[column].split())

    def flag(self, column: str) -> bool:
        """Whether the cell is ``yes``."""
        return self[column] == "yes"

    def _wrong(self, column: str, expected: str, error: Exception) -> CatalogError:
        if isinstance(error, CatalogError):
            return error
        columns = list(self)
        before = columns[: columns.index(column)][:3] or columns[:1]
        key = " ".join(self[c] for c in before if self[c])
        return CatalogError(
            f"{self._table}.csv: {column} of {key} is {self[column]!r}, not {expected}"
        )


_READERS: Final[Mapping[object, Callable[[Row, str], object]]] = {
    str: Row.text,
    int: Row.integer,
    bool: Row.flag,
    date: Row.day,
    Version: Row.version,
    tuple[str, ...]: Row.words,
}
"""How a cell becomes the value of a field, by the field's type."""


class Tables:
    """The CSV files of one directory, read when they are needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._kept: dict[str, tuple[Row, ...]] = {}

    def rows(self, table: str) -> list[Row]:
        """The rows of a table, overrides not applied. Raises CatalogError for a ragged file."""
        records = self._records(table)
        header = next(records)
        rows: list[Row] = []
        for number, record in enumerate(records, start=2):
            if len(record) != len(header):
                raise CatalogError(
                    f"{table}.csv line {number}: {len(record)} cells under {len(header)} columns"
                )
            rows.append(Row(table, header, record))
        return rows

    def kept(self, table: str) -> tuple[Row, ...]:
        """The rows of a small table that is asked again and again: it is read once."""
        if table not in self._kept:
            self._kept[table] = tuple(self.rows(table))
        return self._kept[table]

    def corrected_rows(self, table: str) -> list[Row]:
        """The rows of a table whose key is ``name``, overrides applied."""
        rows = self.rows(table)
        by_key = {row["name"]: row for row in rows}
        for override in self._overrides:
            row = by_key.get(override["key"])
            if override["table"] != table or row is None:
                continue  # A refresh reports overrides of types that no longer exist.
            if override["column"] not in row:
                raise CatalogError(
                    f"overrides.csv corrects {override['column']} of {override['key']}, a column"
                    f" that {table}.csv does not have"
                )
            row[override["column"]] = override["value"]
        return rows

    def typed(self, table: str, row_type: Callable[..., _T]) -> tuple[_T, ...]:
        """The rows of a table as ``row_type``, a dataclass with a column for each of its fields.

        The types of the fields decide how cells are parsed; an empty cell is None if the field's
        type permits it.
        """
        readers = {name: _reader(hint) for name, hint in get_type_hints(row_type).items()}
        return tuple(
            row_type(**{name: read(row, name) for name, read in readers.items()})
            for row in self.rows(table)
        )

    def offerings(self) -> Iterator[tuple[str, str, str]]:
        """Instance type, Region and zone ids (one text) of every row of ``offerings.csv``.

        By far the largest table. Its cells contain no comma or quote, so it is split without a CSV
        reader.
        """
        text = (self.directory / "offerings.csv").read_text(encoding="utf-8")
        lines = text.splitlines()
        if not lines or lines[0] != "instance_type,region,zone_ids":
            raise CatalogError("offerings.csv: the header is not instance_type,region,zone_ids")
        try:
            for line in lines[1:]:
                name, region, zones = line.split(",")
                yield name, region, zones
        except ValueError:
            raise CatalogError("offerings.csv: a line does not have three cells") from None

    @cached_property
    def manifest(self) -> tuple[Row, ...]:
        """The rows of the manifest."""
        return tuple(self.rows(MANIFEST))

    def described(self) -> tuple[TableInfo, ...]:
        """Every table with its source, date and number of rows; counting reads all of them."""
        return tuple(
            TableInfo(
                name=row["table"],
                filled_by=row["filled_by"],
                source=row["source"],
                date=row.day("date"),
                rows=sum(1 for _ in self._records(row["table"])) - 1,
            )
            for row in self.manifest
        )

    def shown(self, table: str) -> tuple[Mapping[str, str], ...]:
        """The rows of a table of the manifest, read-only.

        Raises KeyError, naming the nearest tables, when the manifest does not name the table.
        """
        names = [MANIFEST, *(row["table"] for row in self.manifest)]
        if table not in names:
            near = difflib.get_close_matches(table, names, n=3, cutoff=0.4)
            raise KeyError(f"no table {table!r}; nearest: {', '.join(near) or 'none'}")
        return tuple(MappingProxyType(row) for row in self.rows(table))

    @cached_property
    def _overrides(self) -> tuple[Row, ...]:
        return tuple(self.rows("overrides"))

    def _records(self, table: str) -> Iterator[list[str]]:
        path = self.directory / f"{table}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file)


def _reader(hint: object) -> Callable[[Row, str], object]:
    if hint in _READERS:
        return _READERS[hint]
    read = next(_READERS[part] for part in get_args(hint) if part is not type(None))
    return lambda row, column: read(row, column) if row[column] else None
