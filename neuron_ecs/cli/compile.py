"""The `compile` command: runs the jobs that compile models ahead, and waits for their ends."""

from dataclasses import dataclass

from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.stack import Changing, operation
from neuron_ecs.operations.compile import prepare
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS

_EPILOG = """\
examples:
  neuron-ecs compile llama --stack prod
  neuron-ecs compile --stack prod --yes

A model with `serve.compile: ahead` has a job that compiles it, on as many chips as
a task has. Its tasks start with what the job leaves under the fingerprint of the
model's settings. Before `pulumi up` it compiles the settings that come. Ctrl-C
leaves the run alone; the same command joins it again.

exit codes: 0 the model is compiled, else that of the run; 1 too if it did not start,
has none or the answer was no; 2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `compile`."""

    model: str | None = positional(
        metavar="MODEL", nargs="?", help="a model that says serve.compile: ahead (all of them)"
    )


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.model, jobs=False)
    runs = prepare(stack, arguments.model, arguments.say)
    for one in runs:
        one.announce()
    if not arguments.agreed("start it?" if len(runs) == 1 else "start them?"):
        arguments.report(stack, requests=[one.how.asked for one in runs])
        return ERRORS
    for one in runs:
        one.start()
    code = max([one.follow() for one in runs])
    arguments.report(stack, exit_code=code, runs=[one.document() for one in runs])
    return code


add_arguments, run = operation(Arguments, _EPILOG, _run)
