"""What the model of a pool knows: rules, services, instances, tasks, and what a run has seen."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

Event = tuple[str, ...]  # what happens, and to whom: ("place", "a#3", "i1")

PORTS_MAX = 100  # API_PortMapping, hostPort
NEURON_DEVICES = -1  # no port: the resource of Managed Instances that one task takes as a whole
SCALE_IN_POINTS = 15
BREAKER_LEAST, BREAKER_MOST = 3, 200


class State(Enum):
    """Last status of a task, as ECS reports it; a STOPPED one is forgotten."""

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"


# Enum members are looked up once: these comparisons are what the model spends its time on.
PROVISIONING: Final = State.PROVISIONING
PENDING: Final = State.PENDING
RUNNING: Final = State.RUNNING
STOPPING: Final = State.STOPPING


@dataclass(frozen=True, slots=True)
class Rules:
    """Which of the two reservations of a host port hold; AWS's documents promise both."""

    scheduler_holds_stopping: bool = True
    agent_books: bool = True


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task definition: what ECS sees of it, and the devices, which ECS does not see."""

    devices: tuple[int, ...]
    host_ports: frozenset[int]  # fixed ones only; `NEURON_DEVICES` for all devices of the instance
    cpu: int
    memory: int
    instance_type: str | None = None  # by memberOf
    definition: str = ""  # everything else: another one is another revision


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service as an update hands it to ECS."""

    key: str
    task: TaskSpec
    least: int  # desired count without scaling, minimum with it
    most: int
    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    distinct_instance: bool = False
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """Instances of one type with their capacity provider: an Auto Scaling group, or Managed
    Instances, whose `max_size` is then larger than any stack needs."""

    instance_type: str
    devices: int
    cpu: int
    memory: int
    max_size: int
    min_size: int = 0
    maximum_step: int = 2
    reserved_ports: frozenset[int] = frozenset()
    legal_sets: frozenset[tuple[int, int]] = frozenset()
    first_step: int = 2  # instances that the first task launches


@dataclass(frozen=True, slots=True)
class Collision:
    """Two processes on one device of one host at one time."""

    instance: str
    device: int
    holder: str
    intruder: str

    def __str__(self) -> str:
        return (
            f"{self.intruder} opens /dev/neuron{self.device} of {self.instance}, "
            f"which {self.holder} still holds"
        )


class Task:
    """A task, and whether its process lives: the process holds the devices, not the status."""

    __slots__ = (
        "healthy", "id", "instance", "owner", "place_in_list", "process", "revision", "spec",
        "started", "state",
    )  # fmt: skip

    def __init__(self, identity: str, owner: "Service | None", spec: TaskSpec, revision: int):
        self.id = identity
        self.owner = owner
        self.spec = spec
        self.revision = revision
        self.state = PROVISIONING
        self.healthy = False
        self.process = False
        self.started = False  # the agent has booked it
        self.instance: Instance | None = None
        self.place_in_list = 0


class Instance:
    """A container instance: the scheduler's books, the agent's books, and the truth of the host."""

    __slots__ = (
        "agent_cpu", "agent_memory", "agent_ports", "connected", "cpu", "draining", "held", "id",
        "memory", "ports", "queue", "registered", "tasks",
    )  # fmt: skip

    def __init__(self, identity: str, pool: PoolSpec):
        self.id = identity
        self.registered = False
        self.draining = False
        self.connected = True  # a slow agent neither starts nor reports anything
        self.tasks: dict[str, Task] = {}
        self.cpu = pool.cpu  # remainingResources
        self.memory = pool.memory
        self.ports: set[int] = set(pool.reserved_ports)
        self.agent_cpu = pool.cpu
        self.agent_memory = pool.memory
        self.agent_ports: set[int] = set(pool.reserved_ports)
        self.queue: list[Task] = []  # PENDING tasks in the order in which they came
        self.held: dict[int, Task] = {}  # device to the task whose process has it


class Service:
    """A service with its deployments."""

    __slots__ = (
        "bad", "completed", "deleting", "desired", "failed", "failures", "revision", "spec",
        "specs", "tasks",
    )  # fmt: skip

    def __init__(self, spec: ServiceSpec):
        self.spec = spec
        self.desired = spec.least
        self.revision = 1
        self.specs: dict[int, TaskSpec] = {1: spec.task}
        self.bad: set[int] = set()  # revisions whose tasks never become healthy
        self.completed: int | None = None
        self.failures = 0
        self.failed = False  # the breaker has acted, and there is nothing to roll back to
        self.deleting = False
        self.tasks: list[Task] = []  # STOPPING ones too

    @property
    def upper(self) -> int:
        """Most tasks in RUNNING and PENDING, rounded down."""
        return self.desired * self.spec.maximum_percent // 100

    @property
    def lower(self) -> int:
        """Fewest healthy tasks, rounded up."""
        return -(-self.desired * self.spec.minimum_healthy_percent // 100)

    @property
    def steady(self) -> bool:
        """What waiting for a steady state waits for: the desired count healthy, nothing else."""
        fresh = 0
        for task in self.tasks:
            if task.state is STOPPING:
                continue
            if not task.healthy or task.revision != self.revision:
                return False
            fresh += 1
        return fresh == self.desired and not self.failed


@dataclass(slots=True)
class Measures:
    """What a run has seen; `launched` and the rest count instances, `points` metric points."""

    launched: int = 0
    most_instances: int = 0
    idle_points: int = 0  # points of instances without a task
    points: int = 0
    events: dict[str, int] = field(default_factory=dict[str, int])
