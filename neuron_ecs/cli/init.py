"""The `init` command: writes a stack file for language models, on the cheapest pools that plan."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import catalog
from catalog import Catalog
from messages.finding import Severity
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import PROJECT_FILE, simple_command
from neuron_ecs.arguments.stack import Printed, agreed
from neuron_ecs.files import STACK_FILE_BYTES, read_bytes, write_bytes
from neuron_ecs.fit import together_text
from neuron_ecs.fit.instances import TaskRequirements
from neuron_ecs.fit.lookup import check_regions, model_called
from neuron_ecs.fit.models import ModelSearch
from neuron_ecs.fit.stack_lines import yaml_lines
from neuron_ecs.fit.together import Together, configuration, together
from neuron_ecs.overview import price
from neuron_ecs.stackfile.reading import project_name, read_revision
from neuron_ecs.terminal import ERRORS, FINE, UsageError, progress
from planning import Plan
from planning.price import StackPrice, stack_price
from planning.price import document as price_document
from planning.serving.options import DEFAULT_SEQUENCES, default_length

VERSION = 1
_REGION = "us-west-2"  # offers every Neuron family
_LONGEST_ANSWER = 400

_DESCRIPTION = "Writes a stack file for language models, on the cheapest pools that plan."

_EPILOG = """\
examples:
  neuron-ecs init --model Qwen/Qwen3-8B --region us-west-2
  neuron-ecs init --stack prod --model Qwen/Qwen3-8B --model Qwen/Qwen3-0.6B --budget 3000 --yes

On a terminal it asks for the models and the Regions that are not given, and whether to write.

exit codes: 0 written, or printed as JSON; 1 not written: nothing plans, it costs more than the
budget, or the answer was no; 2 wrong usage."""

_NEXT = """\
{file} is written; next:
  neuron-ecs plan --stack {stack}       # with every finding
  neuron-ecs preview --stack {stack}    # every resource
  pulumi stack init {stack} && pulumi up  # with an account"""


def _usd(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not 0 < amount < 10**9:
        raise UsageError(f"--budget: {text!r} is no amount of USD a month")
    return amount


@dataclass(frozen=True, kw_only=True)
class Arguments(Printed):
    """The arguments of `init`."""

    stack: str = option(
        metavar="NAME", default="dev", help="the stack, whose file is written (dev)"
    )
    model: list[str] | None = option(
        action="append", metavar="ID", help="its id at Hugging Face (again for several)"
    )
    region: list[str] | None = option(
        action="append", metavar="REGION", help="where it runs (again for several)"
    )
    purchase: Literal["on_demand", "spot"] = option(
        choices=("on_demand", "spot"), default="on_demand", help="of all pools (on_demand)"
    )
    budget: str | None = option(metavar="USD", help="the most that a month may cost")
    yes: bool = option(help="write without asking; --json writes only with it")


@dataclass(frozen=True, slots=True)
class _Proposal:
    """The stack file of the first choice, and its plan as the file will be read."""

    text: str
    plan: Plan
    cost: StackPrice


def run(arguments: Arguments) -> int:
    """Proposes a stack file and writes it, once that was agreed to. Raises `UsageError`."""
    known, file = catalog.load(), _new_file(arguments)
    budget = _usd(arguments.budget) if arguments.budget is not None else None
    asking = sys.stdin.isatty() and not (arguments.yes or arguments.json)
    ids = _given(arguments.model, "which models, by their ids at Hugging Face?", "", asking)
    if not ids:
        raise UsageError("name the models with --model")
    regions = tuple(dict.fromkeys(_given(arguments.region, "in which Regions?", _REGION, asking)))
    check_regions(regions, known, "--region")
    where = TaskRequirements(regions=regions, purchase=arguments.purchase)
    models = [model_called(name, known) for name in ids]
    searches = [
        ModelSearch(m, default_length(m), DEFAULT_SEQUENCES, precompiled=False, where=where)
        for m in models
    ]
    with progress("planning the groups of models"):
        found = together(searches, regions, known, project_name(arguments.directory))
        proposal = _proposal(found, searches, regions, known, arguments)
    is_spot, width = arguments.purchase == "spot", arguments.width
    arguments.write(together_text.render(found, regions, is_spot=is_spot, width=width))
    why, written = "", False
    if proposal is not None:
        arguments.write(_rendered(proposal, width))
        why = _over(proposal.cost, budget)
        written = not why and agreed(f"write {file}?", yes=arguments.yes, json=arguments.json)
        if written:
            write_bytes(file, proposal.text.encode())
    if why:
        sys.stderr.write(f"{why}\n")
    if arguments.json:
        document = {
            "version": VERSION,
            "file": str(file),
            "written": written,
            "text": proposal.text if proposal else None,
            "price": price_document(proposal.cost) if proposal else None,
            **together_text.document(found),
        }
        terminal.write_json(document, sys.stdout)
    arguments.write(
        _NEXT.format(file=file, stack=arguments.stack).splitlines()
        if written
        else ["nothing was written"]
    )
    return FINE if written or (arguments.json and proposal and not why) else ERRORS


def _new_file(arguments: Arguments) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", arguments.stack):
        raise UsageError("--stack: write letters, digits, hyphens, underscores and dots")
    file = arguments.directory / f"Pulumi.{arguments.stack}.yaml"
    if file.exists():
        fix = f"`neuron-ecs models add --stack {arguments.stack}` adds a model to it"
        raise UsageError(f"{file} is there already; name another --stack, or {fix}")
    return file


def _given(said: list[str] | None, question: str, default: str, asking: bool) -> list[str]:
    """What was given, or answered; names stand between commas or spaces."""
    text = " ".join(said or ())
    if not text and asking:
        sys.stdout.write(f"{question} {f'[{default}] ' if default else ''}")
        sys.stdout.flush()
        text = sys.stdin.readline(_LONGEST_ANSWER)
    return [name for name in re.split(r"[\s,]+", text) if name] or [default] * bool(default)


def _proposal(
    found: Together,
    searches: Sequence[ModelSearch],
    regions: tuple[str, ...],
    known: Catalog,
    arguments: Arguments,
) -> _Proposal | None:
    if not found.choices:
        return None
    home = arguments.directory / PROJECT_FILE
    project = project_name(arguments.directory)
    given = read_bytes(home, STACK_FILE_BYTES) if home.is_file() else b"name: neuron-ecs\n"
    document = configuration(found.choices[0], searches, found.names, regions, known, project)
    text = "\n".join((*yaml_lines(document), ""))
    plan = read_revision(given, text.encode(), stack=arguments.stack).plan(known)
    return _Proposal(text, plan, stack_price(plan, known))


def _over(cost: StackPrice, budget: Decimal | None) -> str:
    if budget is None:
        return ""
    if any(pool.unknown for pool in cost.costs):
        return "not all of it has a price, so no budget can be kept"
    most = cost.amount.maximum
    return f"the cheapest costs ${most:,.0f} a month, over ${budget:,.0f}" if most > budget else ""


def _rendered(proposal: _Proposal, width: int) -> Iterator[str]:
    yield ""
    yield "The stack file of the first:"
    yield ""
    yield from (f"  {line}" for line in proposal.text.splitlines())
    yield ""
    yield from price.render(proposal.cost, width=width)
    yield ""
    for finding in proposal.plan.findings:
        if finding.severity is Severity.WARNING:
            yield from terminal.block(finding, width)


add_arguments = simple_command(Arguments, run, _EPILOG, _DESCRIPTION)
