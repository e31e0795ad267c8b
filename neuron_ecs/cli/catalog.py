"""The `catalog` command: shows the tables, or renews those that the AWS API fills."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from catalog.reader import Catalog, load
from catalog.refresh.write import PRICES, QUESTIONS, refresh, refresh_prices
from catalog.tables import DATA_DIRECTORY


def run(argv: Sequence[str]) -> int:
    """The ``catalog`` command: 0 fine, 1 no Region answered a refresh, 2 wrong usage."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    directory = cast(Path, arguments.directory)
    match arguments.action:
        case "show":
            return _show(load(directory), cast(str, arguments.table), as_json=arguments.json)
        case "refresh":
            known = load(directory).places.regions
            regions = cast("list[str]", arguments.regions) or list(known)
            unknown = sorted(set(regions) - set(known))
            if unknown:
                parser.error(f"not in regions.csv: {', '.join(unknown)}")
            only = cast("list[str]", arguments.only) or [*QUESTIONS, PRICES]
            now = datetime.now(UTC)
            codes: list[int] = []
            if asked := [name for name in only if name != PRICES]:
                codes.append(refresh(directory, regions=regions, only=asked, today=now.date()))
            if PRICES in only:
                codes.append(refresh_prices(directory, regions=regions, now=now))
            return max(codes)
        case _:
            return _list(load(directory), as_json=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="neuron-ecs catalog", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--directory", type=Path, default=DATA_DIRECTORY, help=argparse.SUPPRESS)
    actions = parser.add_subparsers(dest="action", metavar="show | refresh")
    show = actions.add_parser("show", help="print one table")
    show.add_argument("table", help="a name from the list, such as neuron_types")
    show.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    renew = actions.add_parser("refresh", help="renew the tables from AWS; needs credentials")
    renew.add_argument("--regions", type=_names(), default=[], help="default: all of regions.csv")
    renew.add_argument(
        "--only", type=_names([*QUESTIONS, PRICES]), default=[], help="types,offerings,amis,prices"
    )
    return parser


def _names(allowed: Collection[str] | None = None) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        found = [name.strip() for name in text.split(",") if name.strip()]
        wrong = [name for name in found if allowed is not None and name not in allowed]
        if wrong or not found:
            choices = ", ".join(allowed or ("names separated by commas",))
            raise argparse.ArgumentTypeError(
                f"{', '.join(wrong) or 'empty'}: choose from {choices}"
            )
        return found

    return names


def _list(catalog: Catalog, *, as_json: bool) -> int:
    tables = catalog.tables()
    if as_json:
        described = [
            {
                "name": table.name,
                "filled_by": table.filled_by,
                "source": table.source,
                "date": table.date.isoformat(),
                "rows": table.rows,
            }
            for table in tables
        ]
        print(json.dumps({"date": catalog.date.isoformat(), "tables": described}, indent=2))
        return 0
    rows = [
        (table.name, table.filled_by, table.date.isoformat(), str(table.rows), table.source)
        for table in tables
    ]
    _print_columns([("table", "filled by", "date", "rows", "source"), *rows])
    return 0


def _show(catalog: Catalog, table: str, *, as_json: bool) -> int:
    try:
        rows = catalog.rows(table)
    except KeyError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    corrections = [row for row in catalog.rows("overrides") if row["table"] == table]
    if as_json:
        print(
            json.dumps(
                {
                    "table": table,
                    "rows": [dict(row) for row in rows],
                    "overrides": [dict(row) for row in corrections],
                },
                indent=2,
            )
        )
        return 0
    if rows:
        _print_columns([tuple(rows[0]), *(tuple(row.values()) for row in rows)])
    for row in corrections:
        print(f"corrected: {row['key']} {row['column']} = {row['value']} ({row['reason']})")
    return 0


def _print_columns(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
