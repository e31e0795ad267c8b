"""The `catalog` command: shows the tables, or renews those that the AWS API fills."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.reader import load
from catalog.refresh.tags import TAGS, list_newer
from catalog.refresh.write import PRICES, QUESTIONS, refresh, refresh_prices
from catalog.tables import DATA_DIRECTORY
from neuron_ecs.arguments.options import option, positional
from neuron_ecs.arguments.parser import Common, Parser, actions
from neuron_ecs.terminal import FINE, UsageError, progress, table

_EPILOG = """\
examples:
  neuron-ecs catalog
  neuron-ecs catalog show neuron_types
  neuron-ecs catalog refresh --only prices --regions us-west-2

exit codes: 0 fine; 1 no Region answered a refresh, or a repository did not; 2 wrong usage."""


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


@dataclass(frozen=True, kw_only=True)
class Tables(Common):
    """The arguments of `catalog`."""

    directory_of_tables: Path
    json: bool


@dataclass(frozen=True, kw_only=True)
class Show(Tables):
    """The arguments of `catalog show`."""

    table: str = positional(help="a name from the list, such as neuron_types")


@dataclass(frozen=True, kw_only=True)
class Refresh(Tables):
    """The arguments of `catalog refresh`."""

    regions: list[str] = option(type=_names(), default=[], help="default: all of regions.csv")
    only: list[str] = option(
        type=_names([*QUESTIONS, PRICES, TAGS]),
        default=[],
        help="types,offerings,amis,prices,tags",
    )


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `catalog` and their arguments."""
    parser.add_argument(
        "--directory",
        dest="directory_of_tables",
        type=Path,
        default=DATA_DIRECTORY,
        help=argparse.SUPPRESS,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.calls(Tables, _list, _EPILOG)
    add = actions(parser, is_required=False)
    show = add("show", "prints one table")
    show.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    show.calls(Show, _show, _EPILOG)
    renew = add("refresh", "renews the tables from AWS; needs credentials")
    renew.calls(Refresh, _refresh, _EPILOG)


def _refresh(arguments: Refresh) -> int:
    """Renews the tables. Returns 1 where no Region answered, or a repository did not. Raises
    `UsageError`."""
    directory = arguments.directory_of_tables
    known = load(directory).places.regions
    regions = arguments.regions or list(known)
    if unknown := sorted(set(regions) - set(known)):
        raise UsageError(f"not in regions.csv: {', '.join(unknown)}")
    only = arguments.only or [*QUESTIONS, PRICES, TAGS]
    now = datetime.now(UTC)
    codes: list[int] = []
    with progress(f"asking AWS in {len(regions)} Regions"):
        if asked := [name for name in only if name in QUESTIONS]:
            codes.append(refresh(directory, regions=regions, only=asked, today=now.date()))
        if PRICES in only:
            codes.append(refresh_prices(directory, regions=regions, now=now))
        if TAGS in only:
            codes.append(list_newer(directory))
    return max(codes)


def _list(arguments: Tables) -> int:
    catalog = load(arguments.directory_of_tables)
    tables = catalog.tables()
    if arguments.json:
        described = [
            {
                "name": one.name,
                "filled_by": one.filled_by,
                "source": one.source,
                "date": one.date.isoformat(),
                "rows": one.rows,
            }
            for one in tables
        ]
        document = {"date": catalog.date.isoformat(), "tables": described}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return FINE
    head = ("table", "filled by", "date", "rows", "source")
    rows = [(t.name, t.filled_by, t.date.isoformat(), str(t.rows), t.source) for t in tables]
    sys.stdout.writelines(f"{line}\n" for line in table([head, *rows]))
    return FINE


def _show(arguments: Show) -> int:
    """Writes a table and its corrections. Raises `UsageError` if there is no such table."""
    catalog = load(arguments.directory_of_tables)
    try:
        rows = catalog.rows(arguments.table)
    except KeyError as error:
        raise UsageError(error.args[0]) from None
    corrections = [row for row in catalog.rows("overrides") if row["table"] == arguments.table]
    if arguments.json:
        document = {
            "table": arguments.table,
            "rows": [dict(row) for row in rows],
            "overrides": [dict(row) for row in corrections],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return FINE
    if rows:
        whole = [tuple(rows[0]), *(tuple(row.values()) for row in rows)]
        sys.stdout.writelines(f"{line}\n" for line in table(whole))
    for row in corrections:
        said = f"{row['key']} {row['column']} = {row['value']} ({row['reason']})"
        sys.stdout.write(f"corrected: {said}\n")
    return FINE
