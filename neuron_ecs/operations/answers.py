"""A Region's answers to names over all Regions, as they are in the account."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from neuron_ecs.operations.aws import Account, Calls, pages
from planning import plan

_MOST_CHECKS = "1000"  # of a page (the service model of Route 53)


@dataclass(frozen=True, slots=True)
class Answer:
    """A Region's answer to one name, and the health check that it depends on."""

    region: str
    model: str
    host: str
    check: str  # id of the health check; empty if there is none
    left_out: bool  # whether the health check is forced to be unhealthy


def answers(
    aws: Calls, regions: Sequence[plan.RegionPlan], only: str | None = None
) -> list[Answer]:
    """Returns the answers of Regions to all names over all Regions, or to those of one model.

    A health check is known by its alarm.
    """
    named = [
        (region.name, model.name, everywhere)
        for region in regions
        for model in region.models
        if only in (None, model.name)
        for _, everywhere, _ in model.names_everywhere
    ]
    checks: dict[tuple[str, str], dict[str, Any]] = {}
    if named:
        call = aws.route53.list_health_checks
        there = pages(
            call, "HealthChecks", token="Marker", answered="NextMarker", MaxItems=_MOST_CHECKS
        )
        checks = {_alarm(one): one for one in there}
    found: list[Answer] = []
    for region, model, everywhere in named:
        check = checks.get((region, everywhere.alarm.name), {})
        config = cast("dict[str, Any]", check.get("HealthCheckConfig", {}))
        left_out = bool(config.get("Disabled") and config.get("Inverted"))
        found.append(Answer(region, model, everywhere.host, check.get("Id", ""), left_out))
    return found


def left_out(
    account: Account, regions: Sequence[plan.RegionPlan], only: str | None = None
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Returns the names that each Region is left out of, and why they could not be read.

    Route 53 is the same in every Region, and counts the calls of the whole account: it is asked
    once.
    """
    named = [r for r in regions if any(m.names_everywhere for m in r.models)]
    if not named:
        return {}, ()

    def ask(aws: Calls) -> tuple[list[Answer], tuple[str, ...]]:
        read = aws.tried("Route 53 ListHealthChecks", lambda: answers(aws, named, only))
        return read or [], tuple(map(str, aws.failed))

    found, unread = account.ask(named[0].name, ask, lambda why: ([], (why,)))
    out: dict[str, tuple[str, ...]] = {}
    for one in found:
        if one.left_out:
            out[one.region] = (*out.get(one.region, ()), one.host)
    return out, unread


def has_record(aws: Calls, region: str, everywhere: plan.Everywhere) -> bool:
    """Whether the hosted zone has the Region's record of a name over all Regions."""
    answer = aws.route53.list_resource_record_sets(
        HostedZoneId=everywhere.zone_id,
        StartRecordName=everywhere.host,
        StartRecordType="A",
        StartRecordIdentifier=region,
        MaxItems="1",
    )
    first = cast("list[dict[str, Any]]", answer["ResourceRecordSets"])[:1]
    return any(
        (one["Name"].rstrip("."), one.get("SetIdentifier")) == (everywhere.host, region)
        for one in first
    )


def _alarm(check: dict[str, Any]) -> tuple[str, str]:
    """Region and name of the alarm of a health check; both empty without one."""
    alarm = cast("dict[str, str]", check["HealthCheckConfig"].get("AlarmIdentifier", {}))
    return alarm.get("Region", ""), alarm.get("Name", "")
