"""The `init` command: writes a stack file for language models, on the cheapest pools that plan."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import catalog
from catalog import Catalog
from messages.finding import Severity
from messages.phrases import closest_key, listed
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option
from neuron_ecs.arguments.parser import PROJECT_FILE, Parser
from neuron_ecs.arguments.stack import Printed, agreed
from neuron_ecs.cli.fit import model_called, unknown_model
from neuron_ecs.files import STACK_FILE_BYTES, read_bytes, write_bytes
from neuron_ecs.fit.instances import TaskRequirements
from neuron_ecs.fit.models import ModelSearch
from neuron_ecs.fit.together import NOT_TRIED, Choice, Together, configuration, together, yaml_lines
from neuron_ecs.overview import price
from neuron_ecs.stackfile.reading import project_name, read_revision
from neuron_ecs.terminal import ERRORS, FINE, UsageError, joined, progress, table, wrapped
from planning import Plan
from planning.price import HOURS, StackPrice, span, stack_price
from planning.price import document as price_document
from planning.serving.options import DEFAULT_SEQUENCES, default_length

VERSION = 1
_SHOWN = 5  # choices
_REGION = "us-west-2"  # offers every Neuron family
_LONGEST_ANSWER = 400

_EPILOG = """\
examples:
  neuron-ecs init --model Qwen/Qwen3-8B --region us-west-2
  neuron-ecs init --stack prod --model Qwen/Qwen3-8B --model Qwen/Qwen3-0.6B --budget 3000 --yes

On a terminal it asks for the models and the Regions that are not given, and whether to write.

exit codes: 0 written, or printed as JSON; 1 not written: nothing plans, it costs more than the
budget, or the answer was no; 2 wrong usage."""


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


def add_arguments(parser: Parser) -> None:
    """Adds the arguments of `init`."""
    parser.description = "Writes a stack file for language models, on the cheapest pools that plan."
    parser.calls(Arguments, run, _EPILOG)


def run(arguments: Arguments) -> int:
    """Proposes a stack file and writes it, once that was agreed to. Raises `UsageError`."""
    known, file = catalog.load(), _new_file(arguments)
    budget = _usd(arguments.budget) if arguments.budget is not None else None
    asking = sys.stdin.isatty() and not (arguments.yes or arguments.json)
    ids = _given(arguments.model, "which models, by their ids at Hugging Face?", "", asking)
    if not ids:
        raise UsageError("name the models with --model")
    regions = tuple(dict.fromkeys(_given(arguments.region, "in which Regions?", _REGION, asking)))
    searches = [_search(name, regions, arguments, known) for name in ids]
    project = project_name(arguments.directory)
    with progress("planning the groups of models"):
        found = together(searches, regions, known, project)
        proposal = _proposal(found, searches, regions, known, arguments)
    out, width = sys.stdout, arguments.width
    if proposal is None:
        lines = () if arguments.json else found.refused
        out.writelines(f"{text}\n" for line in lines for text in wrapped(line, width))
        return _ended(arguments, file, found, None, written=False, code=ERRORS)
    text, plan, cost = proposal
    if not arguments.json:
        lines = _rendered(text, found, plan, cost, regions, arguments)
        out.writelines(f"{line}\n" for line in lines)
    why = _over(cost, budget)
    written = not why and agreed(f"write {file}?", yes=arguments.yes, json=arguments.json)
    if written:
        write_bytes(file, text.encode())
    if why:
        sys.stderr.write(f"{why}\n")
    code = ERRORS if why or not (written or arguments.json) else FINE
    return _ended(arguments, file, found, proposal, written=written, code=code)


def _ended(
    arguments: Arguments,
    file: Path,
    found: Together,
    proposal: tuple[str, Plan, StackPrice] | None,
    *,
    written: bool,
    code: int,
) -> int:
    """Says what was written and what to run next. Returns the exit code."""
    if arguments.json:
        document = {
            "version": VERSION,
            "file": str(file),
            "written": written,
            "text": proposal[0] if proposal else None,
            "price": price_document(proposal[2]) if proposal else None,
            "choices": [_choice_document(choice) for choice in found.choices],
            "refused": found.refused,
            "not_tried": NOT_TRIED,
        }
        terminal.write_json(document, sys.stdout)
    elif written:
        sys.stdout.write(
            f"{file} is written; next:\n"
            f"  neuron-ecs plan --stack {arguments.stack}       # with every finding\n"
            f"  neuron-ecs preview --stack {arguments.stack}    # every resource\n"
            f"  pulumi stack init {arguments.stack} && pulumi up  # with an account\n"
        )
    else:
        sys.stdout.write("nothing was written\n")
    return code


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


def _search(
    name: str, regions: tuple[str, ...], arguments: Arguments, known: Catalog
) -> ModelSearch:
    for region in regions:
        if region not in known.places.regions:
            near = closest_key(region, list(known.places.regions))
            hint = f"; did you mean {near}?" if near else ""
            raise UsageError(f"--region: {region} is no Region{hint}")
    model = model_called(name, known)
    if model is None:
        raise UsageError(f"--model: {unknown_model(name, known)}")
    where = TaskRequirements(regions=regions, purchase=arguments.purchase)
    length = default_length(model)
    return ModelSearch(model, length, DEFAULT_SEQUENCES, precompiled=False, where=where)


def _proposal(
    found: Together,
    searches: list[ModelSearch],
    regions: tuple[str, ...],
    known: Catalog,
    arguments: Arguments,
) -> tuple[str, Plan, StackPrice] | None:
    """The text for the first choice, and its plan as the file will be read."""
    if not found.choices:
        return None
    home = arguments.directory / PROJECT_FILE
    project = project_name(arguments.directory)
    given = read_bytes(home, STACK_FILE_BYTES) if home.is_file() else b"name: neuron-ecs\n"
    document = configuration(found.choices[0], searches, found.names, regions, known, project)
    text = "\n".join((*yaml_lines(document), ""))
    plan = read_revision(given, text.encode(), stack=arguments.stack).plan(known)
    return text, plan, stack_price(plan, known)


def _over(cost: StackPrice, budget: Decimal | None) -> str:
    if budget is None:
        return ""
    if any(pool.unknown for pool in cost.costs):
        return "not all of it has a price, so no budget can be kept"
    most = cost.amount.maximum
    return f"the cheapest costs ${most:,.0f} a month, over ${budget:,.0f}" if most > budget else ""


def _rendered(
    text: str,
    found: Together,
    plan: Plan,
    cost: StackPrice,
    regions: tuple[str, ...],
    arguments: Arguments,
) -> Iterator[str]:
    width = arguments.width
    how = "as Spot" if arguments.purchase == "spot" else "on demand"
    yield from wrapped(
        f"Choices {how} in {listed(regions, most=6)}, USD a month of {HOURS} hours", width
    )
    rows = [("", "a month", "pools"), *map(_row, enumerate(found.choices[:_SHOWN], 1))]
    yield from table(rows, indent="  ", width=width)
    if len(found.choices) > _SHOWN:
        yield f"  and {len(found.choices) - _SHOWN} dearer"
    yield from wrapped(f"not tried: {NOT_TRIED}", width, "  ", "    ")
    yield ""
    yield "The stack file of the first:"
    yield ""
    yield from (f"  {line}" for line in text.splitlines())
    yield ""
    yield from price.render(cost, width=width)
    yield ""
    for finding in plan.findings:
        if finding.severity is Severity.WARNING:
            yield from terminal.block(finding, width)


def _row(numbered: tuple[int, Choice]) -> tuple[str, ...]:
    number, choice = numbered
    month = span(choice.amount) if choice.amount else "unknown"
    pools = (
        joined(f"{pool.instance_type}:") + f" {listed(pool.models)}{' (tight)' * pool.tight}"
        for pool in choice.pools
    )
    return str(number), joined(month), "; ".join(pools)


def _choice_document(choice: Choice) -> dict[str, object]:
    amount = choice.amount
    return {
        "usd_per_month": f"{amount.maximum:.2f}" if amount else None,
        "pools": [
            {"instance_type": p.instance_type, "models": p.models, "tight": p.tight}
            for p in choice.pools
        ],
    }
