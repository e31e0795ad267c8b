"""The first fill of the catalog, from answers of the AWS API that the moto package ships.

``python -m catalog.refresh.first_fill`` writes the tables that are not kept by hand; running it
again writes the same bytes. It needs the development requirements and no account or network. moto's
authors captured the answers from the real API without recording the day; the newest AMI of a Region
dates its capture.

``python -m catalog.refresh.first_fill prices PATH`` writes the price tables from a copy of
SkyPilot's ``catalogs/v9/aws/vms.csv`` at the commit that the source names.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from catalog.refresh.rows import (
    ApiTables,
    Item,
    RegionAnswers,
    image_date,
    renewed,
    snapshot_prices,
)
from catalog.refresh.write import API_CALLS, kept_by_hand, write_prices, write_tables
from catalog.tables import DATA_DIRECTORY

PRICE_DAY: Final = date(2026, 6, 3)
"""The earliest day that the price file can be of; see its source."""

PRICE_SOURCES: Final[Mapping[str, str]] = {
    "price_captures": "the Regions in the file that filled prices.csv",
    "prices": "https://github.com/skypilot-org/skypilot-catalog catalogs/v9/aws/vms.csv at"
    " 2c3d7ea7d76bf84cf80d382e946c1609571485fd: the AWS price list (Linux, on demand) and EC2"
    " DescribeSpotPriceHistory (Linux/UNIX); its day is not recorded, not before 2026-06-03 and"
    " probably not after 2026-07-13",
}
"""Where the prices of the first fill come from."""


def captured_answers(paths: Iterable[str]) -> list[RegionAnswers]:
    """The responses in moto for every Region and these parameter paths.

    Raises ModuleNotFoundError without moto, which is a development requirement.
    """
    spec = find_spec("moto")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the first fill reads the data files of the moto package")
    root = Path(spec.origin).parent
    types = cast(Mapping[str, Item], _unpacked(root / "ec2/resources/instance_types.json.gz"))
    answers: list[RegionAnswers] = []
    wanted = tuple(paths)
    files = (root / "ec2/resources/instance_type_offerings/availability-zone-id").glob("*.json.gz")
    for file in sorted(files):
        region = file.name.removesuffix(".json.gz")
        offerings = cast(Sequence[Item], _unpacked(file))
        tree = cast(Item, _unpacked(root / f"ssm/resources/ecs/optimized_amis/{region}.json.gz"))
        names = sorted({str(item["InstanceType"]) for item in offerings})
        answers.append(
            RegionAnswers(
                region=region,
                instance_types=[types[name] for name in names],
                offerings=offerings,
                parameters={path: _parameters(tree, path) for path in wanted},
            )
        )
    return answers


def newest_image_day(tables: ApiTables) -> date:
    """The day of the newest AMI in the tables: the capture is not older than that."""
    return max(date.fromisoformat(image_date(name)) for _, name in tables.ami_versions)


def fill(
    directory: Path,
    *,
    day: date | None = None,
    answers: Sequence[RegionAnswers] | None = None,
) -> list[str]:
    """Writes the tables of a directory with the manual ones; returns what changed.

    ``day`` dates the capture; by default the newest AMI of all dates the tables and the newest AMI
    of each Region its answers. ``answers`` are the captured ones.
    """
    hand = kept_by_hand(directory)
    if answers is None:
        answers = captured_answers(hand.parameter_paths)
    newest = day is None
    if day is None:
        day = newest_image_day(_images(answers))
    tables = renewed(
        ApiTables(), answers, neuron_names=hand.neuron_names, newest_only=hand.plain_paths, day=day
    )
    if newest:
        own = {a.region: newest_image_day(_images([a])).isoformat() for a in answers}
        captured = {(table, region): own[region] for table, region in tables.captured}
        tables = replace(tables, captured=captured)
    version = metadata.version("moto")
    sources = {table: f"{call} as captured in moto {version}" for table, call in API_CALLS.items()}
    return write_tables(directory, tables, sources=sources, days=dict.fromkeys(API_CALLS, day))


def _images(answers: Iterable[RegionAnswers]) -> ApiTables:
    """The AMIs of the answers alone."""
    images = [RegionAnswers(region=a.region, parameters=a.parameters) for a in answers]
    return renewed(ApiTables(), images, neuron_names=(), newest_only=(), day=date.min)


def fill_prices(directory: Path, text: str, *, day: date = PRICE_DAY) -> list[str]:
    """Write the price tables of a directory from the text of a price file; return what changed."""
    answers = snapshot_prices(text, kept_by_hand(directory).neuron_names)
    return write_prices(directory, answers, day=day, sources=PRICE_SOURCES, anew=True)


def _unpacked(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def _parameters(tree: Item, path: str) -> list[Item]:
    node: Any = tree
    for part in path.strip("/").split("/"):
        node = cast(Mapping[str, Any], node).get(part, {})
    children = cast(Mapping[str, Any], node)
    items: list[Item] = []
    for name, child in children.items():
        value: Any = cast(Mapping[str, Any], child).get("Value")
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            items.append({"Name": f"{path}/{name}", "Value": text})
    return items


def main(argv: Sequence[str]) -> int:
    """Fill the shipped tables, or those of ``--directory``; 0 when done."""
    parser = argparse.ArgumentParser(
        prog="python -m catalog.refresh.first_fill", description=__doc__
    )
    parser.add_argument("--date", type=date.fromisoformat, help="day of the capture, 2026-01-31")
    parser.add_argument("--directory", type=Path, default=DATA_DIRECTORY)
    what = parser.add_subparsers(dest="what", metavar="prices")
    prices = what.add_parser("prices", help="fill the price tables from a price file")
    prices.add_argument("path", type=Path, help="SkyPilot's catalogs/v9/aws/vms.csv")
    arguments = parser.parse_args(argv)
    directory, day = cast(Path, arguments.directory), cast("date | None", arguments.date)
    if arguments.what == "prices":
        text = cast(Path, arguments.path).read_text(encoding="utf-8")
        changes = fill_prices(directory, text, day=day or PRICE_DAY)
    else:
        changes = fill(directory, day=day)
    for line in changes:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
