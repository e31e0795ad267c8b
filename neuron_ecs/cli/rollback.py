"""The `rollback` command: takes a model back to a revision that ran."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from neuron_ecs.arguments.options import option, positional, timeout
from neuron_ecs.arguments.stack import Changing, head_of, known_workload, operation
from neuron_ecs.cli.wait import code_of
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.observed import Names, revision_of
from neuron_ecs.operations.reading import Reader, read_one
from neuron_ecs.operations.revisions import Rollback, Step
from neuron_ecs.operations.rollback import roll_back
from neuron_ecs.operations.steady import Steadiness
from neuron_ecs.terminal import (
    ERRORS,
    UsageError,
    joined,
    progress,
    table,
    wrapped,
    write_json,
)
from planning import plan

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs rollback llama --stack prod
  neuron-ecs rollback llama --to 12 --region eu-central-1
  neuron-ecs rollback llama --to 0.13.0-sdk2.28.0

Without --to it takes the newest revision that completed, differs in its containers and has the
chips that the model has now. Its services go back in waves, one Region after the other.

exit codes: 0 done, 1 there is no way back, a deployment failed or the answer was no, 2 wrong
usage, 4 no credentials, 124 not within --timeout."""

_Way = list[tuple[plan.RegionPlan, list[list[Step]]]]


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `rollback`."""

    model: str = positional(metavar="MODEL", help="a model of the stack")
    to: str | None = option(
        metavar="REVISION", help="a revision number, or an image or its tag (the newest that ran)"
    )
    timeout: int = timeout()


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    known_workload(described, arguments.model, jobs=False)
    account, names = Account(connect), arguments.names()
    way = _way(arguments, described, account, names)
    todo = [step for _, waves in way for wave in waves for step in wave]
    arguments.write(_shown(arguments, described, way))
    verdicts: list[Steadiness] = []
    agreed = bool(todo) and arguments.agreed("roll back?")
    if agreed:
        verdicts = _go(arguments, account, names, way, clock)
    if arguments.json:
        steps = [
            {
                "region": region.name,
                "chips": step.slot.chips,
                "from": revision_of(step.slot.service.task_definition),
                "to": revision_of(step.target),
                "image": step.image,
                "changes": step.changes,
            }
            for region, waves in way
            for wave in waves
            for step in wave
        ]
        states = [{"region": v.region, "verdict": v.verdict, "said": v.said} for v in verdicts]
        document = {"changed": agreed, "steps": steps, "states": states}
        write_json(head_of(described, VERSION) | document, sys.stdout)
    return ERRORS if todo and not agreed else code_of(verdicts)


def _way(
    arguments: Arguments, described: plan.Plan, account: Account, names: dict[str, Names] | None
) -> _Way:
    found: _Way = []
    for region in arguments.regions(described):
        for model in (m for m in region.models if m.name == arguments.model):
            with progress(f"reading {region.name} from AWS"):
                found.append((region, _waves(arguments, account, names, region, model)))
    if not found:
        raise UsageError(f"{arguments.model} does not run in {', '.join(arguments.region or ())}")
    return found


def _waves(
    arguments: Arguments,
    account: Account,
    names: dict[str, Names] | None,
    region: plan.RegionPlan,
    model: plan.ModelPlan,
) -> list[list[Step]]:
    """The steps of a Region that change something."""

    def ask(reader: Reader) -> list[list[Step]]:
        rollback = Rollback(reader, reader.recent(), model)
        steps = rollback.steps(arguments.to)
        return rollback.waves([s for s in steps if s.target != s.slot.service.task_definition])

    return read_one(account, region, names, ask)


def _shown(arguments: Arguments, described: plan.Plan, way: _Way) -> Iterator[str]:
    width = arguments.width
    yield f"{described.project}/{described.stack}: roll back {arguments.model}"
    rows = [("Region", "chips", "revision", "to", "wave")]
    for region, waves in way:
        for number, wave in enumerate(waves, start=1):
            for step in wave:
                now = revision_of(step.slot.service.task_definition)
                chips = joined(step.slot.chips)
                rows.append((region.name, chips, now, revision_of(step.target), str(number)))
    if len(rows) == 1:
        yield "nothing is to be done: that is what runs"
        return
    yield from table(rows, indent="  ", width=width)
    changes = dict.fromkeys(
        text for _, waves in way for wave in waves for step in wave for text in step.changes
    )
    for text in changes:
        yield from wrapped(text, width, "  ", "    ")
    yield from _agreeing(arguments, way)


def _agreeing(arguments: Arguments, way: _Way) -> Iterator[str]:
    """How to make the stack file say the same, which the next update would otherwise bring back."""
    step = next(s for _, waves in way for wave in waves for s in wave)
    planned = step.slot.planned.task_definition.image
    back = "the next update that changes the model, or `pulumi up --refresh`, brings"
    if step.image == planned:
        text = f"the stack file has this image; what else differs from it, {back}"
    else:
        text = (
            f"{back} the stack file's image again; to keep this one: "
            f"neuron-ecs models set {arguments.model} image={step.image}"
        )
    yield from wrapped(text, arguments.width, "  ", "    ")


def _go(
    arguments: Arguments,
    account: Account,
    names: dict[str, Names] | None,
    way: _Way,
    clock: Clock,
) -> list[Steadiness]:
    """Goes the way. Ends at the first wave that does not become steady."""
    verdicts: list[Steadiness] = []
    for region, waves in way:
        for number, wave in enumerate(waves, start=1):
            until = clock.now() + timedelta(seconds=arguments.timeout)
            arguments.write([f"{region.name}: wave {number} of {len(waves)}"])
            found = read_one(
                account,
                region,
                names,
                lambda r, w=wave, u=until: roll_back(r, arguments.model, w, clock, u),
            )
            verdicts.append(found)
            _say(arguments, found)
            if not found.is_well:
                return verdicts
    return verdicts


def _say(arguments: Arguments, found: Steadiness) -> None:
    texts: Sequence[str] = {
        "steady": [f"{found.region}: steady, {found.said}"],
        "rests": [f"{found.region}: rests, {found.said}"],
        "failed": [
            f"{found.region}: {found.said}",
            f"what happened: neuron-ecs events {found.model} --region {found.region}",
        ],
    }.get(found.verdict, [f"{found.region}: not steady within --timeout: {found.said}"])
    for text in texts:
        arguments.say(text, "  ", "    ")


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
