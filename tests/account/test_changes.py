"""A model is scaled, rolled back and waited for, as a user does it."""

import json

import pytest

from tests.account.incidents import FAMILY, MODEL, new_revision, service_of, task_of, update
from tests.account.running import Sandbox, plainly
from tests.account.state import Trouble
from tests.account.test_running import FAILS

# ---- wait ------------------------------------------------------------------------------------


def test_waiting_for_what_is_steady_ends_at_once(dev: Sandbox) -> None:
    code, shown = dev.command("wait")
    assert code == 0
    assert f"{MODEL}: steady, 1 of 1 running" in shown
    code, shown = dev.command("wait", MODEL, "--json")
    assert (code, json.loads(shown)["models"][0]["verdict"]) == (0, "steady")


def test_what_does_not_become_steady_is_an_exit_code_of_its_own(dev: Sandbox) -> None:
    dev.account.state.troubles.append(Trouble(FAMILY, "stays"))
    (group,) = dev.ecs().place.groups
    dev.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, MaxSize=1)
    task = task_of(dev)
    dev.client("ecs").stop_task(cluster=task["clusterArn"], task=task["taskArn"])
    code, shown = dev.command("wait", MODEL, "--timeout", "1m")
    assert (code, "0 of 1 running" in shown) == (124, True), shown


# ---- scale -----------------------------------------------------------------------------------


def test_scaling_stays_within_the_stack_file_unless_it_is_forced(dev: Sandbox) -> None:
    code, shown = dev.command("scale", MODEL, "0", "--yes")
    assert (code, "--force" in shown) == (2, True), shown
    code, shown = dev.command("scale", MODEL, "0", "--yes", "--force")
    assert code == 0, shown
    assert "the stack file says 1" in plainly(shown)
    assert service_of(dev)["desiredCount"] == 0
    assert max(map(len, shown.splitlines())) <= 80
    code, shown = dev.command("scale", MODEL, "1", "--yes")
    assert (code, service_of(dev)["runningCount"]) == (0, 1), shown
    code, shown = dev.command("scale", MODEL, "1")
    assert (code, "nothing is to be done" in shown) == (0, True)


def test_without_a_yes_nothing_is_scaled(dev: Sandbox) -> None:
    code, shown = dev.command("scale", MODEL, "0", "--force", "--json")
    assert (code, service_of(dev)["desiredCount"]) == (1, 1)
    found = json.loads(shown)
    assert (found["changed"], list(found["counts"]["us-west-2"].values())) == (False, [0])


# ---- rollback --------------------------------------------------------------------------------


def test_a_broken_image_goes_back_to_the_revision_that_ran(dev: Sandbox) -> None:
    update(dev, taskDefinition=new_revision(dev, image="public.ecr.aws/acme/broken:2"))
    code, shown = dev.command("rollback", MODEL, "--yes")
    assert code == 0, shown
    assert service_of(dev)["taskDefinition"].endswith(f"{FAMILY}:1")
    assert 'image is "public.ecr.aws/acme/broken:2", then' in plainly(shown)
    assert "the stack file has this image" in plainly(shown)
    assert "wave 1 of 1" in shown


def test_a_deployment_that_never_completed_is_no_way_back(dev: Sandbox) -> None:
    code, shown = dev.command("rollback", MODEL, "--yes")
    assert (code, "no other revision completed" in plainly(shown)) == (1, True), shown
    dev.account.state.troubles.append(FAILS)
    update(dev, taskDefinition=new_revision(dev, image="public.ecr.aws/acme/broken:2"))
    assert dev.command("rollback", MODEL, "--yes")[0] == 1, "revision 2 failed"


def test_another_revision_is_named_by_number_image_or_tag(dev: Sandbox) -> None:
    second = new_revision(dev, image="public.ecr.aws/acme/serving:next")
    for to in ("2", "next", "public.ecr.aws/acme/serving:next"):
        code, shown = dev.command("rollback", MODEL, "--to", to, "--json")
        (step,) = json.loads(shown)["steps"]
        assert (code, step["from"], step["to"]) == (1, "1", "2")
    code, shown = dev.command("rollback", MODEL, "--to", "2", "--yes")
    assert (code, service_of(dev)["taskDefinition"]) == (0, second), shown
    assert "models set tinyllama image=" in plainly(shown)
    code, shown = dev.command("rollback", MODEL, "--to", "9", "--yes")
    assert (code, "choose from 2 and 1" in plainly(shown)) == (1, True), shown


@pytest.mark.parametrize("argv", [("scale", "tinylama", "1"), ("rollback", "no"), ("wait", "no")])
def test_a_model_that_the_stack_does_not_have_is_wrong_usage(
    dev: Sandbox, argv: tuple[str, ...]
) -> None:
    assert dev.command(*argv)[0] == 2
