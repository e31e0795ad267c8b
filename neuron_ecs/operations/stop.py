"""Stops tasks of the stack."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.following import again_and_again
from neuron_ecs.operations.observed import ObservedTask
from neuron_ecs.operations.reading import task_of
from neuron_ecs.operations.runs import Run, read_runs
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.status_text import age
from neuron_ecs.terminal import ERRORS, UsageError, progress, table, wrapped

REASON = "stopped with neuron-ecs stop"
_LONGEST = timedelta(minutes=10)
_SHORTEST_ID = 4


def find_runs(stack: Stack, named: str) -> tuple[list[Run], list[str]]:
    """The runs of a job, or the task whose id begins as named, and what could not be read.

    Raises `UsageError` if there is nothing to stop.
    """
    what = named.rpartition("/")[2]
    regions = stack.regions
    jobs = {j.name for r in stack.plan.regions for j in r.jobs}
    models = {m.name for r in stack.plan.regions for m in r.models}
    if what in models - jobs:
        raise UsageError(
            f"{what} is a model, whose service would start its tasks again; name one task, or "
            f"scale the model: neuron-ecs scale {what} 0"
        )
    if what not in jobs and len(what) < _SHORTEST_ID:
        raise UsageError(f"{what}: name a job, or a task by at least {_SHORTEST_ID} characters")

    def is_wanted(run: Run) -> bool:
        is_named = run.workload == what if what in jobs else run.task.name.startswith(what)
        return is_named and not run.is_over

    with stack.reading():
        found, unread = read_runs(
            stack, is_wanted, lambda _, observed: map(str, observed.failed_calls)
        )
    if not found and not unread and named in {j.name for r in regions for j in r.jobs}:
        raise UsageError(f"{named}: no run of it is under way", ERRORS)
    if not found and not unread:
        raise UsageError(
            f"{named}: no such task runs; `neuron-ecs jobs` lists the runs of jobs, and "
            "`neuron-ecs status MODEL` the tasks of a model"
        )
    return found, unread


def shown(found: Sequence[Run], now: datetime, width: int) -> Iterator[str]:
    """The runs that are to be stopped."""
    if not found:
        return
    rows = [("name", "task", "Region", "state", "started")]
    rows += [
        (r.workload, r.task.name[:8], r.region, r.result, age(r.task.started, now)) for r in found
    ]
    yield from table(rows, indent="  ", width=width)
    if any(not r.is_job for r in found):
        yield from wrapped("a model's service starts another task in its place", width, "  ", "  ")


def stop(aws: Calls, cluster: str, task: str) -> None:
    """Asks ECS to stop a task; its containers get their stop timeout."""
    aws.ecs.stop_task(cluster=cluster, task=task, reason=REASON)


def stop_all(stack: Stack, found: Sequence[Run]) -> list[str]:
    """Stops the tasks, and returns those that have not stopped some minutes later."""
    left: list[str] = []
    places: dict[tuple[str, str], list[str]] = {}
    for one in found:
        places.setdefault((one.region, one.cluster), []).append(one.task.arn)
    for (region, cluster), arns in places.items():
        stack.account.must(
            region, lambda aws, c=cluster, a=arns: aws.each(a, lambda t: stop(aws, c, t))
        )
    for (region, cluster), arns in places.items():
        with progress("waiting until they have stopped"):
            still = stack.account.must(
                region, lambda aws, c=cluster, a=arns: _until_stopped(aws, c, a, stack.clock)
            )
        left += [task.name for task in still]
    return left


def _until_stopped(
    aws: Calls, cluster: str, tasks: Sequence[str], clock: Clock
) -> list[ObservedTask]:
    """Returns the tasks that have not stopped some minutes later."""
    until = clock.now() + _LONGEST

    def look() -> list[ObservedTask]:
        answer = aws.ecs.describe_tasks(cluster=cluster, tasks=tasks[:100])
        return [t for t in map(task_of, answer["tasks"]) if t.last_status != "STOPPED"]

    return again_and_again(aws, clock, look, is_over=lambda left: not left, until=until)
