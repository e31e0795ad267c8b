"""The `status` command: what runs, by model and chip."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import catalog
from neuron_ecs import terminal
from neuron_ecs.arguments.options import positional, watch
from neuron_ecs.arguments.stack import OfRunning, head_of, known_workload, operation, plain
from neuron_ecs.operations import status
from neuron_ecs.operations.answers import left_out
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.observed import Names
from neuron_ecs.operations.reading import Reader, read_each
from neuron_ecs.operations.reasons import Reasons
from neuron_ecs.operations.status_text import render
from neuron_ecs.terminal import ERRORS, FINE, progress, write_json
from planning import plan

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs status --stack prod
  neuron-ecs status llama --stack prod --watch

A model runs if every promised replica does, and behind a load balancer is healthy. It rests outside
of the hours of the Capacity Blocks of its pool.
AWS tells of a stopped task for an hour.

exit codes: 0 every promised replica runs, 1 one does not or something could not be read,
2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `status`."""

    model: str | None = positional(metavar="MODEL", nargs="?", help="one model or job, with slots")
    watch: int | None = watch("what has changed")


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    known_workload(described, arguments.model)
    regions = arguments.regions(described)
    account = Account(connect)
    names = arguments.names()
    printed: object = None
    while True:
        with progress(f"reading {', '.join(r.name for r in regions)} from AWS"):
            found = _read(account, regions, names, arguments.model, clock)
        if found != printed:
            _write(arguments, described, found, clock)
            printed = found
        if arguments.watch is None:
            return FINE if all(r.good for r in found) else ERRORS
        sys.stdout.flush()
        clock.sleep(arguments.watch)
        if not arguments.json and found != printed:
            sys.stdout.write("\n")


def _read(
    account: Account,
    regions: Sequence[plan.RegionPlan],
    names: dict[str, Names] | None,
    only: str | None,
    clock: Clock,
) -> list[status.RegionStatus]:
    tables = catalog.load()
    reasons = Reasons(tables.containers.stop_reasons)

    def ask(reader: Reader) -> status.RegionStatus:
        observed = (
            reader.with_targets(only) if only else reader.overview(clock.now(), tables.limits)
        )
        return status.status(reader.region, observed, reader.names, reasons, clock.now(), only)

    found = read_each(account, regions, names, ask, lambda r, why: status.unread(r, why, only))
    readable = {one.name: not one.unread for one in found}
    asked = sorted(regions, key=lambda region: not readable[region.name])
    out, unread = left_out(account, asked, only)
    return [
        replace(one, left_out=out.get(one.name, ()), unread=(*one.unread, *unread)) for one in found
    ]


def _write(
    arguments: Arguments,
    described: plan.Plan,
    found: Sequence[status.RegionStatus],
    clock: Clock,
) -> None:
    now = clock.now()
    if arguments.json:
        document = {
            **head_of(described, VERSION),
            "at": now.isoformat(),
            "good": all(r.good for r in found),
            "regions": [{"good": r.good, **asdict(r, dict_factory=plain)} for r in found],
        }
        write_json(document, sys.stdout)
        return
    title = f"{described.project}/{described.stack} at {now:%H:%M:%S} UTC"
    lines = render(
        title,
        found,
        now,
        width=arguments.width,
        coloured=terminal.is_coloured(sys.stdout),
        whole=arguments.model is not None,
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
