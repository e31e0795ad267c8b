"""The stack file's entries of `models` and `jobs`, and what both share."""

from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    Tag,
)
from pydantic_core import CoreSchema

from config.changes import CHECK, IN_PLACE, MOVES, OTHER_POOL, ROLLING, TARGETS, Change, Cost
from config.replicas import AnyReplicas, Replicas, Scaling
from config.schedules import Schedule
from config.serve import Serve
from config.values import (
    ContainerPath,
    Devices,
    EnvironmentName,
    EnvironmentValue,
    Name,
    PolicyArn,
    Port,
    RegionName,
    RegionNames,
    S3Prefix,
    SecretArn,
    SecretReference,
    Strict,
    Text,
    list_or_map,
)
from config.volumes import AnyMount


class WorkloadOverride(Strict):
    """What a model or job does otherwise in one Region."""

    capacity: Name | None = Field(
        default=None, description="The pool that runs it here.", json_schema_extra=OTHER_POOL
    )


class ModelOverride(WorkloadOverride):
    """What a model does otherwise in one Region."""

    replicas: AnyReplicas | None = Field(
        default=None, description="How many tasks run in this Region."
    )


PathPattern = Annotated[
    str,
    StringConstraints(pattern=r"^/[A-Za-z0-9_.$/~'@:+-]*\*?[A-Za-z0-9_.$/~'@:+-]*$", max_length=80),
    Field(
        description=(
            "A path of at most 80 characters that begins with a slash; one * in it stands for any "
            "characters."
        ),
        examples=["/v1/*"],
    ),
]
HealthPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[\x21-\x7e]*$", max_length=1024),
    Field(description="An HTTP path that begins with a slash.", examples=["/health"]),
]


class HealthCheck(Strict):
    """How a task is found healthy: by the load balancer (path) and by ECS (command)."""

    path: HealthPath = Field(
        default="/health",
        description="HTTP path that the load balancer asks for.",
        json_schema_extra=IN_PLACE,
    )
    command: tuple[Text, ...] | None = Field(
        default=None,
        description="Container health check, as ECS takes it.",
        examples=[["CMD-SHELL", "curl -fs http://localhost:8080/health || exit 1"]],
        json_schema_extra=ROLLING,
    )
    interval_seconds: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=15, description="Time from one check to the next.", json_schema_extra=CHECK
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=5, description="Time that one check may take.", json_schema_extra=CHECK
    )
    retries: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3,
        description="Failed checks in a row that make a task unhealthy.",
        json_schema_extra=CHECK,
    )
    start_period_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None,
        description="Failures of the container check that do not count, at start.",
        json_schema_extra=ROLLING,
    )
    grace_seconds: Annotated[int, Field(ge=0, le=2_147_483_647)] | None = Field(
        default=None,
        description=(
            "Time to load before any failed check of a service counts. Default: that of a first "
            "start of the image's server, 1800 where no table knows the server."
        ),
        json_schema_extra=IN_PLACE,
    )


class Ulimit(Strict):
    """A limit of the processes of a container; -1 is no limit."""

    soft: Annotated[int, Field(ge=-1, le=2_147_483_647)] = Field(
        description="The limit that counts.", examples=[65536], json_schema_extra=ROLLING
    )
    hard: Annotated[int, Field(ge=-1, le=2_147_483_647)] = Field(
        description="What a process may raise the limit to.",
        examples=[65536],
        json_schema_extra=ROLLING,
    )


UlimitName = Literal[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
]
Capabilities = tuple[
    Annotated[
        str,
        StringConstraints(pattern=r"^[A-Z_]{2,32}$"),
        Field(
            description="The name of a Linux capability without CAP_, in upper case.",
            examples=["IPC_LOCK"],
        ),
    ],
    ...,
]
Condition = Literal["started", "complete", "success", "healthy"]


ImageName = Annotated[
    str,
    StringConstraints(pattern=r"^\S{1,512}$"),
    Field(
        description="An image with its tag or digest, without blanks.",
        examples=[
            "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:"
            "0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04"
        ],
    ),
]


class Container(Strict):
    """What the model's container and its sidecars share."""

    image: ImageName = Field(
        description=(
            "Image with tag or digest. `dlc/<repository>:<tag>` is an AWS Deep Learning Container "
            "of the Region; `{region}` becomes the Region."
        ),
        json_schema_extra=ROLLING,
    )
    command: tuple[Text, ...] = Field(
        default=(),
        description="Arguments instead of the image's own.",
        examples=[["vllm", "serve", "Qwen/Qwen3-0.6B", "--port=8080"]],
        json_schema_extra=ROLLING,
    )
    entry_point: tuple[Text, ...] = Field(
        default=(),
        description="Entry point instead of the image's own.",
        examples=[["/opt/serve.sh"]],
        json_schema_extra=ROLLING,
    )
    environment: dict[EnvironmentName, EnvironmentValue] = Field(
        default={},
        description="Environment variables. Everyone who can read the task definition sees them.",
        examples=[{"HF_HOME": "/tmp/hugging-face"}],
        json_schema_extra=ROLLING,
    )
    secrets: dict[EnvironmentName, SecretReference] = Field(
        default={},
        description="Environment variables whose values ECS reads from where they are kept.",
        examples=[{"HF_TOKEN": "arn:aws:secretsmanager:us-west-2:111122223333:secret:hf-token"}],
        json_schema_extra=ROLLING,
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
    ) = Field(
        default=None,
        description="User of the container. Default: the image's own.",
        json_schema_extra=ROLLING,
    )
    read_only_root: bool = Field(
        default=False,
        description=(
            "Make the container's root file system read-only, with an empty volume on each of "
            "writable_paths."
        ),
        json_schema_extra=ROLLING,
    )
    writable_paths: tuple[ContainerPath, ...] | None = Field(
        default=None,
        description=(
            "Paths with an empty volume of the task's own, for as long as the task runs. Default "
            "with read_only_root: the temporary paths and the caches of AWS's images, /tmp, "
            "/var/tmp and /root/.cache."
        ),
        examples=[["/tmp", "/var/tmp"]],
        json_schema_extra=ROLLING,
    )
    mounts: dict[Name, AnyMount] = Field(
        default={},
        description="Volumes of the stack file, by name, and where the container sees each.",
        examples=[{"cache": "/cache"}, {"weights": {"path": "/models", "read_only": True}}],
        json_schema_extra=ROLLING,
    )
    linux_capabilities: Capabilities = Field(
        default=(),
        description="Linux capabilities to add, such as IPC_LOCK.",
        json_schema_extra=ROLLING,
    )
    drop_capabilities: Capabilities = Field(
        default=(),
        description="Linux capabilities to take away from those that Docker gives; ALL is each.",
        examples=[["ALL"]],
        json_schema_extra=ROLLING,
    )
    init: bool = Field(
        default=True,
        description="Run an init process that forwards signals and ends orphaned processes.",
        json_schema_extra=ROLLING,
    )
    ulimits: dict[UlimitName, Ulimit] = Field(
        default={},
        description="Limits of the container's processes. Tasks with EFA have no limit of memlock.",
        examples=[{"nofile": {"soft": 65536, "hard": 65536}}],
        json_schema_extra=ROLLING,
    )
    working_directory: ContainerPath | None = Field(
        default=None,
        description="Directory in which the command runs. Default: the image's own.",
        examples=["/opt/app"],
        json_schema_extra=ROLLING,
    )
    registry_login: SecretArn | None = Field(
        default=None,
        description=(
            "The secret with user name and password of the image's private registry. Amazon ECR "
            "needs none."
        ),
        examples=["arn:aws:secretsmanager:us-west-2:111122223333:secret:docker-hub"],
        json_schema_extra=ROLLING,
    )
    starts_after: dict[Name, Condition] = Field(
        default={},
        description=(
            "Other containers of the task, by the name of the sidecar or of the model or job, that "
            "must have `started`, be `complete` or a `success`, or be `healthy` first."
        ),
        examples=[{"fetch": "success"}],
        json_schema_extra=ROLLING,
    )

    @property
    def references(self) -> dict[str, str]:
        """The secrets and parameters that ECS reads for the container, by their paths in it."""
        found: dict[str, str] = {f"secrets.{name}": at for name, at in sorted(self.secrets.items())}
        return found | ({"registry_login": self.registry_login} if self.registry_login else {})


class Sidecar(Container):
    """A further container in every task of the model or job."""

    essential: bool = Field(
        default=False, description="Its end is the end of the task.", json_schema_extra=ROLLING
    )
    cpu_units: Annotated[int, Field(ge=0, le=196_608)] = Field(
        default=128,
        description="Out of the task's CPU units; 1024 are one vCPU.",
        json_schema_extra=ROLLING,
    )
    memory_mib: Annotated[int, Field(ge=6, le=33_554_432)] = Field(
        default=256, description="Out of the task's memory, in MiB.", json_schema_extra=ROLLING
    )
    restart: bool = Field(
        default=False,
        description="Start the container again when it ends, and leave the task running.",
        json_schema_extra=ROLLING,
    )
    port: Port | None = Field(
        default=None,
        description=(
            "A port on which the container answers. Of a model's sidecar it is behind the load "
            "balancer, below path."
        ),
        json_schema_extra=ROLLING,
    )
    path: (
        Annotated[
            str,
            StringConstraints(pattern=r"^/[A-Za-z0-9_-]{1,90}$"),
            Field(description="A slash and one name.", examples=["/llama-guard"]),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "Where the load balancer takes requests for the port; the container gets what follows. "
            "Default: /<model>-<sidecar>."
        ),
        json_schema_extra=IN_PLACE,
    )
    health_path: HealthPath = Field(
        default="/health",
        description="HTTP path that the load balancer asks the port for.",
        json_schema_extra=IN_PLACE,
    )
    health_command: tuple[Text, ...] | None = Field(
        default=None,
        description="Container health check, as ECS takes it, with ECS's own times.",
        examples=[["CMD-SHELL", "curl -fs http://localhost:9000/health || exit 1"]],
        json_schema_extra=ROLLING,
    )
    neuron_devices: Devices | None = Field(
        default=None,
        description="Neuron devices of the task that this container opens as well.",
        examples=[1, [0], "all"],
        json_schema_extra=ROLLING,
    )


class Workload(Container):
    """What models and jobs share."""

    capacity: Name = Field(
        description="The pool that runs it.", examples=["inf2"], json_schema_extra=OTHER_POOL
    )
    neuron_devices: Devices | None = Field(
        default=None,
        description=(
            "A count, explicit ids, or `all` of the instance. 0: the task takes none, as on a pool "
            "without chips."
        ),
        examples=[2, [0, 1], "all"],
        json_schema_extra=Cost(
            Change.ROLLING,
            f"On Managed Instances, between `all` and the rest: {TARGETS}",
            (Change.REPLACED,),
        ),
    )
    port: Port | None = Field(
        default=None,
        description="The port that serves.",
        json_schema_extra=ROLLING,
    )
    ports: tuple[Port, ...] = Field(
        default=(),
        description="Several ports; the first one is behind the load balancer.",
        examples=[[8080, 9090]],
        json_schema_extra=ROLLING,
    )
    network_mode: Literal["bridge", "host", "awsvpc"] | None = Field(
        default=None,
        description=(
            "Network mode of the tasks. Default: bridge on Auto Scaling capacity (host with EFA), "
            "awsvpc on Managed Instances."
        ),
        json_schema_extra=Cost(
            Change.ROLLING, f"Between awsvpc and the other modes: {TARGETS}", (Change.REPLACED,)
        ),
    )
    cpu_units: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description=(
            "CPU units of the task, 1024 a vCPU. Default: the share that goes with the devices; "
            "without devices nothing is reserved."
        ),
        json_schema_extra=ROLLING,
    )
    memory_mib: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(
        default=None,
        description=(
            "Memory of the task in MiB. Default: the share that goes with the devices, less what "
            "tasks without devices take. Required without devices."
        ),
        json_schema_extra=ROLLING,
    )
    health_check: HealthCheck | None = Field(
        default=None,
        description="How a task is found healthy.",
        examples=[{"path": "/health", "grace_seconds": 1800}],
    )
    stop_timeout_seconds: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="Time between SIGTERM and SIGKILL. Default: 120.",
        json_schema_extra=ROLLING,
    )
    shared_memory_mib: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        default=None,
        description="Size of /dev/shm in MiB. Default: ECS's own.",
        json_schema_extra=ROLLING,
    )
    log_mode: Literal["blocking", "non_blocking"] = Field(
        default="non_blocking",
        description=(
            "What a container does while CloudWatch does not take its lines: `blocking` waits, "
            "`non_blocking` drops lines once log_buffer_mib are full."
        ),
        json_schema_extra=ROLLING,
    )
    log_buffer_mib: Annotated[int, Field(ge=1, le=1_024)] = Field(
        default=25,
        description="Lines that each container keeps in memory, with non_blocking, in MiB.",
        json_schema_extra=ROLLING,
    )
    log_retention_days: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=30, description="Days that CloudWatch keeps the logs.", json_schema_extra=IN_PLACE
    )
    s3_read: tuple[S3Prefix, ...] = Field(
        default=(),
        description=(
            "S3 prefixes that the tasks may list and read. s3://b/a is the object a and what lies "
            "below a/; with a slash at its end only what lies below."
        ),
        json_schema_extra=IN_PLACE,
    )
    s3_write: tuple[S3Prefix, ...] = Field(
        default=(),
        description="S3 prefixes below which the tasks may write, for checkpoints and results.",
        examples=[["s3://my-checkpoints/llama-3-8b/"]],
        json_schema_extra=IN_PLACE,
    )
    task_policies: tuple[PolicyArn, ...] = Field(
        default=(),
        description="ARNs of policies that the task role gets as well.",
        json_schema_extra=IN_PLACE,
    )
    exec: bool = Field(
        default=False,
        description="Allow ECS Exec.",
        json_schema_extra=Cost(Change.IN_PLACE, "Only tasks that start later allow it."),
    )
    sidecars: dict[Name, Sidecar] = Field(
        default={},
        description="Further containers in every task.",
        examples=[{"proxy": {"image": "public.ecr.aws/nginx/nginx:1.27"}}],
        json_schema_extra=ROLLING,
    )

    shared_paths: tuple[ContainerPath, ...] = Field(
        default=(),
        description=(
            "Paths at which all containers of a task share a directory: an empty volume of the "
            "task's own at each, for as long as the task runs."
        ),
        examples=[["/models"]],
        json_schema_extra=ROLLING,
    )

    @property
    def served_ports(self) -> tuple[int, ...]:
        """`port` first, then `ports`."""
        first = () if self.port is None else (self.port,)
        return first + tuple(p for p in self.ports if p not in first)

    @property
    def sidecar_ports(self) -> dict[str, int]:
        """The port of each sidecar that has one, by the sidecar's name, in order."""
        return {n: c.port for n, c in sorted(self.sidecars.items()) if c.port is not None}

    @property
    def called(self) -> bool:
        """Whether a container of a task takes requests: of a model, behind the load balancer."""
        ports = bool(self.port is not None or self.ports)
        return ports or any(c.port is not None for c in self.sidecars.values())


_BY_REGION = Field(
    description=(
        "A list of Regions such as [us-west-2], or a map of Regions to what differs there such as "
        "{us-west-2: {capacity: trn1}}."
    )
)
ModelRegions = Annotated[
    Annotated[RegionNames, Tag("list")]
    | Annotated[dict[RegionName, ModelOverride], Field(min_length=1), Tag("map")],
    Discriminator(list_or_map),
    _BY_REGION,
]
JobRegions = Annotated[
    Annotated[RegionNames, Tag("list")]
    | Annotated[dict[RegionName, WorkloadOverride], Field(min_length=1), Tag("map")],
    Discriminator(list_or_map),
    _BY_REGION,
]


class ModelEntry(Workload):
    """What serves: one model on one pool in each of its Regions.

    With `serve` the planner derives what is not written, the image first of all.
    """

    image: ImageName = Field(
        default="",
        description=(
            "Image with tag or digest; required without `serve`. `dlc/<repository>:<tag>` is an "
            "AWS Deep Learning Container of the Region; `{region}` becomes the Region."
        ),
        json_schema_extra=ROLLING,
    )
    serve: Serve | None = Field(
        default=None,
        description=(
            "The model by its id. Image, command, devices, port, checks and environment follow "
            "from it; what is written beside it wins."
        ),
        examples=[{"model": "meta-llama/Llama-3.1-8B-Instruct", "max_model_len": 8192}],
    )

    replicas: AnyReplicas = Field(
        default=Replicas(),
        description="How many tasks run: a number, or min and max. 0 stops the model.",
        examples=[2, {"min": 1, "max": 4}],
    )
    scaling: Scaling | None = Field(
        default=None,
        description="What moves the number of replicas between min and max. Default: nothing.",
        examples=[{"requests_per_minute": 120}],
    )
    server_metrics: bool = Field(
        default=False,
        description=(
            "A sidecar (queue-metrics) in each task reads what a vLLM server counts: the requests "
            "that it runs and queues, and the seconds until the first token. Dashboards show them. "
            "scaling.queue has it by itself."
        ),
        json_schema_extra=Cost(
            Change.ROLLING, "Without effect beside `scaling.queue`.", (Change.NOTHING,)
        ),
    )
    regions: ModelRegions | None = Field(
        default=None,
        description="A list, or a map with overrides. Default: every Region of its pool.",
        examples=[["us-west-2"], {"us-west-2": {"replicas": {"min": 2}}}],
        json_schema_extra=Cost(
            Change.IN_PLACE, f"In a Region that goes its tasks end. {MOVES}", (Change.ROLLING,)
        ),
    )
    paths: tuple[PathPattern, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=12,
        description=(
            "Paths of the container that the load balancer lets through, beside that of its health "
            "check. Default: those that the server of the image has for callers, /v1/* and /health "
            "of vLLM; every path where no table knows the server. /* is every path."
        ),
        examples=[["/v1/*", "/tokenize"]],
        json_schema_extra=IN_PLACE,
    )
    discovery: Literal["cloud_map"] | None = Field(
        default=None,
        description=(
            "cloud_map gives each service of the model a name in the network, at which the stack's "
            "own tasks call it without the load balancer: an A record in awsvpc mode, an SRV "
            "record, with the port, in the others. Default: no name."
        ),
        examples=["cloud_map"],
        json_schema_extra=ROLLING,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(core_schema) | {"anyOf": [{"required": ["image"]}, {"required": ["serve"]}]}


class JobEntry(Workload):
    """What trains: runs to completion, on demand or on a schedule."""

    schedule: Schedule | None = Field(
        default=None,
        description="When it starts by itself. Default: only on demand.",
        examples=[{"expression": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"}],
    )
    regions: JobRegions | None = Field(
        default=None,
        description="A list, or a map with overrides. Default: every Region of its pool.",
        examples=[["us-west-2"], {"us-west-2": {"capacity": "trn1"}}],
        json_schema_extra=Cost(Change.IN_PLACE, MOVES, (Change.ROLLING,)),
    )
    timeout_minutes: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description=(
            "Minutes after which `neuron-ecs run` stops a run that it follows. A run that a "
            "schedule or `run --detach` starts has no limit."
        ),
        examples=[120],
        json_schema_extra=Cost(Change.NOTHING),
    )
    attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1,
        description=(
            "Number of times that `neuron-ecs run` starts it until it succeeds, while it "
            "follows. A schedule and `run --detach` start it once."
        ),
        examples=[3],
        json_schema_extra=Cost(Change.NOTHING),
    )
