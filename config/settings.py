"""The stack file's models. Units stand in names; a field's description is its documentation.

A type's description says the rule that its values follow, so that it completes the sentence
"write ..."; a field's description says what the value means.
"""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    Field(description="A text of 1 to 4,096 characters."),
]
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$"),
    Field(
        description=(
            "A name of lower-case letters, digits and hyphens that starts with a letter and does "
            "not end with a hyphen, at most 40 characters."
        ),
        examples=["llama-3-8b"],
    ),
]
RegionName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z]{1,20}){1,4}-\d$"),
    Field(description="The name of an AWS Region.", examples=["us-west-2"]),
]
ZoneId = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]{2,20}(-[a-z0-9]{1,20}){0,3}-az\d{1,2}$"),
    Field(
        description="The id of an Availability Zone (not its name, which differs by account).",
        examples=["usw2-az1"],
    ),
]
SubnetId = Annotated[
    str,
    StringConstraints(pattern=r"^subnet-[0-9a-z]{1,40}$"),
    Field(description="The id of a subnet.", examples=["subnet-0a1b2c3d"]),
]
VpcId = Annotated[
    str,
    StringConstraints(pattern=r"^vpc-[0-9a-z]{1,40}$"),
    Field(description="The id of a VPC.", examples=["vpc-0a1b2c3d"]),
]
Cidr = Annotated[
    str,
    StringConstraints(pattern=r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"),
    Field(description="An IPv4 CIDR block.", examples=["10.0.0.0/16"]),
]
Caller = Annotated[
    str,
    StringConstraints(pattern=r"^(\d{1,3}(\.\d{1,3}){3}/\d{1,2}|sg-[0-9a-z]{1,40})$"),
    Field(
        description="An IPv4 CIDR block or the id of a security group.",
        examples=["10.0.0.0/8", "sg-0a1b"],
    ),
]
InstanceTypeName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9-]{1,30}\.[a-z0-9-]{1,30}$"),
    Field(description="An EC2 instance type.", examples=["inf2.24xlarge"]),
]
InstanceTypePattern = Annotated[
    str,
    StringConstraints(pattern=r"^[a-zA-Z0-9.*-]{1,30}$"),
    Field(
        description="An EC2 instance type or a pattern with *; at most 30 characters.",
        examples=["trn1.2xlarge", "inf2.*"],
    ),
]
ReservationId = Annotated[
    str,
    StringConstraints(pattern=r"^cr-[0-9a-z]{1,40}$"),
    Field(
        description="The id of a Capacity Reservation or Capacity Block.",
        examples=["cr-0a1b2c3d"],
    ),
]
GroupArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:resource-groups:[a-z0-9-]+:\d{12}:group/.+$", max_length=2048
    ),
    Field(
        description="The ARN of a resource group.",
        examples=["arn:aws:resource-groups:us-east-2:111122223333:group/trn1"],
    ),
]
CertificateArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/.+$", max_length=2048
    ),
    Field(
        description="The ARN of an ACM certificate.",
        examples=["arn:aws:acm:us-west-2:111122223333:certificate/0a1b"],
    ),
]
SecretReference = Annotated[
    str,
    StringConstraints(
        pattern=(
            r"^(arn:aws[a-z-]*:(secretsmanager|ssm):[a-z0-9{}-]+:\d{12}:(secret:|parameter/).+"
            r"|/[\w./-]+)$"
        ),
        max_length=2048,
    ),
    Field(
        description=(
            "The place where the secret is kept, never its value: the ARN of a Secrets Manager "
            "secret or of a Systems Manager parameter, or a parameter's name that begins with a "
            "slash."
        ),
        examples=["arn:aws:secretsmanager:us-west-2:111122223333:secret:hf-token-a1b2c3"],
    ),
]
PolicyArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::(aws|\d{12}):policy/.+$", max_length=2048),
    Field(
        description="The ARN of an IAM policy.",
        examples=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
    ),
]
S3Prefix = Annotated[
    str,
    StringConstraints(pattern=r"^s3://[a-z0-9{][a-z0-9.{}-]{2,70}(/.*)?$", max_length=1100),
    Field(
        description="An S3 prefix: s3://, the bucket, and the beginning of the keys.",
        examples=["s3://my-models/llama-3-8b/"],
    ),
]
Port = Annotated[int, Field(ge=1, le=65535, description="A port, 1 to 65535.", examples=[8080])]
EnvironmentName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", max_length=255),
    Field(
        description=(
            "The name of an environment variable: letters, digits and underscores, not starting "
            "with a digit."
        ),
        examples=["HF_HOME"],
    ),
]
EnvironmentValue = Annotated[
    str,
    StringConstraints(max_length=32_768),
    Field(
        description=(
            "A text of at most 32,768 characters; a number, true or false stands in quotes."
        )
    ),
]
TagKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    Field(description="The key of a tag, 1 to 128 characters.", examples=["team"]),
]
TagValue = Annotated[
    str,
    StringConstraints(max_length=256),
    Field(description="The value of a tag, at most 256 characters.", examples=["ml-platform"]),
]
DeviceId = Annotated[
    int, Field(ge=0, le=1023, description="The id N of a device /dev/neuronN.", examples=[0])
]
Devices = Annotated[
    Annotated[Annotated[int, Field(ge=1, le=1024)], Tag("count")]
    | Annotated[Annotated[tuple[DeviceId, ...], Field(min_length=1, max_length=64)], Tag("ids")]
    | Annotated[Literal["all"], Tag("all")],
    Discriminator(lambda value: _which_devices(value)),
    Field(description="A count such as 2, ids such as [0, 1], or all."),
]
RegionNames = Annotated[
    tuple[RegionName, ...], Field(min_length=1, description="A list of Regions.")
]


def _which_devices(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "ids"
    return "all" if isinstance(value, str) else "count"


def _list_or_map(value: object) -> str:
    return "map" if isinstance(value, dict) else "list"


FindingCode = Annotated[
    str,
    StringConstraints(pattern=r"^NE\d{3}$"),
    Field(description="The code of a finding: NE and three digits.", examples=["NE501"]),
]


class Strict(BaseModel):
    """Frozen, strict, and without a place for a misspelt key."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )


class OwnNetworkEntry(Strict):
    """A network that the program makes, in the zones that offer the types asked for."""

    cidr: Cidr | None = Field(
        default=None,
        description="IPv4 block of the VPC, /16 to /20. Default: a /16 distinct for each Region.",
    )
    nat: Literal["one", "per_zone", "none"] = Field(
        default="one",
        description="NAT gateways: one, one in each zone, or none (VPC endpoints instead).",
    )


class ExistingNetworkEntry(Strict):
    """A network that exists, its subnets keyed by zone id so that they can be checked on paper."""

    vpc_id: VpcId
    private_subnets: dict[ZoneId, SubnetId] = Field(
        min_length=1, description="Zone id to subnet: where instances, tasks and the ALB run."
    )
    public_subnets: dict[ZoneId, SubnetId] = Field(
        default={}, description="Zone id to subnet. Nothing of ours is placed there."
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
    )


class Ami(Strict):
    """The Amazon Machine Image of Auto Scaling capacity."""

    family: Literal["al2023", "al2"] = Field(
        default="al2023", description="Amazon Linux 2023 or 2 (past its end of life)."
    )
    version: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$"),
        Field(
            description="The word recommended, or the name of an image.",
            examples=["al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64"],
        ),
    ] = Field(
        default="recommended", description="`recommended`, or the name of an image to stay on."
    )


class PoolOverride(Strict):
    """What a pool does otherwise in one Region."""

    max_size: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="Instances at most, in this Region."
    )
    purchase: (
        Literal["on_demand", "spot", "capacity_reservation", "capacity_block", "reserved"] | None
    ) = Field(default=None, description="How the instances are bought in this Region.")
    reservation_id: ReservationId | None = Field(
        default=None,
        description="Capacity Reservation or Capacity Block of this Region (Auto Scaling).",
    )
    reservation_group_arn: GroupArn | None = Field(
        default=None,
        description="Resource group of Capacity Reservations of this Region (Managed Instances).",
    )


PoolRegions = Annotated[
    Annotated[RegionNames, Tag("list")]
    | Annotated[dict[RegionName, PoolOverride], Field(min_length=1), Tag("map")],
    Discriminator(_list_or_map),
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
    )
    zone_ids: tuple[ZoneId, ...] = Field(
        default=(),
        description=(
            "Only these Availability Zones (ids), for instance the zone of a reservation. "
            "Default: every zone of the network that offers the instance type."
        ),
    )
    retired: bool = Field(
        default=False,
        description="Keep the pool, without models, for the update before its entry goes.",
    )


class AutoScalingCapacity(Capacity):
    """EC2 launch type: ECS-optimized AMI, launch template, Auto Scaling group."""

    kind: Literal["auto_scaling"] = Field(
        description="`auto_scaling`: instances of our own Auto Scaling group."
    )
    instance_type: InstanceTypeName = Field(
        description="The EC2 instance type of every instance of the pool."
    )
    min_size: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=0, description="Instances that always run."
    )
    max_size: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="Instances at most, in each Region.", examples=[4]
    )
    purchase: Literal["on_demand", "spot", "capacity_reservation", "capacity_block"] = Field(
        default="on_demand", description="How the instances are bought."
    )
    reservation_ids: dict[RegionName, ReservationId] = Field(
        default={}, description="Capacity Reservation or Capacity Block of each Region."
    )
    ami: Ami = Field(default=Ami(), description="The image of the instances.")
    root_volume_gib: Annotated[int, Field(ge=30, le=16_384)] | None = Field(
        default=None, description="Encrypted gp3 root volume in GiB. Default: 200."
    )
    efa: bool = Field(
        default=False,
        description="Attach every EFA interface, in a cluster placement group in one zone.",
    )


class ManagedInstancesCapacity(Capacity):
    """ECS Managed Instances: AWS owns the instances, the AMI and the Neuron driver."""

    kind: Literal["managed_instances"] = Field(
        description="`managed_instances`: instances that ECS owns."
    )
    allowed_instance_types: tuple[InstanceTypePattern, ...] = Field(
        min_length=1,
        max_length=400,
        description="The EC2 instance types that ECS may choose, exact or patterns with *.",
        examples=[["trn1.2xlarge"]],
    )
    purchase: Literal["on_demand", "spot", "reserved"] = Field(
        default="on_demand", description="How the instances are bought."
    )
    reservation_group_arns: dict[RegionName, GroupArn] = Field(
        default={}, description="Resource group of Capacity Reservations, for each Region."
    )
    storage_gib: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="EBS data volume in GiB for images and mounts. Default: 200."
    )
    local_storage: bool = Field(
        default=False, description="Use the instance store instead of an EBS data volume."
    )
    scale_in_after_seconds: Annotated[int, Field(ge=-1, le=1_000_000)] | None = Field(
        default=None,
        description="Idle time before an instance goes; -1 never. Default: AWS's own choice.",
    )


AnyCapacity = Annotated[
    AutoScalingCapacity | ManagedInstancesCapacity,
    Field(
        discriminator="kind",
        description=(
            "A map such as {kind: auto_scaling, instance_type: inf2.24xlarge, max_size: 4}."
        ),
    ),
]


class Replicas(Strict):
    """How many tasks of a model run."""

    min: Annotated[int, Field(ge=0, le=5_000)] = Field(
        default=1, description="Tasks that always run."
    )
    max: Annotated[int, Field(ge=1, le=5_000)] | None = Field(
        default=None, description="Tasks at most. Default: `min`, at least 1."
    )

    @property
    def most(self) -> int:
        """`max`, or what stands for it where it is not given."""
        return self.max if self.max is not None else max(self.min, 1)


class WorkloadOverride(Strict):
    """What a model or job does otherwise in one Region."""

    replicas: Replicas | None = Field(
        default=None, description="How many tasks run in this Region (models)."
    )
    capacity: Name | None = Field(default=None, description="The pool that runs it here.")


class HealthCheck(Strict):
    """How a task is found healthy: by the load balancer (path) and by ECS (command)."""

    path: Annotated[
        str,
        StringConstraints(pattern=r"^/[\x21-\x7e]*$", max_length=1024),
        Field(description="An HTTP path that begins with a slash.", examples=["/health"]),
    ] = Field(default="/health", description="HTTP path that the load balancer asks for.")
    command: tuple[Text, ...] | None = Field(
        default=None,
        description="Container health check, as ECS takes it.",
        examples=[["CMD-SHELL", "curl -fs http://localhost:8080/health || exit 1"]],
    )
    interval_seconds: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=15, description="Time from one check to the next."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=5, description="Time that one check may take."
    )
    retries: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Failed checks in a row that make a task unhealthy."
    )
    start_period_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None, description="Failures of the container check that do not count, at start."
    )
    grace_seconds: Annotated[int, Field(ge=0, le=2_147_483_647)] = Field(
        default=1800, description="Time to load before any failed check of a service counts."
    )


class Container(Strict):
    """What the model's container and its sidecars share."""

    image: Annotated[
        str,
        StringConstraints(pattern=r"^\S{1,512}$"),
        Field(
            description="An image with its tag or digest, without blanks.",
            examples=["public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.16.0"],
        ),
    ] = Field(
        description=(
            "Image with tag or digest. `dlc/<repository>:<tag>` is an AWS Deep Learning Container "
            "of the Region; `{region}` becomes the Region."
        )
    )
    command: tuple[Text, ...] = Field(
        default=(),
        description="Arguments instead of the image's own.",
        examples=[["vllm", "serve", "Qwen/Qwen3-0.6B", "--port=8080"]],
    )
    entry_point: tuple[Text, ...] = Field(
        default=(),
        description="Entry point instead of the image's own.",
        examples=[["/opt/serve.sh"]],
    )
    environment: dict[EnvironmentName, EnvironmentValue] = Field(
        default={},
        description="Environment variables. Everyone who can read the task definition sees them.",
        examples=[{"HF_HOME": "/tmp/hugging-face"}],
    )
    secrets: dict[EnvironmentName, SecretReference] = Field(
        default={},
        description="Environment variables whose values ECS reads from where they are kept.",
        examples=[{"HF_TOKEN": "arn:aws:secretsmanager:us-west-2:111122223333:secret:hf-token"}],
    )
    user: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$"),
            Field(
                description="A user, with or without a group, by name or id.",
                examples=["1000:1000"],
            ),
        ]
        | None
    ) = Field(default=None, description="User of the container. Default: the image's own.")
    read_only_root: bool = Field(
        default=False, description="Make the container's root file system read-only."
    )
    linux_capabilities: tuple[
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Z_]{2,32}$"),
            Field(
                description="The name of a Linux capability without CAP_, in upper case.",
                examples=["IPC_LOCK"],
            ),
        ],
        ...,
    ] = Field(default=(), description="Linux capabilities to add, such as IPC_LOCK.")


class Sidecar(Container):
    """A further container in every task of the model or job."""

    essential: bool = Field(default=False, description="Its end is the end of the task.")
    cpu_units: Annotated[int, Field(ge=0, le=196_608)] = Field(
        default=128, description="Out of the task's CPU units; 1024 are one vCPU."
    )
    memory_mib: Annotated[int, Field(ge=6, le=33_554_432)] = Field(
        default=256, description="Out of the task's memory, in MiB."
    )
    neuron_devices: Devices | None = Field(
        default=None,
        description="Neuron devices of the task that this container opens as well.",
        examples=[1, [0], "all"],
    )


class Workload(Container):
    """What models and jobs share."""

    capacity: Name = Field(description="The pool that runs it.", examples=["inf2"])
    neuron_devices: Devices | None = Field(
        default=None,
        description=(
            "A count, explicit ids, or `all` of the instance. None on a pool without chips."
        ),
        examples=[2, [0, 1], "all"],
    )
    port: Port | None = Field(default=None, description="The port that serves.")
    ports: tuple[Port, ...] = Field(
        default=(),
        description="Several ports; the first one is behind the load balancer.",
        examples=[[8080, 9090]],
    )
    network_mode: Literal["bridge", "host", "awsvpc"] | None = Field(
        default=None,
        description=(
            "Network mode of the tasks. Default: bridge on Auto Scaling capacity (host with EFA), "
            "awsvpc on Managed Instances."
        ),
    )
    cpu_units: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description=(
            "CPU units of the task, 1024 a vCPU. Default: the share that goes with the devices."
        ),
    )
    memory_mib: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(
        default=None,
        description="Memory of the task in MiB. Default: the share that goes with the devices.",
    )
    health_check: HealthCheck | None = Field(
        default=None,
        description="How a task is found healthy.",
        examples=[{"path": "/health", "grace_seconds": 1800}],
    )
    stop_timeout_seconds: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="Time between SIGTERM and SIGKILL. Default: 120."
    )
    shared_memory_mib: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        default=None, description="Size of /dev/shm in MiB. Default: ECS's own."
    )
    log_retention_days: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=30, description="Days that CloudWatch keeps the logs."
    )
    s3_read: tuple[S3Prefix, ...] = Field(
        default=(), description="S3 prefixes that the tasks may list and read."
    )
    task_policies: tuple[PolicyArn, ...] = Field(
        default=(), description="ARNs of policies that the task role gets as well."
    )
    exec: bool = Field(default=False, description="Allow ECS Exec.")
    sidecars: dict[Name, Sidecar] = Field(
        default={},
        description="Further containers in every task.",
        examples=[{"proxy": {"image": "public.ecr.aws/nginx/nginx:1.27"}}],
    )

    @property
    def served_ports(self) -> tuple[int, ...]:
        """`port` first, then `ports`."""
        first = () if self.port is None else (self.port,)
        return first + tuple(p for p in self.ports if p not in first)


WorkloadRegions = Annotated[
    Annotated[RegionNames, Tag("list")]
    | Annotated[dict[RegionName, WorkloadOverride], Field(min_length=1), Tag("map")],
    Discriminator(_list_or_map),
    Field(
        description=(
            "A list of Regions such as [us-west-2], or a map of Regions to what differs there "
            "such as {us-west-2: {capacity: trn1}}."
        )
    ),
]


class ModelEntry(Workload):
    """What serves: one model on one pool in each of its Regions."""

    replicas: Replicas = Field(default=Replicas(), description="How many tasks run.")
    regions: WorkloadRegions | None = Field(
        default=None,
        description="A list, or a map with overrides. Default: every Region of its pool.",
        examples=[["us-west-2"], {"us-west-2": {"replicas": {"min": 2}}}],
    )


class Schedule(Strict):
    """When a job starts by itself."""

    expression: Annotated[
        str,
        StringConstraints(pattern=r"^(cron|rate|at)\(.+\)$", max_length=256),
        Field(
            description="An EventBridge Scheduler expression: cron(...), rate(...) or at(...).",
            examples=["cron(0 3 * * ? *)", "rate(12 hours)", "at(2026-12-24T18:00:00)"],
        ),
    ] = Field(description="EventBridge Scheduler expression: cron(...), rate(...) or at(...).")
    timezone: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,50}$"),
        Field(description="A time zone of the tz database.", examples=["Europe/Berlin"]),
    ] = Field(default="UTC", description="Time zone of the expression.")


class JobEntry(Workload):
    """What trains: runs to completion, on demand or on a schedule."""

    schedule: Schedule | None = Field(
        default=None,
        description="When it starts by itself. Default: only on demand.",
        examples=[{"expression": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"}],
    )
    regions: WorkloadRegions | None = Field(
        default=None,
        description="A list, or a map with overrides. Default: every Region of its pool.",
        examples=[["us-west-2"], {"us-west-2": {"replicas": {"min": 2}}}],
    )


class Traffic(Strict):
    """Who may call the models, and how."""

    allow_from: Annotated[
        Annotated[tuple[Caller, ...], Tag("list")]
        | Annotated[dict[RegionName, tuple[Caller, ...]], Tag("map")],
        Discriminator(_list_or_map),
        Field(
            description=(
                "A list such as [10.0.0.0/8], or a map of Regions to lists such as "
                "{us-west-2: [10.0.0.0/8]}."
            )
        ),
    ] = Field(
        default=(),
        description="CIDR blocks or security groups: a list, or a list for each Region.",
        examples=[["10.0.0.0/8"], {"us-west-2": ["sg-0a1b"]}],
    )
    certificate_arns: dict[RegionName, CertificateArn] = Field(
        default={}, description="ACM certificate of each Region, for HTTPS."
    )


class Settings(Strict):
    """The whole stack file, under the project's namespace."""

    tags: dict[TagKey, TagValue] = Field(
        default={},
        description="Tags on everything that takes tags.",
        examples=[{"team": "ml-platform"}],
    )
    regions: dict[RegionName, RegionEntry] = Field(
        min_length=1,
        description="Where: the Regions of the stack. {} is a network of our own.",
        examples=[{"us-west-2": {}}],
    )
    capacity: dict[Name, AnyCapacity] = Field(
        min_length=1,
        description="On what: the pools of instances.",
        examples=[
            {"inf2": {"kind": "auto_scaling", "instance_type": "inf2.24xlarge", "max_size": 4}}
        ],
    )
    models: dict[Name, ModelEntry] = Field(
        default={},
        description="What serves: the models.",
        examples=[
            {
                "llama-3-8b": {
                    "image": "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.16.0",
                    "capacity": "inf2",
                    "neuron_devices": 2,
                    "port": 8080,
                }
            }
        ],
    )
    jobs: dict[Name, JobEntry] = Field(
        default={},
        description="What trains: the jobs, which run to completion.",
        examples=[{"finetune": {"image": "repository:tag", "capacity": "trn1"}}],
    )
    traffic: Traffic = Field(
        default=Traffic(),
        description="Who may call the models, and how.",
        examples=[{"allow_from": ["10.0.0.0/8"]}],
    )
    silence: dict[FindingCode, Text] = Field(
        default={},
        description="Warnings and notes not to be told, each with the reason. Errors stay.",
        examples=[{"NE501": "behind a mesh that encrypts"}],
    )
    wait_for_steady_state: bool = Field(
        default=True, description="Services are waited for until their tasks run and are healthy."
    )
