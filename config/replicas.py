"""How many tasks of a model run, and what moves their number."""

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from config.changes import IN_PLACE, SIZE, Change, Cost
from config.schedules import RangeAt
from config.values import Strict

_NUMBER = ("type", "minimum", "maximum")
_Tasks = Annotated[int, Field(ge=0, le=5_000)]


class Replicas(Strict):
    """How many tasks of a model run: a number, or min and max. 0 stops the model."""

    min: _Tasks = Field(default=1, description="Tasks that always run.", json_schema_extra=SIZE)
    max: _Tasks | None = Field(
        default=None,
        description="Tasks at most. Default: `min`, at least 1. 0 stops the model.",
        json_schema_extra=SIZE,
    )

    spread: Literal["instances"] | None = Field(
        default=None,
        description=(
            "instances: two replicas of the minimum run on two instances, in two zones where the "
            "pool has them. Default: on as few instances as possible."
        ),
        examples=["instances"],
        json_schema_extra=SIZE,
    )

    @model_validator(mode="before")
    @classmethod
    def _of_number(cls, value: object) -> object:
        """Reads a bare number as min and max."""
        return {"min": value, "max": value} if type(value) is int else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        span = handler(core_schema)
        number = {k: v for k, v in span["properties"]["min"].items() if k in _NUMBER}
        return {"description": span.pop("description"), "anyOf": [number, span]}

    @property
    def most(self) -> int:
        """`max`, or what stands for it where it is not given."""
        return self.max if self.max is not None else max(self.min, 1)

    @property
    def apart(self) -> bool:
        """Whether two replicas of the minimum run on two instances."""
        return self.spread == "instances" and self.min > 1


_Cooldown = Annotated[int, Field(ge=0, le=86_400)]


class Scaling(Strict):
    """What moves the number of replicas between min and max."""

    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        default=None,
        description=(
            "Requests a minute that one replica serves: the load balancer's count of the model, "
            "divided by it and rounded up, is the number of replicas."
        ),
        examples=[120],
        json_schema_extra=IN_PLACE,
    )
    queue: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        description=(
            "Requests that one replica has at once, running and waiting: those of all replicas, "
            "divided by it and rounded up, are the number of replicas. A sidecar (queue-metrics) "
            "in each task reads them from a vLLM server."
        ),
        examples=[8],
        json_schema_extra=Cost(
            Change.IN_PLACE,
            "Adding or removing it is rolling: the tasks get the sidecar, or lose it, unless "
            "`server_metrics` is true.",
            (Change.IN_PLACE,),
            added=Change.ROLLING,
            removed=Change.ROLLING,
        ),
    )
    external: bool = Field(
        default=False,
        description="Somebody else moves the desired counts: the program does not.",
        json_schema_extra=IN_PLACE,
    )
    cooldown_out_seconds: _Cooldown | None = Field(
        default=None,
        description=(
            "Time after more replicas until the same load may ask for more again. Default: the "
            "time until a further replica serves."
        ),
        json_schema_extra=IN_PLACE,
    )
    cooldown_in_seconds: _Cooldown | None = Field(
        default=None,
        description=(
            "Time after fewer replicas until fewer are possible again. Default: twice "
            "cooldown_out_seconds."
        ),
        json_schema_extra=IN_PLACE,
    )

    schedule: tuple[RangeAt, ...] = Field(
        default=(),
        description=(
            "Times from which on the replicas have a narrower range than that of replicas, which "
            "is that of the whole day. In a Region with other replicas it is limited to them."
        ),
        examples=[
            [{"expression": "cron(0 7 ? * MON-FRI *)", "timezone": "Europe/Berlin", "min": 2}]
        ],
        json_schema_extra=IN_PLACE,
    )

    @property
    def moves(self) -> bool:
        """Whether it names something that moves the number of replicas."""
        return self.external or self.by_load or bool(self.schedule)

    @property
    def by_load(self) -> bool:
        """Whether a measured load moves them."""
        return self.queue is not None or self.requests_per_minute is not None

    @property
    def wakes(self) -> bool:
        """Whether it starts a model without replicas: the schedule has a minimum above 0."""
        return any(entry.min for entry in self.schedule)


AnyReplicas = Annotated[
    Replicas, Field(description="A number such as 2, or a map such as {min: 1, max: 4}.")
]
