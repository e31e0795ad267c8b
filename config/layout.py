"""The stack file's `layout`: on which devices the services of a model stay."""

from typing import Annotated

from pydantic import Discriminator, Field, StringConstraints, Tag

from config.changes import MOVES, Change, Cost
from config.values import DeviceId, Name, RegionName, Strict, list_or_map

_CHANGES = Cost(Change.IN_PLACE, MOVES, (Change.ROLLING,))

Ids = Annotated[tuple[DeviceId, ...], Field(min_length=1, max_length=64)]


class PlacedService(Strict):
    """The devices of a service that has more than one replica."""

    devices: Ids = Field(
        description="Ids of the Neuron devices of each of its tasks.",
        examples=[[4, 5]],
        json_schema_extra=_CHANGES,
    )
    replicas: Annotated[int, Field(ge=1, le=5_000)] = Field(
        default=1,
        description="How many replicas of the model it has at most.",
        json_schema_extra=_CHANGES,
    )


ServiceNumber = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9]\d{0,2}$"),
    Field(
        description="The number of a service of the model, from 1; it stands in its name.",
        examples=["1"],
    ),
]
Line = Annotated[
    Annotated[Ids, Tag("list")] | Annotated[PlacedService, Tag("map")],
    Discriminator(list_or_map),
    Field(
        description=(
            "Ids of devices such as [4, 5], or a map such as {devices: [4, 5], replicas: 2}."
        )
    ),
]
Layout = dict[RegionName, dict[Name, dict[Name, dict[ServiceNumber, Line]]]]
