"""Opens a session in a container of a running task, with ECS Exec."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any, cast

from messages.phrases import listed
from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.runs import Run, read_runs
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.status import unread_parts
from neuron_ecs.terminal import ERRORS, UsageError, progress

PLUGIN = "session-manager-plugin"
_INSTALL = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html"
)

Launch = Callable[[Sequence[str]], int]
"""Runs a program on this terminal, and returns its exit code."""


def launch(words: Sequence[str]) -> int:
    """Runs a program on this terminal; Ctrl-C is the program's."""
    process = subprocess.Popen(list(words))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def plugin() -> str:
    """Returns the path of the Session Manager plugin. Raises `UsageError` without it."""
    found = shutil.which(PLUGIN)
    if found is None:
        raise UsageError(f"needs the Session Manager plugin here; install it: {_INSTALL}")
    return found


def refuse_closed(stack: Stack, name: str) -> None:
    """Raises `UsageError` if the stack file does not let anybody into the tasks of a model."""
    if any(not service.exec for _, model in stack.models(name) for service in model.services):
        raise UsageError(
            f"models.{name}.exec is false, so no task allows it; neuron-ecs models set {name} "
            "exec=true, and update the stack"
        )


def task_for(stack: Stack, name: str, task: str, container: str) -> Run:
    """A running task of a model or job whose id begins as given and that has the container.

    Raises `UsageError` if there is none.
    """

    def is_wanted(run: Run) -> bool:
        return run.workload == name and run.task.is_running and run.task.name.startswith(task)

    with progress("looking for a task"):
        found, unread = read_runs(stack, is_wanted, unread_parts)
    if not found:
        why = "; ".join(unread)
        raise UsageError(why or f"no task of {name} runs; see neuron-ecs status {name}", ERRORS)
    names = [c.name for c in found[0].task.containers]
    if container not in names:
        raise UsageError(f"the task has no container {container}; it has {listed(names)}")
    return found[0]


def session(aws: Calls, run: Run, container: str, command: str) -> list[str]:
    """Returns the arguments with which the plugin opens the session, as the AWS CLI does.

    https://github.com/aws/aws-cli/blob/develop/awscli/customizations/ecs/executecommand.py
    """
    name, client = run.task.name, aws.ecs
    answer = aws.ecs.describe_tasks(cluster=run.cluster, tasks=[run.task.arn])
    task = cast("dict[str, Any]", answer["tasks"][0])
    if not task.get("enableExecuteCommand"):
        raise UsageError(
            f"task {name[:8]} was started before exec was on; a new task has it: "
            f"neuron-ecs stop {name[:8]}"
        )
    answer = aws.ecs.execute_command(
        cluster=run.cluster,
        task=run.task.arn,
        container=container,
        command=command,
        interactive=True,
    )
    containers = cast("list[dict[str, Any]]", task["containers"])
    runtime = next((c.get("runtimeId", "") for c in containers if c["name"] == container), "")
    target = f"ecs:{run.cluster}_{name}_{runtime}"
    return [
        json.dumps(answer["session"]),
        aws.region,
        "StartSession",
        "",
        json.dumps({"Target": target}),
        cast(str, client.meta.endpoint_url),
    ]
