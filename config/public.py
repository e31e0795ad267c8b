"""Whether the load balancers have public addresses."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from config.changes import Change, Cost
from config.values import RegionNames, Strict

SCHEME = Cost(
    Change.TWO_STEPS,
    "Where models serve: first write `both_schemes: true`; then change this and leave that out. "
    "Without a domain callers use another name.",
    (Change.ROLLING, Change.IN_PLACE),
)


class Public(Strict):
    """Load balancers with public addresses: of which Regions, and for whom."""

    anyone: bool = Field(
        default=False,
        description=(
            "Every address on the internet may call, not those of allow_from alone. Callers must "
            "then show something: see authentication."
        ),
        json_schema_extra=Cost(Change.IN_PLACE),
    )
    regions: RegionNames | None = Field(
        default=None,
        description="Regions whose load balancer is public. Default: every Region.",
        examples=[["us-west-2"]],
        json_schema_extra=SCHEME,
    )


def _which(value: object) -> str:
    return "flag" if isinstance(value, bool) else "public"


AnyPublic = Annotated[
    Annotated[bool, Tag("flag")] | Annotated[Public, Tag("public")],
    Discriminator(_which),
    Field(description="true or false, or a map such as {anyone: true}."),
]
