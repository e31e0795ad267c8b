"""The `stop` command: stops the runs of a job, or one task."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from messages.phrases import counted
from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.stack import Changing, head_of, operation
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.reading import Reader, read_all
from neuron_ecs.operations.runs import Run, runs
from neuron_ecs.operations.status_text import age
from neuron_ecs.operations.stop import stop, until_all_stopped
from neuron_ecs.terminal import ERRORS, FINE, UsageError, progress, table, wrapped, write_json
from planning import plan

VERSION = 1

_LONGEST = timedelta(minutes=10)
_SHORTEST_ID = 4

_EPILOG = """\
examples:
  neuron-ecs stop nightly --stack prod
  neuron-ecs stop 1f3a9c --stack prod

A task of a model can be stopped as well: its service starts another one in its place.

exit codes: 0 stopped, 1 it still runs, something could not be read or the answer was no,
2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Changing):
    """The arguments of `stop`."""

    what: str = positional(
        metavar="JOB|TASK", help="a job, all of its runs; or the id of a task, or how it begins"
    )


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    account, regions = Account(connect), arguments.regions(described)
    found, unread = _found(arguments, described, account, regions)
    for text in unread:
        lines = wrapped(f"not read: {text}", arguments.width, "", "  ")
        sys.stderr.writelines(f"{line}\n" for line in lines)
    if not found and not unread and arguments.what in {j.name for r in regions for j in r.jobs}:
        raise UsageError(f"{arguments.what}: no run of it is under way", ERRORS)
    if not found and not unread:
        raise UsageError(
            f"{arguments.what}: no such task runs; `neuron-ecs jobs` lists the runs of jobs, and "
            "`neuron-ecs status MODEL` the tasks of a model"
        )
    if not arguments.json and found:
        rows = [("name", "task", "Region", "state", "started")]
        now = clock.now()
        rows += [
            (r.workload, r.task.name[:8], r.region, r.result, age(r.task.started, now))
            for r in found
        ]
        lines = list(table(rows, indent="  ", width=arguments.width))
        if any(not r.is_job for r in found):
            text = "a model's service starts another task in its place"
            lines += wrapped(text, arguments.width, "  ", "  ")
        sys.stdout.writelines(f"{line}\n" for line in lines)
    if not found or not arguments.agreed(f"stop {counted(len(found), 'task')}?"):
        if arguments.json:
            _write(described, found, [r.task.name for r in found])
        return ERRORS
    left = _stop(account, found, clock)
    if arguments.json:
        _write(described, found, left)
    else:
        done = len(found) - len(left)
        sys.stdout.write(f"{counted(done, 'task')} stopped\n")
        for name in left:
            sys.stdout.write(f"task {name[:8]} is still stopping; its devices are not free yet\n")
    return ERRORS if left or unread else FINE


def _write(described: plan.Plan, found: list[Run], left: list[str]) -> None:
    tasks = [
        {
            "region": r.region,
            "name": r.workload,
            "task": r.task.name,
            "stopped": r.task.name not in left,
        }
        for r in found
    ]
    write_json(head_of(described, VERSION) | {"tasks": tasks}, sys.stdout)


def _found(
    arguments: Arguments,
    described: plan.Plan,
    account: Account,
    regions: list[plan.RegionPlan],
) -> tuple[list[Run], list[str]]:
    """What is to be stopped, and what could not be read."""
    what = arguments.what.rpartition("/")[2]
    jobs = {j.name for r in described.regions for j in r.jobs}
    models = {m.name for r in described.regions for m in r.models}
    if what in models - jobs:
        raise UsageError(
            f"{what} is a model, whose service would start its tasks again; name one task, or "
            f"scale the model: neuron-ecs scale {what} 0"
        )
    if what not in jobs and len(what) < _SHORTEST_ID:
        raise UsageError(f"{what}: name a job, or a task by at least {_SHORTEST_ID} characters")

    def ask(reader: Reader) -> tuple[Iterator[Run], Iterator[str]]:
        observed = reader.recent()
        there = (
            r
            for r in runs(reader.region, observed, jobs_only=False)
            if not r.is_over
            and (r.workload == what if what in jobs else r.task.name.startswith(what))
        )
        return there, map(str, observed.failed_calls)

    with progress(f"reading {', '.join(r.name for r in regions)} from AWS"):
        return read_all(account, regions, arguments.names(), ask)


def _stop(account: Account, found: list[Run], clock: Clock) -> list[str]:
    """Stops the tasks, and returns those that have not stopped some minutes later."""
    left: list[str] = []
    places: dict[tuple[str, str], list[str]] = {}
    for one in found:
        places.setdefault((one.region, one.cluster), []).append(one.task.arn)
    for (region, cluster), arns in places.items():
        account.must(region, lambda aws, c=cluster, a=arns: aws.each(a, lambda t: stop(aws, c, t)))
    for (region, cluster), arns in places.items():
        with progress("waiting until they have stopped"):
            still = account.must(
                region,
                lambda aws, c=cluster, a=arns: until_all_stopped(
                    aws, c, a, clock, clock.now() + _LONGEST
                ),
            )
        left += [task.name for task in still]
    return left


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
