"""The `doctor` command: which link between a caller and a chip is broken."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import catalog
from messages.phrases import counted
from neuron_ecs import terminal
from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.stack import OfRunning, head_of, known_workload, operation
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.doctor import CHAIN, Diagnosis, Link, diagnose, unread
from neuron_ecs.operations.examine import examine
from neuron_ecs.operations.observed import Names
from neuron_ecs.operations.reading import Reader, read_each
from neuron_ecs.operations.reasons import Reasons
from neuron_ecs.operations.status import of_wanted
from neuron_ecs.terminal import ERRORS, FINE, paint, progress, wrapped, write_json
from planning import plan

VERSION = 1

_WORDS = {"ok": "ok", "broken": "BROKEN", "waits": "waits", "unknown": "unknown"}
_COLOURS = {"ok": "32", "broken": "31", "waits": "33", "unknown": "35"}

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


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    known_workload(described, arguments.model, jobs=False)
    regions = arguments.regions(described)
    with progress(f"examining {', '.join(r.name for r in regions)}"):
        found = _found(Account(connect), regions, arguments.names(), arguments.model, clock)
    if arguments.json:
        models = [{**asdict(d), "well": d.is_well} for d in found]
        write_json(head_of(described, VERSION) | {"models": models}, sys.stdout)
    else:
        whole = arguments.model is not None
        lines = list(_render(described, found, arguments.width, whole=whole))
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return FINE if all(d.is_well for d in found) else ERRORS


def _found(
    account: Account,
    regions: Sequence[plan.RegionPlan],
    names: dict[str, Names] | None,
    only: str | None,
    clock: Clock,
) -> list[Diagnosis]:
    tables = catalog.load()
    reasons = Reasons(tables.containers.stop_reasons)

    def quota_of(pool: plan.Pool) -> tuple[str, int]:
        """The code of the quota that counts a pool's instances, and their vCPUs at the minimum."""
        kind = tables.instances.types[pool.instance_types[0]]
        purchase = "spot" if pool.purchase.kind == "spot" else "on_demand"
        quota = tables.instances.quota(kind.name, purchase)
        bought = pool.purchase.kind not in ("on_demand", "spot")
        code = quota.code if quota and not bought else ""
        return code, kind.vcpus * pool.layout.instances_min

    def ask(reader: Reader) -> list[Diagnosis]:
        found: list[Diagnosis] = []
        for model in reader.region.models:
            if only in (None, model.name):
                code, vcpus = quota_of(reader.region.pool(model.pool))
                examined = examine(reader, model, code)
                found.append(
                    diagnose(
                        reader.region, model, examined, reader.names, reasons, clock.now(), vcpus
                    )
                )
        return found

    def nothing(region: plan.RegionPlan, why: str) -> list[Diagnosis]:
        return [unread(region, m, why) for m in region.models if only in (None, m.name)]

    return [d for some in read_each(account, regions, names, ask, nothing) for d in some]


def _render(
    described: plan.Plan, found: Sequence[Diagnosis], width: int, *, whole: bool
) -> Iterator[str]:
    bad = sum(not d.is_well for d in found)
    said = f"{bad} of {counted(len(found), 'model')} not well" if bad else "nothing is broken"
    yield f"{described.project}/{described.stack}: {said}"
    for one in found:
        if whole or not one.is_well:
            yield ""
            yield from _one(one, width)


def _one(one: Diagnosis, width: int) -> Iterator[str]:
    running = of_wanted(one.running, one.promised, "running")
    yield f"{one.model} in {one.region}: {one.state}, {running}"
    for text in one.unread:
        yield from wrapped(f"not read: {text}", width, "  ", "    ")
    coloured = terminal.is_coloured(sys.stdout)
    for link in one.links:
        word = _WORDS[link.verdict]
        shown = paint(word, _COLOURS[link.verdict]) if coloured else word
        head = f"  {link.name:<12}{shown}{' ' * (8 - len(word))} "
        fact = "see below" if link.verdict == "broken" else link.fact
        yield (head + fact).rstrip()
    broken = one.broken
    for link in broken[:1]:
        yield from _broken(f"first broken link: {link.name}", link, width)
    for link in broken[1:]:
        yield from _broken(f"below it: {link.name}", link, width)


def _broken(head: str, link: Link, width: int) -> Iterator[str]:
    yield from wrapped(f"{head}: {link.fact}", width, "  ", "    ")
    if link.means:
        yield from wrapped(link.means, width, "    means: ", " " * 11)
    if link.do:
        yield from wrapped(link.do, width, "    do:    ", " " * 11)


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
