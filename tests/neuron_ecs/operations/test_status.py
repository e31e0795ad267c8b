"""What runs is shown by model, and each incident is seen in it."""

import io
import json
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

import catalog
from neuron_ecs.arguments.parser import typed
from neuron_ecs.cli import status as command
from neuron_ecs.cli.main import parse
from neuron_ecs.operations.aws import Account, Calls
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.observed import Observation
from neuron_ecs.operations.reading import Reader
from neuron_ecs.operations.reasons import Reasons
from neuron_ecs.operations.status import RegionStatus, status
from neuron_ecs.operations.status_text import age, render
from planning import plan
from tests.neuron_ecs import running
from tests.neuron_ecs.operations.world import (
    NOW,
    ROOT,
    STACK,
    World,
    in_blocks,
    named,
    planned,
    stack_file,
)

REASONS = Reasons(catalog.load().containers.stop_reasons)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    return stack_file(tmp_path, STACK)


@pytest.fixture
def region(file: Path) -> plan.RegionPlan:
    return planned(file).regions[0]


def clock(rounds: int = 0) -> Clock:
    """A clock that stands still, and interrupts whoever sleeps more often than `rounds`."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > rounds:
            raise KeyboardInterrupt

    return Clock(lambda: NOW, sleep)


def shown(world: World, file: Path, *more: str, width: int = 80) -> tuple[int, str]:
    argv = ["status", "--file", str(file), "--width", str(width), *more]
    return running.run_with(
        command.Arguments, command.run, *argv, connect=world.connect, clock=clock()
    )


def observed(world: World) -> Observation:
    """What the reader makes of a world."""
    return Account(world.connect).ask(
        world.region.name,
        lambda aws: Reader(world.region, None, aws).with_targets(),
        lambda why: pytest.fail(why),
    )


def seen(world: World) -> RegionStatus:
    return status(world.region, observed(world), None, REASONS, NOW)


def stopped(world: World, model: str, **told: Any) -> None:
    """A task of a model that has stopped five minutes ago."""
    task = dict(world.task_of(model))
    task |= {
        "taskArn": world.arn(f"task/c/old{len(world.shared['tasks'])}"),
        "desiredStatus": "STOPPED",
        "lastStatus": "STOPPED",
        "stoppedAt": NOW - timedelta(minutes=5),
    }
    world.shared["tasks"].append(task | told)


@pytest.mark.parametrize(
    ("now", "state", "said"),
    [
        ("2026-12-01T11:00Z", "rests", "until 2026-12-01T11:30Z, when cr-0a begins"),
        ("2026-12-01T12:00Z", "down", ""),
        ("2026-12-03T12:00Z", "rests", "begins; run `pulumi up` without cr-0a before"),
        ("2026-12-04T12:00Z", "down", "run `pulumi up` without cr-0a, then set the desired"),
        ("2026-12-06T12:00Z", "rests", "its last Capacity Block, cr-0b, is over"),
    ],
)
def test_a_pool_between_its_capacity_blocks_is_no_fault(
    region: plan.RegionPlan, now: str, state: str, said: str
) -> None:
    world = World(in_blocks(region))
    actual = world.clusters["auto_scaling"]
    actual["instances"].clear()
    actual["tasks"].clear()
    for service in actual["services"]:
        service["runningCount"] = 0
    at = datetime.fromisoformat(now)
    found = status(world.region, observed(world), None, REASONS, at)
    shared = [p.name for p in found.pools if p.kind == "auto_scaling"]
    assert {m.state for m in found.models if m.pool in shared} == {state}
    assert found.good is (state == "rests")
    text = " ".join(" ".join(render("s", [found], at, width=80, coloured=False)).split())
    assert said in text, text
    assert ("not as promised" in text) is (state == "down")


# ---- all is well -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")]),
    ids=lambda p: p.stem,
)
def test_of_a_stack_that_is_up_every_model_runs(path: Path) -> None:
    for region in planned(path).regions:
        found = seen(World(region))
        assert found.good
        assert {m.name for m in found.models} == {m.name for m in region.models}
        for model in found.models:
            assert model.running == model.promised
            assert (model.healthy is None) or model.healthy == model.promised
        lines = list(render("s", [found], NOW, width=120, coloured=False))
        listed = len(found.pools) + 2 * len(found.instances) + len(found.models)
        assert len(lines) <= listed + 12, "one screen"


def test_all_promised_replicas_are_exit_code_0_on_one_screen(
    region: plan.RegionPlan, file: Path
) -> None:
    code, text = shown(World(region), file)
    assert code == 0
    assert text.splitlines()[0].endswith("3 of 3 replicas run")
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 30
    for word in ("inf2.24xlarge", "connected", "3 of 6", "3 d", "ant on chips 0-1", "version 7"):
        assert word in text, text
    assert "-0a1b2c3" not in text, "a model is shown by its name, never by its slot services"


def test_one_model_shows_its_slots(region: plan.RegionPlan, file: Path) -> None:
    code, text = shown(World(region), file, "ant")
    assert code == 0
    assert "0-1    1 of 1    3" in text
    assert "bee " not in text.replace("bee on chip 2", ""), "only the model that was asked for"


def test_json_has_a_version_and_every_field(region: plan.RegionPlan, file: Path) -> None:
    code, text = shown(World(region), file, "--json")
    found = json.loads(text)
    assert (code, found["version"], found["good"]) == (0, 1, True)
    assert [m["name"] for m in found["regions"][0]["models"]] == ["ant", "bee", "cat"]


def short_of_a_device() -> World:
    """A Region of the production stack in which a lock holds a replica back."""
    region = next(r for r in planned(ROOT / "Pulumi.prod.yaml").regions if r.name == "eu-central-1")
    world = World(region)
    service = world.service_of("llama-3-1-8b")
    service["runningCount"] = 0
    world.task_of("llama-3-1-8b").update({"lastStatus": "STOPPING", "desiredStatus": "STOPPED"})
    [group] = [targets for arn, targets in world.targets.items() if "llama-3-1-8b" in arn]
    group[0]["TargetHealth"] = {"State": "draining", "Reason": "Target.DeregistrationInProgress"}
    said = (
        f"(service {service['serviceName']}) was unable to place a task because no container "
        "instance met all of its requirements. The closest matching (container-instance 5a3f) is "
        "already using a port required by your task."
    )
    at = NOW - timedelta(minutes=4)
    service["events"] = [{"id": "e", "createdAt": at, "message": said}]
    return world


def test_readme_shows_what_the_command_prints() -> None:
    more = ("--region", "eu-central-1")
    code, text = shown(short_of_a_device(), ROOT / "Pulumi.prod.yaml", *more, width=100)
    assert code == 1
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"```\n{text}```\n" in readme, "paste what it prints into README.md:\n" + text


# ---- incidents -------------------------------------------------------------------------------


def test_a_model_with_no_task_is_down_and_says_why(region: plan.RegionPlan, file: Path) -> None:
    world = World(region)
    world.service_of("ant").update({"runningCount": 0, "pendingCount": 1})
    stopped(
        world,
        "ant",
        stopCode="EssentialContainerExited",
        stoppedReason="Essential container in task exited",
        containers=[{"name": "ant", "exitCode": 137, "reason": "OutOfMemoryError: killed"}],
    )
    code, text = shown(world, file)
    assert code == 1
    assert "not as promised: ant (down) in us-west-2" in " ".join(text.split())
    assert "last error 5 min ago" in text
    assert "raise memory_mib" in text


def test_a_lock_that_another_task_has_is_said_in_words(region: plan.RegionPlan, file: Path) -> None:
    world = World(region)
    service = world.service_of("ant")
    service.update({"runningCount": 0})
    said = f"(service {service['serviceName']}) was unable to place a task: RESOURCE:PORTS."
    service["events"] = [{"id": "e", "createdAt": NOW - timedelta(hours=1), "message": said}]
    code, text = shown(world, file)
    assert code == 1
    words = " ".join(text.split())
    assert "last error 1 h ago: was unable to place a task: RESOURCE:PORTS." in words
    assert "lock of a device" in words


def test_a_deployment_under_way_shows_how_far_it_is(region: plan.RegionPlan, file: Path) -> None:
    world = World(region)
    world.service_of("ant")["deployments"] = [
        {
            "id": "n",
            "status": "PRIMARY",
            "rolloutState": "IN_PROGRESS",
            "desiredCount": 3,
            "runningCount": 1,
            "failedTasks": 2,
        },
        {"id": "o", "status": "ACTIVE", "rolloutState": "COMPLETED"},
    ]
    code, text = shown(world, file, width=120)
    assert code == 0, "the promised replicas run"
    assert "under way, 1 of 3 new, 2 failed" in text


def test_a_lost_agent_and_an_instance_that_drains_are_words(
    region: plan.RegionPlan, file: Path
) -> None:
    world = World(region)
    world.shared["instances"][0] |= {"agentConnected": False, "status": "DRAINING"}
    text = shown(world, file)[1]
    assert "LOST" in text
    assert "DRAINING" in text


def test_replicas_that_are_not_healthy_are_not_as_promised(tmp_path: Path) -> None:
    found = planned(ROOT / "Pulumi.prod.yaml").regions[0]
    world = World(found)
    group = next(iter(world.targets))
    world.targets[group][0]["TargetHealth"] = {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
    }
    bad = [m for m in seen(world).models if m.state not in ("runs", "stopped")]
    [model] = bad
    assert model.state in ("starting", "down")
    assert "the health path does not answer with the expected code" in model.problems[0]


@pytest.mark.parametrize("call", ["list_clusters", "list_services", "list_container_instances"])
def test_what_is_refused_is_said_and_the_rest_is_shown(
    region: plan.RegionPlan, file: Path, call: str
) -> None:
    world = World(region)
    world.refusing = frozenset({call})
    code, text = shown(world, file)
    assert code == 1, "not seen to run as promised"
    words = " ".join(text.split())
    assert f"not allowed: {call}" in words
    assert "docs/read-only-policy.json" in words
    assert "cat" in words


def test_a_cluster_that_does_not_exist_is_said(region: plan.RegionPlan, file: Path) -> None:
    found = status(region, Observation({}), None, REASONS, NOW)
    assert {m.state for m in found.models} == {"unknown"}
    assert not found.good


# ---- the command -----------------------------------------------------------------------------


def test_watching_prints_again_only_what_has_changed(region: plan.RegionPlan, file: Path) -> None:
    world = World(region)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            world.service_of("ant").update({"runningCount": 0})
        if len(slept) == 3:
            raise KeyboardInterrupt

    argv = ["status", "--file", str(file), "--watch", "5s", "--width", "0"]
    out = io.StringIO()
    arguments = typed(command.Arguments, parse(argv))
    with redirect_stdout(out), pytest.raises(KeyboardInterrupt):
        command.run(arguments, connect=world.connect, clock=Clock(lambda: NOW, sleep))
    assert slept == [5, 5, 5]
    heads = [line for line in out.getvalue().splitlines() if "replicas run" in line]
    assert [head.partition("UTC: ")[2] for head in heads] == [
        "3 of 3 replicas run",
        "2 of 3 replicas run; not as promised: ant (down) in us-west-2",
    ]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["aunt"], "did you mean ant?"),
        (["--region", "us-west-1"], "did you mean us-west-2?"),
        (["--watch", "often"], "write a number and s, m, h or d"),
    ],
)
def test_what_the_stack_does_not_have_is_wrong_usage(
    file: Path, argv: list[str], said: str
) -> None:
    code, error = running.refused("status", "--file", str(file), *argv)
    assert code == 2
    assert said in error


def test_without_credentials_it_is_an_exit_code_of_its_own(file: Path) -> None:
    def connect(service: str, region_name: str, config: object) -> Any:
        raise NoCredentialsError

    argv = ["status", "--file", str(file)]
    assert running.run_with(command.Arguments, command.run, *argv, connect=connect)[0] == 4
    code, text = running.run_with(command.Arguments, command.run, *argv, "--json", connect=connect)
    assert (code, "no AWS credentials" in json.loads(text)["error"]) == (4, True)


def refusing(code: str) -> Calls:
    """Calls that AWS answers with an error."""

    class Refusing:
        def list_clusters(self) -> Any:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "ListClusters")

    def connect(service: str, region_name: str, config: object) -> Any:
        return Refusing()

    return Calls(Account(connect), "us-west-2")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "docs/read-only-policy.json"),
        ("UnauthorizedOperation", "docs/read-only-policy.json"),
        ("ThrottlingException", "run the command again in a minute"),
        ("RequestLimitExceeded", "run the command again in a minute"),
        ("ServerException", "ListClusters operation: no"),
    ],
)
def test_a_refusal_names_its_call_and_says_what_to_do(code: str, said: str) -> None:
    aws = refusing(code)
    assert aws.tried("ECS ListClusters", lambda: aws.ecs.list_clusters()) is None
    assert "ListClusters" in aws.failed[0].reason
    assert said in aws.failed[0].reason


@pytest.mark.parametrize(
    ("code", "said"),
    [("ExpiredTokenException", "log in again"), ("AuthFailure", "enable the Region")],
)
def test_an_error_that_is_of_the_whole_region_is_said_once_for_each(code: str, said: str) -> None:
    account = refusing(code).account
    answers = account.ask_each(
        ["us-west-2", "eu-central-1"],
        lambda aws: aws.tried("ECS ListClusters", lambda: aws.ecs.list_clusters()),
        lambda region, why: f"{region}: {why}",
    )
    assert [a.partition(":")[0] for a in answers if a] == ["us-west-2", "eu-central-1"]
    assert all(said in a for a in answers if a)


# ---- laws ------------------------------------------------------------------------------------


@cache
def production() -> plan.RegionPlan:
    return planned(ROOT / "Pulumi.prod.yaml").regions[0]


@given(st.data())
def test_a_model_runs_exactly_if_its_services_run_what_they_want(data: st.DataObject) -> None:
    region = production()
    world = World(region)
    world.targets.clear()
    services = [s for c in world.clusters.values() for s in c["services"]]
    for service in services:
        service["loadBalancers"] = []
        service["desiredCount"] = data.draw(st.integers(0, 4))
        service["runningCount"] = data.draw(st.integers(0, 4))
    found = seen(world)
    for model, planned_model in zip(found.models, region.models, strict=True):
        names = [named(p.key) for p in planned_model.services]
        ours = [s for s in services if s["serviceName"] in names]
        wanted = sum(s["desiredCount"] for s in ours)
        least = sum(p.desired_count for p in planned_model.services)
        assert model.promised == max(wanted, least)
        assert model.running == sum(s["runningCount"] for s in ours)
        if planned_model.target_group is None:
            assert (model.state in ("runs", "stopped")) == (model.running >= model.promised)
    for width in (60, 80, 120):
        lines = list(render("p/s", [found], NOW, width=width, coloured=False))
        assert not any("\x1b" in line for line in lines)


@given(st.timedeltas(timedelta(0), timedelta(days=900)))
def test_an_age_is_one_number_and_a_unit_and_never_later_is_smaller(past: timedelta) -> None:
    number, unit = age(NOW - past, NOW).split()
    size = {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
    assert int(number) * size <= past.total_seconds() < (int(number) + 1) * size


def test_an_age_that_is_not_known_is_empty() -> None:
    assert age(None, datetime(2026, 1, 1, tzinfo=NOW.tzinfo)) == ""
