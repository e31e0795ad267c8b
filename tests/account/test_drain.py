"""Instances and a Region are drained and replaced, and sessions opened, as a user does it."""

import io
import json
from collections.abc import Sequence

import pytest

from neuron_ecs.operations.aws import Account
from neuron_ecs.operations.reading import task_of as as_read
from neuron_ecs.operations.runs import Run
from neuron_ecs.operations.sessions import session
from planning import choices
from tests.account.incidents import INCIDENTS, MODEL, service_of, task_of
from tests.account.running import Sandbox, plainly
from tests.account.state import last
from tests.account.wire import Json, Refusal


def host_of(dev: Sandbox) -> Json:
    """The container instance on which the model runs."""
    return dev.ecs().place.instances[task_of(dev)["containerInstanceArn"]]


def test_an_instance_is_drained_and_let_in_again(dev: Sandbox) -> None:
    host = host_of(dev)
    name = host["ec2InstanceId"]
    code, shown = dev.command("drain", name, "--yes")
    assert code == 0, shown
    assert f"{name} in us-west-2, pool inf2: {MODEL} (1)" in plainly(shown)
    assert f"{name} is DRAINING, no task left" in shown
    assert host_of(dev)["ec2InstanceId"] != name
    code, shown = dev.command("drain", name, "--undo", "--yes")
    assert (code, host["status"]) == (0, "ACTIVE"), shown


def test_what_is_no_instance_and_no_region_is_wrong_usage(dev: Sandbox) -> None:
    code, shown = dev.command("drain", "eu-central-9")
    assert (code, "us-west-2" in shown) == (2, True)
    assert dev.command("drain", "i-00000000000000abc", "--yes")[0] == 1


def test_a_region_is_left_and_comes_back(dev: Sandbox) -> None:
    code, shown = dev.command("drain", "us-west-2", "--yes")
    assert code == 0, shown
    assert "the stack's only Region" in plainly(shown)
    assert {s["runningCount"] for s in dev.ecs().place.services.values()} == {0}
    code, shown = dev.command("status")
    assert code == 1, "the stack file promises replicas"
    assert "drained: no service wants a task" in plainly(shown)
    code, shown = dev.command("drain", "us-west-2", "--undo", "--yes")
    assert code == 0, shown
    assert {s["runningCount"] for s in dev.ecs().place.services.values()} == {1}


HOST = "tinyllama.models.example.com"


@pytest.fixture
def named(two_regions: Sandbox) -> Sandbox:
    """A model with a name over two Regions."""
    two_regions.restore()
    return two_regions


def forced(named: Sandbox) -> dict[str, tuple[bool, bool]]:
    """Whether the health check of each Region is disabled, and inverted."""
    configs = [one["HealthCheckConfig"] for one in named.account.state.health_checks.values()]
    return {c["AlarmIdentifier"]["Region"]: (c["Disabled"], c["Inverted"]) for c in configs}


def running(named: Sandbox) -> set[int]:
    return {s["runningCount"] for s in named.ecs("us-east-2").place.services.values()}


def test_a_region_is_left_out_of_its_names_before_its_tasks_stop(
    named: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = named.account.now()
    code, shown = named.command("drain", "us-east-2", "--yes")
    assert code == 0, shown
    assert f"{HOST} us-east-2 and us-west-2 us-west-2" in plainly(shown)
    assert shown.index("left out of 1 name") < shown.index("steady, 0 of 0 running")
    assert (named.account.now() - begun).total_seconds() >= choices.DNS_SECONDS
    assert forced(named) == {"us-east-2": (True, True), "us-west-2": (False, False)}
    assert running(named) == {0}

    named.account.calls.clear()
    code, shown = named.command("status")
    asked = [n for (_, call), n in named.account.calls.items() if "ListHealthChecks" in call]
    assert asked == [1], "the calls of all Regions come out of one bucket of the account"
    assert "; drained: us-east-2" in plainly(shown)
    assert f"callers of {HOST} are sent elsewhere" in plainly(shown)
    assert "neuron-ecs drain us-east-2 --undo" in plainly(shown)
    code, shown = named.command("status", "--json")
    regions = {one["name"]: one for one in json.loads(shown)["regions"]}
    assert (regions["us-east-2"]["drained"], regions["us-east-2"]["left_out"]) == (True, [HOST])
    assert (regions["us-west-2"]["drained"], regions["us-west-2"]["left_out"]) == (False, [])

    code, shown = named.command("doctor", MODEL, "--json")
    (east, west) = json.loads(shown)["models"]
    assert east["links"][0]["verdict"] == "broken"
    assert east["links"][0]["do"] == "neuron-ecs drain us-east-2 --undo"
    assert west["well"]

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, shown = named.command("drain", "us-west-2")
    assert f"every Region is then left out of {HOST}" in plainly(shown)

    code, shown = named.command("drain", "us-east-2", "--undo", "--yes", "--json")
    assert (code, json.loads(shown)["left_out"]) == (0, [])
    assert set(forced(named).values()) == {(False, False)}
    assert running(named) == {1}


def test_where_health_checks_cannot_be_read_the_rest_is_shown(named: Sandbox) -> None:
    denied = Refusal("AccessDenied", "not authorized")
    named.account.state.refused["us-east-2", "route53:ListHealthChecks"] = denied
    code, shown = named.command("status")
    assert code == 1
    assert "not read: Route 53 ListHealthChecks" in plainly(shown)
    assert "2 of 2 replicas run" in plainly(shown)


def test_a_region_stays_left_out_until_its_models_are_steady(named: Sandbox) -> None:
    INCIDENTS["region"].happen(named)
    assert named.command("drain", "us-east-2", "--yes")[0] == 0
    code, shown = named.command("drain", "us-east-2", "--undo", "--yes", "--timeout", "60s")
    assert code == 124
    assert "still left out" in shown
    assert forced(named)["us-east-2"] == (True, True)
    code, shown = named.command("drain", "us-east-2", "--undo", "--yes", "--detach")
    assert (code, forced(named)["us-east-2"]) == (0, (False, False)), "its alarm decides"


def test_a_region_whose_services_cannot_be_read_is_left_out_all_the_same(named: Sandbox) -> None:
    named.account.state.refused["us-east-2", "ecs:ListClusters"] = Refusal("ServerException", "no")
    code, shown = named.command("drain", "us-east-2", "--yes")
    assert code == 1
    assert "its services stay as they are" in plainly(shown)
    assert forced(named)["us-east-2"] == (True, True)


def test_nothing_stops_where_the_names_cannot_be_changed(named: Sandbox) -> None:
    denied = Refusal("AccessDenied", "not authorized")
    named.account.state.refused["us-east-2", "route53:UpdateHealthCheck"] = denied
    code, shown = named.command("drain", "us-east-2", "--yes")
    assert (code, running(named)) == (1, {1}), shown


@pytest.mark.parametrize(
    "argv", [("drain", "us-west-2"), ("replace", "--pool", "inf2"), ("drain", "i-")]
)
def test_without_a_yes_json_shows_what_would_change(dev: Sandbox, argv: tuple[str, ...]) -> None:
    name = host_of(dev)["ec2InstanceId"]
    words = [name if word == "i-" else word for word in argv]
    code, shown = dev.command(*words, "--json")
    found = json.loads(shown)
    assert (code, found["stack"]) == (1, "dev")
    assert set(found.get("counts", {}).values()) <= {0}
    assert not found.get("changed")
    assert found.get("replaced", []) == []
    assert {s["desiredCount"] for s in dev.ecs().place.services.values()} == {1}
    assert {i["status"] for i in dev.ecs().place.instances.values()} == {"ACTIVE"}


def test_a_pool_is_replaced_one_instance_after_the_other(dev: Sandbox) -> None:
    before = host_of(dev)["ec2InstanceId"]
    code, shown = dev.command("replace", "--pool", "inf2", "--yes")
    assert code == 0, shown
    assert f"{before} is replaced" in shown
    assert host_of(dev)["ec2InstanceId"] != before
    assert dev.command("status")[0] == 0


def test_no_model_falls_below_its_minimum(dev: Sandbox) -> None:
    service = service_of(dev)
    assert service["deploymentConfiguration"]["maximumPercent"] > 100, "it starts, then stops"
    code, shown = dev.command("replace", "--pool", "trn2", "--yes")
    assert (code, "inf2" in shown) == (2, True)
    code, shown = dev.command("replace", "--pool", "inf2", "--instance", "i-0", "--yes")
    assert code == 1


@pytest.mark.parametrize("call", ["ListClusters", "ListTasks", "DescribeContainerInstances"])
def test_nothing_is_drained_while_what_runs_cannot_be_read(dev: Sandbox, call: str) -> None:
    name = host_of(dev)["ec2InstanceId"]
    refused = Refusal("AccessDeniedException", "may not")
    dev.account.state.refused["us-west-2", f"ecs:{call}"] = refused
    for argv in (("drain", name), ("replace", "--pool", "inf2")):
        code, shown = dev.command(*argv, "--yes")
        assert (code, "may not; allow it: docs/read-only-policy.json" in plainly(shown)) == (
            1,
            True,
        )
        assert {i["status"] for i in dev.ecs().place.instances.values()} == {"ACTIVE"}


def test_a_session_needs_tasks_that_can_be_read(dev: Sandbox) -> None:
    assert "no task of device-check runs" in dev.command("exec", "device-check")[1]
    refused = Refusal("AccessDeniedException", "may not")
    dev.account.state.refused["us-west-2", "ecs:ListTasks"] = refused
    code, shown = dev.command("exec", "device-check")
    assert (code, "ECS ListTasks and DescribeTasks" in plainly(shown)) == (1, True), shown


def test_a_session_needs_exec_in_the_stack_file(dev: Sandbox) -> None:
    started: list[Sequence[str]] = []

    def start(words: Sequence[str]) -> int:
        started.append(words)
        return 7

    code, shown = dev.command("exec", MODEL, start=start)
    assert (code, "exec=true" in shown, started) == (2, True, [])


def test_a_session_is_opened_as_the_aws_cli_does_it(dev: Sandbox) -> None:
    task = task_of(dev)
    task["enableExecuteCommand"] = True
    cluster = last(task["clusterArn"])
    run = Run("us-west-2", cluster, MODEL, is_job=False, task=as_read(task))
    words = Account(dev.connect).must(run.region, lambda aws: session(aws, run, MODEL, "/bin/sh"))
    assert json.loads(words[0])["sessionId"].startswith("ecs-execute-command-")
    assert words[1:4] == ["us-west-2", "StartSession", ""]
    assert json.loads(words[4])["Target"].startswith(f"ecs:{cluster}_{run.task.name}_")
