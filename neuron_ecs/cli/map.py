"""The `map` command: which workload uses which chips, as text, as JSON and as one HTML page."""

import sys
from dataclasses import dataclass
from pathlib import Path

import catalog
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import simple_command
from neuron_ecs.arguments.stack import OfStack
from neuron_ecs.chipmap import page, pools, text
from neuron_ecs.chipmap.document import document as map_document
from neuron_ecs.files import write_text
from neuron_ecs.overview import price
from neuron_ecs.terminal import FINE
from planning.price import document as price_document
from planning.price import stack_price

_EPILOG = """\
examples:
  neuron-ecs map --stack prod
  neuron-ecs map --stack prod --html map.html

exit codes: 0 fine, 1 the plan has errors, 2 wrong usage."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfStack):
    """The arguments of `map`."""

    html: Path | None = option(metavar="PATH", type=Path, help="write one HTML page there")


def run(arguments: Arguments) -> int:
    """Writes the chip map of a stack file. Raises `Refused` if it cannot be built.

    With `--html` the text is left out; the JSON is not.
    """
    file = arguments.read()
    tables = catalog.load()
    plan = file.plan(tables)
    stack, cost = pools.of_plan(plan, tables), stack_price(plan, tables)
    html, width = arguments.html, arguments.width
    if html is not None:
        write_text(html, page.render(None, stack))
    if arguments.json:
        document = {**map_document(stack), "price": price_document(cost)}
        terminal.write_json(document, sys.stdout, indent=1)
    elif html is None:
        coloured = terminal.is_coloured(sys.stdout)
        arguments.write(text.render(stack, width=width, coloured=coloured))
        arguments.write(("", *price.render(cost, width=width)))
    else:
        arguments.write([str(html)])
    return FINE


add_arguments = simple_command(Arguments, run, _EPILOG)
