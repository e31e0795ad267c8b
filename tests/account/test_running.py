"""A stack runs in the account on loopback: ECS behaves, and the commands that read show it."""

import re
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from neuron_ecs.operations.permissions import ACTIONS
from tests.account.incidents import FAMILY, new_revision, service_of, task_of, update
from tests.account.running import Sandbox, plainly, sandbox
from tests.account.state import Trouble, last
from tests.account.wire import Json, Refusal

FAILS = Trouble(f"{FAMILY}:2", "ends", "EssentialContainerExited", "Essential", exit_code=1)


def messages(service: Json) -> str:
    """The messages of a service, the oldest first."""
    return "\n".join(e["message"] for e in reversed(service["events"]))


# ---- what the commands show ----------------------------------------------------------------------


def test_everything_that_was_created_runs(dev: Sandbox) -> None:
    code, shown = dev.command("status")
    assert (code, shown.splitlines()[0]) == (
        0,
        "neuron-ecs/dev at 03:12:00 UTC: 2 of 2 replicas run",
    )


def test_verify_finds_in_the_account_what_the_plan_says(dev: Sandbox) -> None:
    code, shown = dev.command("verify")
    assert (code, shown.splitlines()[0]) == (
        0,
        "neuron-ecs/dev: 1 Region, 9 checks, all as planned",
    )


@pytest.mark.parametrize("name", ["cpu-beside-neuron", "many-models-one-instance"])
def test_an_example_runs_as_it_is_planned(name: str) -> None:
    with sandbox(f"examples/{name}.yaml") as example:
        for command in ("status", "verify"):
            code, shown = example.command(command)
            assert code == 0, shown


def test_a_daemon_beside_the_models_confuses_no_command() -> None:
    with sandbox("tests/account/watched.yaml") as watched:
        place = watched.ecs().place
        (daemon,) = (s for s in place.services.values() if s["schedulingStrategy"] == "DAEMON")
        assert (daemon["runningCount"], daemon["desiredCount"]) == (1, 1)
        assert daemon["launchType"] == "EC2"
        code, shown = watched.command("status")
        assert (code, "1 of 1 replica run" in shown) == (0, True), shown
        assert "daemon neuron-metrics" in plainly(shown)
        for command in (("verify",), ("doctor", "tinyllama"), ("events", "--since", "4d")):
            code, shown = watched.command(*command)
            assert code == 0, shown
        daemon["status"] = "DRAINING"
        code, shown = watched.command("verify")
        assert (code, "it is DRAINING, not ACTIVE" in plainly(shown)) == (1, True), shown
        daemon["status"] = "ACTIVE"
        (host,) = place.instances.values()
        code, shown = watched.command("drain", host["ec2InstanceId"], "--yes")
        assert code == 0, shown
        assert "tinyllama (1), daemon neuron-metrics (1)" in plainly(shown)
        assert "no task left" in shown
        assert daemon["runningCount"] == 1, "it is on the new instance"


def test_events_tell_of_the_creation(dev: Sandbox) -> None:
    code, shown = dev.command("events", "--since", "4d")
    assert code == 0
    for said in ("has started 1 tasks", "has reached a steady", "Launching a new EC2 instance"):
        assert said in shown, shown


def test_logs_shows_what_a_task_writes(dev: Sandbox) -> None:
    scheduler = dev.ecs().scheduler
    scheduler.write(task_of(dev), "loading", "ready")
    code, shown = dev.command("logs", "tinyllama")
    assert (code, [line.split()[-1] for line in shown.splitlines()]) == (0, ["loading", "ready"])


# ---- what goes wrong with the calls --------------------------------------------------------------

DENIED = Refusal("AccessDeniedException", "User: arn:aws:iam::123456789012:user/on-call may not")


def test_a_call_without_the_right_is_told_and_the_rest_is_shown(dev: Sandbox) -> None:
    dev.account.state.refused["us-west-2", "elbv2:DescribeTargetHealth"] = DENIED
    code, shown = dev.command("status", "tinyllama")
    assert code == 1
    assert "DescribeTargetHealth" in shown and "docs/read-only-policy.json" in shown
    assert re.search(r"tinyllama +\S+ +1 of 1 ", shown), shown


def test_a_region_whose_credentials_are_refused_is_told_whole(dev: Sandbox) -> None:
    wrong = Refusal("UnrecognizedClientException", "The security token is invalid.")
    dev.account.state.refused["us-west-2", "*"] = wrong
    code, shown = dev.command("status")
    assert code == 1
    assert "enable the Region" in plainly(shown), shown


def test_a_region_without_the_rights_is_told_and_the_other_one_is_shown(
    two_regions: Sandbox,
) -> None:
    two_regions.restore()
    two_regions.account.state.refused["us-east-2", "*"] = DENIED
    code, shown = two_regions.command("status")
    assert code == 1
    east, west = shown.split("\nus-west-2\n")
    assert "ECS ListClusters" in east and "docs/read-only-policy.json" in east, shown
    assert re.search(r"tinyllama +runs +1 of 1 ", west), shown


def test_throttling_is_told_with_what_to_do(dev: Sandbox) -> None:
    throttled = Refusal("ThrottlingException", "Rate exceeded")
    dev.account.state.refused["us-west-2", "ecs:DescribeTasks"] = throttled
    code, shown = dev.command("status", connect=dev.connect)
    assert code == 1
    assert "too many calls at once" in plainly(shown), shown
    assert "inf2" in shown


def test_a_deleted_cluster_is_told_and_the_other_one_is_shown(dev: Sandbox) -> None:
    ecs = dev.client("ecs")
    gone = next(n for n in dev.ecs().place.clusters if "auto-scaling" in n)
    ecs.delete_cluster(cluster=gone)
    code, shown = dev.command("status")
    assert code == 1
    assert "usw2_auto-scaling does not exist" in plainly(shown), shown
    assert re.search(r"qwen3-0-6b +runs +1 of 1 ", shown), shown


def test_the_read_only_policy_allows_every_call_of_the_commands_that_read(dev: Sandbox) -> None:
    for words in (["status"], ["status", "tinyllama"], ["events"], ["logs", "tinyllama"]):
        assert dev.command(*words)[0] == 0
    assert dev.command("verify")[0] == 0
    prefixes = {"elbv2": "elasticloadbalancing"}
    called = {tuple(name.split(":")) for _, name in dev.account.calls}
    actions = {f"{prefixes.get(service, service)}:{operation}" for service, operation in called}
    assert actions <= set(ACTIONS), "allow it in neuron_ecs/operations/permissions.py"


# ---- how ECS behaves -----------------------------------------------------------------------------


def test_a_new_revision_replaces_the_old_task(dev: Sandbox) -> None:
    before = dev.ecs().scheduler.tasks_of(service_of(dev))
    second = new_revision(dev)
    service = update(dev, taskDefinition=second)
    tasks = dev.ecs().scheduler.tasks_of(service_of(dev))
    assert [t["taskDefinitionArn"] for t in tasks] == [second]
    assert before[0]["lastStatus"] == "STOPPED"
    assert [d["rolloutState"] for d in service["deployments"]] == ["COMPLETED"]
    assert messages(service).endswith("has reached a steady state.")


def test_a_revision_that_is_never_healthy_does_not_replace_what_runs(dev: Sandbox) -> None:
    down = {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}
    dev.account.state.troubles.append(Trouble(f"{FAMILY}:2", "unhealthy", target=down))
    service = update(dev, taskDefinition=new_revision(dev))
    found = [(d["status"], d["rolloutState"], d["runningCount"]) for d in service["deployments"]]
    assert found == [("PRIMARY", "IN_PROGRESS", 1), ("ACTIVE", "COMPLETED", 1)]
    code, shown = dev.command("status", "tinyllama")
    assert "1 unhealthy behind the load balancer" in shown
    assert re.search(r"tinyllama +runs +1 of 1, 2 running +1 ", shown), (code, shown)


def test_the_circuit_breaker_goes_back_to_what_ran(dev: Sandbox) -> None:
    dev.account.state.troubles.append(FAILS)
    service = update(dev, taskDefinition=new_revision(dev))
    assert service["taskDefinition"].endswith(f"{FAMILY}:1")
    assert service["runningCount"] == 1
    assert "deployment failed: tasks failed to start." in messages(service)
    assert "rolling back to deployment" in messages(service)
    listed = dev.client("ecs").list_service_deployments(
        cluster=service["clusterArn"], service=service["serviceName"]
    )["serviceDeployments"]
    assert [d["status"] for d in listed] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]
    found = dev.client("ecs").describe_service_revisions(
        serviceRevisionArns=[d["targetServiceRevisionArn"] for d in listed]
    )["serviceRevisions"]
    assert [last(r["taskDefinition"]) for r in found] == [f"{FAMILY}:2", f"{FAMILY}:1"]


def test_a_task_that_stays_keeps_the_lock_of_its_device(dev: Sandbox) -> None:
    dev.account.state.troubles.append(Trouble(FAMILY, "stays"))
    service = service_of(dev)
    (group,) = dev.ecs().place.groups
    dev.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, MaxSize=1)
    task = task_of(dev)
    dev.client("ecs").stop_task(cluster=service["clusterArn"], task=task["taskArn"])
    assert task["lastStatus"] == "STOPPING"
    assert "is already using a port required by your task" in messages(service_of(dev))
    assert service_of(dev)["runningCount"] == 0


def test_an_instance_that_ends_is_replaced_with_its_task(dev: Sandbox) -> None:
    (lost,) = (m for m in dev.ecs().place.machines.values() if m["InstanceType"] == "inf2.xlarge")
    dev.client("ec2").terminate_instances(InstanceIds=[lost["InstanceId"]])
    code, shown = dev.command("status", "tinyllama")
    assert code == 0, shown
    task = task_of(dev)
    assert dev.ecs().place.instances[task["containerInstanceArn"]]["ec2InstanceId"] in shown
    assert "terminated" in shown, "the last error of the model"


def test_tasks_leave_an_instance_that_drains(dev: Sandbox) -> None:
    service = service_of(dev)
    task = task_of(dev)
    dev.client("ecs").update_container_instances_state(
        cluster=service["clusterArn"],
        containerInstances=[task["containerInstanceArn"]],
        status="DRAINING",
    )
    moved = task_of(dev)
    assert moved["containerInstanceArn"] != task["containerInstanceArn"]


def test_without_capacity_nothing_is_launched_and_it_is_said_why(dev: Sandbox) -> None:
    (group,) = dev.ecs().place.groups
    named = next(n for n in dev.ecs().place.providers if "inf2" in n)
    dev.account.state.launches_refused[named] = "We currently do not have sufficient capacity"
    dev.client("autoscaling").set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=2)
    found = dev.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    (asked,) = found["AutoScalingGroups"]
    assert (asked["DesiredCapacity"], len(asked["Instances"])) == (2, 1)
    (newest, *_) = dev.client("autoscaling").describe_scaling_activities(
        AutoScalingGroupName=group
    )["Activities"]
    assert (newest["StatusCode"], newest["StatusMessage"][:16]) == ("Failed", "We currently do ")


# ---- what holds the account to AWS ---------------------------------------------------------------


def test_an_operation_of_ecs_that_is_not_written_is_refused(dev: Sandbox) -> None:
    with pytest.raises(ClientError, match="does not answer ecs:ListAttributes"):
        dev.client("ecs").list_attributes(targetType="container-instance")


def test_an_answer_without_the_form_of_aws_is_a_mistake_of_the_account(dev: Sandbox) -> None:
    service_of(dev)["createdAt"] = "yesterday"
    with pytest.raises(ClientError, match=r"yesterday.*is no time"):
        update(dev)
    assert dev.account.mistakes.pop().startswith("ecs:UpdateService: ")


def test_a_session_needs_a_task_that_allows_it(dev: Sandbox) -> None:
    task = task_of(dev)
    asked = {"cluster": task["clusterArn"], "task": task["taskArn"], "interactive": True}
    with pytest.raises(ClientError, match="execute command was not enabled"):
        dev.client("ecs").execute_command(command="/bin/sh", **asked)
    task["enableExecuteCommand"] = True
    session = dev.client("ecs").execute_command(command="/bin/sh", **asked)["session"]
    assert session["sessionId"].startswith("ecs-execute-command-")


def test_time_goes_on_where_a_command_waits(dev: Sandbox) -> None:
    before = dev.account.now()
    dev.clock().sleep(60)
    assert dev.clock().now() - before == timedelta(minutes=1)
