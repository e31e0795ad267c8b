"""Laws of the shipped tables: every row parses, is in its place and agrees with the others."""

from __future__ import annotations

import csv
import itertools
import re
from datetime import date
from pathlib import Path

import pytest

import catalog
from catalog.reader import Catalog
from catalog.tables import DATA_DIRECTORY, MANIFEST

KEYS = {
    "administrator_policies": ("arn_path",),
    "ami_drivers": ("parameter_path", "from"),
    "ami_families": ("family", "variant", "architecture"),
    "ami_versions": ("parameter_path", "image_name"),
    "api_rates": ("service", "bucket"),
    "aws_buckets": ("bucket",),
    "aws_policies": ("arn_path",),
    "bucket_affixes": ("affix",),
    "token_claims": ("name",),
    "capacity_blocks": ("instance_type", "region"),
    "captures": ("table", "region"),
    "container_images": ("repository", "version_from"),
    "device_sets": ("topology", "devices", "first", "size"),
    "driver_conflicts": ("driver_from", "sdk_from"),
    "host_ports": ("port",),
    "image_repositories": ("registry", "repository"),
    "image_tags": ("registry", "repository", "tag"),
    "instance_quotas": ("series", "purchase"),
    "instance_types": ("name",),
    "interface_endpoints": ("service", "needed_for"),
    "language_models": ("id",),
    "ipv4_blocks": ("block",),
    "limits": ("name",),
    "linux_capabilities": ("name",),
    "log_retention_days": ("days",),
    "managed_policies": ("key",),
    "model_deployments": (
        "model",
        "instance_type",
        "tensor_parallel",
        "sequences",
        "length",
        "server",
    ),
    "model_loaders": ("name",),
    "neuron_metrics": ("metric", "dimension"),
    "model_refusals": ("model", "serving_image", "family"),
    "daemon_images": ("container",),
    "neuron_families": ("family",),
    "neuron_faults": ("fault",),
    "neuron_sdks": ("sdk",),
    "neuron_topologies": ("name",),
    "neuron_types": ("name",),
    "offerings": ("instance_type", "region"),
    "other_families": ("family",),
    "other_images": ("image",),
    "overrides": ("table", "key", "column"),
    "price_captures": ("region", "purchase"),
    "prices": ("instance_type", "region", "purchase", "zone_id"),
    "own_networks": ("region",),
    "public_registries": ("host",),
    "regions": ("name",),
    "registered_memory": ("instance_type",),
    "replacements": ("resource_type", "property"),
    "model_types": ("model_type",),
    "serving_images": ("name",),
    "secret_names": ("ending",),
    "security_controls": ("control",),
    "server_arguments": ("server", "argument"),
    "server_caches": ("server", "variable"),
    "server_options": ("server", "option"),
    "servers": ("name",),
    "stop_reasons": ("kind", "text"),
    "system_directories": ("of", "path"),
    "tables": ("table",),
    "tensor_parallel": ("instance_type", "degree"),
    "time_zones": ("name",),
    "trunking": ("instance_type",),
    "unmanaged_sizes": ("size",),
    "unread_variables": ("name",),
    "watching_prices": ("item", "partition"),
    "worker_options": ("program",),
    "writable_paths": ("path",),
}

TABLES = sorted(path.stem for path in DATA_DIRECTORY.glob("*.csv"))

WORDS = {
    ("bucket_affixes", "place"): {"prefix", "suffix"},
    ("ipv4_blocks", "kind"): {"docker", "private", "unusable"},
    ("ami_families", "architecture"): {"arm64", "x86_64"},
    ("instance_quotas", "purchase"): {"on_demand", "spot"},
    ("ami_families", "variant"): {"neuron", "neuron_kernel_4_14", "plain"},
    ("captures", "table"): {"ami_versions", "offerings"},
    ("container_images", "purpose"): {"inference", "serving", "training"},
    ("image_repositories", "registry"): {"dlc", "neuron"},
    ("image_repositories", "use"): {"models", "operations", "other"},
    ("image_tags", "registry"): {"dlc", "neuron"},
    ("instance_types", "accelerator"): {"fpga", "gpu", "media", "neuron", "none", "other"},
    ("instance_types", "architecture"): {"arm64", "x86_64"},
    ("language_models", "gated"): {"no", "yes"},
    ("language_models", "kind"): {"decoder", "embedding", "encoder"},
    ("language_models", "needs_token"): {"no", "yes"},
    ("language_models", "tied"): {"no", "yes"},
    ("model_deployments", "server"): {"nxdi", "optimum", "plugin"},
    ("model_deployments", "works"): {"no", "yes"},
    ("model_types", "gated"): {"no", "yes"},
    ("model_types", "kind"): {"decoder", "encoder"},
    ("model_types", "tied"): {"no", "yes"},
    ("model_types", "window"): {"all_but_sixth", "every", "flagged", "none", "second"},
    ("price_captures", "purchase"): {"on_demand", "spot"},
    ("prices", "purchase"): {"on_demand", "spot"},
    ("server_caches", "holds"): {"artifacts", "compiler", "remote", "weights"},
    ("server_caches", "keeps_failures"): {"no", "yes"},
    ("server_caches", "takes_s3"): {"no", "yes"},
    ("serving_images", "server"): {"nxdi", "optimum", "plugin", "tf_serving", "torchserve"},
    ("tensor_parallel", "evidence"): {"assumed", "disputed", "seen", "stated"},
    ("interface_endpoints", "needed_for"): {
        "detector",
        "exec",
        "exec_key",
        "host_access",
        "images",
        "instances",
        "logs",
        "parameters",
        "secrets",
    },
    ("linux_capabilities", "capacity"): {"all", "managed_instances"},
    ("neuron_families", "aligned_slices"): {"no", "yes"},
    ("neuron_families", "boot_changes_driver"): {"no", "yes"},
    ("neuron_families", "frameworks"): {"neuron", "neuronx"},
    ("neuron_families", "managed_instances"): {"no", "unverified", "yes"},
    ("neuron_topologies", "device_sets"): {"inferred", "stated"},
    ("neuron_topologies", "topology"): {"ring", "single", "torus_4x4"},
    ("regions", "managed_instances"): {"no", "yes"},
    ("regions", "neuron_ami"): {"documented", "none", "undocumented"},
    ("watching_prices", "partition"): {"aws"},
    ("watching_prices", "item"): {
        "alarm_metric",
        "custom_metric",
        "dashboard",
        "health_check",
        "log_gib",
    },
    ("regions", "partition"): {"aws", "aws-cn", "aws-us-gov"},
    ("replacements", "replaces"): {"added_or_removed", "always", "never"},
    ("servers", "entry"): {"arguments", "command", "image"},
    ("stop_reasons", "is_error"): {"no", "yes"},
    ("stop_reasons", "kind"): {"exit_code", "log", "message"},
    ("stop_reasons", "link"): {
        "",
        "agent",
        "capacity",
        "chip",
        "image",
        "instance",
        "placement",
        "quota",
        "role",
        "service",
        "targets",
        "tasks",
    },
    ("tables", "filled_by"): {"api", "derived", "hand", "prices"},
    ("worker_options", "whole"): {"no", "yes"},
}


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return catalog.load()


def raw(table: str) -> list[dict[str, str]]:
    with (DATA_DIRECTORY / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def place(row: dict[str, str], columns: tuple[str, ...]) -> list[tuple[int, str]]:
    cells = (row[column] for column in columns)
    return [(int(cell), "") if cell.isdecimal() else (-1, cell) for cell in cells]


def test_the_manifest_names_every_file_and_every_file_is_in_it() -> None:
    named = {row["table"] for row in raw(MANIFEST)}
    files = set(TABLES) - {MANIFEST}
    assert named == files, "a table without a source and a date is hearsay"
    assert set(KEYS) == set(TABLES), "a new table needs a key here, or nothing keeps it unique"


def test_every_table_has_rows_a_source_and_a_date(shipped: Catalog) -> None:
    for table in shipped.tables():
        assert table.source, f"{table.name}: where does it come from?"
        assert table.rows > 0, f"{table.name} is empty"
        assert table.date > date(2026, 1, 1), f"{table.name}: nobody has looked at it since"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_plain_sorted_text_with_one_row_for_each_key(table: str) -> None:
    text = (DATA_DIRECTORY / f"{table}.csv").read_bytes().decode("utf-8")
    assert "\r" not in text, "line endings are LF, or a refresh on another system changes all"
    assert text.endswith("\n")
    assert text == text.replace("\t", " "), "cells are separated by commas"
    rows = raw(table)
    assert rows
    places = [place(row, KEYS[table]) for row in rows]
    assert all(None not in row and None not in row.values() for row in rows), (
        "every row has as many cells as the header"
    )
    assert all(cell == cell.strip() for row in rows for cell in row.values())
    assert len({str(key) for key in places}) == len(places), f"{table}: two rows for one key"
    assert places == sorted(places), f"{table}.csv is not sorted by {KEYS[table]}: move the new row"


def test_every_word_from_a_closed_list_is_on_it() -> None:
    for (table, column), words in WORDS.items():
        found = {row[column] for row in raw(table)}
        assert found <= words, (
            f"{table}.csv, {column}: {sorted(found - words)} is no known word: correct the "
            "cell, or add the word to WORDS in tests/catalog/test_catalog_tables.py"
        )


def test_every_row_parses_into_its_type(shipped: Catalog) -> None:
    assert len(shipped.instances.types) == len(raw("instance_types"))
    assert len(shipped.instances.neuron_types) == len(raw("neuron_types")), (
        "a type in neuron_types.csv needs a row in neuron_topologies.csv, and in instance_types.csv"
    )
    assert len(shipped.places.regions) == len(raw("regions"))
    assert len(shipped.neuron.sdks) == len(raw("neuron_sdks"))
    assert len(shipped.limits.log_retention_days) == len(raw("log_retention_days"))
    assert len(shipped.networks.reserved_host_ports) == len(raw("host_ports"))
    assert len(shipped.networks.interface_endpoints) == len(raw("interface_endpoints"))
    for row in raw("limits"):
        assert shipped.limits.value(row["name"]) > 0
        assert row["unit"], f"{row['name']} has no unit"
        assert row["source"], f"{row['name']} has no source"
    for row in raw("managed_policies"):
        assert shipped.resources.managed_policy(row["key"]) == row["arn_path"]
        assert not row["arn_path"].startswith("/")
    for row in raw("ami_families"):
        family = shipped.amis.family(
            row["family"], neuron=row["variant"] == "neuron", architecture=row["architecture"]
        )
        assert family is not None
        assert shipped.amis.versions(row["parameter_path"]), f"{row['parameter_path']}: no AMI"


def test_every_instance_type_has_sane_numbers(shipped: Catalog) -> None:
    for known in shipped.instances.types.values():
        assert known.vcpus > 0
        assert known.memory_mib > 0
        assert known.max_enis > 0
        assert known.usage_classes == tuple(sorted(set(known.usage_classes)))
        assert (known.neuron is not None) == (known.accelerator == "neuron"), (
            f"{known.name}: a Neuron type needs a row in neuron_types.csv and one in "
            "neuron_topologies.csv, and no other type has them"
        )


def test_neuron_hardware_is_complete_once_overrides_are_applied(shipped: Catalog) -> None:
    for name, known in shipped.instances.neuron_types.items():
        hardware = known.neuron
        assert hardware is not None
        assert known.architecture == "x86_64", f"{name}: the Neuron AMI exists for x86_64 only"
        assert hardware.devices in {1, 4, 6, 12, 16}, (
            f"{name}: {hardware.devices} devices are new: check the sets in device_sets.csv "
            "against AWS's page, then add the number here"
        )
        assert 0 < hardware.logical_cores_per_device <= hardware.cores_per_device, name
        assert 8 * 1024 <= hardware.device_memory_mib <= 96 * 1024, (
            f"{name}: no chip sold so far has more than 96 GiB"
        )
        assert hardware.efa_interfaces <= known.max_enis, name
    for row in raw("neuron_types"):
        assert int(row["enis"]) == shipped.instances.types[row["name"]].max_enis, row["name"]


def test_every_override_is_needed_and_applied(shipped: Catalog) -> None:
    for override in raw("overrides"):
        rows = {row["name"]: row for row in raw(override["table"])}
        given = rows[override["key"]][override["column"]]
        assert given != override["value"], (
            f"AWS now says {override['value']} itself: drop the override of {override['key']}"
        )
        assert override["table"] == "neuron_types"
        hardware = shipped.instances.neuron_types[override["key"]].neuron
        assert hardware is not None
        assert getattr(hardware, override["column"]) == int(override["value"])
        assert override["reason"]
        assert override["source"].startswith("https://")


def test_offerings_name_known_types_known_regions_and_zones_of_their_own_region(
    shipped: Catalog,
) -> None:
    types = set(shipped.instances.types)
    unoffered = sorted(
        set(shipped.instances.neuron_types) - {r["instance_type"] for r in raw("offerings")}
    )
    assert not unoffered, f"{unoffered}: offerings.csv has no row: run `neuron-ecs catalog refresh`"
    zone = re.compile(r"([a-z]+\d+)-az\d+")
    for row in raw("offerings"):
        assert row["instance_type"] in types, (
            f"{row['instance_type']} of offerings.csv is no row of instance_types.csv: run "
            "`neuron-ecs catalog refresh`"
        )
        region = shipped.places.regions.get(row["region"])
        assert region is not None, f"{row['region']} is not in regions.csv"
        zones = row["zone_ids"].split()
        assert zones == sorted(set(zones))
        assert zones
        for name in zones:
            match = zone.fullmatch(name)
            assert match is not None, name
            assert match.group(1) == region.short, f"{name} is not a zone of {region.name}"


def test_captured_regions_are_exactly_those_with_offerings(shipped: Catalog) -> None:
    captured = {row["region"] for row in raw("captures") if row["table"] == "offerings"}
    assert captured == {row["region"] for row in raw("offerings")}
    assert {
        name for name in shipped.places.regions if shipped.places.offerings_known(name)
    } == captured


def test_the_neuron_ami_is_known_exactly_where_its_parameter_was_seen(shipped: Catalog) -> None:
    family = shipped.amis.family("al2023", neuron=True, architecture="x86_64")
    assert family is not None
    captured = {row["region"] for row in raw("captures") if row["table"] == "ami_versions"}
    seen: set[str] = set()
    for version in shipped.amis.versions(family.parameter_path):
        seen |= captured if version.regions is None else version.regions
    known = {name for name, region in shipped.places.regions.items() if region.neuron_ami != "none"}
    assert seen == known, "regions.csv and ami_versions.csv disagree on where the AMI exists"
    documented = [r for r in shipped.places.regions.values() if r.neuron_ami == "documented"]
    assert len(documented) == 17, "the developer guide lists 17 Regions"


def test_regions_carry_the_suffix_of_their_partition(shipped: Catalog) -> None:
    suffixes = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
    for region in shipped.places.regions.values():
        assert region.dns_suffix == suffixes[region.partition]
        assert re.fullmatch(r"\d{12}", region.dlc_account), "AWS has a registry in every Region"
    shorts = [region.short for region in shipped.places.regions.values()]
    assert len(set(shorts)) == len(shorts), "a zone id belongs to one Region"


def test_hand_tables_speak_of_types_families_and_regions_that_exist(shipped: Catalog) -> None:
    families = {row["family"] for row in raw("neuron_families")}
    for row in raw("neuron_topologies"):
        assert row["name"] in shipped.instances.neuron_types, (
            f"{row['name']} is in neuron_topologies.csv and not in neuron_types.csv: run "
            "`neuron-ecs catalog refresh`, which adds it, or remove the row"
        )
        assert row["family"] in families, (
            f"{row['family']} of {row['name']} is a new family: add it to neuron_families.csv"
        )
    assert families == {row["family"] for row in raw("neuron_topologies")}, (
        "each family of neuron_families.csv has a type in neuron_topologies.csv"
    )
    for row in raw("capacity_blocks"):
        assert row["instance_type"] in shipped.instances.neuron_types, (
            f"{row['instance_type']} of capacity_blocks.csv is not in neuron_types.csv"
        )
        assert row["region"] in shipped.places.regions, (
            f"{row['region']} of capacity_blocks.csv is not in regions.csv"
        )
        usage = shipped.instances.neuron_types[row["instance_type"]].usage_classes
        assert "capacity-block" in usage, f"{row['instance_type']} is not sold in Capacity Blocks"
    for row in raw("registered_memory"):
        installed = shipped.instances.types[row["instance_type"]].memory_mib
        assert int(row["memory_mib"]) < installed, "the kernel keeps some of the installed memory"
    for row in raw("trunking"):
        known = shipped.instances.neuron_types[row["instance_type"]]
        assert int(row["tasks"]) == known.max_enis - 1, (
            "without trunking a task takes one network interface and the host keeps one"
        )


def test_amis_are_listed_oldest_first_and_dated_by_their_names(shipped: Catalog) -> None:
    for row in raw("ami_families"):
        versions = shipped.amis.versions(row["parameter_path"])
        assert list(versions) == sorted(versions, key=lambda version: version.date)
        for version in versions:
            assert f"{version.date:%Y%m%d}" in version.image_name
    for row in raw("ami_versions"):
        assert re.fullmatch(r"\d+\.\d+\.\d+", row["agent"]), row["image_name"]


def test_sdks_are_in_the_order_of_their_dates_and_drivers(shipped: Catalog) -> None:
    sdks = list(shipped.neuron.sdks.values())
    dates = [sdk.date for sdk in sdks]
    drivers = [tuple(int(part) for part in sdk.driver.split(".")) for sdk in sdks]
    assert dates == sorted(dates)
    assert drivers == sorted(drivers), "a newer SDK never came with an older driver"


# -- device sets -----------------------------------------------------------------------------


def neuron_names() -> list[str]:
    return [row["name"] for row in raw("neuron_topologies")]


@pytest.mark.parametrize("name", neuron_names())
def test_every_legal_set_lies_within_the_devices_of_the_type(name: str) -> None:
    known = catalog.load().instances.neuron_types[name].neuron
    assert known is not None
    sets = catalog.load().neuron.device_sets(name)
    assert list(sets) == sorted(set(sets))
    assert all(first >= 0 and size >= 1 and first + size <= known.devices for first, size in sets)
    assert sets, (
        f"device_sets.csv has no sets for {name}: run `neuron-ecs catalog refresh` once more; "
        "without an account see CONTRIBUTING.md, Add an instance type"
    )
    assert (0, known.devices) in sets, "a task may always take the whole instance"
    assert {first for first, size in sets if size == 1} == set(range(known.devices)), (
        "a task may always take any one device"
    )


def test_a_ring_gives_every_contiguous_run_and_never_wraps(shipped: Catalog) -> None:
    for name in ("inf1.6xlarge", "inf1.24xlarge", "inf2.24xlarge", "inf2.48xlarge"):
        known = shipped.instances.neuron_types[name].neuron
        assert known is not None
        devices = known.devices
        assert len(shipped.neuron.device_sets(name)) == devices * (devices + 1) // 2, (
            "the runtime demands contiguous ids and nothing else on a ring"
        )


def test_torus_sets_are_aligned_and_disjoint_or_nested(shipped: Catalog) -> None:
    for name in ("trn1.32xlarge", "trn1n.32xlarge", "trn2.48xlarge", "trn2u.48xlarge"):
        sets = shipped.neuron.device_sets(name)
        assert {size for _, size in sets} == {1, 2, 4, 8, 16}
        assert {size for _, size in shipped.neuron.proven_sets(name)} == {1, 4, 8, 16}
        assert all(first % size == 0 for first, size in sets), "a set starts at its own multiple"
        spans = [set(range(first, first + size)) for first, size in sets]
        for one, other in itertools.combinations(spans, 2):
            assert one.isdisjoint(other) or one <= other or other <= one, name


def test_sets_that_aws_does_not_state_are_marked(shipped: Catalog) -> None:
    for row in raw("device_sets"):
        if row["topology"] == "torus_4x4" and row["size"] == "2":
            assert row["unproven_for"] == "trn1 trn1n trn2 trn2u"
            assert not row["stated_for"] and not row["inferred_for"]
        elif row["topology"] == "torus_4x4":
            assert row["stated_for"] == "trn1 trn1n trn2"
            assert row["inferred_for"] == "trn2u"
        else:
            assert row["stated_for"]
    assert shipped.neuron.device_sets("m7i.large") == ()


def test_the_documented_figures_of_the_smallest_and_largest_types(shipped: Catalog) -> None:
    small, large = (
        shipped.instances.neuron_types["inf2.xlarge"],
        shipped.instances.neuron_types["trn2.48xlarge"],
    )
    assert (small.vcpus, small.memory_mib) == (4, 16384), (
        "an older copy of the AWS page said 8 vCPU; the EC2 API and the Neuron pages say 4"
    )
    assert large.memory_mib == 2048 * 1024, "1536 GiB is the HBM of its 16 chips, not host memory"
    assert large.neuron is not None
    assert large.neuron.devices * large.neuron.device_memory_mib == 1536 * 1024


def test_no_table_hides_outside_the_data_directory() -> None:
    assert not list(Path(DATA_DIRECTORY).glob("*/*")), "tables are found one level deep only"
