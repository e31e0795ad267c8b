"""The offerings against sources that did not fill them; every disagreement stands in a list."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

import catalog

PRICED_REGIONS = frozenset(
    (
        "af-south-1",
        "ap-east-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-south-1",
        "eu-south-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "me-south-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    )
)
"""The Regions that data/priced_offerings.csv covers, with Neuron types or without."""

CFN_LINT_ADDS = {
    ("inf1.2xlarge", "af-south-1"),
    ("inf1.24xlarge", "ap-northeast-3"),
    ("inf1.2xlarge", "ap-northeast-3"),
    ("inf1.6xlarge", "ap-northeast-3"),
    ("inf1.xlarge", "ap-northeast-3"),
}
"""Pairs that cfn-lint 1.58.0 lists and EC2 does not offer: its list comes from pricing data."""

CFN_LINT_LACKS = {
    ("trn1.32xlarge", "ap-south-1"),
    ("trn1.32xlarge", "ap-southeast-2"),
    ("trn1.32xlarge", "ap-southeast-4"),
    ("trn2.3xlarge", "ap-south-2"),
    ("trn2.3xlarge", "ap-southeast-4"),
    ("trn2.3xlarge", "sa-east-1"),
    ("trn2u.48xlarge", "ap-south-2"),
}
"""Pairs that EC2 offers and cfn-lint 1.58.0 lacks: they have no on-demand price, or none yet."""


def ours(regions: frozenset[str]) -> set[tuple[str, str]]:
    known = catalog.load()
    return {
        (name, region)
        for name in known.instances.neuron_types
        for region in known.places.regions_offering(name)
        if region in regions
    }


def cfn_lint_pairs() -> tuple[set[tuple[str, str]], frozenset[str]]:
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        pytest.fail("cfn-lint is a development requirement")
    path = Path(spec.origin).parent / (
        "data/schemas/extensions/aws_ec2_instance/instancetype_enum.json"
    )
    listed: dict[str, dict[str, list[str]]] = {
        region: names
        for region, names in json.loads(path.read_text(encoding="utf-8")).items()
        if region not in {"all", "description"}
    }
    neuron = set(catalog.load().instances.neuron_types)
    covered = frozenset(
        region for region in listed if catalog.load().places.offerings_known(region)
    )
    pairs = {
        (name, region) for region in covered for name in listed[region]["enum"] if name in neuron
    }
    return pairs, covered


def test_cfn_lint_disagrees_exactly_where_we_say_so() -> None:
    theirs, covered = cfn_lint_pairs()
    assert len(covered) == 30, "cfn-lint covers every captured Region"
    mine = ours(covered)
    assert theirs - mine == CFN_LINT_ADDS, (
        "cfn-lint lists a pair that EC2 does not offer: check with DescribeInstanceTypeOfferings,"
        " then refresh the table or change CFN_LINT_ADDS in tests/catalog/test_catalog_sources.py"
    )
    assert mine - theirs == CFN_LINT_LACKS, (
        "EC2 offers a pair that cfn-lint lacks: check it, then change CFN_LINT_LACKS in "
        "tests/catalog/test_catalog_sources.py"
    )


def test_the_price_catalog_agrees_on_every_zone_it_covers() -> None:
    path = Path(__file__).parent / "data" / "priced_offerings.csv"
    with path.open(encoding="utf-8", newline="") as file:
        theirs = {(r["instance_type"], r["region"], r["zone_id"]) for r in csv.DictReader(file)}
    known = catalog.load()
    mine = {
        (name, region, zone)
        for name, region in ours(PRICED_REGIONS)
        for zone in known.places.zones_offering(name, region)
    }
    assert len(theirs) == 342, "the comparison input changed; its source stands in data/README.md"
    assert {region for _, region, _ in theirs} <= PRICED_REGIONS
    assert mine == theirs, (
        f"{sorted(mine ^ theirs)[:8]}: offerings.csv and "
        "tests/catalog/data/priced_offerings.csv disagree, two captures of one API: check it with "
        "DescribeInstanceTypeOfferings, then renew that file from the source that "
        "tests/catalog/data/README.md names, and its number of rows above"
    )


def test_unpriced_offerings_are_capacity_block_pairs() -> None:
    known = catalog.load()
    unpriced = {
        ("trn1.32xlarge", "ap-south-1"),
        ("trn1.32xlarge", "ap-southeast-2"),
        ("trn1.32xlarge", "ap-southeast-4"),
        ("trn2.3xlarge", "ap-southeast-4"),
        ("trn2.48xlarge", "us-east-2"),
    }
    for name, region in unpriced:
        assert known.places.zones_offering(name, region), f"{name} is offered in {region}"
        assert region in known.places.capacity_block_regions(name), (
            "offered without an on-demand price: sold in Capacity Blocks"
        )
