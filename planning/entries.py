"""Pools, models and jobs of the stack file, each in one of its Regions."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from catalog import InstanceType
from config import (
    AutoScalingCapacity,
    Block,
    JobEntry,
    ManagedInstancesCapacity,
    ModelEntry,
    Replicas,
)
from planning import choices
from planning.rooms import device_count
from planning.routes import Client

NetworkMode = Literal["bridge", "host", "awsvpc"]

# What on-demand instances stand in for: on Auto Scaling capacity, and on Managed Instances.
_FALLING = {False: "capacity_reservation", True: "reserved"}


@dataclass(frozen=True)
class RegionalPool:
    """A pool in one of its Regions."""

    name: str
    region: str
    spec: AutoScalingCapacity | ManagedInstancesCapacity
    max_size: int | None  # None on Managed Instances, which have no maximum
    purchase: str
    reservation: str | None
    types: tuple[InstanceType, ...]  # offered in the Region, or possibly if none is; small first
    zone_ids: tuple[str, ...]  # zones of the network that offer one of the types, or may do so
    blocks: tuple[Block, ...] = ()  # by their start, where it has the hours of its Capacity Blocks

    @property
    def path(self) -> str:
        return f"capacity.{self.name}"

    @cached_property
    def managed(self) -> bool:
        return isinstance(self.spec, ManagedInstancesCapacity)

    @property
    def type(self) -> InstanceType | None:
        """The instance type; `None` if there are several or none."""
        return self.types[0] if len(self.types) == 1 else None

    @property
    def neuron(self) -> bool:
        return any(t.neuron for t in self.types)

    @cached_property
    def smallest(self) -> InstanceType | None:
        return next(iter(self.types), None)

    @property
    def falls_back(self) -> bool:
        """Whether instances start on demand where its reservations have no room."""
        return self.spec.on_demand_fallback and self.purchase == _FALLING[self.managed]

    @property
    def locks(self) -> bool:
        """Whether host ports lock the devices: on Auto Scaling capacity with Neuron devices."""
        return not self.managed and self.neuron


@dataclass(frozen=True)
class RegionalWorkload:
    """A model or a job in one of its Regions, with its pool there."""

    name: str
    region: str
    spec: ModelEntry | JobEntry
    pool: RegionalPool
    replicas: Replicas
    types: tuple[InstanceType, ...]  # of the pool, on which the task fits; ECS chooses among them

    @cached_property
    def smallest(self) -> InstanceType | None:
        """The smallest type on which the task fits; that of the pool if it fits on none."""
        return next(iter(self.types), self.pool.smallest)

    @cached_property
    def is_job(self) -> bool:
        return isinstance(self.spec, JobEntry)

    @cached_property
    def path(self) -> str:
        return f"{'jobs' if self.is_job else 'models'}.{self.name}"

    @property
    def stop_seconds(self) -> int:
        """How long its container has to end after it was told to."""
        given = self.spec.stop_timeout_seconds
        return choices.STOP_TIMEOUT_SECONDS if given is None else given

    @property
    def tasks_max(self) -> int:
        return 0 if self.is_job else self.replicas.most

    @property
    def slot_tasks(self) -> int:
        """Tasks that its slots are made for: a stopped model keeps the slot of one."""
        return 0 if self.is_job else max(1, self.tasks_max)

    @cached_property
    def network_mode(self) -> NetworkMode:
        if self.spec.network_mode is not None:
            return self.spec.network_mode
        if self.pool.managed:
            return "awsvpc" if self.managed_devices or not self.spec.neuron_devices else "host"
        assert isinstance(self.pool.spec, AutoScalingCapacity)
        return "host" if self.pool.spec.efa and self.spec.neuron_devices != 0 else "bridge"

    @property
    def client(self) -> Client:
        """Whose network interfaces its tasks use, also to mount: in awsvpc their own.

        https://github.com/aws/amazon-ecs-agent/blob/master/agent/taskresource/volume/dockervolume_efs.go
        """
        if self.network_mode == "awsvpc":
            return "tasks"
        return "managed_instances" if self.pool.managed else "auto_scaling"

    @cached_property
    def managed_devices(self) -> bool:
        """Whether ECS assigns the devices: `NeuronDevice: ALL` on Managed Instances."""
        return self.pool.managed and self.spec.neuron_devices == "all"

    @cached_property
    def device_count(self) -> int:
        """Number of devices of one task; 0 without devices, or if the instance type is unknown."""
        return device_count(self.spec.neuron_devices, self.smallest)

    @cached_property
    def host_ports(self) -> tuple[int, ...]:
        """Ports of the instance that a task reserves beside the locks of its devices."""
        ports = (*self.spec.served_ports, *self.spec.sidecar_ports.values())
        return tuple(dict.fromkeys(ports)) if self.network_mode == "host" else ()

    @cached_property
    def locked(self) -> bool:
        """Whether something keeps other tasks off its devices: host ports, or ECS itself."""
        return not self.device_count or self.managed_devices or self.network_mode != "awsvpc"

    @property
    def ids(self) -> tuple[int, ...] | None:
        """The device ids in the stack file, sorted; `None` for a count or `all`."""
        wanted = self.spec.neuron_devices
        return tuple(sorted(wanted)) if isinstance(wanted, tuple) else None
