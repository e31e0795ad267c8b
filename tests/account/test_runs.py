"""Jobs are started, followed, listed and stopped, as a user does it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from neuron_ecs.operations.aws import Account
from neuron_ecs.operations.following import until_stopped
from neuron_ecs.operations.reading import task_of
from tests.account.incidents import JOB_FAMILY
from tests.account.running import Sandbox, plainly
from tests.account.state import Trouble

JOB = "device-check"


def ends(code: int | None, **more: Any) -> Trouble:
    """A task of the job that ends, with a line in its log."""
    stop = "EssentialContainerExited" if code is not None else "TaskFailedToStart"
    return Trouble(JOB_FAMILY, "ends", stop, exit_code=code, lines=("looking", "2 devices"), **more)


def test_a_job_is_followed_to_its_end_with_its_log(dev: Sandbox) -> None:
    dev.account.state.troubles.append(ends(0, reason="Essential container in task exited"))
    code, shown = dev.command("run", JOB, "--yes")
    assert code == 0, shown
    assert "run device-check in us-west-2" in shown
    assert shown.index("looking") < shown.index("2 devices") < shown.index("exit code 0")
    assert max(len(line) for line in shown.splitlines() if "  image " not in line) <= 80


def test_the_exit_code_is_the_tasks_and_its_reason_is_explained(dev: Sandbox) -> None:
    dev.account.state.troubles.append(ends(137, reason="Essential", container_reason="OutOfMemory"))
    code, shown = dev.command("run", JOB, "--yes")
    assert code == 137
    assert "do:" in shown
    code, shown = dev.command("run", JOB, "--yes", "--json")
    found = json.loads(shown)
    assert (code, found["exit_code"], found["runs"][0]["exit_code"]) == (137, 137, 137)
    assert found["runs"][0]["do"]


def test_a_run_has_another_command_and_more_variables(dev: Sandbox) -> None:
    dev.account.state.troubles.append(ends(0))
    argv = ("run", JOB, "--yes", "--env", "STEPS=1", "--json", "--detach")
    assert dev.command(*argv)[0] == 0
    (task,) = (t for t in dev.ecs().place.tasks.values() if t.get("startedBy") == "neuron-ecs")
    (changed,) = task["overrides"]["containerOverrides"]
    assert changed["environment"] == [{"name": "STEPS", "value": "1"}]
    assert "command" not in changed


def test_words_after_two_dashes_are_the_command_wherever_options_stand(dev: Sandbox) -> None:
    argv = ("run", JOB, "--env", "A=1", "--yes", "--detach", "--json")
    assert dev.command(*argv, "--", "python", "train.py", "--short")[0] == 0
    (task,) = (t for t in dev.ecs().place.tasks.values() if t.get("startedBy") == "neuron-ecs")
    (changed,) = task["overrides"]["containerOverrides"]
    assert changed["command"] == ["python", "train.py", "--short"]


def test_a_job_without_a_run_has_nothing_to_stop(dev: Sandbox) -> None:
    code, shown = dev.command("stop", JOB, "--yes")
    assert (code, "no run of it is under way" in shown) == (1, True), shown
    assert "no task of jobs now" in dev.command("status", JOB)[1]


def test_without_a_yes_nothing_starts(dev: Sandbox) -> None:
    before = len(dev.ecs().place.tasks)
    code, shown = dev.command("run", JOB, "--json")
    assert (code, len(dev.ecs().place.tasks)) == (1, before)
    assert json.loads(shown)["request"]["taskDefinition"] == JOB_FAMILY


def test_a_job_that_finds_no_room_says_why(dev: Sandbox) -> None:
    provider = next(n for n in dev.ecs().place.providers if "inf2" in n)
    dev.account.state.launches_refused[provider] = "no capacity"
    for instance in dev.ecs().place.instances.values():
        instance["status"] = "DRAINING"
    code, shown = dev.command("run", JOB, "--yes")
    assert code == 1
    assert "did not start" in shown and "do:" in shown


def test_runs_are_listed_and_one_is_stopped(dev: Sandbox) -> None:
    code, shown = dev.command("jobs")
    assert code == 0
    assert "no run in the last hour" in plainly(shown)
    assert dev.command("run", JOB, "--yes", "--detach")[0] == 0
    code, shown = dev.command("jobs")
    assert (code, "1 run under way" in shown, "running" in shown) == (0, True, True), shown
    code, shown = dev.command("stop", JOB, "--yes")
    assert (code, "1 task stopped" in shown) == (0, True), shown
    code, shown = dev.command("jobs", "runs", JOB, "--json")
    (found,) = json.loads(shown)["runs"]
    assert (found["state"], found["started_by"]) == ("STOPPED", "neuron-ecs")


def test_a_task_of_a_model_is_stopped_by_its_id_alone(dev: Sandbox) -> None:
    code, shown = dev.command("stop", "tinyllama", "--yes")
    assert (code, "scale tinyllama 0" in plainly(shown)) == (2, True)
    task = next(t for t in dev.ecs().place.tasks.values() if "_tinyllama_" in t["group"])
    name = task["taskArn"].rpartition("/")[2]
    code, shown = dev.command("stop", name[:8], "--yes")
    assert (code, "starts another task" in plainly(shown)) == (0, True), shown


@pytest.mark.parametrize("argv", [("run", "tinyllama"), ("stop", "no"), ("jobs", "runs", "x")])
def test_what_is_no_job_is_wrong_usage(dev: Sandbox, argv: tuple[str, ...]) -> None:
    assert dev.command(*argv)[0] == 2


def test_a_job_that_runs_longer_than_its_limit_is_stopped(dev: Sandbox) -> None:
    dev.command("run", JOB, "--yes", "--detach")
    task = next(t for t in dev.ecs().place.tasks.values() if t.get("startedBy") == "neuron-ecs")

    account = Account(dev.connect)
    clock = dev.clock()
    began = clock.now()
    found = account.must(
        "us-west-2",
        lambda aws: until_stopped(
            aws, task["clusterArn"], task_of(task), clock, limit=timedelta(minutes=2)
        ),
    )
    assert found.last_status == "RUNNING"
    assert clock.now() - began >= timedelta(minutes=2)
