"""The reader: total answers, lazy loading, and errors that name the nearest choice."""

from __future__ import annotations

import re
import shutil
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalog
from catalog.reader import Catalog
from catalog.tables import DATA_DIRECTORY
from tests.pace import least


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    shutil.copytree(DATA_DIRECTORY, directory)
    return directory


def test_the_shipped_catalog_is_loaded_once() -> None:
    assert catalog.load() is catalog.load()


def test_nothing_is_read_until_somebody_asks(tmp_path: Path) -> None:
    empty = catalog.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        _ = empty.places.regions


def test_neuron_questions_do_not_read_the_offerings(copied: Path) -> None:
    (copied / "offerings.csv").unlink()
    known = catalog.load(copied)
    assert known.instances.neuron_types["inf2.48xlarge"].vcpus == 192
    assert known.neuron.device_sets("inf2.48xlarge")
    assert known.instances.get("m7i.large") is not None
    with pytest.raises(FileNotFoundError):
        known.places.regions_offering("inf2.48xlarge")


def test_the_offerings_are_read_once(copied: Path) -> None:
    known = catalog.load(copied)
    before = known.places.zones_offering("inf2.xlarge", "us-west-2")
    (copied / "offerings.csv").unlink()
    assert known.places.zones_offering("inf2.xlarge", "us-west-2") == before != ()


def test_all_that_a_plan_of_sixteen_regions_asks_costs_little() -> None:
    def asked() -> None:
        fresh = Catalog(DATA_DIRECTORY)
        for region in list(fresh.places.regions)[:16]:
            for name in fresh.instances.neuron_types:
                fresh.places.zones_offering(name, region)
            fresh.places.zone_ids(region)
        _ = (fresh.instances.types, fresh.neuron.sdks, fresh.limits.value("tags_max"))
        fresh.amis.versions("/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron")
        fresh.neuron.device_sets("trn1.32xlarge")

    assert least(asked, 0.060) < 0.060, "a preview would feel the catalog"


def test_answers_cannot_be_changed() -> None:
    known = catalog.load()
    with pytest.raises(TypeError):
        known.places.regions["xx-moon-1"] = known.places.regions["us-east-1"]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        known.places.regions["us-east-1"].short = "moon"  # type: ignore[misc]


def test_not_known_is_told_from_not_offered() -> None:
    known = catalog.load()
    assert known.places.offerings_known("eu-south-2")
    assert known.places.zones_offering("inf2.xlarge", "eu-south-2") == ()
    assert not known.places.offerings_known("cn-north-1"), "no capture covers China"
    assert known.places.zones_offering("inf2.xlarge", "cn-north-1") == ()
    assert known.places.zone_ids("xx-moon-1") == ()
    assert known.instances.get("inf9.xlarge") is None
    assert known.amis.family("al2023", neuron=True, architecture="arm64") is None
    assert known.amis.versions("/no/such/path") == ()


def test_zone_ids_and_regions_of_a_scarce_type() -> None:
    known = catalog.load()
    assert known.places.zones_offering("trn1.2xlarge", "us-west-2") == ("usw2-az1", "usw2-az4")
    assert known.places.regions_offering("trn1.2xlarge") == ("us-east-1", "us-east-2", "us-west-2")
    assert known.places.zone_ids("us-west-2") == ("usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4")
    assert known.places.capacity_block_regions("trn2.48xlarge") == ("us-east-2",)


def test_offerings_answer_the_same_from_either_side() -> None:
    known = catalog.load()
    for name in known.instances.neuron_types:
        regions = [
            region for region in known.places.regions if known.places.zones_offering(name, region)
        ]
        assert known.places.regions_offering(name) == tuple(sorted(regions))


@given(st.text(alphabet="abcdfgimnrtx0123456789.*-", max_size=12))
def test_a_pattern_matches_like_a_wildcard_and_nothing_else(pattern: str) -> None:
    known = catalog.load()
    expression = "".join(".*" if letter == "*" else re.escape(letter) for letter in pattern)
    expected = sorted(name for name in known.instances.types if re.fullmatch(expression, name))
    assert list(known.instances.matching(pattern)) == expected


def test_patterns_that_people_write() -> None:
    known = catalog.load()
    assert known.instances.matching("inf2.*") == (
        "inf2.24xlarge",
        "inf2.48xlarge",
        "inf2.8xlarge",
        "inf2.xlarge",
    ), "if the new type is meant, add it to this list"
    assert "trn2.48xlarge" in known.instances.matching("trn*"), "trn* takes Trainium 2 along"
    assert "trn1n.32xlarge" not in known.instances.matching("trn1.*")
    assert known.instances.matching("inf99.*") == ()
    assert set(known.instances.matching("*")) == set(known.instances.types)


def test_awsvpc_tasks_follow_the_interfaces_where_no_trunking_is_listed() -> None:
    known = catalog.load()
    assert known.instances.awsvpc_tasks("inf2.xlarge") == (3, 20)
    assert known.instances.awsvpc_tasks("inf1.24xlarge") == (10, None), "Inf1 has no trunking"
    assert known.instances.awsvpc_tasks("trn2.48xlarge") == (31, None)
    assert known.instances.awsvpc_tasks("inf9.xlarge") == (None, None)


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    known = catalog.load()
    with pytest.raises(KeyError, match="tags_max"):
        known.limits.value("tag_max")
    with pytest.raises(KeyError, match="task_execution"):
        known.resources.managed_policy("execution")
    with pytest.raises(KeyError, match="neuron_types"):
        known.rows("neuron_type")


def test_the_date_is_that_of_the_api_tables() -> None:
    known = catalog.load()
    assert known.date == max(t.date for t in known.tables() if t.filled_by == "api")


@pytest.mark.parametrize(
    ("table", "old", "new", "complaint"),
    [
        ("limits", "tags_max,50,", "tags_max,fifty,", "value of tags_max is 'fifty'"),
        ("limits", "tags_max,50,tags,", "tags_max,50,", "cells under"),
        ("neuron_sdks", "2026-05-21", "May 2026", "not a date"),
        ("overrides", "3xlarge,device_memory_mib", "3xlarge,hbm", "does not have"),
        ("offerings", "instance_type,region", "region,instance_type", "the header is not"),
        ("offerings", "a1.2xlarge,", "a1.2xlarge,,", "three cells"),
    ],
)
def test_a_broken_table_is_named(
    copied: Path, table: str, old: str, new: str, complaint: str
) -> None:
    path = copied / f"{table}.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    broken = catalog.load(copied)

    def read() -> object:
        answers = (
            broken.limits.value("tags_max"),
            broken.neuron.sdks,
            broken.instances.neuron_types,
        )
        return (*answers, broken.places.zone_ids("us-east-1"))

    with pytest.raises(catalog.CatalogError, match=complaint) as caught:
        read()
    assert f"{table}.csv" in str(caught.value)


def test_an_override_of_a_type_that_left_corrects_nothing(copied: Path) -> None:
    path = copied / "neuron_types.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(x for x in lines if "trn2u" not in x), encoding="utf-8")
    assert "trn2u.48xlarge" not in catalog.load(copied).instances.neuron_types


def test_a_neuron_type_without_hand_facts_is_a_type_without_hardware(copied: Path) -> None:
    path = copied / "neuron_topologies.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(x for x in lines if "inf2.8xlarge" not in x), encoding="utf-8")
    known = catalog.load(copied)
    assert "inf2.8xlarge" not in known.instances.neuron_types
    new = known.instances.get("inf2.8xlarge")
    assert new is not None
    assert (new.accelerator, new.neuron) == ("neuron", None), "known, but not how it is wired"
    assert known.neuron.device_sets("inf2.8xlarge") == ()
