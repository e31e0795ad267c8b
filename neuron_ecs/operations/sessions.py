"""Opens a session in a container of a running task, with ECS Exec."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.observed import ObservedTask
from neuron_ecs.terminal import UsageError

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


@dataclass(frozen=True, slots=True)
class Place:
    """A container of a running task."""

    cluster: str
    task: ObservedTask
    container: str


def session(aws: Calls, place: Place, command: str) -> list[str]:
    """Returns the arguments with which the plugin opens the session, as the AWS CLI does.

    https://github.com/aws/aws-cli/blob/develop/awscli/customizations/ecs/executecommand.py
    """
    task, client = _described(aws, place), aws.ecs
    if not task.get("enableExecuteCommand"):
        raise UsageError(
            f"task {place.task.name[:8]} was started before exec was on; a new task has it: "
            f"neuron-ecs stop {place.task.name[:8]}"
        )
    answer = aws.ecs.execute_command(
        cluster=place.cluster,
        task=place.task.arn,
        container=place.container,
        command=command,
        interactive=True,
    )
    containers = cast("list[dict[str, Any]]", task["containers"])
    runtime = next((c.get("runtimeId", "") for c in containers if c["name"] == place.container), "")
    target = f"ecs:{place.cluster}_{place.task.name}_{runtime}"
    return [
        json.dumps(answer["session"]),
        aws.region,
        "StartSession",
        "",
        json.dumps({"Target": target}),
        cast(str, client.meta.endpoint_url),
    ]


def _described(aws: Calls, place: Place) -> dict[str, Any]:
    answer = aws.ecs.describe_tasks(cluster=place.cluster, tasks=[place.task.arn])
    return cast("dict[str, Any]", answer["tasks"][0])
