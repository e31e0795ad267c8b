"""Converts responses of the AWS API to the text of the tables.

The first fill and every later refresh use these functions, so both write the same bytes for the
same responses. Items have the shape of the API: EC2 DescribeInstanceTypes and
DescribeInstanceTypeOfferings (location type ``availability-zone-id``), Systems Manager
GetParametersByPath. Nothing here calls AWS, reads a file or knows the day.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, TypeAlias, cast

from catalog.amis import EVERYWHERE, image_day
from catalog.prices import ON_DEMAND, SPOT

Item: TypeAlias = Mapping[str, Any]
Cells: TypeAlias = tuple[str, ...]

HEADERS: Final[Mapping[str, Cells]] = {
    "ami_versions": ("parameter_path", "image_name", "date", "agent", "regions"),
    "captures": ("table", "region", "date"),
    "device_sets": (
        "topology",
        "devices",
        "first",
        "size",
        "stated_for",
        "inferred_for",
        "unproven_for",
    ),
    "instance_types": (
        "name",
        "vcpus",
        "memory_mib",
        "architecture",
        "accelerator",
        "max_enis",
        "usage_classes",
    ),
    "neuron_types": (
        "name",
        "devices",
        "cores_per_device",
        "device_memory_mib",
        "network_cards",
        "enis",
        "efa_interfaces",
        "local_storage_gb",
    ),
    "offerings": ("instance_type", "region", "zone_ids"),
    "price_captures": ("region", "purchase", "date"),
    "prices": ("instance_type", "region", "purchase", "zone_id", "usd_per_hour"),
    "tables": ("table", "filled_by", "source", "date"),
}
"""The columns of the tables that are written by machine."""

PLAIN_VERSIONS_KEPT: Final = 20
"""How many of the newest AMIs of a family without Neuron are kept."""

_ARCHITECTURES: Final = ("x86_64", "arm64")


@dataclass(frozen=True, slots=True)
class RegionAnswers:
    """The responses of one Region; None for a call that was not made.

    ``parameters`` are the items directly under each parameter path.
    """

    region: str
    instance_types: Sequence[Item] | None = None
    offerings: Sequence[Item] | None = None
    parameters: Mapping[str, Sequence[Item]] | None = None


@dataclass(frozen=True, slots=True)
class SeenAmi:
    """An AMI version with the Regions that have its parameter."""

    agent: str
    regions: frozenset[str]


@dataclass(frozen=True, slots=True)
class ApiTables:
    """The tables that the AWS API fills, parsed; ``captured`` is the day of each Region."""

    instance_types: Mapping[str, Cells] = field(default_factory=dict[str, Cells])
    neuron_types: Mapping[str, Cells] = field(default_factory=dict[str, Cells])
    offerings: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    ami_versions: Mapping[tuple[str, str], SeenAmi] = field(
        default_factory=dict[tuple[str, str], SeenAmi]
    )
    captured: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


# -- one answer ------------------------------------------------------------------------------


def instance_type_cells(item: Item, neuron_names: Collection[str]) -> Cells | None:
    """The ``instance_types`` row of a DescribeInstanceTypes item, None for a Mac.

    ``neuron_names`` are the types known to carry Neuron devices: the API leaves NeuronInfo out of
    some of them.
    """
    offered = cast(Sequence[str], item["ProcessorInfo"]["SupportedArchitectures"])
    architecture = next((name for name in _ARCHITECTURES if name in offered), None)
    if architecture is None:
        return None
    return (
        str(item["InstanceType"]),
        str(item["VCpuInfo"]["DefaultVCpus"]),
        str(item["MemoryInfo"]["SizeInMiB"]),
        architecture,
        _accelerator(item, neuron_names),
        str(item["NetworkInfo"]["MaximumNetworkInterfaces"]),
        " ".join(sorted(cast(Sequence[str], item["SupportedUsageClasses"]))),
    )


def neuron_type_cells(item: Item, neuron_names: Collection[str]) -> Cells | None:
    """The ``neuron_types`` row of a DescribeInstanceTypes item, None without Neuron devices.

    Values that the API does not return stay empty; overrides fill them.
    """
    if _accelerator(item, neuron_names) != "neuron":
        return None
    devices = cast(Sequence[Item], item.get("NeuronInfo", {}).get("NeuronDevices", ()))
    first: Item = devices[0] if devices else {}
    network = cast(Item, item["NetworkInfo"])
    return (
        str(item["InstanceType"]),
        str(sum(int(device["Count"]) for device in devices)) if devices else "",
        str(first.get("CoreInfo", {}).get("Count", "")),
        str(first.get("MemoryInfo", {}).get("SizeInMiB", "")),
        str(network["MaximumNetworkCards"]),
        str(network["MaximumNetworkInterfaces"]),
        str(network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0)),
        str(item.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0)),
    )


def _accelerator(item: Item, neuron_names: Collection[str]) -> str:
    if "NeuronInfo" in item or item["InstanceType"] in neuron_names:
        return "neuron"
    for key, kind in (
        ("GpuInfo", "gpu"),
        ("FpgaInfo", "fpga"),
        ("MediaAcceleratorInfo", "media"),
        ("InferenceAcceleratorInfo", "other"),
    ):
        if key in item:
            return kind
    return "none"


def offering_cells(items: Iterable[Item]) -> dict[str, str]:
    """The sorted zone ids of each instance type of one Region, joined by spaces."""
    zones: dict[str, set[str]] = {}
    for item in items:
        zones.setdefault(str(item["InstanceType"]), set()).add(str(item["Location"]))
    return {name: " ".join(sorted(found)) for name, found in zones.items()}


def ami_agents(items: Iterable[Item]) -> dict[str, str]:
    """The ECS agent of each AMI under one parameter path, by image name.

    Parameters that repeat an AMI under another name (``recommended``, AMI ids) are left out.
    Raises ValueError for a parameter of an AMI whose value is not JSON.
    """
    agents: dict[str, str] = {}
    for item in items:
        name = str(item["Name"]).rpartition("/")[2]
        value = str(item["Value"])
        if image_day(name) is None or not value.startswith("{"):
            continue
        try:
            described = cast(Item, json.loads(value))
        except json.JSONDecodeError as error:
            raise ValueError(f"the parameter {item['Name']} does not hold JSON: {error}") from error
        if described.get("image_name") == name:
            agents[name] = str(described.get("ecs_agent_version", ""))
    return agents


def image_date(image_name: str) -> str:
    """The day in an image's name as text. Raises ValueError for a name without one."""
    day = image_day(image_name)
    if day is None:
        raise ValueError(f"no date in the image name {image_name!r}")
    return day.isoformat()


# -- many answers ----------------------------------------------------------------------------


def renewed(
    old: ApiTables,
    answers: Collection[RegionAnswers],
    *,
    neuron_names: Collection[str],
    newest_only: Collection[str],
    day: date,
) -> ApiTables:
    """The tables after the responses of some Regions; rows of other Regions do not change.

    ``newest_only`` are the parameter paths of which only the newest AMIs are kept. The order of
    the answers does not matter. A type leaves with the last Region that offers it; offerings of a
    type that was never described (a Mac, or a new one while only offerings are asked) stay out.
    """
    ordered = sorted(answers, key=lambda answer: answer.region)
    offerings = _renewed_offerings(old.offerings, ordered)
    captured = dict(old.captured)
    for answer in ordered:
        if answer.offerings is not None:
            captured["offerings", answer.region] = day.isoformat()
        if answer.parameters is not None:
            captured["ami_versions", answer.region] = day.isoformat()
    types, neuron = _renewed_types(old, ordered, offerings, neuron_names)
    return ApiTables(
        instance_types=types,
        neuron_types=neuron,
        offerings={key: zones for key, zones in offerings.items() if key[0] in types},
        ami_versions=_renewed_amis(old.ami_versions, ordered, newest_only),
        captured=captured,
    )


def _renewed_offerings(
    old: Mapping[tuple[str, str], str], answers: Sequence[RegionAnswers]
) -> dict[tuple[str, str], str]:
    answered = {answer.region for answer in answers if answer.offerings is not None}
    offerings = {key: zones for key, zones in old.items() if key[1] not in answered}
    for answer in answers:
        for name, zones in offering_cells(answer.offerings or ()).items():
            offerings[name, answer.region] = zones
    return offerings


def _renewed_types(
    old: ApiTables,
    answers: Sequence[RegionAnswers],
    offerings: Mapping[tuple[str, str], str],
    neuron_names: Collection[str],
) -> tuple[dict[str, Cells], dict[str, Cells]]:
    answered = {answer.region for answer in answers if answer.instance_types is not None}
    elsewhere = {name for name, region in offerings if region not in answered}
    types = dict(old.instance_types)
    neuron = dict(old.neuron_types)
    usage: dict[str, set[str]] = {}
    for answer in answers:
        for item in answer.instance_types or ():
            cells = instance_type_cells(item, neuron_names)
            if cells is None:
                continue
            name = cells[0]
            if name not in usage:
                # A Region names the usage classes that it sells, so a type has those of all its
                # Regions; the ones that did not answer keep their say through the old row.
                before = types.get(name) if name in elsewhere else None
                usage[name] = set(before[-1].split()) if before else set()
                types[name] = cells
                hardware = neuron_type_cells(item, neuron_names)
                if hardware is not None:
                    neuron[name] = hardware
            usage[name].update(cells[-1].split())
    for name, classes in usage.items():
        types[name] = (*types[name][:-1], " ".join(sorted(classes)))
    gone = {name for name, _ in old.offerings} - {name for name, _ in offerings}
    for name in gone:
        types.pop(name, None)
        neuron.pop(name, None)
    return types, neuron


def _renewed_amis(
    old: Mapping[tuple[str, str], SeenAmi],
    answers: Sequence[RegionAnswers],
    newest_only: Collection[str],
) -> dict[tuple[str, str], SeenAmi]:
    answered = frozenset(answer.region for answer in answers if answer.parameters is not None)
    seen = {key: replace(ami, regions=ami.regions - answered) for key, ami in old.items()}
    for answer in answers:
        for path, items in (answer.parameters or {}).items():
            for name, agent in ami_agents(items).items():
                known = seen.get((path, name), SeenAmi(agent=agent, regions=frozenset()))
                seen[path, name] = replace(known, regions=known.regions | {answer.region})
    seen = {key: ami for key, ami in seen.items() if ami.regions}
    for path in newest_only:
        keys = sorted(
            (key for key in seen if key[0] == path),
            key=lambda key: (image_date(key[1]), key[1]),
        )
        for key in keys[:-PLAIN_VERSIONS_KEPT]:
            del seen[key]
    return seen


# -- prices ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PriceAnswer:
    """The prices of one way of purchase in one Region, by instance type and zone id.

    The zone id of an on-demand price is empty: it is the same in every zone.
    """

    region: str
    purchase: str
    prices: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class PriceTables:
    """Prices by (type, Region, purchase, zone id), and the day of each (Region, purchase)."""

    prices: Mapping[tuple[str, str, str, str], str] = field(
        default_factory=dict[tuple[str, str, str, str], str]
    )
    captured: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


def listed_prices(products: Iterable[str]) -> dict[str, dict[tuple[str, str], str]]:
    """The on-demand prices of Price List GetProducts items (JSON texts), by Region.

    A product without on-demand terms, or at 0 USD (sold in Capacity Blocks), has no price here.
    Raises ValueError for a type with two prices in a Region: a filter is missing then.
    """
    found: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for text in products:
        item = cast(Item, json.loads(text))
        attributes = cast(Item, item["product"]["attributes"])
        name, region = str(attributes["instanceType"]), str(attributes["regionCode"])
        terms = cast(Item, item.get("terms", {}).get("OnDemand", {}))
        usd = {
            str(dimension["pricePerUnit"]["USD"])
            for term in terms.values()
            for dimension in cast(Item, term["priceDimensions"]).values()
            if dimension.get("unit") == "Hrs" and "USD" in dimension["pricePerUnit"]
        }
        usd |= {known} if (known := found[region].get((name, ""))) is not None else set()
        usd = {price for price in usd if float(price) > 0}
        if len(usd) > 1:
            raise ValueError(f"{name} has {len(usd)} on-demand prices in {region}: {sorted(usd)}")
        if usd:
            found[region][name, ""] = usd.pop()
    return dict(found)


def spot_history_prices(items: Iterable[Item]) -> dict[tuple[str, str], str]:
    """The newest price of each type and zone id of DescribeSpotPriceHistory items."""
    newest: dict[tuple[str, str], Item] = {}
    for item in items:
        key = (str(item["InstanceType"]), str(item["AvailabilityZoneId"]))
        if key not in newest or item["Timestamp"] > newest[key]["Timestamp"]:
            newest[key] = item
    return {key: str(item["SpotPrice"]) for key, item in newest.items()}


_SNAPSHOT_COLUMNS: Final = (
    ("InstanceType", "Region", "AvailabilityZone", "Price", "SpotPrice"),
    ("instance_type", "region", "zone_id", "on_demand_usd_per_hour", "spot_usd_per_hour"),
)


def snapshot_prices(text: str, types: Collection[str]) -> list[PriceAnswer]:
    """The answers in a CSV of prices by type, Region and zone id, for these types.

    Reads the columns of SkyPilot's ``vms.csv``, or the same under plain names. A Region of which
    the file has any type was asked for both prices; an empty cell means that there is none.
    Raises ValueError for other columns, and for two on-demand prices of a type in a Region.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = reader.fieldnames or ()
    columns = next((c for c in _SNAPSHOT_COLUMNS if set(c) <= set(header)), None)
    if columns is None:
        raise ValueError(
            f"the columns are {', '.join(header)}, not {', '.join(_SNAPSHOT_COLUMNS[0])}"
        )
    fixed: dict[str, dict[tuple[str, str], str]] = {}
    spot: dict[str, dict[tuple[str, str], str]] = {}
    for row in reader:
        name, region, zone, price, spot_price = (row[column] for column in columns)
        for found in (fixed, spot):
            found.setdefault(region, {})  # the Region was asked, whatever the answer
        if name not in types:
            continue
        if price and fixed[region].setdefault((name, ""), price) != price:
            raise ValueError(f"{name} has two on-demand prices in {region}")
        if spot_price:
            spot[region][name, zone] = spot_price
    return [
        PriceAnswer(region=region, purchase=purchase, prices=found[region])
        for purchase, found in ((ON_DEMAND, fixed), (SPOT, spot))
        for region in sorted(found)
    ]


def renewed_prices(old: PriceTables, answers: Iterable[PriceAnswer], *, day: date) -> PriceTables:
    """The price tables after some answers; prices of other Regions and purchases stay."""
    answered = {(answer.region, answer.purchase): answer for answer in answers}
    prices = {key: usd for key, usd in old.prices.items() if key[1:3] not in answered}
    for (region, purchase), answer in answered.items():
        for (name, zone), usd in answer.prices.items():
            prices[name, region, purchase, zone] = usd
    return PriceTables(
        prices=prices, captured={**old.captured, **dict.fromkeys(answered, day.isoformat())}
    )


def price_texts(tables: PriceTables) -> dict[str, str]:
    """The CSV text of the price tables, by table."""
    return {
        "price_captures": table_text(
            "price_captures", ((*key, day) for key, day in tables.captured.items())
        ),
        "prices": table_text("prices", ((*key, usd) for key, usd in tables.prices.items())),
    }


def price_tables(texts: Mapping[str, str]) -> PriceTables:
    """The price tables parsed back from their text; empty where a text is missing."""
    prices = _parsed("prices", texts) if "prices" in texts else []
    captured = _parsed("price_captures", texts) if "price_captures" in texts else []
    return PriceTables(
        prices={(row[0], row[1], row[2], row[3]): row[4] for row in prices},
        captured={(row[0], row[1]): row[2] for row in captured},
    )


# -- derived ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """The topology of a family's devices; ``stated``: AWS documents the legal sets.

    ``unproven``: sizes of aligned sets that may work, without a documented container of that size.
    """

    family: str
    topology: str
    devices: int
    stated: bool
    unproven: tuple[int, ...] = ()


def device_set_rows(kinds: Collection[DeviceKind]) -> list[Cells]:
    """Every set of Neuron devices of the kinds, and for which families AWS states it.

    A ring gives any run of contiguous ids without wrapping around; the 4x4 torus one device, a
    row of 4, two aligned rows or all 16. Aligned sets of other sizes are unproven.
    Source: https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/infrastructure/scheduler.html
    Raises ValueError for a topology without a rule.
    """
    rows: list[Cells] = []
    for topology, devices in sorted({(kind.topology, kind.devices) for kind in kinds}):
        here = [kind for kind in kinds if (kind.topology, kind.devices) == (topology, devices)]
        stated = sorted({kind.family for kind in here if kind.stated})
        inferred = sorted({kind.family for kind in here if not kind.stated})
        rows.extend(
            _set_row(topology, devices, first, size, (stated, inferred, []))
            for first, size in _sets(topology, devices)
        )
        for size in sorted({size for kind in here for size in kind.unproven}):
            unproven = sorted({kind.family for kind in here if size in kind.unproven})
            rows.extend(
                _set_row(topology, devices, first, size, ([], [], unproven))
                for first in range(0, devices, size)
            )
    return rows


def _set_row(
    topology: str, devices: int, first: int, size: int, families: Iterable[Iterable[str]]
) -> Cells:
    """A row of device_sets; the families for which the set is stated, inferred and unproven."""
    numbers = (str(n) for n in (devices, first, size))
    return topology, *numbers, *(" ".join(names) for names in families)


def _sets(topology: str, devices: int) -> list[tuple[int, int]]:
    match topology:
        case "single" if devices == 1:
            return [(0, 1)]
        case "ring":
            return [
                (first, size) for first in range(devices) for size in range(1, devices - first + 1)
            ]
        case "torus_4x4" if devices == 16:
            return [(first, size) for size in (1, 4, 8, 16) for first in range(0, 16, size)]
        case _:
            raise ValueError(
                f"no rule for the device sets of {topology} with {devices} devices: add a case to "
                "_sets in catalog/refresh/rows.py"
            )


# -- text ------------------------------------------------------------------------------------


def table_text(table: str, rows: Iterable[Sequence[str]]) -> str:
    """The CSV text of a machine-written table: its header, then the rows sorted, LF endings."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADERS[table])
    writer.writerows(sorted(rows, key=_by_number_or_text))
    return stream.getvalue()


def _by_number_or_text(row: Sequence[str]) -> list[tuple[int, str]]:
    return [(int(cell), "") if cell.isdecimal() else (-1, cell) for cell in row]


def api_texts(tables: ApiTables) -> dict[str, str]:
    """The CSV text of every table that the API fills, by table."""
    captured = frozenset(region for table, region in tables.captured if table == "ami_versions")
    return {
        "ami_versions": table_text(
            "ami_versions",
            (
                (path, name, image_date(name), ami.agent, _region_cell(ami.regions, captured))
                for (path, name), ami in tables.ami_versions.items()
            ),
        ),
        "captures": table_text("captures", ((*key, day) for key, day in tables.captured.items())),
        "instance_types": table_text("instance_types", tables.instance_types.values()),
        "neuron_types": table_text("neuron_types", tables.neuron_types.values()),
        "offerings": table_text(
            "offerings", ((*key, zones) for key, zones in tables.offerings.items())
        ),
    }


def _region_cell(regions: frozenset[str], captured: frozenset[str]) -> str:
    return EVERYWHERE if regions == captured else " ".join(sorted(regions))


def api_tables(texts: Mapping[str, str]) -> ApiTables:
    """The tables parsed back from their text: the inverse of ``api_texts``."""
    captured = {(table, region): day for table, region, day in _parsed("captures", texts)}
    everywhere = frozenset(region for table, region in captured if table == "ami_versions")
    return ApiTables(
        instance_types={row[0]: row for row in _parsed("instance_types", texts)},
        neuron_types={row[0]: row for row in _parsed("neuron_types", texts)},
        offerings={(name, region): zones for name, region, zones in _parsed("offerings", texts)},
        ami_versions={
            (path, name): SeenAmi(
                agent=agent,
                regions=everywhere if regions == EVERYWHERE else frozenset(regions.split()),
            )
            for path, name, _, agent, regions in _parsed("ami_versions", texts)
        },
        captured=captured,
    )


def _parsed(table: str, texts: Mapping[str, str]) -> list[Cells]:
    records = csv.reader(io.StringIO(texts[table], newline=""))
    header = tuple(next(records))
    if header != HEADERS[table]:
        raise ValueError(f"{table}.csv: the columns are {header}, not {HEADERS[table]}")
    return [tuple(record) for record in records]
