"""The reader of the catalog's tables: what AWS offers, as frozen rows.

A table is a CSV file in ``catalog/data``; ``tables.csv`` names every one with its source and date.
Nothing is read at import; each table is read once, when the first question needs it.
The reader knows no AWS fact itself, and never reads the network, the clock or the environment.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from catalog.types import (
    AmiDriver,
    AmiFamily,
    AmiVersion,
    ContainerImage,
    DriverConflict,
    HealthPath,
    InstanceType,
    InterfaceEndpoint,
    LanguageModel,
    LinuxCapability,
    ModelDeployment,
    ModelRefusal,
    NeuronHardware,
    NeuronSdk,
    Region,
    Replacement,
    Server,
    ServerOption,
    ServingImage,
    TableInfo,
    Version,
)

DATA_DIRECTORY: Final = Path(__file__).parent / "data"
"""Where the shipped tables live."""

MANIFEST: Final = "tables"
"""The table that names all others; it does not name itself."""

EVERYWHERE: Final = "all"
"""The word in ``ami_versions.csv`` for every Region whose AMI parameters were captured."""

ON_DEMAND: Final = "on_demand"
SPOT: Final = "spot"
"""The words of ``prices.csv`` for the two ways of purchase that have a price."""

Row: TypeAlias = dict[str, str]


class CatalogError(ValueError):
    """A table cannot be read: a column is missing or a cell does not parse."""


def _version(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


@dataclass(frozen=True, slots=True)
class _Offerings:
    by_region: Mapping[str, Mapping[str, str]]
    by_type: Mapping[str, list[str]]


class Catalog:
    """The tables of one directory. Answers are sorted, immutable and the same for every call."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"Catalog({str(self._directory)!r})"

    # -- instance types ---------------------------------------------------------------------

    @cached_property
    def instance_types(self) -> Mapping[str, InstanceType]:
        """Every EC2 instance type by name, overrides applied; Mac types are left out."""
        neuron = self.neuron_types
        return MappingProxyType(
            {
                name: neuron[name] if name in neuron else self._build_type(row, None)
                for name, row in self._type_rows.items()
            }
        )

    @cached_property
    def neuron_types(self) -> Mapping[str, InstanceType]:
        """The instance types with Neuron devices by name, overrides applied."""
        families = {row["family"]: row for row in self._rows("neuron_families")}
        topologies = {row["name"]: row for row in self._rows("neuron_topologies")}
        types: dict[str, InstanceType] = {}
        for row in self._overridden("neuron_types"):
            topology = topologies.get(row["name"])
            type_row = self._type_rows.get(row["name"])
            if topology is None or type_row is None:
                continue
            hardware = NeuronHardware(
                family=topology["family"],
                devices=self._integer("neuron_types", row, "devices"),
                cores_per_device=self._integer("neuron_types", row, "cores_per_device"),
                logical_cores_per_device=self._integer(
                    "neuron_topologies", topology, "logical_cores_per_device"
                ),
                device_memory_mib=self._integer("neuron_types", row, "device_memory_mib"),
                topology=topology["topology"],
                network_cards=self._integer("neuron_types", row, "network_cards"),
                enis=self._integer("neuron_types", row, "enis"),
                efa_interfaces=self._integer("neuron_types", row, "efa_interfaces"),
                local_storage_gb=self._integer("neuron_types", row, "local_storage_gb"),
                managed_instances=families[topology["family"]]["managed_instances"],
            )
            types[row["name"]] = self._build_type(type_row, hardware)
        return MappingProxyType(types)

    def instance_type(self, name: str) -> InstanceType | None:
        """The instance type of that exact name, None when no table knows it."""
        return self.instance_types.get(name)

    def matching_types(self, pattern: str) -> tuple[str, ...]:
        """The names that an ``allowedInstanceTypes`` entry of ECS matches, sorted.

        ``*`` stands for any run of characters, as in ``inf2.*``; every other character for itself.
        Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_InstanceRequirementsRequest.html
        """
        if "*" not in pattern:
            return (pattern,) if pattern in self._type_rows else ()
        expression = re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
        return tuple(name for name in self._type_rows if expression.fullmatch(name))

    # -- Regions, zones, offerings ----------------------------------------------------------

    @cached_property
    def regions(self) -> Mapping[str, Region]:
        """Every Region that any table knows, by name."""
        return MappingProxyType(
            {
                row["name"]: Region(
                    name=row["name"],
                    partition=row["partition"],
                    dns_suffix=row["dns_suffix"],
                    short=row["short"],
                    neuron_ami=row["neuron_ami"],
                    managed_instances=row["managed_instances"] == "yes",
                    dlc_account=row["dlc_account"] or None,
                )
                for row in self._rows("regions")
            }
        )

    def zones_offering(self, instance_type: str, region: str) -> tuple[str, ...]:
        """The zone ids of the Region that offer the type, sorted; empty when none is known."""
        return tuple(self._offerings.by_region.get(region, {}).get(instance_type, "").split())

    def regions_offering(self, instance_type: str) -> tuple[str, ...]:
        """The Regions that offer the type in at least one zone, sorted."""
        return tuple(self._offerings.by_type.get(instance_type, ()))

    def zone_ids(self, region: str) -> tuple[str, ...]:
        """Every zone id of the Region that offers any instance type, sorted."""
        return self._zone_ids.get(region, ())

    def offerings_known(self, region: str) -> bool:
        """Whether the offerings of the Region were captured; False means that nothing is known."""
        return region in self._captured_regions("offerings")

    def capacity_block_regions(self, instance_type: str) -> tuple[str, ...]:
        """The Regions in which EC2 sells Capacity Blocks of the type, sorted."""
        return self._capacity_blocks.get(instance_type, ())

    # -- prices -----------------------------------------------------------------------------

    def on_demand_price(self, instance_type: str, region: str) -> Decimal | None:
        """USD an hour of an on-demand Linux instance, the same in every zone of the Region.

        None: the price list has none, or (see ``prices_known``) the Region was not captured.
        """
        return self._prices.get((instance_type, region, ON_DEMAND), {}).get("")

    def spot_price(self, instance_type: str, region: str) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest Spot price over the Region's zones, USD an hour.

        A snapshot: Spot prices move by large factors. None where none was seen.
        """
        zones = self._prices.get((instance_type, region, SPOT), {})
        return (min(zones.values()), max(zones.values())) if zones else None

    def prices_known(self, region: str, purchase: str) -> bool:
        """Whether the Region's prices of that purchase were captured: no price means none then."""
        return (region, purchase) in self._price_days

    def price_date(self, region: str, purchase: str) -> date | None:
        """The day of the Region's prices; None where they were not captured."""
        return self._price_days.get((region, purchase))

    @cached_property
    def price_source(self) -> str:
        """Where the prices come from, as the manifest says."""
        return next(row["source"] for row in self._rows(MANIFEST) if row["table"] == "prices")

    @cached_property
    def _prices(self) -> Mapping[tuple[str, str, str], Mapping[str, Decimal]]:
        found: dict[tuple[str, str, str], dict[str, Decimal]] = {}
        for row in self._rows("prices"):
            key = (row["instance_type"], row["region"], row["purchase"])
            try:
                price = Decimal(row["usd_per_hour"])
            except InvalidOperation:
                raise CatalogError(
                    f"prices.csv: usd_per_hour of {' '.join(key)} is"
                    f" {row['usd_per_hour']!r}, not a number"
                ) from None
            found.setdefault(key, {})[row["zone_id"]] = price
        return found

    @cached_property
    def _price_days(self) -> Mapping[tuple[str, str], date]:
        return {
            (row["region"], row["purchase"]): self._date("price_captures", row, "date")
            for row in self._rows("price_captures")
        }

    # -- language models --------------------------------------------------------------------

    @cached_property
    def language_models(self) -> Mapping[str, LanguageModel]:
        """The language models of known shape, by their id at Hugging Face."""
        table = "language_models"
        return MappingProxyType(
            {
                row["id"]: LanguageModel(
                    id=row["id"],
                    model_type=row["model_type"],
                    layers=self._integer(table, row, "layers"),
                    hidden=self._integer(table, row, "hidden"),
                    heads=self._integer(table, row, "heads"),
                    kv_heads=self._integer(table, row, "kv_heads"),
                    head_dim=self._integer(table, row, "head_dim"),
                    mlp=self._integer(table, row, "mlp"),
                    experts=self._integer(table, row, "experts"),
                    vocabulary=self._integer(table, row, "vocabulary"),
                    max_positions=self._integer(table, row, "max_positions"),
                    windowed_layers=self._integer(table, row, "windowed_layers"),
                    window=self._integer(table, row, "window"),
                    tied=row["tied"] == "yes",
                    needs_token=row["needs_token"] == "yes",
                    note=row["note"],
                )
                for row in self._rows(table)
            }
        )

    @cached_property
    def serving_images(self) -> tuple[ServingImage, ...]:
        """The images that serve language models, the preferred ones first."""
        images = [
            ServingImage(
                name=row["name"],
                rule=row["rule"],
                rank=self._integer("serving_images", row, "rank"),
                image=row["image"],
                families=tuple(row["families"].split()),
                model_types=tuple(row["model_types"].split()),
                models=tuple(row["models"].split()),
            )
            for row in self._rows("serving_images")
        ]
        return tuple(sorted(images, key=lambda image: (image.rank, image.name)))

    @cached_property
    def model_refusals(self) -> tuple[ModelRefusal, ...]:
        """The pairs of model and image that are known to fail."""
        return tuple(
            ModelRefusal(
                model=row["model"],
                serving_image=row["serving_image"],
                family=row["family"],
                sequences_below=(
                    self._integer("model_refusals", row, "sequences_below")
                    if row["sequences_below"]
                    else None
                ),
                says=row["says"],
                source=row["source"],
            )
            for row in self._rows("model_refusals")
        )

    @cached_property
    def model_deployments(self) -> tuple[ModelDeployment, ...]:
        """The documented deployments of models of known shape, those that failed included."""
        table = "model_deployments"
        return tuple(
            ModelDeployment(
                model=row["model"],
                instance_type=row["instance_type"],
                tensor_parallel=self._integer(table, row, "tensor_parallel"),
                sequences=self._integer(table, row, "sequences"),
                length=self._integer(table, row, "length"),
                rule=row["rule"],
                weight_bytes=self._integer(table, row, "weight_bytes"),
                works=row["works"] == "yes",
                source=row["source"],
                note=row["note"],
            )
            for row in self._rows(table)
        )

    def tensor_parallel_degrees(self, instance_type: str) -> Mapping[int, str]:
        """The degrees of tensor parallelism that are documented for the type, ascending.

        The evidence of each: ``stated`` by AWS, ``disputed`` where it is stated and was seen to
        fail, ``seen`` in a deployment, or ``assumed`` from the type of the same chip. A degree is a
        number of logical NeuronCores.
        """
        return self._degrees.get(instance_type, {})

    @cached_property
    def _degrees(self) -> Mapping[str, Mapping[int, str]]:
        found: dict[str, dict[int, str]] = {}
        for row in self._rows("tensor_parallel"):
            degree = self._integer("tensor_parallel", row, "degree")
            found.setdefault(row["instance_type"], {})[degree] = row["evidence"]
        return {
            name: MappingProxyType(dict(sorted(degrees.items()))) for name, degrees in found.items()
        }

    # -- AMIs, SDKs, devices ----------------------------------------------------------------

    @cached_property
    def container_images(self) -> tuple[ContainerImage, ...]:
        """The container images that AWS publishes for Neuron, by repository and version."""
        return tuple(
            ContainerImage(
                repository=row["repository"],
                version_from=_version(row["version_from"]),
                version_until=_version(row["version_until"]),
                purpose=row["purpose"],
                families=tuple(row["families"].split()),
                contested=tuple(row["contested"].split()),
                contested_says=row["contested_says"],
                server=row["server"],
                newest=row["newest"],
                published_until_sdk=(
                    _version(row["published_until_sdk"]) if row["published_until_sdk"] else None
                ),
                ended=row["ended"],
            )
            for row in self._rows("container_images")
        )

    @cached_property
    def servers(self) -> Mapping[str, Server]:
        """The servers inside those images, by name."""
        return MappingProxyType(
            {
                row["server"]: Server(
                    name=row["server"],
                    entry=row["entry"],
                    port=self._integer("servers", row, "port"),
                    port_option=row["port_option"],
                    sequences_option=row["sequences_option"],
                    length_option=row["length_option"],
                )
                for row in self._rows("servers")
            }
        )

    @cached_property
    def server_options(self) -> tuple[ServerOption, ...]:
        """The options that servers take no longer."""
        return tuple(
            ServerOption(
                server=row["server"],
                option=row["option"],
                version_from=_version(row["version_from"]),
                version_until=_version(row["version_until"]),
                says=row["says"],
                instead=row["instead"],
            )
            for row in self._rows("server_options")
        )

    @cached_property
    def linux_capabilities(self) -> Mapping[str, LinuxCapability]:
        """The Linux capabilities that ECS takes, by name without ``CAP_``."""
        return MappingProxyType(
            {
                row["name"]: LinuxCapability(
                    row["name"], row["capacity"] == "managed_instances", row["gives"]
                )
                for row in self._rows("linux_capabilities")
            }
        )

    @cached_property
    def secret_names(self) -> tuple[str, ...]:
        """How the names of variables end that hold secrets, in upper case."""
        return tuple(row["ending"] for row in self._rows("secret_names"))

    def ami_family(self, family: str, *, neuron: bool, architecture: str) -> AmiFamily | None:
        """The ECS-optimized AMI of an operating system (``al2023``, ``al2``), None without one."""
        return self._ami_families.get((family, "neuron" if neuron else "plain", architecture))

    def ami_versions(self, parameter_path: str) -> tuple[AmiVersion, ...]:
        """The AMIs under a parameter path, oldest first; only the newest of the plain families."""
        return self._ami_versions.get(parameter_path, ())

    def device_sets(self, instance_type: str) -> tuple[tuple[int, int], ...]:
        """The legal sets of devices of one task as (first device, number of devices), sorted.

        Empty for a type without Neuron devices or with an unknown topology.
        Source: https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/infrastructure/scheduler.html
        """
        known = self.neuron_types.get(instance_type)
        if known is None or known.neuron is None:
            return ()
        return self._device_sets.get((known.neuron.topology, known.neuron.devices), ())

    @cached_property
    def sdks(self) -> Mapping[str, NeuronSdk]:
        """The Neuron SDK releases by ``major.minor``, oldest first."""
        return MappingProxyType(
            {
                row["sdk"]: NeuronSdk(
                    sdk=row["sdk"],
                    date=self._date("neuron_sdks", row, "date"),
                    runtime=row["runtime"] or None,
                    driver=row["driver"],
                )
                for row in sorted(self._rows("neuron_sdks"), key=lambda row: row["date"])
            }
        )

    @cached_property
    def driver_conflicts(self) -> tuple[DriverConflict, ...]:
        """Pairs of Neuron driver (host) and SDK (image) of which AWS says that they fail."""
        return tuple(
            DriverConflict(
                driver_from=_version(row["driver_from"]),
                driver_until=_version(row["driver_until"]),
                sdk_from=_version(row["sdk_from"]),
                sdk_until=_version(row["sdk_until"]),
                says=row["says"],
            )
            for row in self._rows("driver_conflicts")
        )

    @cached_property
    def ami_drivers(self) -> tuple[AmiDriver, ...]:
        """Times in which an AMI recipe held the Neuron driver back."""
        return tuple(
            AmiDriver(
                parameter_path=row["parameter_path"],
                first=self._date("ami_drivers", row, "from"),
                until=self._date("ami_drivers", row, "until"),
                driver=row["driver"],
            )
            for row in self._rows("ami_drivers")
        )

    # -- limits and other single facts ------------------------------------------------------

    def limit(self, name: str) -> int:
        """A documented limit or default in the unit that its name ends with.

        Raises KeyError, naming the nearest limits, for a name that the table does not have.
        """
        try:
            return self._limits[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._limits, n=3, cutoff=0.4)
            raise KeyError(f"no limit {name!r}; nearest: {', '.join(near) or 'none'}") from None

    def interface_endpoints(self) -> tuple[InterfaceEndpoint, ...]:
        """The interface endpoints that hosts and tasks need where no route leads outside.

        Not the Amazon S3 gateway endpoint, through which the layers of images come.
        """
        return tuple(
            InterfaceEndpoint(service=row["service"], needed_for=row["needed_for"])
            for row in self._rows("interface_endpoints")
        )

    def managed_policy(self, key: str) -> str:
        """The path and name of an AWS managed policy, after ``arn:<partition>:iam::aws:policy/``.

        Raises KeyError, naming the keys that exist.
        """
        policies = self._managed_policies
        try:
            return policies[key]
        except KeyError:
            raise KeyError(f"no managed policy {key!r}; known: {', '.join(policies)}") from None

    def own_network_number(self, region: str) -> int:
        """The Region's own number: the second one of the /16 of a network of ours.

        Raises KeyError for a Region that no table knows. A Region keeps its number for ever.
        """
        return self._own_networks[region]

    @cached_property
    def _own_networks(self) -> Mapping[str, int]:
        return {row["region"]: int(row["number"]) for row in self._rows("own_networks")}

    def ipv4_blocks(self, kind: str) -> tuple[str, ...]:
        """The special IPv4 blocks of a kind, in the order of their text.

        ``private`` is not routed on the internet, ``unusable`` can be no host's address,
        ``docker`` is Docker's own bridge.
        """
        return tuple(row["block"] for row in self._rows("ipv4_blocks") if row["kind"] == kind)

    @cached_property
    def public_registries(self) -> Mapping[str, str]:
        """Container registries of the public internet: host to name."""
        return MappingProxyType({r["host"]: r["name"] for r in self._rows("public_registries")})

    def bucket_affixes(self, place: str) -> tuple[str, ...]:
        """What no general purpose bucket's name begins (``prefix``) or ends (``suffix``) with."""
        return tuple(row["affix"] for row in self._rows("bucket_affixes") if row["place"] == place)

    @cached_property
    def health_paths(self) -> Mapping[str, HealthPath]:
        """Health paths of the servers in Deep Learning Containers, by repository."""
        return MappingProxyType(
            {
                row["repository"]: HealthPath(row["repository"], row["server"], row["path"])
                for row in self._rows("health_paths")
            }
        )

    def replacements(self, resource_type: str) -> Mapping[str, Replacement]:
        """By dotted property: which changes of a resource of this type replace it.

        A property without a row is not known.
        """
        return self._replacements.get(resource_type, {})

    @cached_property
    def _replacements(self) -> Mapping[str, Mapping[str, Replacement]]:
        found: dict[str, dict[str, Replacement]] = {}
        for row in self._rows("replacements"):
            kind, name = row["resource_type"], row["property"]
            found.setdefault(kind, {})[name] = Replacement(
                kind, name, row["replaces"], row["source"]
            )
        return found

    @cached_property
    def time_zones(self) -> frozenset[str]:
        """The names of the tz database, links included."""
        return frozenset(row["name"] for row in self._rows("time_zones"))

    def log_retention_days(self) -> tuple[int, ...]:
        """The retention periods that CloudWatch Logs accepts, days, ascending."""
        return self._log_retention_days

    def reserved_host_ports(self) -> frozenset[int]:
        """The host ports that a container instance reserves for SSH, Docker and the ECS agent."""
        return self._reserved_host_ports

    def awsvpc_tasks(self, instance_type: str) -> tuple[int | None, int | None]:
        """How many awsvpc tasks an instance takes: without, with ENI trunking.

        Without trunking a task takes one network interface and the host keeps one. None: the type
        is not known, or (second place) AWS lists no trunking for it.
        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html
        """
        if instance_type in self._trunking:
            return self._trunking[instance_type]
        known = self.instance_type(instance_type)
        return (None, None) if known is None else (max(known.max_enis - 1, 0), None)

    # -- the tables themselves --------------------------------------------------------------

    @cached_property
    def date(self) -> date:
        """The newest date of a table that was filled from the AWS API."""
        return max(
            self._date(MANIFEST, row, "date")
            for row in self._rows(MANIFEST)
            if row["filled_by"] == "api"
        )

    def tables(self) -> tuple[TableInfo, ...]:
        """Every table with its source, date and number of rows; counting reads all of them."""
        return tuple(
            TableInfo(
                name=row["table"],
                filled_by=row["filled_by"],
                source=row["source"],
                date=self._date(MANIFEST, row, "date"),
                rows=sum(1 for _ in self._records(row["table"])) - 1,
            )
            for row in self._rows(MANIFEST)
        )

    def rows(self, table: str) -> tuple[Mapping[str, str], ...]:
        """The raw rows of a table, overrides not applied: for showing, not for deciding.

        Raises KeyError, naming the nearest tables, when the manifest does not name the table.
        """
        names = [MANIFEST, *(row["table"] for row in self._rows(MANIFEST))]
        if table not in names:
            near = difflib.get_close_matches(table, names, n=3, cutoff=0.4)
            raise KeyError(f"no table {table!r}; nearest: {', '.join(near) or 'none'}")
        return tuple(MappingProxyType(row) for row in self._rows(table))

    # -- reading ----------------------------------------------------------------------------

    def _records(self, table: str) -> Iterator[list[str]]:
        path = self._directory / f"{table}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file)

    def _rows(self, table: str) -> list[Row]:
        records = self._records(table)
        header = next(records)
        rows: list[Row] = []
        for number, record in enumerate(records, start=2):
            if len(record) != len(header):
                raise CatalogError(
                    f"{table}.csv line {number}: {len(record)} cells under {len(header)} columns"
                )
            rows.append(dict(zip(header, record, strict=True)))
        return rows

    def _overridden(self, table: str) -> list[Row]:
        rows = self._rows(table)
        overrides = [row for row in self._override_rows if row["table"] == table]
        if not overrides:
            return rows
        by_key = {row["name"]: row for row in rows}
        for override in overrides:
            row = by_key.get(override["key"])
            if row is None:
                continue  # The type has left; whoever refreshes is told to drop the override.
            if override["column"] not in row:
                raise CatalogError(
                    f"overrides.csv corrects {override['column']} of {override['key']}, a column"
                    f" that {table}.csv does not have"
                )
            row[override["column"]] = override["value"]
        return rows

    @cached_property
    def _override_rows(self) -> list[Row]:
        return self._rows("overrides")

    @cached_property
    def _type_rows(self) -> dict[str, Row]:
        return {row["name"]: row for row in self._overridden("instance_types")}

    def _build_type(self, row: Row, neuron: NeuronHardware | None) -> InstanceType:
        return InstanceType(
            name=row["name"],
            vcpus=self._integer("instance_types", row, "vcpus"),
            memory_mib=self._integer("instance_types", row, "memory_mib"),
            architecture=row["architecture"],
            accelerator=row["accelerator"],
            max_enis=self._integer("instance_types", row, "max_enis"),
            usage_classes=tuple(row["usage_classes"].split()),
            neuron=neuron,
        )

    @cached_property
    def _offerings(self) -> _Offerings:
        # By far the largest table: its cells never hold a comma or a quote, so lines are split by
        # hand and zone ids stay one string until somebody asks for them.
        text = (self._directory / "offerings.csv").read_text(encoding="utf-8")
        lines = text.splitlines()
        if not lines or lines[0] != "instance_type,region,zone_ids":
            raise CatalogError("offerings.csv: the header is not instance_type,region,zone_ids")
        by_region: dict[str, dict[str, str]] = {}
        by_type: dict[str, list[str]] = {}
        try:
            for line in lines[1:]:
                name, region, zones = line.split(",")
                if region in by_region:
                    by_region[region][name] = zones
                else:
                    by_region[region] = {name: zones}
                if name in by_type:
                    by_type[name].append(region)
                else:
                    by_type[name] = [region]
        except ValueError:
            raise CatalogError("offerings.csv: a line does not have three cells") from None
        return _Offerings(by_region=by_region, by_type=by_type)

    @cached_property
    def _zone_ids(self) -> dict[str, tuple[str, ...]]:
        return {
            region: tuple(sorted({zone for cell in set(types.values()) for zone in cell.split()}))
            for region, types in self._offerings.by_region.items()
        }

    @cached_property
    def _captures(self) -> dict[str, frozenset[str]]:
        regions: dict[str, set[str]] = {}
        for row in self._rows("captures"):
            regions.setdefault(row["table"], set()).add(row["region"])
        return {table: frozenset(names) for table, names in regions.items()}

    def _captured_regions(self, table: str) -> frozenset[str]:
        return self._captures.get(table, frozenset())

    @cached_property
    def _capacity_blocks(self) -> dict[str, tuple[str, ...]]:
        regions: dict[str, list[str]] = {}
        for row in self._rows("capacity_blocks"):
            regions.setdefault(row["instance_type"], []).append(row["region"])
        return {name: tuple(sorted(names)) for name, names in regions.items()}

    @cached_property
    def _ami_families(self) -> dict[tuple[str, str, str], AmiFamily]:
        return {
            (row["family"], row["variant"], row["architecture"]): AmiFamily(
                family=row["family"],
                variant=row["variant"],
                architecture=row["architecture"],
                parameter_path=row["parameter_path"],
                root_device=row["root_device"],
                root_gib=self._integer("ami_families", row, "root_gib"),
                end_of_life=(
                    self._date("ami_families", row, "end_of_life") if row["end_of_life"] else None
                ),
                held_driver=(
                    row["default_driver"].removesuffix(".*")
                    if re.fullmatch(r"[\d.]+(\.\*)?", row["default_driver"])
                    else None
                ),
            )
            for row in self._rows("ami_families")
        }

    @cached_property
    def _ami_versions(self) -> dict[str, tuple[AmiVersion, ...]]:
        versions: dict[str, list[AmiVersion]] = {}
        for row in self._rows("ami_versions"):
            everywhere = row["regions"] == EVERYWHERE
            versions.setdefault(row["parameter_path"], []).append(
                AmiVersion(
                    parameter_path=row["parameter_path"],
                    image_name=row["image_name"],
                    date=self._date("ami_versions", row, "date"),
                    agent=row["agent"],
                    regions=None if everywhere else frozenset(row["regions"].split()),
                )
            )
        return {
            path: tuple(sorted(found, key=lambda version: (version.date, version.image_name)))
            for path, found in versions.items()
        }

    @cached_property
    def _device_sets(self) -> dict[tuple[str, int], tuple[tuple[int, int], ...]]:
        sets: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for row in self._rows("device_sets"):
            first, size, devices = (
                self._integer("device_sets", row, column) for column in ("first", "size", "devices")
            )
            sets.setdefault((row["topology"], devices), []).append((first, size))
        return {key: tuple(sorted(found)) for key, found in sets.items()}

    @cached_property
    def _limits(self) -> dict[str, int]:
        return {row["name"]: self._integer("limits", row, "value") for row in self._rows("limits")}

    @cached_property
    def _managed_policies(self) -> dict[str, str]:
        return {row["key"]: row["arn_path"] for row in self._rows("managed_policies")}

    @cached_property
    def _log_retention_days(self) -> tuple[int, ...]:
        rows = self._rows("log_retention_days")
        return tuple(sorted(self._integer("log_retention_days", row, "days") for row in rows))

    @cached_property
    def _reserved_host_ports(self) -> frozenset[int]:
        return frozenset(
            self._integer("host_ports", row, "port") for row in self._rows("host_ports")
        )

    @cached_property
    def _trunking(self) -> dict[str, tuple[int | None, int | None]]:
        return {
            row["instance_type"]: (
                self._integer("trunking", row, "tasks"),
                self._integer("trunking", row, "tasks_trunking") if row["tasks_trunking"] else None,
            )
            for row in self._rows("trunking")
        }

    def _integer(self, table: str, row: Row, column: str) -> int:
        try:
            return int(row[column])
        except (KeyError, ValueError):
            raise CatalogError(
                f"{table}.csv: {column} of {next(iter(row.values()))} is"
                f" {row.get(column)!r}, not a whole number"
            ) from None

    def _date(self, table: str, row: Row, column: str) -> date:
        try:
            return date.fromisoformat(row[column])
        except (KeyError, ValueError):
            raise CatalogError(
                f"{table}.csv: {column} of {next(iter(row.values()))} is"
                f" {row.get(column)!r}, not a date like 2026-01-31"
            ) from None


@cache
def _shipped() -> Catalog:
    return Catalog(DATA_DIRECTORY)


def load(directory: Path | None = None) -> Catalog:
    """The catalog of a directory of tables; the shipped one, read at most once, by default."""
    return _shipped() if directory is None else Catalog(directory)
