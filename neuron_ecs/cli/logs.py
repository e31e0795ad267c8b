"""The `logs` command: the log lines of all tasks of a model or job, merged by time."""

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from neuron_ecs.arguments.options import option, positional
from neuron_ecs.arguments.stack import OfRunning, operation
from neuron_ecs.operations.clock import seconds
from neuron_ecs.operations.logs import Line, Merge, Wanted, groups_of, read_logs, renderer
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS, FINE

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


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.work)
    regions = list(groups_of(stack, arguments.work))
    merge = Merge(stack.clock.after(-arguments.since))
    wanted = Wanted(arguments.task, arguments.grep)
    render = renderer(regions, arguments.work, stack.reasons, coloured=arguments.coloured)
    told: set[str] = set()
    for _ in stack.clock.times(_POLL_SECONDS if arguments.follow else None, _LONGEST):
        lines, unread = read_logs(stack, arguments.work, merge.since)
        shown = [line for line in merge.new(lines) if wanted.has(line)]
        texts = map(_as_json, shown) if arguments.json else render(shown)
        sys.stdout.writelines(f"{text}\n" for text in texts)
        sys.stdout.flush()
        for text in (t for t in unread if t not in told):
            told.add(text)
            sys.stderr.write(f"not read: {text}\n")
    return ERRORS if told else FINE


def _as_json(line: Line) -> str:
    return json.dumps(asdict(line), ensure_ascii=False, default=datetime.isoformat)


add_arguments, run = operation(Arguments, _EPILOG, _run)
