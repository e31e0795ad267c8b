"""The `preview` command: every resource that an update would register, without an account."""

import sys
from dataclasses import dataclass

import catalog
from messages.finding import Refused
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import simple_command
from neuron_ecs.arguments.stack import OfStack
from neuron_ecs.overview import price
from neuron_ecs.recording import text
from neuron_ecs.recording.graph import to_json
from neuron_ecs.recording.program import PROGRAM, recorded
from neuron_ecs.terminal import FINE, progress
from planning.price import document as price_document
from planning.price import stack_price

_EPILOG = """\
examples:
  neuron-ecs preview --stack prod
  neuron-ecs preview --file examples/trn1-training.yaml --all

exit codes: 0 fine, 1 the plan has errors, 2 wrong usage."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfStack):
    """The arguments of `preview`."""

    all: bool = option(help="fold nothing together")


def run(arguments: Arguments) -> int:
    """Writes the resource graph of a stack file. Raises `Refused` if it cannot be registered.

    With `--all` the text folds nothing; the JSON always has everything.
    """
    file = arguments.read()
    with progress("running the program offline"):
        try:
            tables = catalog.load()
            cost = stack_price(file.plan(tables), tables)
            recording = recorded(PROGRAM, file.project, file.stack, file.config)
        except Refused as refused:
            raise Refused(file.lines.locate(refused.findings)) from refused
    if arguments.json:
        sys.stdout.write(to_json(recording, price=price_document(cost)))
    width = arguments.width
    arguments.write(text.render(recording, width=width, show_all=arguments.all))
    arguments.write(("", *price.render(cost, width=width)))
    return FINE


add_arguments = simple_command(Arguments, run, _EPILOG)
