"""Who receives alarms: topics, mail and Slack, and what AWS leaves to be done by hand."""

import re
from collections.abc import Iterator

from messages.finding import Severity
from messages.phrases import listed
from planning.recipients import topic, topics
from planning.regional import arn_in, in_region
from planning.rules.rule import Report, rule
from planning.situation import Situation

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_SLACK_ID = re.compile(r"[A-Z0-9]{1,255}")


def _given(s: Situation) -> Iterator[tuple[str, str, str]]:
    """Yields the path, the Region and the ARN of each topic, in every Region that it is for."""
    given = s.settings.alarms.topics if s.settings.alarms else ()
    if isinstance(given, dict):
        for region, arns in given.items():
            for at, arn in enumerate(arns):
                yield f"alarms.topics.{region}[{at}]", region, arn
        return
    for at, arn in enumerate(given):
        for region in s.regions:
            yield f"alarms.topics[{at}]", region, arn


@rule(
    "NE807",
    "Topic belongs to another Region",
    Severity.ERROR,
    "Alarms and rules of EventBridge publish to topics of their own Region and partition.",
    do="Name a topic of each Region: write {region} in the ARN, or a list for each Region.",
)
def topic_of_another_region(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/US_SetupSNS.html and
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html"""
    seen: set[str] = set()
    for path, region, arn in _given(s):
        place = s.catalog.places.regions.get(region)
        here = in_region(arn, region)
        if place is None or path in seen or arn_in(here, place.partition, region) == here:
            continue
        seen.add(path)
        near = arn_in(here, place.partition, region if path.count(".") > 1 else "{region}")
        yield Report(
            path,
            f"is {arn}, which is no topic of {region} in the partition {place.partition}",
            f"name one of that Region, such as {near}",
        )


@rule(
    "NE808",
    "E-mail address that is none",
    Severity.ERROR,
    "SNS takes addresses with one @ and without spaces.",
    do="Write the whole address, without a name before it.",
)
def no_address(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html: an endpoint of the protocol
    email is an e-mail address."""
    for at, address in enumerate(s.settings.alarms.emails if s.settings.alarms else ()):
        if not _ADDRESS.fullmatch(address):
            yield Report(
                f"alarms.emails[{at}]",
                f"is {address}, which is no e-mail address",
                "name an address, such as on-call@example.com",
            )


@rule(
    "NE809",
    "Slack id that is none",
    Severity.ERROR,
    "Ids of Slack have capital letters and digits alone; the name of a channel or workspace is no "
    "id.",
    do="Write the last part of the channel's link, and the workspace id that the console shows.",
)
def no_slack_id(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateSlackChannelConfiguration.html,
    and https://api.slack.com/docs/conversations-api: the id of a channel."""
    slack = s.settings.alarms and s.settings.alarms.slack
    if not slack:
        return
    for field, given, example in (
        ("workspace", slack.workspace, "T0123ABCD"),
        ("channel", slack.channel, "C0123ABCD"),
    ):
        if not _SLACK_ID.fullmatch(given):
            yield Report(
                f"alarms.slack.{field}",
                f"is {given}, which is no id of Slack",
                f"name the id, such as {example}",
            )


@rule(
    "NE810",
    "Slack outside of the partition aws",
    Severity.ERROR,
    "Amazon Q Developer in chat applications, which writes to Slack, exists in the partition aws "
    "alone.",
    do="Leave slack out, and let a topic or mail take the alarms there.",
)
def no_slack_there(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/general/latest/gr/chatbot.html"""
    places = s.catalog.places.regions
    elsewhere = [r for r in s.regions if places[r].partition != "aws"]
    if s.settings.alarms and s.settings.alarms.slack and elsewhere:
        yield Report(
            "alarms.slack",
            f"is channel {s.settings.alarms.slack.channel} for {listed(elsewhere)}, of the "
            f"partition {places[elsewhere[0]].partition}",
            "leave it out, and let a topic take the alarms",
        )


@rule(
    "NE811",
    "More topics than an alarm has actions",
    Severity.ERROR,
    "An alarm has at most five actions; the topic for mail and Slack is one of them.",
    do="Name fewer topics, and subscribe the other recipients to one of them.",
    table="limits",
)
def too_many_topics(s: Situation) -> Iterator[Report]:
    """API_PutMetricAlarm of the CloudWatch API Reference, AlarmActions"""
    if s.settings.alarms is None:
        return
    given = s.settings.alarms.topics
    lists = given if isinstance(given, dict) else dict.fromkeys(s.regions, given)
    for region, arns in lists.items():
        own = 1 if region in s.regions and topic(s, region) else 0
        most = s.catalog.limits.value("alarm_actions_max") - own
        if len(set(arns)) > most:
            yield Report(
                f"alarms.topics.{region}" if isinstance(given, dict) else "alarms.topics",
                f"has {len(set(arns))} topics, from {arns[0]} on"
                + (", beside the one for mail and Slack" if own else ""),
                f"keep at most {most}",
            )


@rule(
    "NE812",
    "Production without alarms",
    Severity.NOTE,
    "Without alarms the first to notice that a model does not answer are its callers.",
    do="Write alarms with a topic, an e-mail address or a Slack channel.",
)
def no_alarms(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-metrics.html"""
    if s.settings.alarms is None and s.settings.stage == "production" and s.settings.models:
        yield Report(
            "alarms",
            f"is not there: no alarm watches {listed(sorted(s.settings.models), most=3)}",
            'write alarms: {topics: ["arn:aws:sns:{region}:111122223333:on-call"]}, with a topic '
            "of yours",
        )


@rule(
    "NE813",
    "Alarms without a recipient",
    Severity.NOTE,
    "An alarm without an action only changes its colour in the console.",
    do="Name a topic, an e-mail address or a Slack channel.",
)
def no_recipient(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html"""
    if s.settings.alarms is None:
        return
    deaf = [r for r in s.regions if not topics(s, r) and topic(s, r) is None]
    if deaf:
        yield Report(
            "alarms",
            f"sends nothing from {listed(deaf)}: the alarms there have no action",
            "write emails: [on-call@example.com], with an address of yours",
        )


@rule(
    "NE814",
    "Mail must be confirmed by hand",
    Severity.NOTE,
    "AWS writes to a new address and sends alarms only after its owner has followed the link, "
    "within three days and once in each Region.",
    do="Follow the link in each of these mails.",
)
def mail_by_hand(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html"""
    if s.settings.alarms and s.settings.alarms.emails:
        yield Report(
            "alarms.emails",
            f"names {listed(s.settings.alarms.emails, most=3)}, to be confirmed in "
            f"{listed(list(s.regions))}",
            "make sure that each owner follows the link in the mail of each Region",
        )


@rule(
    "NE815",
    "Slack must be authorised by hand",
    Severity.NOTE,
    "Only the console of Amazon Q Developer in chat applications can authorise a workspace, once "
    "in an account.",
    do="Authorise the workspace in the console before the first update.",
)
def slack_by_hand(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateSlackChannelConfiguration.html:
    SlackTeamId"""
    slack = s.settings.alarms and s.settings.alarms.slack
    if slack:
        yield Report(
            "alarms.slack",
            f"is channel {slack.channel} of the workspace {slack.workspace}, which the update "
            "needs to be authorised",
            "make sure that the console of Amazon Q Developer in chat applications lists the "
            "workspace, and that the app is invited to a private channel",
        )


@rule(
    "NE816",
    "Topics of your own must let AWS publish",
    Severity.NOTE,
    "Alarms and EventBridge publish to a topic only where its policy, and that of its key, let "
    "them: the default key of SNS lets neither.",
    do="Let cloudwatch.amazonaws.com and events.amazonaws.com publish, in the topic's policy.",
)
def topics_must_allow(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    and https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"""
    named = list(dict.fromkeys(arn for _, _, arn in _given(s)))
    if named:
        yield Report(
            "alarms.topics",
            f"names {listed(named, most=2)}, whose policy this program does not see",
            "make sure that its policy lets cloudwatch.amazonaws.com and events.amazonaws.com "
            "publish, and that its key lets them as well",
        )


RULES = (
    topic_of_another_region,
    no_address,
    no_slack_id,
    no_slack_there,
    too_many_topics,
    no_alarms,
    no_recipient,
    mail_by_hand,
    slack_by_hand,
    topics_must_allow,
)
