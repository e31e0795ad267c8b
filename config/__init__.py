"""What the user asks for: the stack file as typed, frozen data. Shape only, no AWS fact."""

from config.parsing import ShapeError, parse
from config.settings import (
    Ami,
    AutoScalingCapacity,
    ExistingNetworkEntry,
    HealthCheck,
    JobEntry,
    ManagedInstancesCapacity,
    ModelEntry,
    OwnNetworkEntry,
    PoolOverride,
    Replicas,
    Schedule,
    Settings,
    Sidecar,
    Traffic,
    Workload,
    WorkloadOverride,
)

__all__ = [
    "Ami",
    "AutoScalingCapacity",
    "ExistingNetworkEntry",
    "HealthCheck",
    "JobEntry",
    "ManagedInstancesCapacity",
    "ModelEntry",
    "OwnNetworkEntry",
    "PoolOverride",
    "Replicas",
    "Schedule",
    "Settings",
    "ShapeError",
    "Sidecar",
    "Traffic",
    "Workload",
    "WorkloadOverride",
    "parse",
]
