"""When jobs start by themselves, and when replicas have another range."""

from typing import Annotated

from pydantic import Field, StringConstraints

from config.changes import IN_PLACE
from config.values import Strict


class Times(Strict):
    """When something happens by itself."""

    expression: Annotated[
        str,
        StringConstraints(pattern=r"^(cron|rate|at)\(.+\)$", max_length=256),
        Field(
            description="An expression of AWS: cron(...), rate(...) or at(...).",
            examples=["cron(0 3 * * ? *)", "rate(12 hours)", "at(2026-12-24T18:00:00)"],
        ),
    ] = Field(
        description="Expression of AWS: cron(...), rate(...) or at(...).",
        json_schema_extra=IN_PLACE,
    )
    timezone: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,50}$"),
        Field(description="A time zone of the tz database.", examples=["Europe/Berlin"]),
    ] = Field(default="UTC", description="Time zone of the expression.", json_schema_extra=IN_PLACE)


class Schedule(Times):
    """When a job starts by itself."""


class RangeAt(Times):
    """From when on the replicas have a narrower range, until the next entry."""

    min: Annotated[int, Field(ge=0, le=5_000)] | None = Field(
        default=None,
        description="Replicas at least, from then on. Default: min of replicas.",
        json_schema_extra=IN_PLACE,
    )
    max: Annotated[int, Field(ge=0, le=5_000)] | None = Field(
        default=None,
        description="Replicas at most, from then on. Default: max of replicas.",
        json_schema_extra=IN_PLACE,
    )
