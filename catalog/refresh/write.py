"""The ``catalog`` command: show the tables, or renew those that the AWS API fills.

``catalog`` lists the tables, ``catalog show TABLE`` prints one, ``catalog refresh`` asks AWS in
every Region, ``catalog refresh --only prices`` what the Neuron types cost there. Hand-kept tables
are never written. A Region that refuses keeps its old rows.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Protocol, cast

from catalog.reader import DATA_DIRECTORY, MANIFEST, ON_DEMAND, SPOT, Catalog, load
from catalog.refresh.rows import (
    ApiTables,
    DeviceKind,
    Item,
    PriceAnswer,
    PriceTables,
    RegionAnswers,
    api_tables,
    api_texts,
    device_set_rows,
    listed_prices,
    price_tables,
    price_texts,
    renewed,
    renewed_prices,
    spot_history_prices,
    table_text,
)

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
    """What the hand-kept tables say that renewing the others needs to know."""

    neuron_names: frozenset[str]
    parameter_paths: tuple[str, ...]
    plain_paths: tuple[str, ...]


class RegionRefusedError(Exception):
    """A Region did not answer: disabled for the account, no permission, or not reachable."""


AskPrices = Callable[[Collection[str], Collection[str]], list[PriceAnswer]]
"""(Regions, instance types) -> what each Region that answered said of its prices."""

Ask = Callable[[str, Collection[str], Collection[str]], RegionAnswers]
"""(Region, questions, parameter paths) -> answers; raises RegionRefusedError."""


def run(argv: Sequence[str]) -> int:
    """The ``catalog`` command: 0 fine, 1 no Region answered a refresh, 2 wrong usage."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    directory = cast(Path, arguments.directory)
    match arguments.action:
        case "show":
            return _show(load(directory), cast(str, arguments.table), as_json=arguments.json)
        case "refresh":
            known = load(directory).regions
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
    parser = argparse.ArgumentParser(prog="python -m neuron_ecs catalog", description=__doc__)
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


# -- showing ---------------------------------------------------------------------------------


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


# -- renewing --------------------------------------------------------------------------------


def kept_by_hand(directory: Path) -> KeptByHand:
    """What the hand-kept tables of a directory say about Neuron types and AMI parameters."""
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
                written.on_demand_price(name, answer.region)
            written.prices_known(answer.region, answer.purchase)
        for table, text in texts.items():
            if table != MANIFEST and before.get(table) != text:
                changes.extend(_changes(table, before.get(table, ""), text))
            (copy / f"{table}.csv").replace(directory / f"{table}.csv")
    return changes or ["nothing changed"]


def _read_back(catalog: Catalog) -> None:
    """Raise CatalogError unless everything that was just written parses."""
    catalog.tables()
    for name in catalog.instance_types:
        catalog.regions_offering(name)
    for row in catalog.rows("ami_families"):
        catalog.ami_versions(row["parameter_path"])
    for name in catalog.neuron_types:
        catalog.device_sets(name)


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
        )
        for name, known in catalog.neuron_types.items()
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
    """What the renewed tables ask of whoever keeps the others by hand."""
    for row in catalog.rows("neuron_types"):
        if row["name"] not in catalog.neuron_types:
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
        for version in catalog.ami_versions(row["parameter_path"])[-1:]:
            for region in sorted(version.regions or ()):
                known = catalog.regions.get(region)
                if known is not None and known.neuron_ami == "none":
                    yield f"by hand: {region} has the Neuron AMI; change regions.csv"


def _records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _text(directory: Path, table: str) -> str:
    return (directory / f"{table}.csv").read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


# -- asking AWS ------------------------------------------------------------------------------


class _Paginator(Protocol):
    def paginate(self, **arguments: Any) -> Iterator[Mapping[str, Any]]: ...


class _Client(Protocol):
    def get_paginator(self, operation: str) -> _Paginator: ...


def ask_aws() -> Ask:
    """Questions to the AWS API through boto3, which is imported here and nowhere else."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
    )

    connect = cast(Callable[..., _Client], boto3.client)  # pyright: ignore[reportUnknownMemberType]
    settings = Config(
        connect_timeout=10, read_timeout=30, retries={"mode": "standard", "max_attempts": 5}
    )

    def pages(client: _Client, operation: str, key: str, **arguments: Any) -> list[Item]:
        found: list[Item] = []
        for page in client.get_paginator(operation).paginate(**arguments):
            found.extend(cast("list[Item]", page[key]))
        return found

    def ask(region: str, questions: Collection[str], paths: Collection[str]) -> RegionAnswers:
        try:
            ec2 = connect("ec2", region_name=region, config=settings)
            types = offerings = parameters = None
            if "types" in questions:
                types = pages(ec2, "describe_instance_types", "InstanceTypes")
            if "offerings" in questions:
                offerings = pages(
                    ec2,
                    "describe_instance_type_offerings",
                    "InstanceTypeOfferings",
                    LocationType="availability-zone-id",
                )
            if "amis" in questions:
                ssm = connect("ssm", region_name=region, config=settings)
                parameters = {
                    path: pages(ssm, "get_parameters_by_path", "Parameters", Path=path)
                    for path in paths
                }
        except (BotoCoreError, ClientError) as error:
            raise RegionRefusedError(str(error)) from error
        return RegionAnswers(
            region=region, instance_types=types, offerings=offerings, parameters=parameters
        )

    return ask


_PRODUCT_FILTERS: Final[Mapping[str, str]] = {
    "capacitystatus": "Used",
    "locationType": "AWS Region",
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
}


def ask_prices(now: datetime, connect: Callable[..., Any] | None = None) -> AskPrices:
    """Questions about prices to AWS: the price list in us-east-1, and Spot in each Region.

    ``connect`` makes clients as ``boto3.client`` does, its default. Who refuses is reported and
    left out of the answers.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    if connect is None:
        import boto3

        connect = cast(Callable[..., Any], boto3.client)  # pyright: ignore[reportUnknownMemberType]

    def pages(client: _Client, operation: str, key: str, **arguments: Any) -> list[Any]:
        found: list[Any] = []
        for page in client.get_paginator(operation).paginate(**arguments):
            found.extend(page[key])
        return found

    def listed(regions: Collection[str], names: Collection[str]) -> Iterator[PriceAnswer]:
        client = cast(_Client, connect("pricing", region_name="us-east-1"))
        products: list[str] = []
        for name in names:
            fields = {**_PRODUCT_FILTERS, "instanceType": name}
            filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in fields.items()]
            products += pages(
                client, "get_products", "PriceList", ServiceCode="AmazonEC2", Filters=filters
            )
        found = listed_prices(products)
        if not found:
            raise RegionRefusedError("it answered without a single price")
        for region in regions:
            yield PriceAnswer(region=region, purchase=ON_DEMAND, prices=found.get(region, {}))

    def ask(regions: Collection[str], names: Collection[str]) -> list[PriceAnswer]:
        answers: list[PriceAnswer] = []
        try:
            answers.extend(listed(regions, names))
        except (BotoCoreError, ClientError, RegionRefusedError) as error:
            print(f"on-demand prices: kept as they were, {error}", file=sys.stderr)
        for region in regions:
            try:
                history = pages(
                    cast(_Client, connect("ec2", region_name=region)),
                    "describe_spot_price_history",
                    "SpotPriceHistory",
                    StartTime=now,  # the price that holds at this moment, and no history
                    ProductDescriptions=["Linux/UNIX"],
                    InstanceTypes=list(names),
                )
            except (BotoCoreError, ClientError) as error:
                print(f"{region}: Spot prices kept as they were, {error}", file=sys.stderr)
                continue
            prices = spot_history_prices(history)
            answers.append(PriceAnswer(region=region, purchase=SPOT, prices=prices))
        return answers

    return ask
