"""Waits for tasks and services: asks again and again, and outlives calls that fail in between."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from neuron_ecs.operations.aws import Calls, ends_all
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.logs import Line, Merge, read_lines
from neuron_ecs.operations.observed import ObservedTask
from neuron_ecs.operations.reading import task_of
from neuron_ecs.operations.reasons import exit_code
from neuron_ecs.terminal import ERRORS

_T = TypeVar("_T")

POLL_SECONDS = 5
_MISSES = 20  # calls that may fail one after the other before a command gives up


def again_and_again(
    aws: Calls,
    clock: Clock,
    look: Callable[[], _T],
    *,
    is_over: Callable[[_T], bool],
    until: datetime | None = None,
) -> _T:
    """Returns the first answer that is the last one, or the one at the time `until`.

    Raises what AWS refuses with, if it refuses twenty times in a row or for good.
    """
    misses = 0
    while True:
        try:
            found = look()
        except aws.account.without:
            raise
        except aws.account.refusals as error:
            misses += 1
            if misses > _MISSES or ends_all(error):
                raise
        else:
            misses = 0
            if is_over(found) or (until is not None and clock.now() >= until):
                return found
        clock.sleep(POLL_SECONDS)


def until_stopped(
    aws: Calls,
    cluster: str,
    task: ObservedTask,
    clock: Clock,
    *,
    seen: Callable[[ObservedTask], None] = lambda _: None,
    limit: timedelta | None = None,
) -> ObservedTask:
    """Returns the task once it has stopped, or as it is when the limit after its start has passed.

    `seen` gets every reading. ECS forgets a stopped task after an hour; of one that is gone the
    last reading is returned.
    """
    latest = task

    def look() -> ObservedTask:
        nonlocal latest
        answer = aws.ecs.describe_tasks(cluster=cluster, tasks=[task.arn])
        latest = next((task_of(one) for one in answer["tasks"]), latest)
        seen(latest)
        return latest

    def is_over(found: ObservedTask) -> bool:
        late = limit is not None and clock.now() >= (found.started or clock.now()) + limit
        return found.last_status == "STOPPED" or late

    return again_and_again(aws, clock, look, is_over=is_over)


@contextmanager
def at_interrupt(say: Callable[[], None]) -> Generator[None]:
    """Says that a task runs on, if Ctrl-C ends what follows it."""
    try:
        yield
    except KeyboardInterrupt:
        say()
        raise


def outcome(task: ObservedTask) -> int:
    """The exit code of a stopped task for who waited for it; an error if it has none."""
    code = exit_code(task)
    return ERRORS if code is None else code


class Tail:
    """The lines that a task writes, each once."""

    def __init__(self, aws: Calls, group: str, name: str, task: str, since: datetime) -> None:
        self._aws = aws
        self._group = group
        self._name = name
        self._task = task
        self._merge = Merge(since)

    def new(self) -> list[Line]:
        """The lines since the last call; none if they cannot be read."""
        read = self._aws.tried(
            "CloudWatch Logs FilterLogEvents",
            lambda: read_lines(self._aws, self._group, self._name, self._merge.since),
        )
        lines = [line for line in (read[0] if read else ()) if line.task == self._task]
        return self._merge.new(lines)
