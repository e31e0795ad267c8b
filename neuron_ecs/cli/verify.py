"""The `verify` command: compares what runs with the plan."""

from dataclasses import asdict, dataclass

from neuron_ecs.arguments.stack import OfRunning, operation
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.verify import render, verify
from neuron_ecs.terminal import ERRORS, FINE

_EPILOG = """\
example:
  neuron-ecs verify --stack prod

exit codes: 0 all as planned, 1 a difference or no answer, 2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `verify`."""


def _run(arguments: Arguments, stack: Stack) -> int:
    checks = verify(stack)
    found_by = "keys" if stack.names is None else "outputs"
    as_planned = all(c.verdict in ("ok", "note") for c in checks)
    arguments.write(render(stack, checks, found_by, arguments.width))
    arguments.report(
        stack, found_by=found_by, as_planned=as_planned, checks=[asdict(c) for c in checks]
    )
    return FINE if as_planned else ERRORS


add_arguments, run = operation(Arguments, _EPILOG, _run)
