"""The `wait` command: until the services of a stack are steady."""

from dataclasses import asdict, dataclass

from neuron_ecs.arguments.options import positional, timeout
from neuron_ecs.arguments.stack import OfRunning, operation
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.steady import code_of, wait

_EPILOG = """\
examples:
  neuron-ecs wait --stack prod
  neuron-ecs wait llama --stack prod --timeout 30m && ./smoke-test

A model that rests outside of the hours of the Capacity Blocks of its pool is not waited for.

exit codes: 0 every deployment is complete and every replica runs, 1 a deployment failed or
something could not be read, 2 wrong usage, 4 no credentials, 124 not within --timeout."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `wait`."""

    model: str | None = positional(metavar="MODEL", nargs="?", help="one model")
    timeout: int = timeout()


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.model, jobs=False)
    until = stack.clock.after(arguments.timeout)
    found = wait(stack, stack.regions, arguments.model, until, arguments.say)
    arguments.report(stack, models=[asdict(s) for s in found])
    return code_of(found)


add_arguments, run = operation(Arguments, _EPILOG, _run)
