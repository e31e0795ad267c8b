"""The stack file's entries of `volumes`, and the mounts of containers."""

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic_core import CoreSchema

from config.changes import IN_PLACE, ROLLING, Change, Cost
from config.values import (
    ContainerPath,
    FileSystemId,
    RegionName,
    S3FilesArn,
    S3Prefix,
    SnapshotId,
    Strict,
)

KEPT = Cost(Change.ROLLING, "What the old directory holds stays there; the new one is empty.")


class Mount(Strict):
    """A volume in a container: a path, or path, read_only and directory."""

    path: ContainerPath = Field(
        description="Where the container sees the volume.",
        examples=["/models"],
        json_schema_extra=ROLLING,
    )
    read_only: bool = Field(
        default=False, description="The container cannot write to it.", json_schema_extra=ROLLING
    )
    directory: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^[A-Za-z0-9-]{1,64}(/[A-Za-z0-9-]{1,64}){0,2}(/\{slot\})?$"
            ),
            Field(
                description=(
                    "Up to three names of letters, digits and hyphens, with slashes, and {slot} "
                    "after them."
                ),
                examples=["llama-3-8b/weights"],
            ),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "A directory below the volume's own, mounted instead of it. On a host volume "
            "`{slot}` becomes the number of the service: each has tasks on other devices."
        ),
        json_schema_extra=KEPT,
    )

    @model_validator(mode="before")
    @classmethod
    def _of_path(cls, value: object) -> object:
        """Reads a bare text as the path."""
        return {"path": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        whole = handler(core_schema)
        path = {k: v for k, v in whole["properties"]["path"].items() if k in ("type", "pattern")}
        return {"description": whole.pop("description"), "anyOf": [path, whole]}


AnyMount = Annotated[
    Mount,
    Field(description="A path such as /models, or a map such as {path: /models, read_only: true}."),
]


class HostVolumeEntry(Strict):
    """A directory on each instance: tasks that start there later find it, until the instance ends.

    All tasks of an instance that mount it see the same files.
    """

    kind: Literal["host"] = Field(
        description="`host`: a directory on the disk of each instance.", json_schema_extra=ROLLING
    )
    path: ContainerPath | None = Field(
        default=None,
        description="The directory on the instance. Default: /var/lib/neuron-ecs/<name>.",
        examples=["/var/lib/models"],
        json_schema_extra=KEPT,
    )
    size_gib: Annotated[int, Field(ge=1, le=16_384)] = Field(
        default=100,
        description=(
            "GiB that the plan counts for it on the disk of each instance; nothing enforces it."
        ),
        json_schema_extra=Cost(
            Change.NEW_INSTANCES,
            "Findings only where the pool has a size of its own.",
            (Change.NOTHING,),
        ),
    )


class EfsVolumeEntry(Strict):
    """An Amazon EFS file system in each Region that mounts it: files stay, and tasks share them.

    Each workload that mounts it has an access point of its own, to the same directory.
    """

    kind: Literal["efs"] = Field(
        description="`efs`: a file system of the network, which outlives tasks and instances.",
        json_schema_extra=ROLLING,
    )
    file_systems: dict[RegionName, FileSystemId] = Field(
        default={},
        description=(
            "The file system of each Region, if it exists already. Mounts show its directory "
            "/files; its mount targets, their security groups and its policy are its owner's. "
            "Default: the stack makes one in each Region."
        ),
        examples=[{"us-west-2": "fs-0123456789abcdef0"}],
        json_schema_extra=Cost(
            Change.ROLLING,
            "Tasks see the files of the other file system. One that the stack made is deleted, "
            "with its files.",
        ),
    )


class S3FilesVolumeEntry(Strict):
    """Objects of a bucket as files, by Amazon S3 Files, for tasks on Managed Instances.

    The file systems exist already, with their mount targets in the networks of the stack.
    """

    kind: Literal["s3_files"] = Field(
        description="`s3_files`: a file system that shows a bucket of S3. It outlives tasks.",
        json_schema_extra=ROLLING,
    )
    file_systems: Annotated[
        dict[RegionName, S3FilesArn],
        Field(
            min_length=1,
            description=(
                "The file system of each Region, or an access point of it, which shows its "
                "directory and writes as its user. Mount targets, their security groups and "
                "policies are the owner's."
            ),
            examples=[
                {
                    "us-west-2": "arn:aws:s3files:us-west-2:111122223333:"
                    "file-system/fs-0123456789abcdef0"
                }
            ],
            json_schema_extra=ROLLING,
        ),
    ]
    bucket: S3Prefix = Field(
        description=(
            "The bucket or prefix that the file systems show. Large reads go to S3 itself, so the "
            "task role may read it; `{region}` is the Region."
        ),
        examples=["s3://models-{region}/llama/"],
        json_schema_extra=IN_PLACE,
    )


class EbsVolumeEntry(Strict):
    """An encrypted Amazon EBS volume of type gp3 for each task: it comes and goes with the task.

    A file that outlives the task has to be in another kind of volume, or in S3.
    """

    kind: Literal["ebs"] = Field(
        description="`ebs`: a disk of each task, deleted with it.", json_schema_extra=ROLLING
    )
    size_gib: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Size in GiB. Default: that of the snapshot.",
        examples=[200],
        json_schema_extra=ROLLING,
    )
    snapshot_ids: dict[RegionName, SnapshotId] = Field(
        default={},
        description="What each volume holds at first: a snapshot of each Region. Default: nothing.",
        examples=[{"us-west-2": "snap-0123456789abcdef0"}],
        json_schema_extra=ROLLING,
    )
    initialization_rate_mib: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description=(
            "MiB/s at which the blocks of the snapshot are loaded, which AWS charges. Default: "
            "when they are first read."
        ),
        json_schema_extra=ROLLING,
    )
    iops: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="I/O operations a second. Default: EBS's, 3,000.",
        json_schema_extra=ROLLING,
    )
    throughput_mib: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="MiB/s that the volume reads or writes. Default: EBS's, 125.",
        json_schema_extra=ROLLING,
    )
    file_system_type: Literal["ext3", "ext4", "xfs"] = Field(
        default="xfs",
        description="Format of the volume; with a snapshot that of the snapshot.",
        json_schema_extra=ROLLING,
    )


AnyVolume = Annotated[
    HostVolumeEntry | EfsVolumeEntry | EbsVolumeEntry | S3FilesVolumeEntry,
    Field(
        discriminator="kind",
        description=(
            "A map such as {kind: host}, {kind: efs}, {kind: ebs, size_gib: 100} or {kind: "
            "s3_files, file_systems: …, bucket: …}."
        ),
    ),
]
