"""The `run` command: starts a job as its schedule would, and follows it to its end."""

import argparse
from dataclasses import dataclass

from neuron_ecs.arguments.options import REST, detach, option, positional
from neuron_ecs.arguments.stack import Changing, operation
from neuron_ecs.operations.attempts import Attempts
from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.run import Override, announced, request_for
from neuron_ecs.operations.runs import Run, as_object
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS

_EPILOG = """\
examples:
  neuron-ecs run nightly --stack prod
  neuron-ecs run nightly --env STEPS=10 -- python train.py --short

It follows the task with its log. Ctrl-C ends that; the task runs on. As long as it
follows, it stops the task after timeout_minutes of the job, and starts it anew if it
fails, attempts times in all. With --detach the task has no limit and starts once.

exit codes: 0 the task succeeded, else that of the task; 1 too if it did not start, has none or
the answer was no, 2 wrong usage, 4 no credentials, 124 stopped after timeout_minutes."""


def _variable(text: str) -> tuple[str, str]:
    """Parses `NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("write NAME=VALUE")
    return name, value


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `run`."""

    job: str = positional(metavar="JOB", help="a job of the stack")
    words: list[str] = positional(
        metavar=REST, nargs="*", help="a command in place of the job's own"
    )
    env: list[tuple[str, str]] | None = option(
        metavar="NAME=VALUE", action="append", type=_variable, help="a variable more, or another"
    )
    detach: bool = detach()


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.job, models=False)
    region = stack.region_of(arguments.job)
    job = next(j for j in region.jobs if j.name == arguments.job)
    override = Override(tuple(arguments.words), tuple(arguments.env or ()))
    asked = stack.ask(region, lambda reader: request_for(reader, job, stack.plan.tags, override))
    for label, text in announced(stack, region, job, override):
        arguments.say(text, label, " " * 11)
    if not arguments.agreed("start it?"):
        arguments.report(stack, request=asked)
        return ERRORS
    made: list[Run] = []

    def attempt(aws: Calls) -> int:
        say, write, width = arguments.say, arguments.write, arguments.width
        attempts = Attempts(stack, region, job, aws, say, write, width, arguments.coloured, made)
        return attempts.start(asked) if arguments.detach else attempts.follow(asked)

    code = stack.account.must(region.name, attempt)
    arguments.report(stack, exit_code=code, runs=[as_object(r, stack.reasons) for r in made])
    return code


add_arguments, run = operation(Arguments, _EPILOG, _run)
