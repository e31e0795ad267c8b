"""The stack file's entries of `capacity`: the pools of instances."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from config.changes import (
    FINDINGS,
    IN_PLACE,
    NEW_INSTANCES,
    OF_JOBS,
    SECOND_POOL,
    SIZE,
    STEPS,
    Change,
    Cost,
)
from config.values import (
    GroupArn,
    InstanceTypeName,
    InstanceTypePattern,
    Instant,
    RegionName,
    RegionNames,
    ReservationId,
    Strict,
    ZoneId,
    list_or_map,
)

TYPES = Cost(
    Change.TWO_STEPS,
    f"Where a pool of exactly one allowed type becomes one of several, or another: {STEPS} "
    f"{OF_JOBS} Otherwise: new instances only.",
    (Change.ROLLING, Change.NEW_INSTANCES),
)


class Ami(Strict):
    """The Amazon Machine Image of Auto Scaling capacity."""

    family: Literal["al2023", "al2"] = Field(
        default="al2023",
        description="Amazon Linux 2023 or 2 (past its end of life).",
        json_schema_extra=NEW_INSTANCES,
    )
    version: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$"),
        Field(
            description="The word recommended, or the name of an image.",
            examples=["al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64"],
        ),
    ] = Field(
        default="recommended",
        description="`recommended`, or the name of an image to stay on.",
        json_schema_extra=NEW_INSTANCES,
    )


class Block(Strict):
    """A Capacity Block with its hours."""

    id: ReservationId = Field(
        description="The id of its reservation.", json_schema_extra=NEW_INSTANCES
    )
    start: Instant = Field(
        description="When it begins: the group launches its instances then.",
        json_schema_extra=IN_PLACE,
    )
    end: Instant = Field(
        description=(
            "When it ends. EC2 ends its instances half an hour before; tasks are drained earlier."
        ),
        json_schema_extra=IN_PLACE,
    )


_BLOCKS = [{"id": "cr-0a1b2c3d", "start": "2026-12-01T11:30:00Z", "end": "2026-12-03T11:30:00Z"}]
BLOCKS = Cost(
    Change.NEW_INSTANCES,
    "Only the first block's id is of the instances; hours are in place.",
    (Change.IN_PLACE,),
)


class PoolOverride(Strict):
    """What a pool does otherwise in one Region."""

    max_size: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="Instances at most, in this Region.", json_schema_extra=SIZE
    )
    purchase: (
        Literal["on_demand", "spot", "capacity_reservation", "capacity_block", "reserved"] | None
    ) = Field(
        default=None,
        description="How the instances are bought in this Region.",
        json_schema_extra=SECOND_POOL,
    )
    reservation_id: ReservationId | None = Field(
        default=None,
        description="Capacity Reservation or Capacity Block of this Region (Auto Scaling).",
        json_schema_extra=NEW_INSTANCES,
    )
    blocks: tuple[Block, ...] = Field(
        default=(),
        description="Capacity Blocks of this Region, with their hours (Auto Scaling).",
        examples=[_BLOCKS],
        json_schema_extra=BLOCKS,
    )
    reservation_group_arn: GroupArn | None = Field(
        default=None,
        description="Resource group of Capacity Reservations of this Region (Managed Instances).",
        json_schema_extra=NEW_INSTANCES,
    )


PoolRegions = Annotated[
    Annotated[RegionNames, Tag("list")]
    | Annotated[dict[RegionName, PoolOverride], Field(min_length=1), Tag("map")],
    Discriminator(list_or_map),
    Field(
        description=(
            "A list of Regions such as [us-west-2], or a map of Regions to what differs there "
            "such as {us-west-2: {max_size: 2}}."
        )
    ),
]


class Capacity(Strict):
    """What both kinds of capacity share."""

    regions: PoolRegions | None = Field(
        default=None,
        description="Regions of the pool: a list, or a map with overrides. Default: all.",
        examples=[["us-west-2"], {"us-west-2": {"max_size": 2}}],
        json_schema_extra=Cost(
            Change.TWO_STEPS,
            "First move the models out of the Region that goes; then take it out here.",
            added=Change.IN_PLACE,
        ),
    )
    zone_ids: tuple[ZoneId, ...] = Field(
        default=(),
        description=(
            "Only these Availability Zones (ids), for instance the zone of a reservation. "
            "Default: every zone of the network that offers the instance type."
        ),
        json_schema_extra=Cost(
            Change.NEW_INSTANCES,
            f"Rolling for tasks in awsvpc. Two steps where a network of ours would lose a zone: "
            f"{STEPS}",
            (Change.ROLLING, Change.TWO_STEPS),
        ),
    )
    on_demand_fallback: bool = Field(
        default=False,
        description=(
            "Launch on demand where reservations have no room, instead of waiting. On Managed "
            "Instances these are the account's open reservations that match, without a group."
        ),
        json_schema_extra=NEW_INSTANCES,
    )
    retired: bool = Field(
        default=False,
        description="Keep the pool, without models, for the update before its entry goes.",
        json_schema_extra=FINDINGS,
    )


class AutoScalingCapacity(Capacity):
    """EC2 launch type: ECS-optimized AMI, launch template, Auto Scaling group."""

    kind: Literal["auto_scaling"] = Field(
        description="`auto_scaling`: instances of our own Auto Scaling group.",
        json_schema_extra=SECOND_POOL,
    )
    instance_type: InstanceTypeName = Field(
        description="The EC2 instance type of every instance of the pool.",
        json_schema_extra=SECOND_POOL,
    )
    min_size: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=0, description="Instances that always run.", json_schema_extra=IN_PLACE
    )
    max_size: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="Instances at most, in each Region.", examples=[4], json_schema_extra=SIZE
    )
    purchase: Literal["on_demand", "spot", "capacity_reservation", "capacity_block"] = Field(
        default="on_demand",
        description="How the instances are bought.",
        json_schema_extra=SECOND_POOL,
    )
    reservation_ids: dict[RegionName, ReservationId] = Field(
        default={},
        description="Capacity Reservation or Capacity Block of each Region.",
        json_schema_extra=NEW_INSTANCES,
    )
    blocks: tuple[Block, ...] = Field(
        default=(),
        description=(
            "Capacity Blocks of the pool's Region with their hours, instead of reservation_ids: "
            "max_size instances start with the first and are drained before its end. Services of "
            "such a pool are not waited for."
        ),
        examples=[_BLOCKS],
        json_schema_extra=BLOCKS,
    )
    ami: Ami = Field(default=Ami(), description="The image of the instances.")
    root_volume_gib: Annotated[int, Field(ge=30, le=16_384)] | None = Field(
        default=None,
        description=(
            "Encrypted gp3 root volume in GiB. Default: 200, or more where images and weights need "
            "it, and the sizes of host volumes."
        ),
        json_schema_extra=NEW_INSTANCES,
    )
    efa: bool = Field(
        default=False,
        description="Attach every EFA interface, in a cluster placement group in one zone.",
        json_schema_extra=SECOND_POOL,
    )
    headroom: Annotated[int, Field(ge=0, le=1)] = Field(
        default=0,
        description=(
            "Instances kept idle beside those that run tasks, for the next replica: 1 saves it the "
            "time to boot. A pool without tasks keeps none."
        ),
        json_schema_extra=IN_PLACE,
    )
    session_manager: bool = Field(
        default=False,
        description=(
            "Give the instances' role what Session Manager needs, for a shell on an instance. "
            "Tasks in host mode have the same rights then."
        ),
        json_schema_extra=SECOND_POOL,
    )


class ManagedInstancesCapacity(Capacity):
    """ECS Managed Instances: AWS owns the instances, the AMI and the Neuron driver."""

    kind: Literal["managed_instances"] = Field(
        description="`managed_instances`: instances that ECS owns.", json_schema_extra=SECOND_POOL
    )
    allowed_instance_types: tuple[InstanceTypePattern, ...] = Field(
        default=(),
        min_length=1,
        max_length=400,
        description=(
            "The EC2 instance types that ECS may choose, exact or patterns with *. Default: those "
            "of `accelerators`."
        ),
        examples=[["trn1.2xlarge"]],
        json_schema_extra=TYPES,
    )
    accelerators: tuple[Literal["inferentia2", "trainium", "trainium2"], ...] = Field(
        default=(),
        min_length=1,
        description=(
            "Chips of the instance types that ECS may choose: each becomes the exact types that "
            "the Region offers."
        ),
        examples=[["inferentia2", "trainium"]],
        json_schema_extra=TYPES,
    )
    accelerator_manufacturers: tuple[Literal["amazon-web-services"], ...] = Field(
        default=(),
        min_length=1,
        description="Who makes the chips; `amazon-web-services` stands for all `accelerators`.",
        examples=[["amazon-web-services"]],
        json_schema_extra=TYPES,
    )
    purchase: Literal["on_demand", "spot", "reserved"] = Field(
        default="on_demand",
        description="How the instances are bought.",
        json_schema_extra=SECOND_POOL,
    )
    reservation_group_arns: dict[RegionName, GroupArn] = Field(
        default={},
        description="Resource group of Capacity Reservations, for each Region.",
        json_schema_extra=NEW_INSTANCES,
    )
    storage_gib: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="EBS data volume in GiB for images and mounts. Default: as of root_volume_gib.",
        json_schema_extra=NEW_INSTANCES,
    )
    local_storage: bool = Field(
        default=False,
        description="Use the instance store instead of an EBS data volume.",
        json_schema_extra=NEW_INSTANCES,
    )
    scale_in_after_seconds: Annotated[int, Field(ge=-1, le=1_000_000)] | None = Field(
        default=None,
        description="Idle time before an instance goes; -1 never. Default: AWS's own choice.",
        json_schema_extra=IN_PLACE,
    )


POOL_KINDS: Mapping[str, type[Capacity]] = {
    "auto_scaling": AutoScalingCapacity,
    "managed_instances": ManagedInstancesCapacity,
}

AnyCapacity = Annotated[
    AutoScalingCapacity | ManagedInstancesCapacity,
    Field(
        discriminator="kind",
        description=(
            "A map such as {kind: auto_scaling, instance_type: inf2.24xlarge, max_size: 4}."
        ),
    ),
]
