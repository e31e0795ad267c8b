"""The calls to AWS that renew the tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, cast

from catalog.prices import ON_DEMAND, SPOT
from catalog.refresh.rows import (
    Item,
    PriceAnswer,
    RegionAnswers,
    listed_prices,
    spot_history_prices,
)


class RegionRefusedError(Exception):
    """A Region did not answer: disabled for the account, no permission, or not reachable."""


AskPrices = Callable[[Collection[str], Collection[str]], list[PriceAnswer]]
"""Regions and instance types -> the prices, one answer for each Region and purchase option.

Sources that refuse are missing from the answers; the function raises nothing for them.
"""


Ask = Callable[[str, Collection[str], Collection[str]], RegionAnswers]
"""Region, questions and parameter paths -> the answers; None for what was not asked.

Raises RegionRefusedError when any of the calls fails.
"""


class _Paginator(Protocol):
    def paginate(self, **arguments: Any) -> Iterator[Mapping[str, Any]]: ...


class _Client(Protocol):
    def get_paginator(self, operation: str) -> _Paginator: ...


def ask_aws() -> Ask:
    """Returns a function that asks one Region through boto3, with the account's own credentials.

    boto3 is imported when this is called, so that importing the module needs no boto3.
    """
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
    """Returns a function that asks the price list in us-east-1, and each Region for Spot prices.

    ``now`` is the moment whose Spot prices are asked for. ``connect`` makes clients as
    ``boto3.client``, the default, does. A refusal is printed on standard error and left out of
    the answers.
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
                    StartTime=now,  # only the current price
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
