"""Who receives alarms and events: topics of the stack file, mail and Slack."""

from planning import choices, names, plan
from planning.alarms import NameOf, SlackChannel
from planning.identity import logical_name
from planning.regional import in_region
from planning.situation import Situation


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
        policy=(
            {
                "Effect": "Allow",
                "Principal": {"Service": ("cloudwatch.amazonaws.com", "events.amazonaws.com")},
                "Action": "sns:Publish",
                "Resource": f"arn:{place.partition}:sns:{region}:{choices.ACCOUNT}:{name}",
                "Condition": {"StringEquals": {"aws:SourceAccount": choices.ACCOUNT}},
            },
        ),
    )


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
