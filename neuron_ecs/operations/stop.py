"""Stops tasks of the stack."""

from datetime import datetime

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.following import again_and_again
from neuron_ecs.operations.observed import ObservedTask
from neuron_ecs.operations.reading import task_of

REASON = "stopped with neuron-ecs stop"


def stop(aws: Calls, cluster: str, task: str) -> None:
    """Asks ECS to stop a task; its containers get their stop timeout."""
    aws.ecs.stop_task(cluster=cluster, task=task, reason=REASON)


def until_all_stopped(
    aws: Calls, cluster: str, tasks: list[str], clock: Clock, until: datetime
) -> list[ObservedTask]:
    """Returns the tasks that have not stopped at the time `until`."""

    def look() -> list[ObservedTask]:
        answer = aws.ecs.describe_tasks(cluster=cluster, tasks=tasks[:100])
        return [t for t in map(task_of, answer["tasks"]) if t.last_status != "STOPPED"]

    return again_and_again(aws, clock, look, is_over=lambda left: not left, until=until)
