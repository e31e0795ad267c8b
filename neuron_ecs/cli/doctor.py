"""The `doctor` command: which link between a caller and a chip is broken."""

from dataclasses import asdict, dataclass

from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.stack import OfRunning, operation
from neuron_ecs.operations.doctor import CHAIN, diagnoses
from neuron_ecs.operations.doctor_text import render
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS, FINE

_EPILOG = f"""\
examples:
  neuron-ecs doctor --stack prod
  neuron-ecs doctor llama --stack prod

The links: {", ".join(CHAIN[:7])},
{", ".join(CHAIN[7:])}. One that waits is not
as it should be because of a link below it.

exit codes: 0 nothing is broken, 1 something is or could not be read, 2 wrong usage,
4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `doctor`."""

    model: str | None = positional(metavar="MODEL", nargs="?", help="one model, with every link")


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.model, jobs=False)
    found = diagnoses(stack, arguments.model)
    shown = [d for d in found if arguments.model is not None or not d.is_well]
    lines = render(stack.title, found, shown, arguments.width, coloured=arguments.coloured)
    arguments.write(lines)
    arguments.report(stack, models=[{**asdict(d), "well": d.is_well} for d in found])
    return FINE if all(d.is_well for d in found) else ERRORS


add_arguments, run = operation(Arguments, _EPILOG, _run)
