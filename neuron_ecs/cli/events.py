"""The `events` command: what happened, in order of time."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

import catalog
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option, positional, watch
from neuron_ecs.arguments.stack import OfRunning, head_of, known_workload, operation
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock, seconds
from neuron_ecs.operations.events import Event, events, headline, newest, render
from neuron_ecs.operations.observed import Names
from neuron_ecs.operations.reading import Reader, read_all
from neuron_ecs.operations.reasons import Reasons
from neuron_ecs.operations.status import unread_parts
from neuron_ecs.terminal import ERRORS, FINE, progress, wrapped, write_json
from planning import plan

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs events --stack prod
  neuron-ecs events llama --stack prod --since 1d

AWS tells of a stopped task for an hour, and of the newest 100 messages of a service.

exit codes: 0 shown, 1 something could not be read, 2 wrong usage, 4 no credentials."""


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:6]) <= 10_000:
        raise argparse.ArgumentTypeError("write a number from 1 to 10000")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `events`."""

    model: str | None = positional(
        metavar="MODEL", nargs="?", help="one model or job, and the instances of its pool"
    )
    since: int = option(
        metavar="TIME", type=seconds, default=3 * 3600, help="how far back, such as 30m or 2d (3h)"
    )
    limit: int = option(
        metavar="N", type=_number, default=100, help="at most so many, the newest (100)"
    )
    watch: int | None = watch("what is new")


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    known_workload(described, arguments.model)
    regions = arguments.regions(described)
    account, names = Account(connect), arguments.names()
    since = clock.now() - timedelta(seconds=arguments.since)
    printed: set[Event] = set()
    is_first = True
    while True:
        with progress(f"reading {', '.join(r.name for r in regions)} from AWS"):
            happened, unread = _read(account, regions, names, arguments.model)
        found = [e for e in happened if e not in printed]
        shown, more = newest(found, since, arguments.limit)
        if shown or is_first:
            _write(arguments, described, shown, more, unread, clock, is_first=is_first)
        printed |= set(found)
        is_first = False
        if arguments.watch is None:
            return ERRORS if unread else FINE
        sys.stdout.flush()
        clock.sleep(arguments.watch)


def _read(
    account: Account,
    regions: Sequence[plan.RegionPlan],
    names: dict[str, Names] | None,
    only: str | None,
) -> tuple[list[Event], list[str]]:
    """The events of every Region, and what could not be read."""
    reasons = Reasons(catalog.load().containers.stop_reasons)

    def ask(reader: Reader) -> tuple[list[Event], Iterator[str]]:
        observed = reader.with_activities(only)
        found = events(reader.region, observed, reader.names, reasons, only)
        return found, unread_parts(reader.region, observed)

    return read_all(account, regions, names, ask)


def _write(
    arguments: Arguments,
    described: plan.Plan,
    shown: Sequence[Event],
    more: int,
    unread: Sequence[str],
    clock: Clock,
    *,
    is_first: bool,
) -> None:
    if arguments.json:
        document = {
            **head_of(described, VERSION),
            "left_out": more,
            "unread": list(unread),
            "events": [{**asdict(e), "at": e.at.isoformat()} for e in shown],
        }
        write_json(document, sys.stdout)
        return
    lines: list[str] = []
    if is_first:
        title = f"{described.project}/{described.stack}: {headline(shown, more)} (times are UTC)"
        lines += wrapped(title, arguments.width)
        for text in unread:
            lines += wrapped(f"not read: {text}", arguments.width, "", "  ")
    lines += render(
        shown, clock.now(), width=arguments.width, coloured=terminal.is_coloured(sys.stdout)
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
