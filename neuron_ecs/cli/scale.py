"""The `scale` command: how many replicas of a model run."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from messages.phrases import counted
from neuron_ecs.arguments.options import detach, option, positional, timeout
from neuron_ecs.arguments.stack import Changing, head_of, known_workload, operation
from neuron_ecs.cli.wait import code_of, waited
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.reading import read_one
from neuron_ecs.operations.scale import set_counts, wanted
from neuron_ecs.operations.slots import Slot, slots_of
from neuron_ecs.operations.steady import Steadiness
from neuron_ecs.terminal import ERRORS, FINE, UsageError, joined, table, wrapped, write_json
from planning import plan

VERSION = 1

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


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    name, number = arguments.model, arguments.number
    known_workload(described, name, jobs=False)
    models = {
        r.name: (r, m) for r in arguments.regions(described) for m in r.models if m.name == name
    }
    for region, model in models.values():
        low, high = model.replicas_min, model.replicas_max
        if not arguments.force and not low <= number <= high:
            raise UsageError(
                f"{name} has {low} to {high} replicas in {region.name}, and {number} is asked for; "
                "--force does it nevertheless, until the next update or scaling"
            )
    account, names = Account(connect), arguments.names()
    slots = {
        r.name: read_one(account, r, names, lambda of, m=m: slots_of(of, of.recent(), [m]))
        for r, m in models.values()
    }
    changes = {region: wanted(found, number) for region, found in slots.items()}
    arguments.write(_shown(described, arguments, slots, changes, models))
    todo = sum(map(len, changes.values()))
    if not todo or not arguments.agreed(f"change {counted(todo, 'service')}?"):
        if arguments.json:
            document = {"changed": False, "counts": changes}
            write_json(head_of(described, VERSION) | document, sys.stdout)
        return ERRORS if todo else FINE
    for region, counts in changes.items():
        cluster = slots[region][0].cluster
        account.must(region, lambda aws, c=cluster, n=counts: set_counts(aws, c, n))
    found: list[Steadiness] = []
    if not arguments.detach:
        until = clock.now() + timedelta(seconds=arguments.timeout)
        regions = [r for r, _ in models.values()]
        found = waited(account, arguments, regions, clock, until, only=name)
    if arguments.json:
        document = {"changed": True, "counts": changes, "models": [asdict(s) for s in found]}
        write_json(head_of(described, VERSION) | document, sys.stdout)
    return code_of(found)


def _shown(
    described: plan.Plan,
    arguments: Arguments,
    slots: dict[str, list[Slot]],
    changes: dict[str, dict[str, int]],
    models: dict[str, tuple[plan.RegionPlan, plan.ModelPlan]],
) -> Iterator[str]:
    name, number = arguments.model, arguments.number
    yield f"{described.project}/{described.stack}: {name} to {counted(number, 'replica')}"
    rows = [("Region", "chips", "now", "then")]
    for region, found in slots.items():
        for slot in found:
            then = changes[region].get(slot.service.name, slot.service.desired)
            rows.append((region, joined(slot.chips), str(slot.service.desired), str(then)))
    yield from table(rows, indent="  ", width=arguments.width)
    if not any(changes.values()):
        yield "nothing is to be done"
        return
    for region, (_, model) in models.items():
        if number > model.replicas_max:
            yield from wrapped(
                f"{region}: the pool's instances are planned for {model.replicas_max}; tasks above "
                "that wait for room",
                arguments.width,
                "  ",
                "    ",
            )
        if model.replicas_min == model.replicas_max != number:
            yield from wrapped(
                f"{region}: the stack file says {model.replicas_min}, which an update may bring "
                f"back; to keep it: neuron-ecs models set {name} replicas={number}",
                arguments.width,
                "  ",
                "    ",
            )


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
