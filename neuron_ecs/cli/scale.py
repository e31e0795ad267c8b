"""The `scale` command: how many replicas of a model run."""

import argparse
from dataclasses import asdict, dataclass

from messages.phrases import counted
from neuron_ecs.arguments.options import detach, option, positional, timeout
from neuron_ecs.arguments.stack import Changing, operation
from neuron_ecs.operations.scale import deal, set_counts, shown
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.steady import code_of, wait
from neuron_ecs.terminal import ERRORS, FINE

_EPILOG = """\
examples:
  neuron-ecs scale llama 3 --stack prod --region eu-central-1
  neuron-ecs scale llama 0 --force

N is for each Region. The replicas are dealt to the chips as the plan does it.

exit codes: 0 done, 1 a deployment failed, something could not be read or the answer was no,
2 wrong usage, 4 no credentials, 124 not within --timeout."""


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise argparse.ArgumentTypeError("write a number from 0 to 9999")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `scale`."""

    model: str = positional(metavar="MODEL", help="a model of the stack")
    number: int = positional(metavar="N", type=_number, help="replicas in each Region")
    force: bool = option(help="below the minimum or above the maximum of the stack file as well")
    timeout: int = timeout()
    detach: bool = detach()


def _run(arguments: Arguments, stack: Stack) -> int:
    name, number = arguments.model, arguments.number
    stack.refuse_unknown(name, jobs=False)
    dealt = deal(stack, name, number, force=arguments.force)
    arguments.write(shown(stack, name, number, dealt, arguments.width))
    counts = {one.region.name: one.counts for one in dealt}
    todo = sum(map(len, counts.values()))
    if not todo or not arguments.agreed(f"change {counted(todo, 'service')}?"):
        arguments.report(stack, changed=False, counts=counts)
        return ERRORS if todo else FINE
    for one in dealt:
        cluster = one.slots[0].cluster
        stack.account.must(
            one.region.name, lambda aws, c=cluster, n=one.counts: set_counts(aws, c, n)
        )
    until = stack.clock.after(arguments.timeout)
    regions = [one.region for one in dealt]
    found = [] if arguments.detach else wait(stack, regions, name, until, arguments.say)
    arguments.report(stack, changed=True, counts=counts, models=[asdict(s) for s in found])
    return code_of(found)


add_arguments, run = operation(Arguments, _EPILOG, _run)
