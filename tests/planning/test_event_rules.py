"""Rules of EventBridge match what somebody must know of, and say it in words.

The events are shortened from the pages of AWS that `planning/event_rules.py` names.
"""

import json
import re
from typing import Any, cast

import pytest

from planning import plan
from planning.alarms import NameOf, message, names_in, pattern
from tests.planning.fixtures_blocks import DAY
from tests.planning.stacks import decide_on, groups, managed, stack, work

HERE = "arn:aws:ecs:us-west-2:111122223333"
CLUSTER = f"{HERE}:cluster/ours"
NAMES = {"cluster_arn": CLUSTER, "cluster_services": f"{HERE}:service/ours/"}


@pytest.fixture(scope="module")
def region() -> plan.RegionPlan:
    return decide_on(
        stack(
            capacity={
                "pool": groups("inf2.24xlarge"),
                "spot": managed("trn1.2xlarge", purchase="spot"),
            },
            models={"m": work(1, port=8080)},
            jobs={"train": work(1, sidecars={"log": {"image": "r.io/log:1"}})},
            alarms={"emails": ["on-call@example.com"]},
        )
    ).regions[0]


def _name(name: NameOf) -> str:
    return NAMES.get(name.resource, "group-of-ours")


def _told(region: plan.RegionPlan, event: dict[str, Any]) -> list[str]:
    """The messages that an event leads to."""
    found: list[str] = []
    for rule in region.event_rules:
        wanted = json.loads(pattern(rule, {name: _name(name) for name in names_in(rule)}))
        if _matches(wanted, event):
            text, paths = message(rule)
            for key, path in paths.items():
                value = _at(event, path.removeprefix("$."))
                text = text.replace(f'"<{key}>"', json.dumps(str(value or "")))
                text = text.replace(f"<{key}>", json.dumps(value))
            found.append(text)
    return found


def _at(event: Any, path: str) -> Any:
    for step in re.findall(r"[\w-]+", path):
        event = event[int(step)] if step.isdigit() else cast("dict[str, Any]", event).get(step)
        if event is None:
            return None
    return event


def _matches(wanted: Any, given: Any) -> bool:
    """EventBridge's meaning of a pattern; fields below one array are of one of its elements."""
    if isinstance(wanted, dict):
        elements = cast("list[Any]", given) if isinstance(given, list) else [given]
        fields = cast("dict[str, Any]", wanted)
        return any(
            isinstance(e, dict)
            and all(
                _matches(w, e[k]) if k in e else {"exists": False} in list(w)
                for k, w in fields.items()
            )
            for e in elements
        )
    values = cast("list[Any]", given) if isinstance(given, list) else [given]
    return any(_allows(one, value) for one in wanted for value in values)


def _allows(one: Any, value: Any) -> bool:
    if not isinstance(one, dict):
        return bool(one == value)
    ((how, against),) = cast("dict[str, Any]", one).items()
    if how == "exists":
        return bool(against)
    return value.startswith(against) if how == "prefix" else value not in against


def _stopped(code: str, group: str, *exits: tuple[str, int], cluster: str = CLUSTER) -> Any:
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "resources": [f"{HERE}:task/ours/0a1b"],
        "detail": {
            "clusterArn": cluster,
            "lastStatus": "STOPPED",
            "stopCode": code,
            "group": group,
            "taskArn": f"{HERE}:task/ours/0a1b",
            "stoppedReason": 'CannotPullContainerError: pull "repo" failed',
            "containers": [{"name": name, "exitCode": exit} for name, exit in exits],
        },
    }


def _of_service(name: str, kind: str, cluster: str = "ours") -> Any:
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Service Action",
        "resources": [f"{HERE}:service/{cluster}/m-1"],
        "detail": {"eventType": kind, "eventName": name, "clusterArn": CLUSTER},
    }


_MODEL, _JOB = "service:usw2_m_1", "family:project_stack_job_train"
_EXIT, _START = "EssentialContainerExited", "TaskFailedToStart"
TOLD = {
    "killed for memory": _stopped(_EXIT, _MODEL, ("m", 137)),
    "no image": _stopped(_START, _MODEL),
    "job without image": _stopped(_START, _JOB),
    "job that failed": _stopped(_EXIT, _JOB, ("train", 1), ("train-log", 143)),
    "placement": _of_service("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR"),
    "impaired": _of_service("SERVICE_TASK_START_IMPAIRED", "WARN"),
    "deployment": _of_service("SERVICE_DEPLOYMENT_FAILED", "ERROR")
    | {"detail-type": "ECS Deployment State Change"},
    "launch": {
        "source": "aws.autoscaling",
        "detail-type": "EC2 Instance Launch Unsuccessful",
        "detail": {"AutoScalingGroupName": "group-of-ours", "StatusMessage": "no capacity"},
    },
    "spot": {
        "source": "aws.ec2",
        "detail-type": "EC2 Spot Instance Interruption Warning",
        "detail": {"instance-id": "i-0a1b", "instance-action": "terminate"},
    },
}
NOT_TOLD = {
    "scaled in": _stopped("ServiceSchedulerInitiated", _MODEL, ("m", 143)),
    "stopped by hand": _stopped("UserInitiated", _JOB, ("train", 137)),
    "job that succeeded": _stopped(_EXIT, _JOB, ("train", 0), ("train-log", 143)),
    "of another cluster": _stopped(_EXIT, _MODEL, ("m", 1), cluster=f"{CLUSTER}2"),
    "steady": _of_service("SERVICE_STEADY_STATE", "INFO"),
    "of another stack": _of_service("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR", "ours-2"),
    "of another group": TOLD["launch"] | {"detail": {"AutoScalingGroupName": "other"}},
}


@pytest.mark.parametrize("event", TOLD.values(), ids=TOLD)
def test_what_somebody_must_know_of_is_told_once_in_words(
    region: plan.RegionPlan, event: dict[str, Any]
) -> None:
    (text,) = _told(region, event)
    content = json.loads(text)["content"]
    assert content["title"].startswith("neuron-ecs-")
    assert " in us-west-2: " in content["title"]
    assert content["description"], "Slack shows no message without a description"
    assert content["nextSteps"][0] == "Run neuron-ecs events"


@pytest.mark.parametrize("event", NOT_TOLD.values(), ids=NOT_TOLD)
def test_what_is_in_order_or_of_others_is_not_told(
    region: plan.RegionPlan, event: dict[str, Any]
) -> None:
    assert _told(region, event) == []


def test_without_topics_there_is_no_rule() -> None:
    deaf = stack(capacity={"pool": groups()}, models={"m": work(1)}, alarms={})
    assert decide_on(deaf).regions[0].event_rules == ()


def test_services_in_capacity_blocks_tell_of_no_placement_that_must_fail() -> None:
    """Outside of the hours ECS tries, and publishes each time that there is no instance."""
    blocked = groups("trn1.32xlarge", purchase="capacity_block", blocks=[DAY])
    region = decide_on(
        stack(
            capacity={"pool": groups(), "blocks": blocked | {"zone_ids": ["usw2-az4"]}},
            models={"m": work(1), "n": work("all", capacity="blocks")},
            alarms={"emails": ["on-call@example.com"]},
        )
    ).regions[0]
    providers = {p.name: f"{HERE}:capacity-provider/{p.key}-0a1b2c3" for p in region.pools}
    known = {f"{p.key}": providers[p.name] for p in region.pools}
    (rule,) = (r for r in region.event_rules if r.key.endswith("services"))
    names_there = {n: known.get(n.key, _name(n)) for n in names_in(rule)}
    wanted = json.loads(pattern(rule, names_there))
    event = _of_service("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR")
    for pool, told in (("pool", True), ("blocks", False)):
        placed = {**event["detail"], "capacityProviderArns": [providers[pool]]}
        assert _matches(wanted, {**event, "detail": placed}) is told, pool
    assert _matches(wanted, event), "what names no provider is told"


@pytest.mark.parametrize("purchase", ["on_demand", "spot"])
def test_interruptions_of_spot_are_told_where_there_is_spot_capacity(purchase: str) -> None:
    config = stack(
        capacity={"pool": groups(purchase=purchase)},
        models={"m": work(1)},
        alarms={"emails": ["on-call@example.com"]},
    )
    rules = decide_on(config).regions[0].event_rules
    spot = [r for r in rules if any("Spot" in kind for kind in r.detail_types)]
    assert bool(spot) == (purchase == "spot")
