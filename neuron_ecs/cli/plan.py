"""The `plan` command: what was decided for Regions, pools, chips, tasks, jobs, and the findings."""

import sys
from dataclasses import dataclass

import catalog
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import simple_command
from neuron_ecs.arguments.stack import OfStack
from neuron_ecs.overview import endpoints, price, replicas, text
from neuron_ecs.terminal import FINE, WRONG_USAGE, wrapped
from planning.document import as_json, document
from planning.duration import creation
from planning.interruptions import document as interruption_document
from planning.interruptions import interruptions
from planning.price import document as price_document
from planning.price import stack_price

_EPILOG = """\
examples:
  neuron-ecs plan
  neuron-ecs plan --file examples/trn1-training.yaml
  neuron-ecs plan --explain NE203

exit codes: 0 fine, 1 the plan has errors, 2 wrong usage."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfStack):
    """The arguments of `plan`."""

    explain: str | None = option(metavar="CODE", help="what a finding's code means")


def run(arguments: Arguments) -> int:
    """Writes the plan of a stack file. Raises `Refused` if it cannot be built."""
    if arguments.explain is not None:
        return _explain(arguments.explain)
    file, tables, width = arguments.read(), catalog.load(), arguments.width
    plan = file.plan(tables)
    cost = stack_price(plan, tables)
    if arguments.json:
        lost = [interruption_document(found) for found in interruptions(plan, tables)]
        found = {**document(plan), "price": price_document(cost), "interruptions": lost}
        found["creation"] = as_json(creation(plan))
        terminal.write_json(found, sys.stdout)
        return FINE
    arguments.write((*text.render(plan, width=width), "", *price.render(cost, width=width)))
    if plan.findings:
        sys.stdout.write("\n")
        terminal.write(plan.findings, sys.stdout, width=width)
    for code, reason in plan.silenced:
        arguments.write(wrapped(f"silenced {code}  {reason}", width))
    arguments.write((*text.starts(plan), *text.compiling(plan)))
    arguments.write(replicas.render(plan, width=width))
    arguments.write(replicas.render_interruptions(plan, file.config, width=width))
    arguments.write(replicas.render_creation(plan, width=width))
    arguments.write(endpoints.render(plan, width=width))
    arguments.write(text.watched(plan, width=width))
    return FINE


def _explain(code: str) -> int:
    from messages.phrases import nearest
    from planning.reference import explain, pages

    page = explain(code.upper())
    if page is None:
        digits = code.upper().replace("O", "0")  # a letter for a digit: NE2O3
        said = nearest(digits, [one.code for one in pages()])
        sys.stderr.write(f"no finding has the code {code}; {said}\n")
        return WRONG_USAGE
    sys.stdout.write(page)
    return FINE


add_arguments = simple_command(Arguments, run, _EPILOG)
