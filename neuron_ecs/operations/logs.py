"""The log lines of a model or job, read from CloudWatch Logs and merged by time."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from neuron_ecs.operations.aws import Calls
from neuron_ecs.operations.reasons import Reasons, explained
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import UsageError, one_line, paint, progress

MOST = 10_000
"""Lines of a Region that are read at once."""
_SLASHES = 2  # in the name of a container's stream
_PAGES = 200  # a page can be empty while more follow
_COLOURS = ("36", "32", "33", "35", "34", "96", "92", "93", "95", "94")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a container of a task wrote."""

    at: datetime
    region: str
    container: str
    task: str
    text: str
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are shown: those of tasks whose id begins so, in which the pattern occurs."""

    task: str = ""
    pattern: re.Pattern[str] | None = None

    def has(self, line: Line) -> bool:
        """Whether the line is shown."""
        if not line.task.startswith(self.task.rpartition("/")[2]):
            return False
        return self.pattern is None or self.pattern.search(line.text) is not None


def read_logs(stack: Stack, name: str, since: datetime) -> tuple[list[Line], list[str]]:
    """The lines of a model or job of every Region, and what could not be read."""
    groups = groups_of(stack, name)

    def ask(aws: Calls) -> tuple[list[Line], list[str]]:
        found = aws.tried(
            "CloudWatch Logs FilterLogEvents",
            lambda: read_lines(aws, groups[aws.region], name, since),
        )
        lines, cut = found or ([], "")
        failed = [*map(str, aws.failed), *([cut] if cut else [])]
        return lines, [f"{aws.region}: {text}" for text in failed]

    with progress(f"reading the log of {name}"):
        answers = stack.account.ask_each(
            list(groups), ask, lambda region, why: ([], [f"{region}: {why}"])
        )
    return [x for lines, _ in answers for x in lines], [t for _, more in answers for t in more]


def groups_of(stack: Stack, name: str) -> dict[str, str]:
    """The log groups of a model or job by Region. Raises `UsageError` if it runs in none."""
    found = {
        region.name: work.log_group.name
        for region in stack.regions
        for work in (*region.models, *region.jobs)
        if work.name == name
    }
    if not found:
        raise UsageError(f"{name} does not run in {', '.join(r.name for r in stack.regions)}")
    return found


def read_lines(aws: Calls, group: str, name: str, since: datetime) -> tuple[list[Line], str]:
    """Returns the lines of a log group since a time, and why there may be more; empty if not.

    Streams are called `<container>/<container>/<task>`, and each container begins with the name
    of its model or job. Streams of other names have what measures a server written there.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    found: list[Line] = []
    more: dict[str, str] = {}
    for _ in range(_PAGES):
        answer = cast(
            "dict[str, Any]",
            aws.logs.filter_log_events(
                logGroupName=group,
                logStreamNamePrefix=name,
                startTime=int(since.timestamp() * 1000),
                **more,
            ),
        )
        found += [
            _line(aws.region, event)
            for event in answer.get("events", ())
            if event.get("logStreamName", "").count("/") == _SLASHES
        ]
        if not answer.get("nextToken"):
            return found, ""
        if len(found) >= MOST:
            break
        more = {"nextToken": answer["nextToken"]}
    return found, f"only the first {len(found)} lines were read; write a shorter --since"


def _line(region: str, event: dict[str, Any]) -> Line:
    container, _, task = event.get("logStreamName", "").rpartition("/")
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    text = event.get("message", "").rstrip("\r\n")
    return Line(at, region, container.rpartition("/")[2], task, text, event.get("eventId", ""))


class Merge:
    """Merges what was read again and again: each line once, in order of time."""

    overlap = timedelta(minutes=1)
    """Lines can reach CloudWatch Logs later than their time says."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self._seen: dict[tuple[str, str], datetime] = {}

    def new(self, lines: Iterable[Line]) -> list[Line]:
        """The lines that were not there before. Moves `since` forward for the next reading."""
        fresh: dict[tuple[str, str], Line] = {}
        for line in lines:
            if (line.region, line.id) not in self._seen:
                fresh[line.region, line.id] = line
        self._seen |= {key: line.at for key, line in fresh.items()}
        last = max(self._seen.values(), default=self.since)
        self.since = max(self.since, last - self.overlap)
        self._seen = {key: at for key, at in self._seen.items() if at >= self.since}
        return sorted(fresh.values(), key=lambda line: (line.at, line.region, line.task))


def renderer(
    regions: Sequence[str], name: str, reasons: Reasons, *, coloured: bool
) -> Callable[[Iterable[Line]], Iterator[str]]:
    """Returns what writes lines: the time, the Region if there are several, the task, the text.

    Each task has a colour. Below the first line of a known error stands what it means.
    """
    colours: dict[str, str] = {}
    told: set[str] = set()

    def render(lines: Iterable[Line]) -> Iterator[str]:
        for line in lines:
            parts = [f"{line.at:%H:%M:%S.%f}"[:-3]]
            parts += [line.region] if len(regions) > 1 else []
            parts.append(line.task[:8])
            parts += [line.container] if line.container != name else []
            head = one_line("  ".join(parts))
            if coloured:
                colour = colours.setdefault(line.task, _COLOURS[len(colours) % len(_COLOURS)])
                head = paint(head, colour)
            yield f"{head}  {one_line(line.text)}"
            meant = reasons.of_line(line.text)
            if meant is not None and meant.text not in told:
                told.add(meant.text)
                yield from explained(meant.meaning, meant.action, 0, "      ")

    return render
