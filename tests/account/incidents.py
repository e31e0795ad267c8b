"""The incidents of docs/runbook.md: each makes something go wrong with the dev stack.

What AWS says in them follows its pages of stopped tasks, of messages of services and of failed
launches, to which `stop_reasons.csv` links; the lines of nrt_init are those of
https://github.com/aws-neuron/aws-neuron-sdk/issues/655.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import catalog
from tests.account.running import Sandbox
from tests.account.state import Trouble
from tests.account.wire import Json

HERE, MODEL = "us-west-2", "tinyllama"
FAMILY, JOB_FAMILY = "neuron-ecs_dev_tinyllama_1_inf2", "neuron-ecs_dev_job_device-check_inf2"

_EXITED, _ESSENTIAL = "EssentialContainerExited", "Essential container in task exited"


@dataclass(frozen=True)
class Incident:
    """What happens, how long ago it began, and its line of help."""

    name: str
    said: str
    minutes: int
    begin: Callable[[Sandbox], None]
    file: str = "Pulumi.dev.yaml"
    """The stack file in whose stack it happens."""

    def happen(self, sandbox: Sandbox) -> None:
        """Makes it happen; at the end it is now."""
        with sandbox.account.earlier(timedelta(minutes=self.minutes)):
            self.begin(sandbox)


# ---- what they are made of -----------------------------------------------------------------------


def service_of(sandbox: Sandbox, region: str = HERE) -> Json:
    """The service of the model, as the account keeps it."""
    there = sandbox.ecs(region).place.services
    return next(service for arn, service in there.items() if f"_{MODEL}_" in arn)


def task_of(sandbox: Sandbox, region: str = HERE) -> Json:
    """The task of the model."""
    (task,) = sandbox.ecs(region).scheduler.tasks_of(service_of(sandbox, region))
    return task


def new_revision(sandbox: Sandbox, **changed: Any) -> str:
    """Registers the task definition of the model again, with a changed container."""
    ecs = sandbox.client("ecs")
    found = ecs.describe_task_definition(taskDefinition=FAMILY)["taskDefinition"]
    of_aws = {"taskDefinitionArn", "revision", "status", "registeredAt"}
    given = {key: value for key, value in found.items() if key not in of_aws}
    given["containerDefinitions"][0] |= changed
    return ecs.register_task_definition(**given)["taskDefinition"]["taskDefinitionArn"]


def update(sandbox: Sandbox, **given: Any) -> Json:
    """Updates the service of the model; returns it as UpdateService does."""
    service = service_of(sandbox)
    named = {"cluster": service["clusterArn"], "service": service["serviceName"]}
    return sandbox.client("ecs").update_service(**named, **given)["service"]


def _deploy(sandbox: Sandbox, trouble: Trouble | None = None, **changed: Any) -> None:
    """What `pulumi up` does after a change of the container, with the trouble that it brings."""
    if trouble is not None:
        sandbox.account.state.troubles.append(trouble)
    update(sandbox, taskDefinition=new_revision(sandbox, **changed))


def _end(sandbox: Sandbox, trouble: Trouble) -> None:
    """Lets the task of the model end, and its followers as well if the trouble stays."""
    scheduler = sandbox.ecs().scheduler
    if trouble.times is None:
        sandbox.account.state.troubles.append(trouble)
    scheduler.end(task_of(sandbox), trouble)
    scheduler.settle()


def _lose_instance(sandbox: Sandbox, region: str = HERE) -> None:
    held = task_of(sandbox, region)["containerInstanceArn"]
    instance = sandbox.ecs(region).place.instances[held]
    sandbox.client("ec2", region).terminate_instances(InstanceIds=[instance["ec2InstanceId"]])


def _no_launches(sandbox: Sandbox, why: str, region: str = HERE) -> None:
    name = service_of(sandbox, region)["capacityProviderStrategy"][0]["capacityProvider"]
    sandbox.account.state.launches_refused[name] = why


def _run_job(sandbox: Sandbox) -> None:
    """The job takes the second instance of the pool."""
    service = service_of(sandbox)
    sandbox.client("ecs").run_task(
        cluster=service["clusterArn"],
        taskDefinition=JOB_FAMILY,
        capacityProviderStrategy=service["capacityProviderStrategy"],
    )


# ---- the incidents -------------------------------------------------------------------------------


def _health(sandbox: Sandbox) -> None:
    group = service_of(sandbox)["loadBalancers"][0]["targetGroupArn"]
    sandbox.client("elbv2").modify_target_group(TargetGroupArn=group, HealthCheckPath="/healthz")
    ecs, service = sandbox.ecs(), service_of(sandbox)
    task = task_of(sandbox)
    why = "(reason Health checks failed with these codes: [404])"
    instance = ecs.place.instances[task["containerInstanceArn"]]["ec2InstanceId"]
    sandbox.account.spend(timedelta(minutes=2))
    said = f"(instance {instance}) (port 8080) is unhealthy in (target-group {group}) due to {why}"
    ecs.scheduler.say(service, said)
    reason = f"Task failed ELB health checks in (target-group {group})"
    ecs.scheduler.stop(task, "ServiceSchedulerInitiated", reason)
    ecs.scheduler.settle()


def _memory(sandbox: Sandbox) -> None:
    killed = Trouble(
        FAMILY,
        "ends",
        _EXITED,
        _ESSENTIAL,
        "OutOfMemoryError: Container killed due to memory usage",
        137,
        lines=("INFO: 37 requests running, 112 waiting",),
        times=1,
    )
    _end(sandbox, killed)


def _image(sandbox: Sandbox) -> None:
    image = "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.13.0-neuronx-py312-sdk2.82.0"
    why = (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to "
        f"resolve ref {image}: not found"
    )
    trouble = Trouble(f"{FAMILY}:2", "ends", "TaskFailedToStart", why, why)
    _deploy(sandbox, trouble, image=image)


def _secret(sandbox: Sandbox) -> None:
    secret = "arn:aws:secretsmanager:us-west-2:123456789012:secret:hugging-face-AbCdEf"
    why = (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
        f"time(s): failed to fetch secret {secret} from secrets manager: AccessDeniedException"
    )
    trouble = Trouble(f"{FAMILY}:2", "ends", "TaskFailedToStart", why)
    _deploy(sandbox, trouble, secrets=[{"name": "HF_TOKEN", "valueFrom": secret}])


def _driver(sandbox: Sandbox) -> None:
    now = f"{sandbox.account.now():%Y-%b-%d %H:%M:%S}.0589    17:17    ERROR   NRT:nrt_init  "
    lines = (
        "INFO: Loading TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        f"{now}This Neuron Runtime (compatibility id: 6) is not compatible with the installed "
        "aws-neuronx-dkms package.",
        f"{now}Installed aws-neuronx-dkms supports Runtime compatibility id range: 7 - 9.",
        "RuntimeError: The PyTorch Neuron Runtime could not be initialized.",
    )
    sandbox.account.state.troubles.append(
        Trouble(FAMILY, "ends", _EXITED, _ESSENTIAL, exit_code=1, lines=lines)
    )
    _lose_instance(sandbox)


def _lock(sandbox: Sandbox) -> None:
    _run_job(sandbox)
    sandbox.account.state.troubles.append(Trouble(FAMILY, "stays"))
    task = task_of(sandbox)
    sandbox.client("ecs").stop_task(
        cluster=task["clusterArn"], task=task["taskArn"], reason="it answers no more"
    )


def _chip(sandbox: Sandbox) -> None:
    now = f"{sandbox.account.now():%Y-%b-%d %H:%M:%S}.0589    17:17    ERROR  "
    sandbox.ecs().scheduler.write(
        task_of(sandbox),
        f"{now} NRT:nrt_infer    status=1201 NRT_EXEC_HW_ERR_HBM_UE on NC 1",
        "ERROR: request 4711 failed: NRT_EXEC_HW_ERR_HBM_UE",
    )


def _capacity(sandbox: Sandbox) -> None:
    why = (
        "We currently do not have sufficient inf2.xlarge capacity in the Availability Zone you "
        "requested (us-west-2a). Our system will be working on provisioning additional capacity. "
        "You can currently get inf2.xlarge capacity by not specifying an Availability Zone in "
        "your request or choosing us-west-2b. Launching EC2 instance failed."
    )
    _no_launches(sandbox, why)
    _lose_instance(sandbox)


def _quota(sandbox: Sandbox) -> None:
    why = (
        "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the "
        "instance bucket that the specified instance type belongs to. Please visit "
        "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit. "
        "Launching EC2 instance failed."
    )
    quota = catalog.load().instances.quota("inf2.xlarge", "on_demand")
    assert quota is not None
    sandbox.account.state.quotas[quota.code] = 0.0
    _no_launches(sandbox, why)
    _lose_instance(sandbox)


def _rollout(sandbox: Sandbox) -> None:
    _run_job(sandbox)
    _deploy(sandbox, environment=[{"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"}])


def _rollback(sandbox: Sandbox) -> None:
    _deploy(sandbox, image="public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:nightly")
    sandbox.ecs().scheduler.write(
        task_of(sandbox), "ERROR: output of request 0 is not a number: nan nan nan nan"
    )


def _region(sandbox: Sandbox) -> None:
    why = (
        "We currently do not have sufficient inf2.xlarge capacity in the Availability Zone you "
        "requested (us-east-2a). Our system will be working on provisioning additional capacity. "
        "Launching EC2 instance failed."
    )
    _lose_instance(sandbox, "us-east-2")
    sandbox.account.spend(timedelta(minutes=6))
    _no_launches(sandbox, why, "us-east-2")
    _lose_instance(sandbox, "us-east-2")


INCIDENTS = {
    incident.name: incident
    for incident in (
        Incident("health", "a model does not answer: its health path is wrong", 20, _health),
        Incident("memory", "a task is killed for memory", 5, _memory),
        Incident("image", "an image cannot be pulled", 10, _image),
        Incident("secret", "a secret cannot be read", 10, _secret),
        Incident("driver", "nrt_init fails: the driver does not know the SDK", 15, _driver),
        Incident("lock", "a task that does not stop holds the lock of its device", 15, _lock),
        Incident("chip", "a chip is bad: executions on it fail", 5, _chip),
        Incident("instance", "an instance died", 5, _lose_instance),
        Incident("capacity", "a zone has no capacity", 15, _capacity),
        Incident("quota", "the quota of vCPUs is 0", 15, _quota),
        Incident("rollout", "a rollout cannot finish", 30, _rollout),
        Incident("rollback", "a broken image is to be rolled back", 15, _rollback),
        Incident("region", "a Region is to be left", 40, _region, "tests/account/two-regions.yaml"),
    )
}
"""Every incident by its name, in the order of the runbook."""


def _launches(sandbox: Sandbox) -> None:
    sandbox.account.state.launches_refused.clear()
    for region in sandbox.account.state.places:
        sandbox.ecs(region).scheduler.settle()


MEANWHILE = {"AWS has capacity again": _launches}
"""What happens between the commands of the runbook, by its words there."""
