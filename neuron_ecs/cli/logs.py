"""The `logs` command: the log lines of all tasks of a model or job, merged by time."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import catalog
from neuron_ecs import terminal
from neuron_ecs.arguments.options import option, positional
from neuron_ecs.arguments.stack import OfRunning, known_workload, operation
from neuron_ecs.operations.aws import Account, Calls, Connect
from neuron_ecs.operations.clock import Clock, seconds
from neuron_ecs.operations.logs import Line, Merge, Wanted, group_of, read_lines, renderer
from neuron_ecs.operations.reasons import Reasons
from neuron_ecs.terminal import ERRORS, FINE, UsageError, progress
from planning import plan

VERSION = 1

_POLL_SECONDS = 2
_LONGEST = timedelta(hours=12)  # then a terminal that was forgotten stops asking

_EPILOG = """\
examples:
  neuron-ecs logs llama --stack prod --since 1h --grep 'ERROR|nrt_'
  neuron-ecs logs llama --stack prod -f

With --json each line is an object of its own.

exit codes: 0 shown, 1 something could not be read, 2 wrong usage, 4 no credentials."""


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `logs`."""

    work: str = positional(metavar="MODEL|JOB", help="a model or a job of the stack")
    follow: bool = option(short="-f", help="go on with new lines; Ctrl-C ends it, or 12 hours")
    since: int = option(
        metavar="TIME", type=seconds, default=600, help="how far back, such as 30m or 2d (10m)"
    )
    grep: re.Pattern[str] | None = option(
        metavar="PATTERN", type=_pattern, help="only lines in which the regular expression occurs"
    )
    task: str = option(metavar="ID", default="", help="only tasks whose id begins so")


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    known_workload(described, arguments.work)
    groups = {r.name: group_of(r, arguments.work) for r in arguments.regions(described)}
    named = {region: group for region, group in groups.items() if group}
    if not named:
        raise UsageError(f"{arguments.work} does not run in {', '.join(groups)}")
    account = Account(connect)
    merge = Merge(clock.now() - timedelta(seconds=arguments.since))
    wanted = Wanted(arguments.task, arguments.grep)
    out = sys.stdout
    render = renderer(
        list(named),
        arguments.work,
        Reasons(catalog.load().containers.stop_reasons),
        coloured=terminal.is_coloured(out),
    )
    end = clock.now() + _LONGEST
    told: set[str] = set()
    while True:
        with progress(f"reading the log of {arguments.work}"):
            lines, unread = _read(account, named, arguments.work, merge.since)
        shown = [line for line in merge.new(lines) if wanted.has(line)]
        texts = map(_as_json, shown) if arguments.json else render(shown)
        out.writelines(f"{text}\n" for text in texts)
        out.flush()
        for text in (t for t in unread if t not in told):
            told.add(text)
            sys.stderr.write(f"not read: {text}\n")
        if not arguments.follow or clock.now() >= end:
            return ERRORS if told else FINE
        clock.sleep(_POLL_SECONDS)


def _as_json(line: Line) -> str:
    return json.dumps(asdict(line) | {"at": line.at.isoformat()}, ensure_ascii=False)


def _read(
    account: Account, groups: dict[str, str], name: str, since: datetime
) -> tuple[list[Line], list[str]]:
    """The lines of every Region, and what could not be read."""

    def ask(aws: Calls) -> tuple[list[Line], Sequence[str]]:
        found = aws.tried(
            "CloudWatch Logs FilterLogEvents",
            lambda: read_lines(aws, groups[aws.region], name, since),
        )
        lines, cut = found or ([], "")
        failed = [*map(str, aws.failed), *([cut] if cut else [])]
        return lines, [f"{aws.region}: {text}" for text in failed]

    answers = account.ask_each(list(groups), ask, lambda name, why: ([], [f"{name}: {why}"]))
    return [x for lines, _ in answers for x in lines], [t for _, more in answers for t in more]


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
