"""Alarms of CloudWatch as plain data: what is measured, when it is bad, what is done then."""

from dataclasses import dataclass
from typing import ClassVar, Literal

Statistic = Literal["Average", "Maximum", "Minimum", "SampleCount", "Sum"]
MissingData = Literal["breaching", "ignore", "missing", "notBreaching"]
Comparison = Literal[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanThreshold",
]


@dataclass(frozen=True, slots=True)
class NameOf:
    """Stands for what CloudWatch calls a resource of the plan, which AWS alone knows.

    It is the name of a cluster, a service or an Auto Scaling group, the end of the ARN of a load
    balancer or a target group, and the ARN of a topic or a scaling policy.
    """

    kind: ClassVar[str] = "name_of"
    resource: Literal[
        "auto_scaling_group",
        "cluster",
        "load_balancer",
        "scaling_policy",
        "service",
        "target_group",
        "topic",
    ]
    key: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of a metric."""

    name: str
    value: str | NameOf


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of CloudWatch, with its statistic over a period."""

    kind: ClassVar[str] = "metric"
    namespace: str
    name: str
    dimensions: tuple[Dimension, ...]
    statistic: Statistic
    period_seconds: int


@dataclass(frozen=True, slots=True)
class Query:
    """A metric that a metric-math expression calls by its id."""

    id: str
    metric: Metric


@dataclass(frozen=True, slots=True)
class Math:
    """A metric-math expression over other metrics; `label` says what its result is."""

    kind: ClassVar[str] = "math"
    expression: str
    label: str
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm: it goes off after `datapoints` of the latest `periods` beyond the threshold.

    `after` are keys of services that must be steady before it exists: a first start is no incident.
    """

    key: str
    name: str  # what is wrong and what to run, as people read it
    description: str
    measured: Metric | Math
    comparison: Comparison
    threshold: float
    periods: int
    datapoints: int
    missing_data: MissingData
    actions: tuple[str | NameOf, ...]  # ARNs, when it goes off
    ok_actions: tuple[str | NameOf, ...] = ()  # ARNs, when it is over
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """The Slack channel of every Region's topic; one resource of the whole stack."""

    key: str
    name: str
    region: str  # of the configuration
    workspace: str
    channel: str
    role: str  # key of the role with which the channel's messages are made
    guardrails: tuple[str, ...]  # ARNs of the policies that limit what the channel may do
