"""The stack file's entries of `regions`: the networks."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from config.changes import FINDINGS, MOVED, Change, Cost
from config.values import Cidr, Strict, SubnetId, VpcId, ZoneId


class OwnNetworkEntry(Strict):
    """A network that the program makes, in the zones that offer the types asked for."""

    cidr: Cidr | None = Field(
        default=None,
        description="IPv4 block of the VPC, /16 to /22. Default: a /16 distinct for each Region.",
        json_schema_extra=MOVED,
    )
    nat: Literal["one", "per_zone", "none"] = Field(
        default="one",
        description="NAT gateways: one, one in each zone, or none (VPC endpoints instead).",
        json_schema_extra=Cost(
            Change.IN_PLACE, "Connections through a NAT gateway that goes are cut."
        ),
    )


class ExistingNetworkEntry(Strict):
    """A network that exists, its subnets keyed by zone id so that they can be checked on paper."""

    vpc_id: VpcId = Field(description="The id of the VPC.", json_schema_extra=MOVED)
    private_subnets: dict[ZoneId, SubnetId] = Field(
        min_length=1,
        description="Zone id to subnet: where instances and tasks run, and the load balancer.",
        json_schema_extra=Cost(
            Change.NEW_INSTANCES, "Rolling for tasks in awsvpc.", (Change.ROLLING,)
        ),
    )
    public_subnets: dict[ZoneId, SubnetId] = Field(
        default={},
        description=(
            "Zone id to subnet: where the load balancer is instead if traffic says that it is "
            "public. Their routes lead to an internet gateway."
        ),
        json_schema_extra=Cost(Change.IN_PLACE),
    )


def _which_network(value: object) -> str:
    if isinstance(value, ExistingNetworkEntry):
        return "existing"
    keys: set[object] = set(value) if isinstance(value, dict) else set()  # pyright: ignore[reportUnknownArgumentType] (any JSON)
    return "existing" if keys & {"vpc_id", "private_subnets", "public_subnets"} else "own"


class RegionEntry(Strict):
    """A Region of the stack."""

    network: Annotated[
        Annotated[OwnNetworkEntry, Tag("own")] | Annotated[ExistingNetworkEntry, Tag("existing")],
        Discriminator(_which_network),
    ] = Field(
        default=OwnNetworkEntry(),
        description="The network: ours (default) or an existing one.",
        examples=[
            {"cidr": "10.47.0.0/16", "nat": "per_zone"},
            {"vpc_id": "vpc-0a1b2c3d", "private_subnets": {"usw2-az1": "subnet-0a1b2c3d"}},
        ],
    )
    accept_undocumented_ami: bool = Field(
        default=False,
        description="Use a Region where AWS publishes the Neuron AMI without documenting it.",
        json_schema_extra=FINDINGS,
    )
