"""The stack file's entry `alarms`: who receives them."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from config.changes import IN_PLACE, Change, Cost
from config.values import PageUrl, RegionName, Strict, Text, TopicArn, list_or_map


class Slack(Strict):
    """A channel of Slack, in a workspace that the account has been authorised in."""

    workspace: Text = Field(
        description=(
            "The id of the workspace, as the console of Amazon Q Developer in chat applications "
            "shows it. Authorise the workspace there first: no API can."
        ),
        examples=["T0123ABCD"],
        json_schema_extra=IN_PLACE,
    )
    channel: Text = Field(
        description="The id of the channel: the last part of its link, not its name.",
        examples=["C0123ABCD"],
        json_schema_extra=IN_PLACE,
    )


class Alarms(Strict):
    """Who receives the alarms that the program makes for every model."""

    topics: Annotated[
        Annotated[tuple[TopicArn, ...], Tag("list")]
        | Annotated[dict[RegionName, tuple[TopicArn, ...]], Tag("map")],
        Discriminator(list_or_map),
        Field(
            description=(
                "A list of ARNs with `{region}`, or a map of Regions to lists such as "
                "{us-west-2: [arn:aws:sns:us-west-2:111122223333:on-call]}."
            )
        ),
    ] = Field(
        default=(),
        description=(
            "SNS topics that exist, of each Region. Their policies let CloudWatch and EventBridge "
            "publish, EventBridge without a condition."
        ),
        examples=[["arn:aws:sns:{region}:111122223333:on-call"]],
        json_schema_extra=IN_PLACE,
    )
    emails: tuple[Text, ...] = Field(
        default=(),
        description=(
            "Addresses for mail. AWS asks each of them once in each Region: nothing arrives until "
            "the link in that mail has been followed."
        ),
        examples=[["on-call@example.com"]],
        json_schema_extra=Cost(
            Change.IN_PLACE, "A new address must confirm by hand, once in each Region."
        ),
    )
    slack: Slack | None = Field(
        default=None,
        description="A channel of Slack, for the alarms of all Regions.",
        examples=[{"workspace": "T0123ABCD", "channel": "C0123ABCD"}],
    )
    runbook: PageUrl | None = Field(
        default=None,
        description=(
            "The address at which those on call read docs/runbook.md: alarms and events link to "
            "the chapter to follow. Default: its path in the project."
        ),
        json_schema_extra=IN_PLACE,
    )
