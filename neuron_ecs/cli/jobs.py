"""The `jobs` command: edits the jobs of a stack file, and lists their runs."""

from dataclasses import dataclass

from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.parser import Parser
from neuron_ecs.arguments.stack import OfRunning, operation
from neuron_ecs.edits.entries import add_actions
from neuron_ecs.operations.runs import as_object, read_runs, render
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.status import unread_parts
from neuron_ecs.stackfile.entries import JOBS
from neuron_ecs.terminal import ERRORS, FINE

_EXAMPLES = """\
  neuron-ecs jobs add check image=IMAGE capacity=inf2 neuron_devices=1 command='neuron-ls -j'
  neuron-ecs jobs set check 'schedule={expression: cron(0 3 * * ? *), timezone: UTC}'"""

_EPILOG = """\
examples:
  neuron-ecs jobs --stack prod
  neuron-ecs jobs runs nightly --stack prod

AWS tells of a stopped task for an hour.

exit codes: 0 listed, 1 something could not be read, 2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `jobs runs`."""

    job: str | None = positional(metavar="JOB", nargs="?", help="one job")


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.job, models=False)
    with stack.reading():
        found, unread = read_runs(
            stack, lambda r: r.is_job and arguments.job in (None, r.workload), unread_parts
        )
    now = stack.clock.now()
    found.sort(key=lambda r: r.task.started or now)
    arguments.write(render(stack, found, unread, arguments.width))
    arguments.report(stack, unread=unread, runs=[as_object(r, stack.reasons) for r in found])
    return ERRORS if unread else FINE


_add_runs, run = operation(Arguments, _EPILOG, _run)


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `jobs`; without one it lists the runs."""
    action = add_actions(parser, JOBS, _EXAMPLES)
    _add_runs(action("runs", "lists the runs of jobs; `jobs` alone does so too"))
    parser.action = "runs"
