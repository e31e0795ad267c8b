"""Who receives alarms and events: topics of the stack file, mail and Slack."""

from collections.abc import Mapping

from planning import choices, names, plan
from planning.alarms import NameOf, SlackChannel
from planning.identity import logical_name
from planning.policies import PolicyValue
from planning.regional import in_region
from planning.situation import Situation

_PUBLISHERS: Mapping[str, Mapping[str, PolicyValue]] = {
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    "cloudwatch": {"Condition": {"StringEquals": {"aws:SourceAccount": choices.ACCOUNT}}},
    # It sends no such key to SNS: with a condition no event would arrive.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    "events": {},
}
"""What publishes to the stack's own topics, and for whom."""


def recipients(s: Situation, region: plan.RegionPlan) -> tuple[str | NameOf, ...]:
    """Returns the topics that alarms and events of a Region go to, the stack's own at the end."""
    own = (NameOf("topic", region.topic.key),) if region.topic else ()
    return (*topics(s, region.name), *own)


def topics(s: Situation, region: str) -> tuple[str, ...]:
    """Returns the ARNs of the stack file's topics of a Region."""
    wanted = s.settings.alarms
    if wanted is None:
        return ()
    given = wanted.topics
    here = given.get(region, ()) if isinstance(given, dict) else given
    return tuple(dict.fromkeys(in_region(arn, region) for arn in here))


def topic(s: Situation, region: str) -> plan.Topic | None:
    """Returns the topic that the stack makes in a Region, for mail and Slack; `None` without."""
    wanted = s.settings.alarms
    if wanted is None or not (wanted.emails or wanted.slack):
        return None
    place = s.catalog.places.regions[region]
    most = s.catalog.limits.value("topic_name_max")
    name = names.fitted(names.key(s.project, s.stack, "alarms"), most)
    return plan.Topic(
        key=names.key(place.short, "alarms"),
        name=name,
        emails=tuple(sorted(set(wanted.emails))),
        policy=tuple(
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": f"arn:{place.partition}:sns:{region}:{choices.ACCOUNT}:{name}",
                **condition,
            }
            for service, condition in _PUBLISHERS.items()
        ),
    )


def runbook(s: Situation, chapter: str) -> str:
    """Returns where a chapter of the runbook is read; without one, the runbook itself."""
    page = (s.settings.alarms and s.settings.alarms.runbook) or choices.RUNBOOK
    return f"{page}{'#' if chapter else ''}{chapter}"


def slack(s: Situation) -> SlackChannel | None:
    """Returns the Slack channel of the stack; `None` without one."""
    channel = s.settings.alarms and s.settings.alarms.slack
    if not channel:
        return None
    policy = s.catalog.resources.managed_policy("read_cloudwatch")
    return SlackChannel(
        key="alarms",
        name=names.fitted(
            names.key(s.project, s.stack, "alarms"), s.catalog.limits.value("chat_name_max")
        ),
        region=choices.SLACK_REGION,
        workspace=channel.workspace,
        channel=channel.channel,
        role=logical_name(s, choices.SLACK_ROLE),
        guardrails=(f"arn:{s.partition}:iam::aws:policy/{policy}",),
    )
