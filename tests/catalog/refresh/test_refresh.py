"""The fill and the refresh: the same tables from the same answers, and nothing lost on the way."""

from __future__ import annotations

import ast
import csv
import json
import shutil
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NoReturn

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

import catalog
from catalog.amis import EVERYWHERE
from catalog.refresh import first_fill as catalog_fill
from catalog.refresh.ask_aws import Ask, RegionRefusedError, ask_aws
from catalog.refresh.rows import HEADERS, Item, RegionAnswers
from catalog.refresh.write import API_CALLS, DERIVED, kept_by_hand, refresh
from catalog.tables import DATA_DIRECTORY
from neuron_ecs.cli.main import main

REGION = "ap-south-2"
TODAY = date(2027, 1, 1)
MACHINE_WRITTEN = {*API_CALLS, *DERIVED}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    shutil.copytree(DATA_DIRECTORY, directory)
    return directory


@pytest.fixture(scope="module")
def moto_answers() -> RegionAnswers:
    """What one Region answers through boto3 and moto, which hands out Python's repr for JSON."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with mock_aws():
            paths = kept_by_hand(DATA_DIRECTORY).parameter_paths
            answers = ask_aws()(REGION, ("types", "offerings", "amis"), paths)

    def as_aws(item: Item) -> Item:
        value = str(item["Value"])
        if value.startswith("{"):
            value = json.dumps(ast.literal_eval(value))
        return {"Name": item["Name"], "Value": value}

    parameters = answers.parameters
    assert parameters is not None
    return replace(
        answers,
        parameters={path: [as_aws(item) for item in items] for path, items in parameters.items()},
    )


def saying(answers: Mapping[str, RegionAnswers]) -> Ask:
    def ask(region: str, questions: Collection[str], paths: Collection[str]) -> RegionAnswers:
        assert paths
        if region not in answers:
            raise RegionRefusedError("the Region is not enabled for this account")
        given = answers[region]
        return RegionAnswers(
            region=region,
            instance_types=given.instance_types if "types" in questions else None,
            offerings=given.offerings if "offerings" in questions else None,
            parameters=given.parameters if "amis" in questions else None,
        )

    return ask


def texts(directory: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in directory.glob("*.csv")}


def rows(directory: Path, table: str) -> list[dict[str, str]]:
    with (directory / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def without_api_rows(directory: Path) -> None:
    for table in MACHINE_WRITTEN:
        path = directory / f"{table}.csv"
        path.write_text(",".join(HEADERS[table]) + "\n", encoding="utf-8")


# -- the first fill --------------------------------------------------------------------------


def test_filling_again_writes_the_shipped_bytes(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    for path in DATA_DIRECTORY.glob("*.csv"):
        if path.stem not in MACHINE_WRITTEN:
            shutil.copy(path, directory)
    manifest = directory / "tables.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    manifest.write_text("".join(x for x in lines if ",api," not in x and ",derived," not in x))
    answers = catalog_fill.captured_answers(kept_by_hand(directory).parameter_paths)
    catalog_fill.fill(directory, answers=answers)
    assert texts(directory) == texts(DATA_DIRECTORY), (
        "the shipped tables are not what the captured answers of moto give. After a new version of "
        "moto run `python -m catalog.refresh.first_fill`. After a refresh with an account, or with "
        "rows written by hand, do not run it, it forgets them: see CONTRIBUTING.md, Add an "
        "instance type"
    )
    assert catalog_fill.fill(directory, answers=answers) == ["nothing changed"]
    assert texts(directory) == texts(DATA_DIRECTORY)
    catalog_fill.fill(directory, answers=answers, day=date(2026, 11, 1))
    assert catalog.load(directory).date == date(2026, 11, 1)


# -- refresh ---------------------------------------------------------------------------------


def test_a_refresh_from_nothing_gives_the_shipped_rows_of_the_region(
    copied: Path, moto_answers: RegionAnswers
) -> None:
    without_api_rows(copied)
    assert refresh(copied, regions=[REGION], today=TODAY, ask=saying({REGION: moto_answers})) == 0
    offered = [row for row in rows(DATA_DIRECTORY, "offerings") if row["region"] == REGION]
    assert rows(copied, "offerings") == offered
    for table in ("instance_types", "neuron_types"):
        shipped = rows(DATA_DIRECTORY, table)
        written = rows(copied, table)
        assert written
        assert all(row in shipped for row in written), f"{table} differs for {REGION}"
    names = {row["name"] for row in rows(copied, "instance_types")}
    assert {row["instance_type"] for row in offered} <= names
    hand = kept_by_hand(DATA_DIRECTORY)
    for path in set(hand.parameter_paths) - set(hand.plain_paths):
        shipped_here = {
            row["image_name"]: row["agent"]
            for row in rows(DATA_DIRECTORY, "ami_versions")
            if row["parameter_path"] == path
            and (row["regions"] == EVERYWHERE or REGION in row["regions"].split())
        }
        written_here = {
            row["image_name"]: row["agent"]
            for row in rows(copied, "ami_versions")
            if row["parameter_path"] == path
        }
        assert written_here == shipped_here, f"{path} differs for {REGION}"
    assert {row["date"] for row in rows(copied, "captures")} == {TODAY.isoformat()}


def test_a_refresh_that_finds_nothing_new_changes_only_dates(
    copied: Path, moto_answers: RegionAnswers
) -> None:
    refresh(copied, regions=[REGION], today=TODAY, ask=saying({REGION: moto_answers}))
    before, after = texts(DATA_DIRECTORY), texts(copied)
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"captures", "tables"}, (
        "the answers of moto are not those of the shipped tables: a table of the API has rows that "
        "were written by hand or refreshed since; CONTRIBUTING.md, Add an instance type"
    )
    known = catalog.load(copied)
    assert known.date == TODAY
    for table in known.tables():
        if table.filled_by == "hand":
            assert table in catalog.load().tables(), f"{table.name} is kept by hand"


def test_a_refresh_says_what_changed(
    copied: Path, moto_answers: RegionAnswers, capsys: pytest.CaptureFixture[str]
) -> None:
    offerings = [
        item for item in moto_answers.offerings or () if item["InstanceType"] != "trn2.48xlarge"
    ]
    offerings += [{"InstanceType": "inf2.xlarge", "Location": "aps2-az1"}]
    news = replace(moto_answers, offerings=offerings)
    refresh(copied, regions=[REGION], only=["offerings"], today=TODAY, ask=saying({REGION: news}))
    out = capsys.readouterr().out
    assert "offerings: 1 added, 1 removed, 0 changed" in out
    assert f"added: inf2.xlarge {REGION}" in out
    assert f"removed: trn2.48xlarge {REGION}" in out
    known = catalog.load(copied)
    assert known.places.zones_offering("inf2.xlarge", REGION) == ("aps2-az1",)
    assert known.places.regions_offering("trn2.48xlarge") == ("us-east-2",)
    dates = {table.name: table.date for table in known.tables()}
    assert dates["offerings"] == TODAY
    assert dates["instance_types"] == catalog.load().date, "types were not asked for"


def test_a_region_that_refuses_keeps_its_rows_and_is_reported(
    copied: Path, moto_answers: RegionAnswers, capsys: pytest.CaptureFixture[str]
) -> None:
    code = refresh(
        copied, regions=["us-west-2", REGION], today=TODAY, ask=saying({REGION: moto_answers})
    )
    assert code == 0
    assert "us-west-2: kept as it was" in capsys.readouterr().err
    assert (copied / "offerings.csv").read_bytes() == (
        DATA_DIRECTORY / "offerings.csv"
    ).read_bytes()


def test_nothing_is_written_when_no_region_answers(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refresh(copied, regions=[REGION, "us-west-2"], today=TODAY, ask=saying({})) == 1
    assert "no Region answered" in capsys.readouterr().err
    assert texts(copied) == texts(DATA_DIRECTORY)


def test_an_answer_without_offerings_is_no_answer(copied: Path) -> None:
    empty = RegionAnswers(region=REGION, instance_types=[], offerings=[], parameters={})
    assert refresh(copied, regions=[REGION], today=TODAY, ask=saying({REGION: empty})) == 1
    assert texts(copied) == texts(DATA_DIRECTORY), "every Region offers something"


def test_a_new_neuron_type_asks_for_its_hand_facts(
    copied: Path, moto_answers: RegionAnswers, capsys: pytest.CaptureFixture[str]
) -> None:
    types = list(moto_answers.instance_types or ())
    pattern = next(item for item in types if item["InstanceType"] == "trn2.3xlarge")
    new = {**pattern, "InstanceType": "trn9.3xlarge"}
    news = replace(
        moto_answers,
        instance_types=[*types, new],
        offerings=[
            *(moto_answers.offerings or ()),
            {"InstanceType": "trn9.3xlarge", "Location": "aps2-az1"},
        ],
    )
    assert refresh(copied, regions=[REGION], today=TODAY, ask=saying({REGION: news})) == 0
    assert "trn9.3xlarge is new; add it to neuron_topologies.csv" in capsys.readouterr().out
    known = catalog.load(copied)
    assert "trn9.3xlarge" not in known.instances.neuron_types, (
        "nobody knows yet how its chips are wired"
    )
    assert known.places.zones_offering("trn9.3xlarge", REGION) == ("aps2-az1",)


def test_an_override_that_aws_has_made_needless_is_reported(
    copied: Path, moto_answers: RegionAnswers, capsys: pytest.CaptureFixture[str]
) -> None:
    types: list[Item] = []
    for item in moto_answers.instance_types or ():
        if item["InstanceType"] == "trn2.3xlarge":
            device = {"Count": 1, "CoreInfo": {"Count": 8}, "MemoryInfo": {"SizeInMiB": 98304}}
            item = {**item, "NeuronInfo": {"NeuronDevices": [device]}}
        types.append(item)
    news = replace(moto_answers, instance_types=types)
    refresh(copied, regions=[REGION], today=TODAY, ask=saying({REGION: news}))
    assert "AWS now agrees with the override of trn2.3xlarge" in capsys.readouterr().out


def test_a_type_that_leaves_its_last_region_takes_its_override_along(
    copied: Path, moto_answers: RegionAnswers, capsys: pytest.CaptureFixture[str]
) -> None:
    offerings = [
        item for item in moto_answers.offerings or () if item["InstanceType"] != "trn2u.48xlarge"
    ]
    news = replace(moto_answers, offerings=offerings)
    assert refresh(copied, regions=[REGION], today=TODAY, ask=saying({REGION: news})) == 0
    assert "trn2u.48xlarge has left; drop its override" in capsys.readouterr().out
    assert catalog.load(copied).instances.get("trn2u.48xlarge") is None


def test_a_failure_leaves_the_old_tables(copied: Path, moto_answers: RegionAnswers) -> None:
    odd = {"InstanceType": "m5.large", "Location": "aps2-az1,aps2-az2"}
    broken = replace(moto_answers, offerings=[odd])
    with pytest.raises(catalog.CatalogError, match="three cells"):
        refresh(copied, regions=[REGION], today=TODAY, ask=saying({REGION: broken}))
    assert texts(copied) == texts(DATA_DIRECTORY), "tables are read back before they replace others"
    assert not list(copied.parent.glob(".catalog-*")), "the copy is cleared away"


class RefusingClient:
    """A boto3 client of a Region that the account has not enabled."""

    def __init__(self, service: str, **settings: object) -> None:
        assert service == "ec2"
        assert settings["region_name"] == "ap-east-2"

    def get_paginator(self, operation: str) -> NoReturn:
        error = {"Code": "AuthFailure", "Message": "not enabled"}
        raise ClientError({"Error": error}, operation)


def test_a_refusal_of_aws_is_a_refusal_of_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", RefusingClient)
    with pytest.raises(RegionRefusedError, match="AuthFailure"):
        ask_aws()("ap-east-2", ("types",), ())


# -- the command -----------------------------------------------------------------------------


def test_the_command_lists_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [t.name for t in catalog.load().tables()]
    assert main(["catalog", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["date"] == catalog.load().date.isoformat()
    assert {"name", "filled_by", "source", "date", "rows"} == set(listed["tables"][0])


def test_the_command_shows_a_table_and_what_is_corrected(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["catalog", "show", "neuron_types"]) == 0
    out = capsys.readouterr().out
    assert "trn2u.48xlarge" in out
    assert "corrected: trn2.3xlarge device_memory_mib = 98304" in out
    assert main(["catalog", "show", "regions", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in shown["rows"]} == set(catalog.load().places.regions)


def test_a_wrong_word_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "show", "neurontypes"]) == 2
    assert "neuron_types" in capsys.readouterr().err
    for arguments in (
        ["refresh", "--only", "costs"],
        ["refresh", "--regions", "xx-moon-1"],
        ["refresh", "--regions", ","],
        ["explode"],
    ):
        with pytest.raises(SystemExit) as caught:
            sys.exit(main(["catalog", *arguments]))
        assert caught.value.code == 2, arguments
