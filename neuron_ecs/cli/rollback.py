"""The `rollback` command: takes a model back to a revision that ran."""

from dataclasses import dataclass

from neuron_ecs.arguments.options import option, positional, timeout
from neuron_ecs.arguments.stack import Changing, operation
from neuron_ecs.operations.observed import revision_of
from neuron_ecs.operations.rollback import find_waves, roll_back, shown
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.steady import Steadiness, code_of
from neuron_ecs.terminal import ERRORS

_EPILOG = """\
examples:
  neuron-ecs rollback llama --stack prod
  neuron-ecs rollback llama --to 12 --region eu-central-1
  neuron-ecs rollback llama --to 0.13.0-sdk2.28.0

Without --to it takes the newest revision that completed, differs in its containers and has the
chips that the model has now. Its services go back in waves, one Region after the other.

exit codes: 0 done, 1 there is no way back, a deployment failed or the answer was no, 2 wrong
usage, 4 no credentials, 124 not within --timeout."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `rollback`."""

    model: str = positional(metavar="MODEL", help="a model of the stack")
    to: str | None = option(
        metavar="REVISION", help="a revision number, or an image or its tag (the newest that ran)"
    )
    timeout: int = timeout()


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.model, jobs=False)
    waves = find_waves(stack, arguments.model, arguments.to)
    arguments.write(shown(stack, arguments.model, waves, arguments.width))
    found: list[Steadiness] = []
    agreed = bool(waves) and arguments.agreed("roll back?")
    if agreed:
        found = roll_back(stack, arguments.model, waves, arguments.timeout, arguments.say)
    steps = [
        {
            "region": wave.region.name,
            "chips": step.slot.chips,
            "from": revision_of(step.slot.service.task_definition),
            "to": revision_of(step.target),
            "image": step.image,
            "changes": step.changes,
        }
        for wave in waves
        for step in wave.steps
    ]
    states = [{"region": s.region, "verdict": s.verdict, "said": s.said} for s in found]
    arguments.report(stack, changed=agreed, steps=steps, states=states)
    return ERRORS if waves and not agreed else code_of(found)


add_arguments, run = operation(Arguments, _EPILOG, _run)
