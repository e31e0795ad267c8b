"""The `stop` command: stops the runs of a job, or one task."""

from dataclasses import dataclass

from messages.phrases import counted
from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.stack import Changing, operation
from neuron_ecs.operations.runs import Run
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.stop import find_runs, shown, stop_all
from neuron_ecs.terminal import ERRORS, FINE

_EPILOG = """\
examples:
  neuron-ecs stop nightly --stack prod
  neuron-ecs stop 1f3a9c --stack prod

A task of a model can be stopped as well: its service starts another one in its place.

exit codes: 0 stopped, 1 it still runs, something could not be read or the answer was no,
2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `stop`."""

    what: str = positional(
        metavar="JOB|TASK", help="a job, all of its runs; or the id of a task, or how it begins"
    )


def _run(arguments: Arguments, stack: Stack) -> int:
    found, unread = find_runs(stack, arguments.what)
    for text in unread:
        arguments.warn(f"not read: {text}")
    arguments.write(shown(found, stack.clock.now(), arguments.width))
    if not found or not arguments.agreed(f"stop {counted(len(found), 'task')}?"):
        _report(arguments, stack, found, [r.task.name for r in found])
        return ERRORS
    left = stop_all(stack, found)
    _report(arguments, stack, found, left)
    arguments.write([f"{counted(len(found) - len(left), 'task')} stopped"])
    arguments.write(
        f"task {name[:8]} is still stopping; its devices are not free yet" for name in left
    )
    return ERRORS if left or unread else FINE


def _report(arguments: Arguments, stack: Stack, found: list[Run], left: list[str]) -> None:
    tasks = [
        {"region": r.region, "name": r.workload, "task": name, "stopped": name not in left}
        for r in found
        for name in (r.task.name,)
    ]
    arguments.report(stack, tasks=tasks)


add_arguments, run = operation(Arguments, _EPILOG, _run)
