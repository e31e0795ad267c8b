"""What happened is told in order of time, in words, and within a bound."""

import io
import json
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalog
from catalog.types import StopReason
from neuron_ecs.arguments.parser import typed
from neuron_ecs.cli import events as command
from neuron_ecs.cli.main import parse
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.events import Event, newest, render
from neuron_ecs.operations.observed import ObservedContainer, ObservedTask
from neuron_ecs.operations.reasons import Reasons, exit_code
from planning import plan
from tests.neuron_ecs import running
from tests.neuron_ecs.operations.world import NOW, ROOT, STACK, World, planned, stack_file

ROWS = catalog.load().containers.stop_reasons
REASONS = Reasons(ROWS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    return stack_file(tmp_path, STACK)


@pytest.fixture
def region(file: Path) -> plan.RegionPlan:
    return planned(file).regions[0]


def told(world: World, file: Path, *more: str) -> tuple[int, str]:
    argv = ["events", "--file", str(file), "--width", "80", *more]
    still = Clock(lambda: NOW, lambda _: None)
    return running.run_with(
        command.Arguments, command.run, *argv, connect=world.connect, clock=still
    )


def message(world: World, model: str, text: str, minutes: int) -> None:
    service = world.service_of(model)
    said = f"(service {service['serviceName']}) {text}"
    at = NOW - timedelta(minutes=minutes)
    service["events"].append({"id": text, "createdAt": at, "message": said})


def launch(world: World, text: str, minutes: int, state: str = "Failed") -> None:
    provider = world.shared["providers"][0]["name"]
    activity = {
        "ActivityId": "a",
        "AutoScalingGroupName": "g",
        "Cause": "a change",
        "Description": "Launching a new EC2 instance",
        "StatusMessage": text,
        "StatusCode": state,
        "StartTime": NOW - timedelta(minutes=minutes),
    }
    world.activities.setdefault(provider, []).append(activity)


def stopped(world: World, model: str, minutes: int, **more: Any) -> None:
    at = NOW - timedelta(minutes=minutes)
    task = {"desiredStatus": "STOPPED", "lastStatus": "STOPPED", "stoppedAt": at}
    task |= {"taskArn": world.arn(f"task/c/t{minutes}")}
    world.shared["tasks"].append(world.task_of(model) | task | more)


def test_everything_is_in_order_of_time_with_the_names_of_models(
    region: plan.RegionPlan, file: Path
) -> None:
    world = World(region)
    message(world, "ant", "has reached a steady state.", 1)
    stopped(
        world,
        "bee",
        3,
        stopCode="EssentialContainerExited",
        stoppedReason="Essential container in task exited",
        containers=[{"name": "bee", "exitCode": 137}],
    )
    full = "We currently do not have sufficient inf2.24xlarge capacity in us-west-2b"
    launch(world, f"Could not launch On-Demand Instances. InsufficientInstanceCapacity - {full}", 2)
    code, text = told(world, file)
    assert code == 0
    words = " ".join(text.split())
    assert "3 events, 2 errors" in words
    places = [
        words.index(part)
        for part in ("bee (task)", "SIGKILL", "shared (capacity)", "no free capacity", "ant (serv")
    ]
    assert places == sorted(places)
    assert "-0a1b2c3" not in text, "a model is named, never its slot service"
    assert max(map(len, text.splitlines())) <= 80


def test_one_model_has_its_own_events_and_those_of_its_pool(
    region: plan.RegionPlan, file: Path
) -> None:
    world = World(region)
    message(world, "ant", "has reached a steady state.", 1)
    message(world, "bee", "has reached a steady state.", 1)
    launch(world, "VcpuLimitExceeded - your current vCPU limit of 0", 2)
    text = told(world, file, "ant")[1]
    assert "ant (service)" in text
    assert "bee (service)" not in text
    assert "quota of vCPUs" in " ".join(text.split())


def test_what_is_older_or_beyond_the_limit_is_left_out_and_counted(
    region: plan.RegionPlan, file: Path
) -> None:
    world = World(region)
    for minutes in (1, 2, 3, 300):
        message(world, "ant", f"has started 1 tasks: (task {minutes}).", minutes)
    text = told(world, file, "--limit", "2")[1]
    assert "2 events, 0 errors; 1 older are left out" in " ".join(text.split())
    assert "(task 1)" in text
    assert "(task 3)" not in text


def test_scaling_of_services_and_of_pools_is_read(tmp_path: Path) -> None:
    region = next(
        r
        for r in planned(ROOT / "Pulumi.prod.yaml").regions
        if any(s.scaling for m in r.models for s in m.services)
    )
    world = World(region)
    model, service = next((m, s) for m in region.models for s in m.services if s.scaling)
    world.activities[world.suffix(service.key)] = [
        {
            "ActivityId": "a",
            "ServiceNamespace": "ecs",
            "ResourceId": "r",
            "ScalableDimension": "ecs:service:DesiredCount",
            "Cause": "an alarm",
            "Description": "Setting desired count to 2.",
            "StatusCode": "Successful",
            "StartTime": NOW,
        }
    ]
    still = Clock(lambda: NOW, lambda _: None)
    argv = ["events", "--file", str(ROOT / "Pulumi.prod.yaml"), "--region", region.name]
    argv += ["--width", "0"]
    code, text = running.run_with(
        command.Arguments, command.run, *argv, connect=world.connect, clock=still
    )
    assert code == 0
    assert f"{model.name} (scaling): Setting desired count to 2." in text


def test_what_is_refused_is_said_and_the_rest_is_told(region: plan.RegionPlan, file: Path) -> None:
    world = World(region)
    message(world, "ant", "has reached a steady state.", 1)
    world.refusing = frozenset({"list_tasks"})
    code, text = told(world, file)
    assert code == 1
    assert "not allowed: list_tasks" in " ".join(text.split())
    assert "ant (service)" in text


def test_json_has_a_version_and_every_event(region: plan.RegionPlan, file: Path) -> None:
    world = World(region)
    message(world, "ant", "has reached a steady state.", 1)
    code, text = told(world, file, "--json")
    found = json.loads(text)
    assert (code, found["version"], found["unread"], found["left_out"]) == (0, 1, [], 0)
    assert found["events"][0]["about"] == "ant"


def test_watching_prints_an_event_once(region: plan.RegionPlan, file: Path) -> None:
    world = World(region)
    message(world, "ant", "has reached a steady state.", 1)
    out = io.StringIO()
    arguments = typed(command.Arguments, parse(["events", "--file", str(file), "--watch", "5s"]))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            message(world, "ant", "has started 1 tasks: (task 9).", 0)
        if len(slept) == 3:
            raise KeyboardInterrupt

    with redirect_stdout(out), pytest.raises(KeyboardInterrupt):
        command.run(arguments, connect=world.connect, clock=Clock(lambda: NOW, sleep))
    assert out.getvalue().count("steady state") == 1
    assert out.getvalue().count("(task 9)") == 1
    assert slept == [5, 5, 5]


# ---- reasons ---------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=[f"{r.kind} {r.text}" for r in ROWS])
def test_each_row_explains_its_own_text_and_an_error_says_what_to_do(row: StopReason) -> None:
    match row.kind:
        case "exit_code":
            assert REASONS.of_exit_code(int(row.text)) == row
        case "log":
            assert REASONS.of_line(row.text) == row
        case _:
            assert REASONS.of_message(row.text) == row
    assert row.meaning and (row.action or not row.is_error)
    assert row.source.startswith("https://")


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("was unable to place a task because no container instance met all of its requirements. "
         "The closest matching (container-instance 1) is already using a port required by your "
         "task.", "lock"),
        ("CannotPullContainerError: write /x: no space left on device", "disk"),
        ("ResourceInitializationError: unable to pull secrets or registry auth: x", "secret"),
    ],
)  # fmt: skip
def test_the_cause_at_the_end_of_a_message_decides(said: str, means: str) -> None:
    found = REASONS.of_message(said)
    assert found is not None
    assert means in found.meaning


def task(code: str, reason: str, *codes: int | None) -> ObservedTask:
    containers = tuple(ObservedContainer(f"c{n}", "", c, "") for n, c in enumerate(codes))
    return ObservedTask(
        "a/t", "", "d", "", "STOPPED", "STOPPED", "", frozenset(), stop_code=code,
        stop_reason=reason, containers=containers,
    )  # fmt: skip


@given(st.lists(st.sampled_from([None, 0, 1, 42, 137, 139, 143]), max_size=4))
def test_the_exit_code_of_a_task_is_of_the_container_that_ended_first(
    codes: list[int | None],
) -> None:
    found = exit_code(task("", "", *codes))
    known = [c for c in codes if c is not None]
    assert (found is None) == (not known)
    if set(known) - {0, 137, 143}:
        assert found not in (0, 137, 143), "ECS ends the other containers with 137 or 143"


@pytest.mark.parametrize(
    ("stopped_task", "is_error"),
    [
        (task("ServiceSchedulerInitiated", "Scaling activity initiated by x", 143), False),
        (task("UserInitiated", "Task stopped by user", 137), False),
        (task("ServiceSchedulerInitiated", "Task failed ELB health checks in (tg x)", 143), True),
        (task("EssentialContainerExited", "Essential container in task exited", 0), False),
        (task("EssentialContainerExited", "Essential container in task exited", 42), True),
        (task("TaskFailedToStart", "something new"), True),
        (task("SpotInterruption", ""), True),
    ],
)  # fmt: skip
def test_a_task_that_was_stopped_on_purpose_is_no_error(
    stopped_task: ObservedTask, is_error: bool
) -> None:
    assert REASONS.is_error(stopped_task) == is_error


EVENTS = st.builds(
    Event,
    at=st.timedeltas(timedelta(0), timedelta(days=2)).map(lambda d: NOW - d),
    region=st.just("us-west-2"),
    kind=st.sampled_from(["service", "task", "scaling", "capacity"]),
    about=st.sampled_from(["ant", "bee"]),
    said=st.text(max_size=300),
    is_error=st.booleans(),
    means=st.text(max_size=30),
    do=st.text(max_size=30),
)


@given(st.lists(EVENTS, max_size=20), st.integers(1, 30), st.sampled_from([60, 80, 120]))
def test_the_newest_are_shown_oldest_first_and_none_is_lost(
    found: list[Event], limit: int, width: int
) -> None:
    since = NOW - timedelta(days=1)
    shown, more = newest(found, since, limit)
    recent = [e for e in found if e.at >= since]
    assert len(shown) == min(len(recent), limit)
    assert len(shown) + more == len(recent)
    assert [e.at for e in shown] == sorted(e.at for e in shown)
    text = list(render(shown, NOW, width=width, coloured=False))
    assert sum("  ERROR  " in line[:30] for line in text) == sum(e.is_error for e in shown)
