"""Prices: the first fill, the refresh through AWS, and answers that never guess."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

import catalog
from catalog.refresh import first_fill as catalog_fill
from catalog.refresh.ask_aws import ask_prices
from catalog.refresh.rows import (
    PriceAnswer,
    PriceTables,
    listed_prices,
    price_tables,
    price_texts,
    renewed_prices,
    snapshot_prices,
    spot_history_prices,
)
from catalog.refresh.write import PRICE_CALLS, refresh_prices
from catalog.tables import DATA_DIRECTORY
from neuron_ecs.cli.main import main

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
ZONES = Path(__file__).parents[1] / "data" / "priced_offerings.csv"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    shutil.copytree(DATA_DIRECTORY, directory)
    return directory


def rows(directory: Path, table: str) -> list[dict[str, str]]:
    with (directory / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def source_file() -> str:
    """The file that filled the tables, put together again from them and from its zones."""
    prices = {
        (r["instance_type"], r["region"], r["purchase"], r["zone_id"]): r["usd_per_hour"]
        for r in rows(DATA_DIRECTORY, "prices")
    }
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(("InstanceType", "Region", "AvailabilityZone", "Price", "SpotPrice"))
    with ZONES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["instance_type"], row["region"])
            fixed = prices.get((*key, "on_demand", ""), "")
            spot = prices.get((*key, "spot", row["zone_id"]), "")
            writer.writerow((*key, row["zone_id"], fixed, spot))
    return stream.getvalue()


# -- the first fill --------------------------------------------------------------------------


def test_filling_prices_again_writes_the_shipped_bytes(copied: Path) -> None:
    for table in PRICE_CALLS:
        (copied / f"{table}.csv").unlink()
    manifest = copied / "tables.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    manifest.write_text("".join(x for x in lines if ",prices," not in x), encoding="utf-8")
    catalog_fill.fill_prices(copied, source_file())
    for table in ("prices", "price_captures", "tables"):
        shipped = (DATA_DIRECTORY / f"{table}.csv").read_bytes()
        assert (copied / f"{table}.csv").read_bytes() == shipped, f"{table} is not what fills it"
    assert catalog_fill.fill_prices(copied, source_file()) == ["nothing changed"]


def test_every_price_is_of_a_zone_that_offers_the_type() -> None:
    known = catalog.load()
    for row in rows(DATA_DIRECTORY, "prices"):
        name, region = row["instance_type"], row["region"]
        assert name in known.instances.neuron_types
        assert Decimal(row["usd_per_hour"]) > 0
        assert known.prices.known(region, row["purchase"])
        if row["purchase"] == "spot":
            assert row["zone_id"] in known.places.zones_offering(name, region)
        else:
            assert row["zone_id"] == "", "an on-demand price is the same in every zone"
            assert known.places.zones_offering(name, region)


def test_a_price_is_told_and_a_missing_one_is_none() -> None:
    known = catalog.load()
    assert known.prices.on_demand("inf2.xlarge", "us-east-1") == Decimal("0.7582")
    assert known.prices.spot("inf2.xlarge", "us-west-2") == (
        Decimal("0.099200"),
        Decimal("0.138700"),
    )
    assert known.prices.on_demand("trn2.48xlarge", "us-east-2") is None
    assert known.prices.known("us-east-2", "on_demand"), "so the price list has none"
    assert known.prices.on_demand("inf2.xlarge", "sa-east-1") is None
    assert not known.prices.known("sa-east-1", "on_demand"), "so nobody knows"
    assert known.prices.day("sa-east-1", "spot") is None
    assert known.prices.day("us-east-1", "spot") == catalog_fill.PRICE_DAY
    assert known.prices.on_demand("m7i.large", "us-east-1") is None
    assert "skypilot-catalog" in known.prices.source


def test_the_catalogs_date_is_not_that_of_the_prices(copied: Path) -> None:
    before = catalog.load(copied).date
    news = [PriceAnswer("us-east-1", "spot", {("inf2.xlarge", "use1-az2"): "0.1"})]
    refresh_prices(copied, regions=["us-east-1"], now=NOW, ask=lambda _r, _n: news)
    assert catalog.load(copied).date == before, "a plan judges by that date; prices decide nothing"


# -- answers of AWS --------------------------------------------------------------------------


def product(name: str, region: str, usd: str | None, unit: str = "Hrs") -> str:
    terms: dict[str, Any] = {}
    if usd is not None:
        dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
        terms = {"OnDemand": {"S.T": {"priceDimensions": {"S.T.D": dimension}}}}
    attributes = {"instanceType": name, "regionCode": region}
    return json.dumps({"product": {"attributes": attributes}, "terms": terms})


def spot(name: str, zone: str, usd: str, hour: int = 1) -> dict[str, Any]:
    return {
        "InstanceType": name,
        "AvailabilityZone": "us-west-2a",
        "AvailabilityZoneId": zone,
        "ProductDescription": "Linux/UNIX",
        "SpotPrice": usd,
        "Timestamp": datetime(2026, 12, 31, hour, tzinfo=UTC),
    }


def test_a_product_without_a_price_has_none() -> None:
    products = [
        product("inf2.xlarge", "us-west-2", "0.7582000000"),
        product("trn2.48xlarge", "us-east-2", "0.0000000000"),
        product("trn2.3xlarge", "sa-east-1", None),
    ]
    assert listed_prices(products) == {
        "us-west-2": {("inf2.xlarge", ""): "0.7582000000"},
        "us-east-2": {},
        "sa-east-1": {},
    }


def test_two_prices_of_one_type_are_a_missing_filter() -> None:
    products = [product("inf2.xlarge", "us-west-2", usd) for usd in ("0.7", "0.9")]
    with pytest.raises(ValueError, match=r"inf2\.xlarge has 2 on-demand prices in us-west-2"):
        listed_prices(products)


def test_the_newest_spot_price_of_a_zone_counts() -> None:
    history = [spot("inf2.xlarge", "usw2-az1", usd, hour) for hour, usd in ((5, "2"), (1, "1"))]
    assert spot_history_prices(history) == {("inf2.xlarge", "usw2-az1"): "2"}


class Stubbed:
    """Real clients whose answers are given; a request that differs fails."""

    def __init__(self) -> None:
        self.stubs: dict[tuple[str, str], Any] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    def expect(
        self, service: str, region: str, operation: str, answers: Sequence[Mapping[str, Any]]
    ) -> Any:
        client: Any = boto3.client(  # pyright: ignore[reportCallIssue, reportUnknownMemberType, reportUnknownVariableType]
            service,  # pyright: ignore[reportArgumentType]
            region_name=region,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        stub: Any = Stubber(cast(Any, client))
        for answer in answers:
            stub.add_response(operation, dict(answer["gives"]), dict(answer["asked"]))
        stub.activate()
        self.stubs[service, region] = stub
        self._clients[service, region] = client
        return stub

    def connect(self, service: str, *, region_name: str) -> Any:
        return self._clients[service, region_name]


def filters(name: str) -> list[dict[str, str]]:
    fields = {
        "capacitystatus": "Used",
        "locationType": "AWS Region",
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "tenancy": "Shared",
        "instanceType": name,
    }
    return [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in fields.items()]


def test_aws_is_asked_page_by_page_and_a_region_that_refuses_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = Stubbed()
    asked = {"ServiceCode": "AmazonEC2", "Filters": filters("inf2.xlarge")}
    aws.expect(
        "pricing",
        "us-east-1",
        "get_products",
        [
            {
                "asked": asked,
                "gives": {
                    "PriceList": [product("inf2.xlarge", "us-west-2", "0.7582")],
                    "NextToken": "more",
                },
            },
            {
                "asked": {**asked, "NextToken": "more"},
                "gives": {"PriceList": [product("inf2.xlarge", "eu-west-1", "0.9")]},
            },
        ],
    )
    question = {
        "StartTime": NOW,
        "ProductDescriptions": ["Linux/UNIX"],
        "InstanceTypes": ["inf2.xlarge"],
    }
    history = {"SpotPriceHistory": [spot("inf2.xlarge", "usw2-az1", "0.1")]}
    aws.expect(
        "ec2",
        "us-west-2",
        "describe_spot_price_history",
        [{"asked": question, "gives": history}],
    )
    refusing = aws.expect("ec2", "ap-east-1", "describe_spot_price_history", [])
    refusing.add_client_error("describe_spot_price_history", "AuthFailure", "not enabled")
    answers = ask_prices(NOW, aws.connect)(["ap-east-1", "us-west-2"], ["inf2.xlarge"])
    assert answers == [
        PriceAnswer("ap-east-1", "on_demand", {}),
        PriceAnswer("us-west-2", "on_demand", {("inf2.xlarge", ""): "0.7582"}),
        PriceAnswer("us-west-2", "spot", {("inf2.xlarge", "usw2-az1"): "0.1"}),
    ]
    assert "ap-east-1: Spot prices kept as they were" in capsys.readouterr().err
    for stub in aws.stubs.values():
        stub.assert_no_pending_responses()


def test_an_empty_price_list_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    aws = Stubbed()
    asked = {"ServiceCode": "AmazonEC2", "Filters": filters("inf2.xlarge")}
    empty: list[Mapping[str, Any]] = [{"asked": asked, "gives": {"PriceList": []}}]
    aws.expect("pricing", "us-east-1", "get_products", empty)
    assert ask_prices(NOW, aws.connect)([], ["inf2.xlarge"]) == []
    assert "without a single price" in capsys.readouterr().err


def test_a_refresh_replaces_what_was_answered_and_keeps_the_rest(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Sequence[str], Sequence[str]]] = []

    def ask(regions: Any, names: Any) -> list[PriceAnswer]:
        asked.append((list(regions), list(names)))
        return [PriceAnswer("us-west-2", "on_demand", {("inf2.xlarge", ""): "0.80"})]

    regions = ["us-west-2", "cn-north-1"]
    assert refresh_prices(copied, regions=regions, now=NOW, ask=ask) == 0
    assert asked == [(["us-west-2"], sorted(catalog.load().instances.neuron_types))], (
        "China has a price list of its own, in another currency"
    )
    known = catalog.load(copied)
    assert known.prices.on_demand("inf2.xlarge", "us-west-2") == Decimal("0.80")
    assert known.prices.on_demand("trn1.2xlarge", "us-west-2") is None, "no longer on the list"
    assert known.prices.on_demand("inf2.xlarge", "us-east-1") == Decimal("0.7582")
    assert known.prices.spot("inf2.xlarge", "us-west-2") is not None
    assert known.prices.day("us-west-2", "on_demand") == date(2027, 1, 1)
    assert known.prices.day("us-east-1", "on_demand") == catalog_fill.PRICE_DAY
    assert "GetProducts" in known.prices.source
    assert "changed: inf2.xlarge us-west-2 on_demand" in capsys.readouterr().out


def test_nothing_is_written_when_nobody_answers(copied: Path) -> None:
    before = {path.name: path.read_bytes() for path in copied.glob("*.csv")}
    assert refresh_prices(copied, regions=["us-west-2"], now=NOW, ask=lambda _r, _n: []) == 1
    assert {path.name: path.read_bytes() for path in copied.glob("*.csv")} == before


def test_the_refresh_of_prices_asks_for_prices_alone(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def refreshed(_directory: Path, *, regions: Sequence[str], now: datetime) -> int:
        assert now.tzinfo is not None
        seen.extend(regions)
        return 0

    monkeypatch.setattr("neuron_ecs.cli.catalog.refresh_prices", refreshed)
    arguments = ["--directory", str(copied), "refresh", "--only", "prices"]
    assert main(["catalog", *arguments, "--regions", "us-west-2"]) == 0
    assert seen == ["us-west-2"]


# -- the tables ------------------------------------------------------------------------------


def test_a_file_with_other_columns_or_two_prices_is_refused() -> None:
    with pytest.raises(ValueError, match="the columns are a, b"):
        snapshot_prices("a,b\n1,2\n", {"inf2.xlarge"})
    head = "InstanceType,Region,AvailabilityZone,Price,SpotPrice\n"
    twice = head + "inf2.xlarge,us-west-2,usw2-az1,1,\ninf2.xlarge,us-west-2,usw2-az2,2,\n"
    with pytest.raises(ValueError, match="two on-demand prices"):
        snapshot_prices(twice, {"inf2.xlarge"})


def test_a_region_without_the_types_was_asked_all_the_same() -> None:
    head = "InstanceType,Region,AvailabilityZone,Price,SpotPrice\n"
    answers = snapshot_prices(head + "m5.large,eu-south-2,eus2-az1,1,1\n", {"inf2.xlarge"})
    assert answers == [
        PriceAnswer("eu-south-2", "on_demand", {}),
        PriceAnswer("eu-south-2", "spot", {}),
    ]


ANSWERS = st.lists(
    st.builds(
        PriceAnswer,
        st.sampled_from(["eu-west-1", "us-east-1", "us-west-2"]),
        st.sampled_from(["on_demand", "spot"]),
        st.dictionaries(
            st.tuples(st.sampled_from(["inf2.xlarge", "trn1.2xlarge"]), st.sampled_from(["", "a"])),
            st.sampled_from(["1", "2.50", "0.624900"]),
        ),
    ),
    unique_by=lambda answer: (answer.region, answer.purchase),
)


@given(ANSWERS, st.randoms(use_true_random=False))
def test_prices_survive_their_text_and_the_order_of_answers(
    answers: list[PriceAnswer], random: Any
) -> None:
    tables = renewed_prices(PriceTables(), answers, day=date(2027, 1, 1))
    assert price_tables(price_texts(tables)) == tables
    shuffled = list(answers)
    random.shuffle(shuffled)
    again = renewed_prices(tables, shuffled, day=date(2027, 1, 1))
    assert price_texts(again) == price_texts(tables)


def test_a_price_that_is_no_number_is_named(copied: Path) -> None:
    path = copied / "prices.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",6.249\n", ",cheap\n", 1))
    with pytest.raises(catalog.CatalogError, match=r"inf1\.24xlarge af-south-1 on_demand"):
        catalog.load(copied).prices.on_demand("inf1.24xlarge", "af-south-1")


def test_a_price_that_does_not_parse_leaves_the_old_tables(copied: Path) -> None:
    before = {path.name: path.read_bytes() for path in copied.glob("*.csv")}
    odd = [PriceAnswer("us-west-2", "on_demand", {("inf2.xlarge", ""): "much"})]
    with pytest.raises(catalog.CatalogError, match="not a number"):
        refresh_prices(copied, regions=["us-west-2"], now=NOW, ask=lambda _r, _n: odd)
    assert {path.name: path.read_bytes() for path in copied.glob("*.csv")} == before
