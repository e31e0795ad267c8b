"""Alarms of CloudWatch as plain data: what is measured, when it is bad, what is done then."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

from planning.canonical import canonical

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

    It is the name of a cluster, a service, a capacity provider, an Auto Scaling group or a rule of
    EventBridge, the end of the ARN of a load
    balancer or a target group, and the ARN of a topic or a scaling policy. In events it is the ARN
    of a cluster or of a capacity provider, and the beginning of the ARNs of a cluster's services.
    """

    kind: ClassVar[str] = "name_of"
    resource: Literal[
        "auto_scaling_group",
        "capacity_provider",
        "capacity_provider_arn",
        "cluster",
        "cluster_arn",
        "cluster_services",
        "event_rule",
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


def balancer_metric(
    name: str, statistic: Statistic, seconds: int, balancer: str, group: str = ""
) -> Metric:
    """Returns a metric of a load balancer, or of one of its target groups, each by its key.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    dimensions = [Dimension("LoadBalancer", NameOf("load_balancer", balancer))]
    if group:
        dimensions.append(Dimension("TargetGroup", NameOf("target_group", group)))
    return Metric("AWS/ApplicationELB", name, tuple(dimensions), statistic, seconds)


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
class ServerMetrics:
    """What a sidecar measures of a model's server, over all replicas."""

    requests_at_once: tuple[Metric, ...]  # they add up to them
    first_token: Metric | None  # seconds until the first token of an answer; None: not counted
    log_mib: int  # written in a month, with the most replicas

    @property
    def all(self) -> tuple[Metric, ...]:
        """Every metric, each of which is paid."""
        return (*self.requests_at_once, *([self.first_token] if self.first_token else []))


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
class Match:
    """What a field of an event must be: one of the values, or what `how` makes of them.

    `absent_or_other` is an event without the field, or with another value there.
    """

    path: str  # such as detail.group
    values: tuple[str | NameOf, ...]
    how: Literal["equals", "prefix", "anything_but_0", "absent_or_other"] = "equals"


@dataclass(frozen=True, slots=True)
class Target:
    """A topic that a rule publishes to."""

    key: str
    topic: str | NameOf  # its ARN


@dataclass(frozen=True, slots=True)
class EventRule:
    """A rule of EventBridge: what happened is published to topics, in words.

    `said` is the path of a text that each such event has, `named` those of short values beside it.
    """

    key: str
    title: str
    source: str
    detail_types: tuple[str, ...]
    matches: tuple[Match, ...]
    said: str
    named: tuple[str, ...]
    steps: tuple[str, ...]  # what to do
    targets: tuple[Target, ...]


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


# ---- texts for EventBridge -------------------------------------------------------------------


def names_in(rule: EventRule) -> tuple[NameOf, ...]:
    """Returns the names that the pattern of a rule needs."""
    return tuple(v for m in rule.matches for v in m.values if isinstance(v, NameOf))


def pattern(rule: EventRule, known: Mapping[NameOf, str]) -> str:
    """Returns the event pattern of a rule as canonical JSON.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """
    whole: dict[str, object] = {"source": [rule.source], "detail-type": list(rule.detail_types)}
    for match in rule.matches:
        *above, last = match.path.split(".")
        place = whole
        for step in above:
            place = cast("dict[str, object]", place.setdefault(step, {}))
        values = [known[v] if isinstance(v, NameOf) else v for v in match.values]
        place[last] = {
            "equals": values,
            "prefix": [{"prefix": value} for value in values],
            "anything_but_0": [{"anything-but": [0]}],
            "absent_or_other": [{"exists": False}, {"anything-but": values}],
        }[match.how]
    return canonical(whole)


def message(rule: EventRule) -> tuple[str, dict[str, str]]:
    """Returns the text that goes to the topics, and the paths of its placeholders.

    Slack shows this form of JSON as a message, and mail as it is. A placeholder without quotes
    becomes a JSON string; one in quotes is for values without quotes of their own.
    https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
    """
    paths = {"said": f"$.{rule.said}"}
    paths |= {f"named{at}": f"$.{path}" for at, path in enumerate(rule.named)}
    text = json.dumps(
        {
            "version": "1.0",
            "source": "custom",
            "content": {
                "textType": "client-markdown",
                "title": rule.title,
                "description": "SAID",
                "nextSteps": list(rule.steps),
                "keywords": [f"<named{at}>" for at in range(len(rule.named))],
            },
        },
        separators=(",", ":"),
    )
    return text.replace('"SAID"', "<said>"), paths
