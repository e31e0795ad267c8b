"""The default alarms: every model is watched, by alarms that AWS takes and people understand."""

import re
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from planning import choices, plan
from planning.alarms import Alarm, Math, Metric, NameOf
from tests.planning.fixtures_blocks import DAY, NEXT
from tests.planning.stacks import decide_on, groups, stack, work

TOPIC = "arn:aws:sns:{region}:111122223333:on-call"


def _watched(model: dict[str, Any], **keys: Any) -> plan.RegionPlan:
    alarms = {"topics": [TOPIC], "emails": ["on-call@example.com"]}
    pools = {"pool": groups("inf2.48xlarge", max_size=8)}
    given: dict[str, Any] = {"capacity": pools, "models": {"m": model}, "alarms": alarms, **keys}
    return decide_on(stack(**given)).regions[0]


def _metrics(alarm: Alarm) -> list[Metric]:
    if isinstance(alarm.measured, Math):
        return [query.metric for query in alarm.measured.queries]
    return [alarm.measured]


def _of(region: plan.RegionPlan, metric: str) -> list[Alarm]:
    return [a for a in region.alarms if metric in {m.name for m in _metrics(a)}]


SERVED = work(1, port=8080, replicas={"min": 3, "max": 6})
SLOTS = work(1, replicas={"min": 12, "max": 12}, port=8080)


def test_a_model_that_must_answer_has_an_alarm_for_silence_and_one_for_fewer() -> None:
    silent, fewer = _of(_watched(SERVED), "HealthyHostCount")
    assert (silent.threshold, fewer.threshold) == (1, 3)
    assert silent.periods < fewer.periods, "a start of one of three is no reason to wake somebody"
    for alarm in (silent, fewer):
        assert alarm.missing_data == "breaching", "a target group without targets reports nothing"
        assert alarm.comparison == "LessThanThreshold"


@pytest.mark.parametrize("least", [0, 1])
def test_a_model_at_its_minimum_is_no_incident(least: int) -> None:
    region = _watched(work(1, port=8080, replicas={"min": least, "max": 2}))
    assert [a.threshold for a in _of(region, "HealthyHostCount")] == [1] * least
    unhealthy = _of(region, "UnHealthyHostCount")
    assert [(a.threshold, a.missing_data) for a in unhealthy] == [(0, "notBreaching")] * (1 - least)
    (wanted,) = _of(region, "RunningTaskCount")
    assert wanted.missing_data == ("breaching" if least else "notBreaching")


def test_executions_that_fail_are_told_of_the_model_and_hardware_of_the_region() -> None:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/tools/neuron-sys-tools/neuron-monitor-user-guide.html"""
    job = {"jobs": {"j": work(1)}}
    region = _watched(SLOTS, neuron_metrics={}, **job)
    assert _of(_watched(SLOTS, **job), "execution_errors_total") == []
    *of_model, of_region = _of(region, "execution_errors_total")
    tags = [d.value for a in of_model for m in _metrics(a) for d in m.dimensions]
    services = region.models[0].services
    assert sorted(map(str, tags)) == sorted(s.task_definition.process_tag for s in services)
    assert all(len(_metrics(alarm)) <= 10 for alarm in of_model)
    kinds = {(m.name, d.value) for m in _metrics(of_region) for d in m.dimensions}
    assert kinds == {
        ("execution_errors_total", "hardware"),
        ("hardware_ecc_events_total", "mem_ecc_uncorrected"),
        ("hardware_ecc_events_total", "sram_ecc_uncorrected"),
    }
    for alarm in (*of_model, of_region):
        assert {m.namespace for m in _metrics(alarm)} == {"neuron-ecs/test"}
        assert (alarm.threshold, alarm.missing_data) == (0, "notBreaching")
        assert isinstance(alarm.measured, Math)
        assert "FILL(e0, 0)" in alarm.measured.expression, "a task that ended reports nothing"


def test_the_tasks_of_every_service_are_counted_within_the_metrics_of_an_alarm() -> None:
    region = _watched(SLOTS)
    (model,) = region.models
    alarms = _of(region, "RunningTaskCount")
    counted = [
        d.value
        for a in alarms
        for m in _metrics(a)
        for d in m.dimensions
        if d.name == "ServiceName"
    ]
    assert sorted(str(c) for c in counted) == sorted(
        str(NameOf("service", s.key)) for s in model.services for _ in range(2)
    )
    assert len(model.services) > 5
    assert all(len(_metrics(alarm)) <= 10 for alarm in alarms)
    for alarm in alarms:
        assert isinstance(alarm.measured, Math)
        ids = [query.id for query in alarm.measured.queries]
        assert all(one in alarm.measured.expression for one in ids)


def _in_blocks(*blocks: dict[str, str], **model: Any) -> plan.RegionPlan:
    pool = groups("trn1.32xlarge", 2, purchase="capacity_block", zone_ids=["usw2-az4"])
    pools = {"pool": pool | {"blocks": list(blocks)}}
    return _watched(work(4, port=8080, **model), capacity=pools)


def _value(alarm: Alarm, when: str, **metrics: float) -> float:
    """What the expression of an alarm is at a time: Python reads it as CloudWatch does."""
    assert isinstance(alarm.measured, Math)
    text = alarm.measured.expression.replace(" AND ", " and ").replace(" OR ", " or ")

    def chosen(condition: bool, yes: float, no: float) -> float:
        return yes if condition else no

    def epoch(_: float) -> float:
        return datetime.fromisoformat(when).timestamp()

    known: dict[str, Any] = {"IF": chosen, "EPOCH": epoch}
    return eval(text, known | metrics)


def test_outside_of_the_hours_of_its_blocks_a_model_is_no_incident() -> None:
    region = _in_blocks(DAY, NEXT, replicas={"min": 2, "max": 2})
    silent, fewer = _of(region, "HealthyHostCount")
    (wanted,) = _of(region, "RunningTaskCount")
    tasks = {f"{letter}{at}": 1.0 - (letter == "r") for at in range(4) for letter in "wr"}
    rung: list[bool] = []
    for when in (
        "2026-12-01T11:29Z",  # before the first block
        "2026-12-01T11:45Z",  # its instances boot, and the model loads
        "2026-12-02T06:00Z",
        "2026-12-02T11:00Z",  # drained
        "2026-12-03T06:00Z",  # in the second block
        "2026-12-04T06:00Z",
    ):
        states = [_value(a, when, healthy=0) < a.threshold for a in (silent, fewer)]
        states.append(_value(wanted, when, **tasks) > wanted.threshold)
        assert len(set(states)) == 1, when
        rung.append(states[0])
    assert rung == [False, False, True, False, True, False]
    for alarm in (silent, fewer, wanted):
        assert alarm.missing_data == "breaching", "in its hours, where IF drops what is missing"


def test_an_alarm_of_many_blocks_has_an_expression_that_cloudwatch_takes() -> None:
    """PutMetricAlarm, Metrics: an expression has up to 2,048 characters."""
    first = datetime(2026, 12, 1, tzinfo=UTC)
    starts = [first + timedelta(days=n) for n in range(40)]
    blocks = [
        {"id": f"cr-{n:03x}", "start": s.isoformat(), "end": (s + timedelta(days=1)).isoformat()}
        for n, s in enumerate(starts)
    ]
    for alarm in _in_blocks(*blocks, replicas={"min": 5, "max": 8}).alarms:
        if isinstance(alarm.measured, Math):
            assert len(alarm.measured.expression) <= 2048


@pytest.mark.parametrize("model", [SERVED, SLOTS], ids=["served", "slots"])
def test_alarms_say_what_is_wrong_what_to_run_and_where_to_read(model: dict[str, Any]) -> None:
    region = _watched(model)
    names = [alarm.name for alarm in region.alarms]
    assert len(set(names)) == len(names)
    for alarm in region.alarms:
        assert " in us-west-2: " in alarm.name
        assert "run neuron-ecs " in alarm.name
        assert "docs/runbook.md#" in alarm.description
        assert len(alarm.name) <= 255
        assert len(alarm.description) <= 1024


def test_all_recipients_receive_the_beginning_and_the_end() -> None:
    region = _watched(SERVED)
    assert region.topic is not None
    recipients = (TOPIC.replace("{region}", "us-west-2"), NameOf("topic", region.topic.key))
    assert {(a.actions, a.ok_actions) for a in region.alarms} == {(recipients, recipients)}
    assert region.topic.emails == ("on-call@example.com",)


def test_alarms_wait_for_the_services_of_their_model() -> None:
    region = _watched(SLOTS)
    services = tuple(service.key for service in region.models[0].services)
    shared = {"usw2_traffic_errors"}  # of the load balancer
    assert {a.after for a in region.alarms if a.key not in shared} == {services}


def test_without_the_key_there_is_no_alarm_and_without_recipients_no_action() -> None:
    bare = decide_on(stack(capacity={"pool": groups()}, models={"m": work(1, port=8080)}))
    assert not bare.regions[0].alarms
    region = _watched(SERVED, alarms={})
    assert region.topic is None
    assert {a.actions for a in region.alarms} == {()}
    assert list(chain.from_iterable(a.ok_actions for a in region.alarms)) == []


def test_errors_are_a_part_of_enough_requests_and_silence_is_none() -> None:
    (errors,) = _of(_watched(SERVED), "RequestCount")
    assert isinstance(errors.measured, Math)
    assert "FILL(errors, 0)" in errors.measured.expression, "no error is no data point"
    assert errors.missing_data == "notBreaching"


def test_schedules_have_an_alarm_where_there_are_any() -> None:
    jobs = {"j": work(1, schedule={"expression": "rate(1 day)"})}
    assert _of(_watched(SERVED, jobs=jobs), "InvocationDroppedCount")
    assert not _of(_watched(SERVED, jobs={"j": work(1)}), "InvocationDroppedCount")


def test_alarms_and_events_lead_to_a_chapter_of_the_runbook() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "runbook.md").read_text("utf-8")
    heads = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
    jobs = {"j": work(1, schedule={"expression": "rate(1 day)"})}
    region = _watched(SERVED, jobs=jobs)
    texts = [a.description for a in region.alarms] + [
        s for r in region.event_rules for s in r.steps
    ]
    named = {anchor for text in texts for anchor in re.findall(r"docs/runbook\.md#(\S+)", text)}
    assert named
    assert named <= anchors, "a heading of docs/runbook.md was renamed: rename it here as well"


def test_alarms_and_events_link_to_where_the_runbook_is_read() -> None:
    page = "https://example.com/" + "r" * 280
    alarms = {"emails": ["on-call@example.com"], "runbook": page}
    region = _watched(SERVED, alarms=alarms)
    steps = [step for rule in region.event_rules for step in rule.steps]
    assert f"Follow {page}#a-rollout-cannot-finish" in steps
    for alarm in region.alarms:
        assert f"then follow {page}" in alarm.description
        assert len(alarm.description) <= 1024


def test_a_model_that_scales_has_an_alarm_for_more_load_than_its_maximum_is_for() -> None:
    scaling = {"requests_per_minute": 60}
    region = _watched({**SERVED, "scaling": scaling})
    (limit,) = [a for a in region.alarms if a.key.endswith("_limit")]
    assert limit.threshold == 60 * 6
    assert limit.comparison == "GreaterThanThreshold"
    assert not [a for a in _watched(SERVED).alarms if a.key.endswith("_limit")]


def test_deployments_end_by_the_alarm_of_errors_alone_on_every_service() -> None:
    """An alarm of missing replicas would end each deployment that stops a task first."""
    region = _watched(SLOTS)
    (model,) = region.models
    (errors,) = _of(region, "HTTPCode_Target_5XX_Count")
    assert {service.alarms for service in model.services} == {(errors.name,)}
    bare = decide_on(
        stack(capacity={"pool": groups("inf2.48xlarge", max_size=8)}, models={"m": SLOTS})
    )
    for judged, plain in zip(model.services, bare.regions[0].models[0].services, strict=True):
        assert plain.alarms == ()
        more = judged.timeouts.update_minutes - plain.timeouts.update_minutes
        assert more == choices.BAKE_MINUTES, "ECS watches on after the last task runs"


def test_a_model_without_a_port_has_no_alarm_that_ends_its_deployments() -> None:
    (model,) = _watched(work(1)).models
    assert [service.alarms for service in model.services] == [()]
