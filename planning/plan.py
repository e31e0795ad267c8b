"""The plan: all decisions about what will be built, as frozen plain data.

Components read these types and decide nothing. A `key` is a logical name. Keys of Regional
resources contain the Region. A key never changes while the resource that it names exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from messages.finding import Finding
from planning import choices
from planning.alarms import Alarm, EventRule, Math, ServerMetrics, SlackChannel
from planning.blocks import BlockHours
from planning.blocks import SizeAt as SizeAt
from planning.compile_cache import CompileCache
from planning.dashboards import Dashboard
from planning.following import Mover, Scaling
from planning.policies import ClusterArn as ClusterArn
from planning.policies import InlinePolicy as InlinePolicy
from planning.policies import PolicyValue as PolicyValue
from planning.policies import Role as Role
from planning.policies import RoleArn as RoleArn
from planning.routes import Client, LoadBalancer, Namespace, Registry, TargetGroup
from planning.routes import Everywhere as Everywhere
from planning.routes import ListenerRule as ListenerRule
from planning.routes import Names as Names
from planning.routes import OtherName as OtherName
from planning.routes import SharedCertificate as SharedCertificate
from planning.routes import TokenCheck as TokenCheck
from planning.written_models import WrittenModel as WrittenModel
from planning.written_models import WrittenValue as WrittenValue

Tags = tuple[tuple[str, str], ...]
_MAY_NOTHING, _STARTS_NOTHING = InlinePolicy("agent", ()), InlinePolicy("run-task", ())


# ---- networks ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ZoneSubnets:
    """A zone of an own network. Its blocks follow from the zone id and never change."""

    zone_id: str
    private_cidr: str
    public_cidr: str


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """A VPC that the program makes."""

    kind: ClassVar[str] = "own"
    key: str
    cidr: str
    zones: tuple[ZoneSubnets, ...]
    nat_zone_ids: tuple[str, ...]  # zones with a NAT gateway; can be empty
    gateway_endpoints: tuple[str, ...]  # service names, such as com.amazonaws.us-west-2.s3
    interface_endpoints: tuple[str, ...]  # service names
    flow_logs: str = ""  # ARN of the bucket and prefix that get them; empty: none
    s3_policy: tuple[Mapping[str, PolicyValue], ...] = ()  # statements of the S3 endpoint's policy
    public_zone_ids: tuple[str, ...] = ()  # zones with a public subnet beside those of NAT gateways


@dataclass(frozen=True, slots=True)
class GivenNetwork:
    """A VPC that exists."""

    kind: ClassVar[str] = "given"
    key: str
    vpc_id: str
    private_subnets: tuple[tuple[str, str], ...]  # zone id, subnet id
    public_subnets: tuple[tuple[str, str], ...] = ()  # of a public load balancer


Network = OwnNetwork | GivenNetwork


# ---- capacity ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OnDemand:
    kind: ClassVar[str] = "on_demand"


@dataclass(frozen=True, slots=True)
class Spot:
    kind: ClassVar[str] = "spot"


@dataclass(frozen=True, slots=True)
class CapacityReservation:
    """On-Demand Capacity Reservation that the instances use."""

    kind: ClassVar[str] = "capacity_reservation"
    reservation_id: str
    fallback: bool = False  # whether instances start on demand where it has no room


@dataclass(frozen=True, slots=True)
class CapacityBlock:
    """EC2 Capacity Block: a reservation for a fixed time, with a market type of its own."""

    kind: ClassVar[str] = "capacity_block"
    reservation_id: str


@dataclass(frozen=True, slots=True)
class ReservationGroup:
    """Resource group of Capacity Reservations, for Managed Instances; empty: those that match, and
    on demand where they have no room."""

    kind: ClassVar[str] = "reserved"
    group_arn: str


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One network interface of a launch template with EFA."""

    network_card_index: int
    device_index: int
    interface_type: Literal["interface", "efa", "efa-only"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a workload takes of a slot: a number of tasks, each on these devices of the slot."""

    workload: str
    devices: tuple[int, ...]
    tasks_min: int
    tasks_max: int
    is_job: bool = False
    host_ports: tuple[int, ...] = ()  # of its containers, beside the locks of its devices

    def meets(self, other: "Assignment") -> bool:
        """Whether a task of it and one of the other cannot be on one instance."""
        return not (
            set(self.devices).isdisjoint(other.devices)
            and set(self.host_ports).isdisjoint(other.host_ports)
        )


@dataclass(frozen=True, slots=True)
class Slot:
    """A legal set of Neuron devices, the same on every instance of the pool."""

    devices: tuple[int, ...]
    assignments: tuple[Assignment, ...]

    @property
    def tasks_min(self) -> int:
        return sum(a.tasks_min for a in self.assignments if not a.is_job)

    @property
    def tasks_max(self) -> int:
        return sum(a.tasks_max for a in self.assignments if not a.is_job)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which workload runs on which devices of a pool's instances, and how many instances run."""

    devices: int  # Neuron devices of one instance; 0 on a pool without chips
    slots: tuple[Slot, ...]
    instances_min: int  # at minimum replicas; at least the pool's minimum size
    instances_max: int  # at maximum replicas; at least the pool's minimum size
    jobs: tuple[Assignment, ...] = ()  # devices that jobs take while they run, in any slots

    @property
    def instances(self) -> tuple[int, int]:
        """Instances at minimum and at maximum replicas."""
        return self.instances_min, self.instances_max

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """The assignments of all slots, slot by slot."""
        return tuple(a for slot in self.slots for a in slot.assignments)

    def job_devices(self, job: str) -> tuple[int, ...]:
        """The devices of a job's task; empty if it takes none."""
        return next((a.devices for a in self.jobs if a.workload == job), ())


@dataclass(frozen=True, slots=True)
class AutoScalingPool:
    """Auto Scaling capacity: launch template, Auto Scaling group, capacity provider."""

    kind: ClassVar[str] = "auto_scaling"
    key: str
    name: str
    instance_type: str
    purchase: OnDemand | Spot | CapacityReservation | CapacityBlock
    min_size: int
    max_size: int
    image_id: str  # resolve:ssm:<parameter path>
    root_device: str
    root_volume_gib: int
    kms_key: str  # ARN of the key of its volumes; empty: the account's default
    metadata_hop_limit: int
    agent_config: Tags  # lines of /etc/ecs/ecs.config beside ECS_CLUSTER, sorted
    zone_ids: tuple[str, ...]
    network_interfaces: tuple[NetworkInterface, ...]  # empty: the default interface
    placement_group: bool
    maximum_scaling_step: int
    managed_scaling: bool
    layout: Layout
    retired: bool
    instance_role: str = choices.INSTANCE_ROLE  # key of a role with an instance profile
    headroom: int = 0  # instances kept idle beside those that run tasks
    target_capacity: int = choices.TARGET_CAPACITY_PERCENT  # of managed scaling
    metrics: tuple[str, ...] = ()  # of the group, where a dashboard shows them
    blocks: tuple[BlockHours, ...] = ()  # by their start; the purchase names the first
    sizes: tuple[SizeAt, ...] = ()  # scheduled actions, instead of managed scaling

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The types that its instances can have, as Managed Instances have several."""
        return (self.instance_type,)


@dataclass(frozen=True, slots=True)
class ManagedInstancesPool:
    """Managed Instances capacity: a capacity provider. AWS runs the instances."""

    kind: ClassVar[str] = "managed_instances"
    key: str
    name: str
    allowed_instance_types: tuple[str, ...]  # patterns as written; exact types of accelerators
    instance_types: tuple[str, ...]  # of them those in this Region on which a task fits
    purchase: OnDemand | Spot | ReservationGroup
    storage_gib: int | None  # None with local storage
    local_storage: bool
    scale_in_after_seconds: int | None
    zone_ids: tuple[str, ...]
    layout: Layout
    retired: bool


Pool = AutoScalingPool | ManagedInstancesPool


def block_hours(pool: Pool) -> tuple[BlockHours, ...]:
    """Returns the Capacity Blocks of a pool by their start; none without hours."""
    return pool.blocks if isinstance(pool, AutoScalingPool) else ()


@dataclass(frozen=True, slots=True)
class LogGroup:
    key: str
    name: str
    retention_days: int
    kms_key: str = ""  # ARN; empty: CloudWatch's own key


@dataclass(frozen=True, slots=True)
class AutoScalingCluster:
    kind: ClassVar[str] = "auto_scaling"
    key: str
    pools: tuple[AutoScalingPool, ...]
    serving_ports: tuple[tuple[int, int], ...]  # host port ranges that the load balancer reaches
    agent: InlinePolicy = _MAY_NOTHING  # what its instances' roles may do in it
    exec_logs: LogGroup | None = None  # of sessions of ECS Exec

    @property
    def instance_roles(self) -> tuple[str, ...]:
        """Keys of the roles of the pools' instances, sorted."""
        return tuple(sorted({pool.instance_role for pool in self.pools}))


@dataclass(frozen=True, slots=True)
class ManagedInstancesCluster:
    kind: ClassVar[str] = "managed_instances"
    key: str
    pools: tuple[ManagedInstancesPool, ...]
    instance_role: str
    infrastructure_role: str
    serving_ports: tuple[tuple[int, int], ...]
    exec_logs: LogGroup | None = None  # of sessions of ECS Exec


Cluster = AutoScalingCluster | ManagedInstancesCluster


# ---- workloads -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EmptyVolume:
    """A volume that is empty when a task starts and goes with it."""

    kind: ClassVar[str] = "empty"
    name: str


@dataclass(frozen=True, slots=True)
class HostVolume:
    """A directory of the instance; Docker makes it when a task first mounts it."""

    kind: ClassVar[str] = "host"
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class EfsVolume:
    """A directory of a file system, through an access point."""

    kind: ClassVar[str] = "efs"
    name: str
    file_system: str  # key of a file system of the Region
    access_point: str  # key of one of its access points


@dataclass(frozen=True, slots=True)
class EbsVolume:
    """A volume of each task, which its service or its start describes: gp3, encrypted."""

    kind: ClassVar[str] = "ebs"
    name: str
    size_gib: int | None  # None: that of the snapshot
    snapshot_id: str  # empty: none
    initialization_rate_mib: int | None
    iops: int | None
    throughput_mib: int | None
    file_system_type: str
    kms_key: str  # ARN; empty: the account's default key for EBS
    role: str  # key of the role with which ECS makes and attaches it


@dataclass(frozen=True, slots=True)
class S3FilesVolume:
    """A directory of a file system of S3 Files: of an access point, or of the file system."""

    kind: ClassVar[str] = "s3_files"
    name: str
    file_system: str  # ARN
    access_point: str  # ARN; empty: none
    directory: str  # of the file system; empty: its root, or the access point's


TaskVolume = EmptyVolume | HostVolume | EfsVolume | EbsVolume | S3FilesVolume


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """What one workload may do in one directory of a file system, and as which user."""

    key: str
    directory: str
    role: str  # key of the task role that mounts it
    access: InlinePolicy


@dataclass(frozen=True, slots=True)
class FileSystem:
    """An EFS file system in one Region: the stack's own, or one that exists."""

    key: str
    volume: str  # its name in the stack file
    given_id: str  # empty: the stack makes it, and all below but the access points is of such a one
    zone_ids: tuple[str, ...]  # with a mount target: those of the pools that mount it
    kms_key: str  # ARN; empty: the account's default key for EFS
    access_points: tuple[AccessPoint, ...]
    clients: tuple[Client, ...]
    policy: InlinePolicy
    protected: bool = False  # the engine refuses to delete it


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of the stack file in a container of a task."""

    container: str
    volume: str  # name of the task's volume
    path: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """One task definition: a workload on one slot."""

    key: str
    family: str
    compatibility: Literal["EC2", "MANAGED_INSTANCES"]
    network_mode: Literal["bridge", "host", "awsvpc"]
    cpu: int | None  # task-level CPU units; None: on the containers alone
    memory: int | None  # task-level MiB
    member_of: tuple[str, ...]  # placement expressions, of a job's start too
    container_definitions: str  # canonical JSON
    task_role: str  # key of a role
    execution_role: str
    devices: tuple[int, ...] | Literal["all"]  # Neuron devices of its tasks; () on a CPU pool
    image: str
    process_tag: str = ""  # by which neuron-monitor calls its processes; empty: not known
    volumes: tuple[TaskVolume, ...] = ()  # by name
    mounts: tuple[Mount, ...] = ()  # of volumes of the stack file, by container and path

    @property
    def ebs_volume(self) -> EbsVolume | None:
        """The volume that its service or its start describes; a task has at most one."""
        return next((v for v in self.volumes if isinstance(v, EbsVolume)), None)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the engine waits, in minutes."""

    create_minutes: int
    update_minutes: int
    delete_minutes: int


@dataclass(frozen=True, slots=True)
class Service:
    """One service: the tasks of a model on one slot of one pool."""

    key: str
    pool: str  # key of the pool, whose capacity provider it names
    task_definition: TaskDefinition
    desired_count: int
    scaling: Scaling | None
    minimum_healthy_percent: int
    maximum_percent: int
    distinct_instance: bool
    pack: bool  # binpack placement strategy; Managed Instances take none
    grace_seconds: int | None  # with a load balancer only
    container_name: str
    container_port: int | None  # behind the load balancer
    exec: bool
    timeouts: Timeouts
    after: tuple[str, ...]  # keys of services of the model that must be steady first
    spread_zones: bool = False  # spread placement strategy over zones, before binpack
    alarms: tuple[str, ...] = ()  # names of those that end a deployment, and take it back
    registry: Registry | None = None

    @property
    def tasks_max(self) -> int:
        """Tasks at the maximum of replicas."""
        return self.scaling.max_capacity if self.scaling else self.desired_count

    @property
    def scaled(self) -> bool:
        """Whether the desired count is AWS's: the update leaves it alone, within the limits."""
        return self.desired_count < self.tasks_max

    @property
    def surges(self) -> bool:
        """Whether an update starts a new task before it stops an old one."""
        return self.maximum_percent > 100


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A model in a Region."""

    name: str
    key: str
    pool: str
    network_mode: Literal["bridge", "host", "awsvpc"]
    log_group: LogGroup
    target_group: TargetGroup | None
    services: tuple[Service, ...]
    replicas_min: int
    replicas_max: int
    cold_seconds: int = 0  # of a start that downloads and compiles; 0: not known
    warm_seconds: int = 0  # of a start that finds what an earlier one left
    cache: CompileCache | None = None  # where a later start finds it; None: nowhere
    sidecar_target_groups: tuple[TargetGroup, ...] = ()
    mover: Mover | None = None
    serve_seconds: int = 0  # until a further replica serves, on an instance of its own; 0: unknown
    rise_seconds: int = 0  # from a burst of load until all replicas serve; 0: no load moves them
    second_target_groups: tuple[TargetGroup, ...] = ()  # at the second load balancer
    server_metrics: ServerMetrics | None = None  # of a sidecar; None: it has none

    @property
    def one_more_seconds(self) -> int:
        """From a load that asks for it until one more replica serves; 0: unknown."""
        noticed = choices.SCALE_OUT_PERIODS * choices.METRIC_SECONDS
        return self.serve_seconds + (noticed if self.mover and self.mover.by_load else 0)

    @property
    def load(self) -> Math | None:
        """What moves its replicas, as its alarms measure it; `None` if no load does."""
        policies = (p for s in self.services if s.scaling for p in s.scaling.policies)
        found = next((policy.alarm.measured for policy in policies), None)
        return found if isinstance(found, Math) else None

    @property
    def next_service(self) -> Service | None:
        """The service that gets the next replica above the minimum; `None` at the maximum."""
        free = [s for s in self.services if s.desired_count < s.tasks_max]
        return min(free, key=lambda s: s.desired_count, default=None)

    @property
    def target_groups(self) -> tuple[TargetGroup, ...]:
        """Its target groups, that of its own container first."""
        return (*([self.target_group] if self.target_group else []), *self.sidecar_target_groups)

    @property
    def names_everywhere(self) -> tuple[tuple[str, Everywhere, TargetGroup], ...]:
        """What answers to names over all Regions, with its name in the stack file."""
        named = [(self.called(g), g.everywhere, g) for g in self.target_groups]
        named += [(o.name, o.everywhere, g) for g in self.target_groups for o in g.other_names]
        return tuple((name, one, group) for name, one, group in named if one is not None)

    def called(self, group: TargetGroup) -> str:
        """The name of what answers there: that of the model, or `model/sidecar`."""
        return f"{self.name}/{group.sidecar}" if group.sidecar else self.name


@dataclass(frozen=True, slots=True)
class Daemon:
    """A service with one task on each Neuron instance of Auto Scaling capacity.

    It takes the launch type EC2: AWS gives daemons of such instances no capacity provider.
    """

    key: str
    name: str
    cluster: str  # key
    task_definition: TaskDefinition
    log_group: LogGroup
    metrics: int = 0  # that it gives CloudWatch, with the most replicas
    log_mib: int = 0  # a month, from the most instances


@dataclass(frozen=True, slots=True)
class Schedule:
    """EventBridge Scheduler schedule of a job."""

    key: str
    expression: str
    timezone: str
    role: str
    start: InlinePolicy = _STARTS_NOTHING  # what the role may do in this Region


@dataclass(frozen=True, slots=True)
class JobPlan:
    """A job in a Region: a task definition, and what starts it."""

    name: str
    key: str
    pool: str
    log_group: LogGroup
    task_definition: TaskDefinition
    schedule: Schedule | None
    waits: str  # where it would wait, as text; empty if it finds room
    timeout_minutes: int | None = None  # of a run that `neuron-ecs run` follows; None: no limit
    attempts: int = 1  # of `neuron-ecs run`, until one succeeds
    compiles: str = ""  # the model that it compiles; nothing starts it but `neuron-ecs compile`


@dataclass(frozen=True, slots=True)
class Topic:
    """The SNS topic of a Region, for mail and Slack. Each address confirms by hand."""

    key: str
    name: str
    emails: tuple[str, ...]
    policy: tuple[Mapping[str, PolicyValue], ...]  # statements: who may publish


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """Everything in one Region."""

    name: str
    short: str  # usw2: the prefix of its zone ids
    partition: str
    dns_suffix: str
    network: Network
    auto_scaling: AutoScalingCluster | None
    managed_instances: ManagedInstancesCluster | None
    models: tuple[ModelPlan, ...]
    jobs: tuple[JobPlan, ...]
    load_balancer: LoadBalancer | None
    task_ports: tuple[int, ...]  # ports of awsvpc tasks that the load balancer reaches
    awsvpc: bool  # whether any task has a network interface of its own
    file_systems: tuple[FileSystem, ...] = ()
    topic: Topic | None = None
    alarms: tuple[Alarm, ...] = ()
    event_rules: tuple[EventRule, ...] = ()
    dashboard: Dashboard | None = None
    namespace: Namespace | None = None
    daemons: tuple[Daemon, ...] = ()
    second_balancer: LoadBalancer | None = None  # of the other scheme, while that changes

    @property
    def balancers(self) -> tuple[LoadBalancer, ...]:
        """Its load balancers, the one with the names first."""
        return tuple(b for b in (self.load_balancer, self.second_balancer) if b is not None)

    @property
    def pools(self) -> tuple[Pool, ...]:
        first: tuple[Pool, ...] = self.auto_scaling.pools if self.auto_scaling else ()
        return first + (self.managed_instances.pools if self.managed_instances else ())

    def cluster_of(self, pool: str) -> str:
        """The key of the cluster of the pool of that key."""
        clusters = (self.auto_scaling, self.managed_instances)
        return next(c.key for c in clusters if c and any(p.key == pool for p in c.pools))

    def daemon(self, name: str) -> Daemon | None:
        """The daemon of that name; `None` where it is not switched on."""
        return next((d for d in self.daemons if d.name == name), None)

    def pool(self, key: str) -> Pool:
        """The pool of that key."""
        return next(p for p in self.pools if p.key == key)


# ---- the stack -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be built, everywhere."""

    project: str
    stack: str
    home_region: str
    tags: Tags
    wait_for_steady_state: bool
    regions: tuple[RegionPlan, ...]
    roles: tuple[Role, ...]
    findings: tuple[Finding, ...] = field(default=())
    silenced: Tags = ()  # code and reason of findings that the stack file silences
    stage: Literal["development", "production"] = "development"
    written: tuple[WrittenModel, ...] = ()  # the models of `serve`
    slack: SlackChannel | None = None
    certificate: SharedCertificate | None = None  # of the names over all Regions
