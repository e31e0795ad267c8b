"""Renews the tables that the AWS API fills, and the tables of prices.

Tables kept by hand are never written. A Region that refuses keeps its old rows.
"""

from __future__ import annotations

import csv
import io
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from catalog.reader import Catalog, load
from catalog.refresh.ask_aws import Ask, AskPrices, RegionRefusedError, ask_aws, ask_prices
from catalog.refresh.rows import (
    ApiTables,
    DeviceKind,
    PriceAnswer,
    PriceTables,
    RegionAnswers,
    api_tables,
    api_texts,
    device_set_rows,
    price_tables,
    price_texts,
    renewed,
    renewed_prices,
    table_text,
)
from catalog.tables import MANIFEST

API_CALLS: Final[Mapping[str, str]] = {
    "ami_versions": "Systems Manager GetParametersByPath under the paths of ami_families.csv",
    "captures": "the Regions that answered DescribeInstanceTypeOfferings and GetParametersByPath",
    "instance_types": "EC2 DescribeInstanceTypes",
    "neuron_types": "EC2 DescribeInstanceTypes",
    "offerings": "EC2 DescribeInstanceTypeOfferings by availability-zone-id",
}
"""Which API call fills each table."""

QUESTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "types": ("instance_types", "neuron_types"),
    "offerings": ("offerings", "captures"),
    "amis": ("ami_versions", "captures"),
}
"""What ``--only`` may name, and the tables that it renews."""

PRICES: Final = "prices"
"""What ``--only`` names to renew what instances cost; no plan depends on it."""

PRICE_CALLS: Final[Mapping[str, str]] = {
    "price_captures": "the Regions that answered for prices.csv, and when",
    "prices": "Price List GetProducts (Linux, shared tenancy, on demand) and EC2"
    " DescribeSpotPriceHistory (Linux/UNIX)",
}
"""Which API call fills each table of prices."""

DERIVED: Final[Mapping[str, str]] = {
    "device_sets": "the rules of https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/"
    "infrastructure/scheduler.html applied to neuron_topologies.csv and neuron_types.csv",
}

_SHOWN_CHANGES: Final = 8


@dataclass(frozen=True, slots=True)
class KeptByHand:
    """The values of the manual tables that a refresh needs."""

    neuron_names: frozenset[str]
    parameter_paths: tuple[str, ...]
    plain_paths: tuple[str, ...]


def kept_by_hand(directory: Path) -> KeptByHand:
    """Reads the Neuron types and AMI parameters of a directory's manual tables."""
    neuron = _records(_text(directory, "neuron_topologies"))
    amis = _records(_text(directory, "ami_families"))
    return KeptByHand(
        neuron_names=frozenset(row["name"] for row in neuron),
        parameter_paths=tuple(row["parameter_path"] for row in amis),
        plain_paths=tuple(row["parameter_path"] for row in amis if row["variant"] == "plain"),
    )


def refresh(
    directory: Path,
    *,
    regions: Sequence[str],
    only: Collection[str] = tuple(QUESTIONS),
    today: date,
    ask: Ask | None = None,
) -> int:
    """Ask AWS in these Regions and write the tables of the directory anew; print what changed.

    A Region that refuses is reported and keeps its rows. ``today`` dates the renewed tables.
    Returns 1, and writes nothing, when no Region answered.
    """
    hand = kept_by_hand(directory)
    questions = [name for name in QUESTIONS if name in only]
    asking = ask or ask_aws()
    answers: list[RegionAnswers] = []
    for region in sorted(set(regions)):
        try:
            answered = asking(region, questions, hand.parameter_paths)
            if answered.offerings is not None and not answered.offerings:
                # Every Region offers something: an empty answer is no reason to forget it all.
                raise RegionRefusedError("it answered without a single offering")
            answers.append(answered)
        except RegionRefusedError as refusal:
            print(f"{region}: kept as it was, {refusal}", file=sys.stderr)
    if not answers:
        print("no Region answered: nothing was changed", file=sys.stderr)
        return 1
    old = api_tables({table: _text(directory, table) for table in API_CALLS})
    tables = renewed(
        old, answers, neuron_names=hand.neuron_names, newest_only=hand.plain_paths, day=today
    )
    renewed_tables = {table for name in questions for table in QUESTIONS[name]}
    for line in write_tables(
        directory,
        tables,
        sources={table: API_CALLS[table] for table in renewed_tables},
        days=dict.fromkeys(renewed_tables, today),
    ):
        print(line)
    for line in _hand_work(load(directory)):
        print(line)
    return 0


def write_tables(
    directory: Path,
    tables: ApiTables,
    *,
    sources: Mapping[str, str],
    days: Mapping[str, date],
) -> list[str]:
    """Write the tables, the derived ones and the manifest; return what changed, line by line.

    ``sources`` and ``days`` are for the manifest, by table; other rows of it stay. Everything is
    written and read back in a copy first, then moved over file by file, so that a failure leaves
    the old tables.
    """
    texts = api_texts(tables)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".catalog-") as scratch:
        copy = Path(scratch)
        for path in directory.glob("*.csv"):
            shutil.copy(path, copy)
        for table, text in texts.items():
            _write(copy / f"{table}.csv", text)
        texts |= _derived(load(copy))
        for table in DERIVED:
            _write(copy / f"{table}.csv", texts[table])
        texts[MANIFEST] = _manifest(directory, texts, sources=sources, days=days)
        _write(copy / f"{MANIFEST}.csv", texts[MANIFEST])
        _read_back(load(copy))
        changes: list[str] = []
        for table in sorted(texts):
            path = directory / f"{table}.csv"
            before = _text(directory, table) if path.exists() else ""
            if before == texts[table]:
                continue
            if table != MANIFEST:
                changes.extend(_changes(table, before, texts[table]))
            (copy / f"{table}.csv").replace(path)
    return changes or ["nothing changed"]


def refresh_prices(
    directory: Path,
    *,
    regions: Sequence[str],
    now: datetime,
    ask: AskPrices | None = None,
) -> int:
    """Ask what the Neuron types cost in these Regions, and write the price tables anew.

    A Region or a purchase without an answer keeps its rows. Returns 1 when none answered.
    """
    names = sorted(kept_by_hand(directory).neuron_names)
    partitions = {row["name"]: row["partition"] for row in _records(_text(directory, "regions"))}
    # China has a price list of its own, in another currency.
    asked = [name for name in sorted(set(regions)) if partitions.get(name) != "aws-cn"]
    answers = (ask or ask_prices(now))(asked, names)
    if not answers:
        print("no Region said what anything costs: no price was changed", file=sys.stderr)
        return 1
    for line in write_prices(directory, answers, day=now.date(), sources=PRICE_CALLS):
        print(line)
    return 0


def write_prices(
    directory: Path,
    answers: Sequence[PriceAnswer],
    *,
    day: date,
    sources: Mapping[str, str],
    anew: bool = False,
) -> list[str]:
    """Write the price tables and their rows of the manifest; return what changed, line by line.

    ``anew`` forgets the prices that the directory holds. All is read back before it replaces the
    old tables.
    """
    paths = {table: directory / f"{table}.csv" for table in PRICE_CALLS}
    before = {table: _text(directory, table) for table, path in paths.items() if path.exists()}
    old = PriceTables() if anew else price_tables(before)
    texts = price_texts(renewed_prices(old, answers, day=day))
    manifest = {row["table"]: tuple(row.values()) for row in _records(_text(directory, MANIFEST))}
    for table, source in sources.items():
        manifest[table] = (table, PRICES, source, day.isoformat())
    texts[MANIFEST] = table_text(MANIFEST, manifest.values())
    changes: list[str] = []
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".catalog-") as scratch:
        copy = Path(scratch)
        for table, text in texts.items():
            _write(copy / f"{table}.csv", text)
        written = load(copy)
        for answer in answers:
            for name, _ in answer.prices:
                written.prices.on_demand(name, answer.region)
            written.prices.known(answer.region, answer.purchase)
        for table, text in texts.items():
            if table != MANIFEST and before.get(table) != text:
                changes.extend(_changes(table, before.get(table, ""), text))
            (copy / f"{table}.csv").replace(directory / f"{table}.csv")
    return changes or ["nothing changed"]


def _read_back(catalog: Catalog) -> None:
    """Raise CatalogError unless everything that was just written parses."""
    catalog.tables()
    for name in catalog.instances.types:
        catalog.places.regions_offering(name)
    for row in catalog.rows("ami_families"):
        catalog.amis.versions(row["parameter_path"])
    for name in catalog.instances.neuron_types:
        catalog.neuron.device_sets(name)


def _derived(catalog: Catalog) -> dict[str, str]:
    stated = {
        row["name"]: row["device_sets"] == "stated" for row in catalog.rows("neuron_topologies")
    }
    kinds = {
        DeviceKind(
            family=known.neuron.family,
            topology=known.neuron.topology,
            devices=known.neuron.devices,
            stated=stated[name],
            unproven=known.neuron.unproven_sizes,
        )
        for name, known in catalog.instances.neuron_types.items()
        if known.neuron is not None
    }
    return {"device_sets": table_text("device_sets", device_set_rows(kinds))}


def _manifest(
    directory: Path,
    texts: Mapping[str, str],
    *,
    sources: Mapping[str, str],
    days: Mapping[str, date],
) -> str:
    path = directory / f"{MANIFEST}.csv"
    before = _records(_text(directory, MANIFEST)) if path.exists() else []
    rows = {
        row["table"]: (row["table"], row["filled_by"], row["source"], row["date"]) for row in before
    }
    for table, source in sources.items():
        rows[table] = (table, "api", source, days[table].isoformat())
    for table, source in DERIVED.items():
        known = (directory / f"{table}.csv").exists() and table in rows
        if not known or _text(directory, table) != texts[table]:
            rows[table] = (table, "derived", source, max(days.values()).isoformat())
    return table_text(MANIFEST, rows.values())


def _changes(table: str, before: str, after: str) -> Iterator[str]:
    old, new = _keyed(table, before), _keyed(table, after)
    added = [" ".join(key) for key in new if key not in old]
    removed = [" ".join(key) for key in old if key not in new]
    changed = [" ".join(key) for key in new if key in old and old[key] != new[key]]
    yield f"{table}: {len(added)} added, {len(removed)} removed, {len(changed)} changed"
    for word, keys in (("added", added), ("removed", removed), ("changed", changed)):
        if keys:
            more = f" and {len(keys) - _SHOWN_CHANGES} more" if len(keys) > _SHOWN_CHANGES else ""
            yield f"  {word}: {', '.join(keys[:_SHOWN_CHANGES])}{more}"


_KEY_COLUMNS: Final[Mapping[str, int]] = {
    "ami_versions": 2,
    "captures": 2,
    "device_sets": 4,
    "offerings": 2,
    "price_captures": 2,
    "prices": 4,
}


def _keyed(table: str, text: str) -> dict[tuple[str, ...], list[str]]:
    width = _KEY_COLUMNS.get(table, 1)
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    return {tuple(row[:width]): row[width:] for row in rows}


def _hand_work(catalog: Catalog) -> Iterator[str]:
    """The manual work that the renewed tables require, one line each."""
    for row in catalog.rows("neuron_types"):
        if row["name"] not in catalog.instances.neuron_types:
            yield f"by hand: {row['name']} is new; add it to neuron_topologies.csv"
    raw = {
        (table, row["name"]): row
        for table in ("neuron_types", "instance_types")
        for row in catalog.rows(table)
    }
    for override in catalog.rows("overrides"):
        row = raw.get((override["table"], override["key"]))
        if row is None:
            yield f"by hand: {override['key']} has left; drop its override of {override['column']}"
        elif row.get(override["column"]) == override["value"]:
            yield f"by hand: AWS now agrees with the override of {override['key']}"
    for row in catalog.rows("ami_families"):
        if row["family"] != "al2023" or row["variant"] != "neuron":
            continue
        for version in catalog.amis.versions(row["parameter_path"])[-1:]:
            for region in sorted(version.regions or ()):
                known = catalog.places.regions.get(region)
                if known is not None and known.neuron_ami == "none":
                    yield f"by hand: {region} has the Neuron AMI; change regions.csv"


def _records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _text(directory: Path, table: str) -> str:
    return (directory / f"{table}.csv").read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
