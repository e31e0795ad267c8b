"""Alarms of CloudWatch, and the topics and the Slack channel that receive them."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.roles import Roles
from components.tags import named
from planning import alarms, choices, dashboards, plan
from planning.alarms import Alarm, EventRule, Math, Metric, NameOf
from planning.dashboards import Dashboard

Names = Mapping[NameOf, pulumi.Input[str]]
"""What CloudWatch calls the resources of a Region."""


def alarm(
    described: Alarm,
    *,
    known: Names,
    region: str,
    tags: plan.Tags,
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource] = (),
) -> aws.cloudwatch.MetricAlarm:
    """Builds an alarm. Raises KeyError if it names a resource that is not `known`."""
    measured = described.measured
    single = measured if isinstance(measured, Metric) else None
    return aws.cloudwatch.MetricAlarm(
        described.key,
        name=described.name,
        alarm_description=described.description,
        namespace=single.namespace if single else None,
        metric_name=single.name if single else None,
        dimensions=_dimensions(single, known) if single else None,
        statistic=single.statistic if single else None,
        period=single.period_seconds if single else None,
        metric_queries=None if isinstance(measured, Metric) else _queries(measured, known),
        comparison_operator=described.comparison,
        threshold=described.threshold,
        evaluation_periods=described.periods,
        datapoints_to_alarm=described.datapoints,
        treat_missing_data=described.missing_data,
        alarm_actions=[_resolved(action, known) for action in described.actions],
        ok_actions=[_resolved(action, known) for action in described.ok_actions],
        tags=named(tags, described.key),
        region=region,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )


def settings(described: Alarm, known: Names) -> dict[str, pulumi.Input[str]]:
    """Returns what an alarm on one metric measures, and when it goes off, as texts."""
    assert isinstance(described.measured, Metric)
    metric = described.measured
    when = f"{metric.statistic} {described.comparison} {described.threshold:g}"
    return {
        **_dimensions(metric, known),
        "metric": f"{metric.namespace} {metric.name}",
        "when": f"{when} in {described.periods} periods of {metric.period_seconds} s",
    }


def _resolved(value: str | NameOf, known: Names) -> pulumi.Input[str]:
    return known[value] if isinstance(value, NameOf) else value


def _dimensions(metric: Metric, known: Names) -> dict[str, pulumi.Input[str]]:
    return {one.name: _resolved(one.value, known) for one in metric.dimensions}


def _queries(measured: Math, known: Names) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgsDict]:
    watched: aws.cloudwatch.MetricAlarmMetricQueryArgsDict = {
        "id": "watched",
        "expression": measured.expression,
        "label": measured.label,
        "return_data": True,
    }
    return [
        watched,
        *(
            aws.cloudwatch.MetricAlarmMetricQueryArgsDict(
                id=query.id,
                metric={
                    "namespace": query.metric.namespace,
                    "metric_name": query.metric.name,
                    "dimensions": _dimensions(query.metric, known),
                    "period": query.metric.period_seconds,
                    "stat": query.metric.statistic,
                },
            )
            for query in measured.queries
        ),
    ]


def topic(
    described: plan.Topic,
    *,
    policy: pulumi.Input[str],
    region: str,
    tags: plan.Tags,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """Builds a topic with its subscriptions, and returns its ARN.

    Mail comes after somebody has confirmed the address; the engine does not wait for that.
    """
    built = aws.sns.Topic(
        described.key,
        name=described.name,
        tags=named(tags, described.key),
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    aws.sns.TopicPolicy(
        described.key,
        arn=built.arn,
        policy=policy,
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    for address in described.emails:
        aws.sns.TopicSubscription(
            f"{described.key}_{address}",
            topic=built.arn,
            protocol="email",
            endpoint=address,
            region=region,
            opts=pulumi.ResourceOptions(parent=parent),
        )
    return built.arn


def event_rule(
    described: EventRule,
    *,
    known: Names,
    region: str,
    tags: plan.Tags,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """Builds a rule of EventBridge, with a target for each topic, and returns its name."""
    needed = alarms.names_in(described)

    def pattern(values: Sequence[str]) -> str:
        return alarms.pattern(described, dict(zip(needed, values, strict=True)))

    rule = aws.cloudwatch.EventRule(
        described.key,
        description=described.title,
        event_pattern=pulumi.Output.all(*(known[name] for name in needed)).apply(pattern),
        tags=named(tags, described.key),
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    text, paths = alarms.message(described)
    for target in described.targets:
        aws.cloudwatch.EventTarget(
            target.key,
            rule=rule.name,
            arn=_resolved(target.topic, known),
            input_transformer={"input_paths": paths, "input_template": text},
            region=region,
            opts=pulumi.ResourceOptions(parent=parent),
        )
    return rule.name


def dashboard(
    described: Dashboard, *, known: Names, region: str, parent: pulumi.Resource
) -> aws.cloudwatch.Dashboard:
    """Builds the dashboard of a Region."""
    needed = dashboards.names_in(described)

    def body(values: Sequence[str]) -> str:
        names = dict(zip(needed, values, strict=True))
        return dashboards.body(described, region, names, wide=choices.GRAPH_COLUMNS)

    return aws.cloudwatch.Dashboard(
        described.key,
        dashboard_name=described.name,
        dashboard_body=pulumi.Output.all(*(known[name] for name in needed)).apply(body),
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )


class SlackChannel(pulumi.ComponentResource):
    """The Slack channel of all Regions: the topics of each of them publish there.

    It is no part of a Region: its settings are kept in one for the whole account.
    """

    def __init__(
        self,
        described: alarms.SlackChannel,
        *,
        topics: Sequence[pulumi.Input[str]],
        roles: Roles,
        tags: plan.Tags,
    ) -> None:
        super().__init__("neuron-ecs:components:SlackChannel", described.key, None, None)
        aws.chatbot.SlackChannelConfiguration(
            described.key,
            configuration_name=described.name,
            slack_team_id=described.workspace,
            slack_channel_id=described.channel,
            iam_role_arn=roles.arns[described.role],
            guardrail_policy_arns=described.guardrails,
            sns_topic_arns=topics,
            tags=named(tags, described.key),
            region=described.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=roles.attachments(described.role)),
        )
        self.register_outputs({"channel": described.channel})
