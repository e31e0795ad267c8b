"""What the user asks for: the stack file as typed, frozen data. Shape only, no AWS fact."""

from config.alarms import Alarms, Slack
from config.authentication import Authentication, Claim, Jwt
from config.capacity import (
    Ami,
    AutoScalingCapacity,
    Block,
    ManagedInstancesCapacity,
    PoolOverride,
)
from config.daemons import NeuronMetrics, ProblemDetector
from config.layout import PlacedService
from config.parsing import ShapeError, parse
from config.places import ExistingNetworkEntry, OwnNetworkEntry, RegionEntry
from config.public import Public
from config.replicas import Replicas, Scaling
from config.schedules import RangeAt, Schedule, Times
from config.serve import DataType, Serve, ServerName
from config.settings import Domain, Security, Settings, Traffic
from config.shapes import Shape
from config.volumes import (
    AnyVolume,
    EbsVolumeEntry,
    EfsVolumeEntry,
    HostVolumeEntry,
    Mount,
    S3FilesVolumeEntry,
)
from config.workloads import (
    Container,
    HealthCheck,
    JobEntry,
    ModelEntry,
    ModelOverride,
    Sidecar,
    Ulimit,
    Workload,
    WorkloadOverride,
)

__all__ = [
    "Alarms",
    "Ami",
    "AnyVolume",
    "Authentication",
    "AutoScalingCapacity",
    "Block",
    "Claim",
    "Container",
    "DataType",
    "Domain",
    "EbsVolumeEntry",
    "EfsVolumeEntry",
    "ExistingNetworkEntry",
    "HealthCheck",
    "HostVolumeEntry",
    "JobEntry",
    "Jwt",
    "ManagedInstancesCapacity",
    "ModelEntry",
    "ModelOverride",
    "Mount",
    "NeuronMetrics",
    "OwnNetworkEntry",
    "PlacedService",
    "PoolOverride",
    "ProblemDetector",
    "Public",
    "RangeAt",
    "RegionEntry",
    "Replicas",
    "S3FilesVolumeEntry",
    "Scaling",
    "Schedule",
    "Security",
    "Serve",
    "ServerName",
    "Settings",
    "Shape",
    "ShapeError",
    "Sidecar",
    "Slack",
    "Times",
    "Traffic",
    "Ulimit",
    "Workload",
    "WorkloadOverride",
    "parse",
]
