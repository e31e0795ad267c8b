"""The `jobs` command: edits the jobs of a stack file, and lists their runs."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import catalog
from messages.phrases import counted
from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.parser import Parser
from neuron_ecs.arguments.stack import OfRunning, head_of, known_workload, operation
from neuron_ecs.edits.entries import add_actions
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.reading import Reader, read_all
from neuron_ecs.operations.reasons import Reasons, exit_code
from neuron_ecs.operations.runs import Run, runs
from neuron_ecs.operations.status import unread_parts
from neuron_ecs.operations.status_text import age
from neuron_ecs.stackfile.entries import JOBS
from neuron_ecs.terminal import ERRORS, FINE, progress, table, wrapped, write_json
from planning import plan

VERSION = 1

_EXAMPLES = """\
  neuron-ecs jobs add check image=IMAGE capacity=inf2 neuron_devices=1 command='neuron-ls -j'
  neuron-ecs jobs set check 'schedule={expression: cron(0 3 * * ? *), timezone: UTC}'"""

_EPILOG = """\
examples:
  neuron-ecs jobs --stack prod
  neuron-ecs jobs runs nightly --stack prod

AWS tells of a stopped task for an hour.

exit codes: 0 listed, 1 something could not be read, 2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `jobs runs`."""

    job: str | None = positional(metavar="JOB", nargs="?", help="one job")


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    known_workload(described, arguments.job, models=False)
    regions = arguments.regions(described)
    reasons = Reasons(catalog.load().containers.stop_reasons)

    def ask(reader: Reader) -> tuple[Iterator[Run], Iterator[str]]:
        observed = reader.recent()
        found = (r for r in runs(reader.region, observed) if arguments.job in (None, r.workload))
        return found, unread_parts(reader.region, observed)

    with progress(f"reading {', '.join(r.name for r in regions)} from AWS"):
        found, unread = read_all(Account(connect), regions, arguments.names(), ask)
    now = clock.now()
    found.sort(key=lambda r: r.task.started or now)
    if arguments.json:
        document = {"unread": unread, "runs": [as_object(r, reasons) for r in found]}
        write_json(head_of(described, VERSION) | document, sys.stdout)
    else:
        lines = _render(described, found, unread, reasons, now, arguments.width)
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return ERRORS if unread else FINE


def as_object(one: Run, reasons: Reasons) -> dict[str, object]:
    """A run for JSON."""
    task, meant = one.task, one.meant(reasons)
    return {
        "region": one.region,
        "name": one.workload,
        "task": task.name,
        "state": task.last_status,
        "started": task.started.isoformat() if task.started else None,
        "stopped": task.stopped.isoformat() if task.stopped else None,
        "started_by": one.started_by,
        "exit_code": exit_code(task),
        "why": one.why(reasons),
        "means": meant.meaning if meant else "",
        "do": meant.action if meant else "",
    }


def _render(
    described: plan.Plan,
    found: Sequence[Run],
    unread: Sequence[str],
    reasons: Reasons,
    now: datetime,
    width: int,
) -> Iterator[str]:
    going = sum(not r.is_over for r in found)
    yield f"{described.project}/{described.stack}: {counted(going, 'run')} under way"
    for text in unread:
        yield from wrapped(f"not read: {text}", width, "  ", "    ")
    if not found:
        yield "  no run in the last hour; `neuron-ecs run JOB` starts one"
        return
    rows = [("job", "task", "Region", "result", "started", "took", "by")]
    rows += [
        (
            r.workload,
            r.task.name[:8],
            r.region,
            r.result,
            f"{age(r.task.started, now)} ago" if r.task.started else "",
            age(now - r.took, now) if r.took else "",
            r.started_by,
        )
        for r in found
    ]
    yield from table(rows, indent="  ", width=width)
    for one in found:
        yield from explained(one, reasons, width)


def explained(one: Run, reasons: Reasons, width: int) -> Iterator[str]:
    """Why a run ended, what it means and what to do; nothing if it did what it should."""
    why = one.why(reasons)
    if why:
        yield from wrapped(f"{one.workload} {one.task.name[:8]}: {why}", width, "  ", "    ")
        meant = one.meant(reasons)
        if meant is not None:
            yield from wrapped(meant.meaning, width, "    means: ", " " * 11)
            yield from wrapped(meant.action, width, "    do:    ", " " * 11)


_add_runs, run = operation(Arguments, VERSION, _EPILOG, _run)


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `jobs`; without one it lists the runs."""
    action = add_actions(parser, JOBS, _EXAMPLES)
    _add_runs(action("runs", "lists the runs of jobs; `jobs` alone does so too"))
    parser.action = "runs"
