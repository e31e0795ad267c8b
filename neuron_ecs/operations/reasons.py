"""Explains exit codes, messages of AWS and lines of logs with the rows of stop_reasons.csv."""

from collections.abc import Iterator, Sequence

from catalog.types import StopReason
from neuron_ecs.operations.observed import ObservedTask
from neuron_ecs.terminal import wrapped

_STOPPED_ON_PURPOSE = frozenset({"ServiceSchedulerInitiated", "UserInitiated", "TerminationNotice"})
_EXITED = "EssentialContainerExited"
_ENDED_BY_ECS = (128 + 9, 128 + 15)  # SIGKILL, SIGTERM


class Reasons:
    """The rows of the table, asked for what a text means."""

    def __init__(self, rows: Sequence[StopReason]) -> None:
        self._rows = rows

    def of_message(self, text: str) -> StopReason | None:
        """What a message of AWS means. It ends with the cause, so its last part decides."""
        return self._part_of(text, "message")

    def of_line(self, text: str) -> StopReason | None:
        """What a line of a log means."""
        return self._part_of(text, "log")

    def of_exit_code(self, code: int) -> StopReason | None:
        """What the exit code of a container means."""
        return next((r for r in self._rows if r.kind == "exit_code" and r.text == str(code)), None)

    def of_task(self, task: ObservedTask) -> StopReason | None:
        """Why a task stopped: its reasons tell more than its exit code, and that than its code."""
        texts = [*(c.reason for c in task.containers), task.stop_reason]
        found = next(filter(None, map(self.of_message, texts)), None)
        if found is not None:
            return found
        code = exit_code(task)
        if code is not None and task.stop_code in ("", _EXITED):
            return self.of_exit_code(code)
        return self.of_message(task.stop_code)

    def is_error(self, task: ObservedTask) -> bool:
        """Whether a task stopped because something went wrong."""
        found = self.of_task(task)
        if found is not None:
            return found.is_error
        return task.stop_code not in _STOPPED_ON_PURPOSE and exit_code(task) != 0

    def _part_of(self, text: str, kind: str) -> StopReason | None:
        lowered = text.lower()
        places = [(lowered.rfind(r.text.lower()), len(r.text)) for r in self._rows]
        found = [
            (place, row)
            for place, row in zip(places, self._rows, strict=True)
            if row.kind == kind and place[0] >= 0
        ]
        return max(found, key=lambda f: f[0])[1] if found else None


def exit_code(task: ObservedTask) -> int | None:
    """The exit code of a stopped task; `None` if none of its containers has one.

    When one container ends, ECS ends the others, with 143 or 137: another code comes first.
    """
    codes = [c.exit_code for c in task.containers if c.exit_code is not None]
    return min(codes, key=lambda c: (c == 0, c in _ENDED_BY_ECS, c), default=None)


def why_stopped(task: ObservedTask) -> str:
    """What AWS says of a stopped task, in one line: its reason, its exit code and its containers'
    reasons."""
    code = exit_code(task)
    parts = [task.stop_reason or task.stop_code or "stopped"]
    parts += [f"{c.name}: {c.reason}" for c in task.containers if c.reason not in parts[0]]
    if code is not None:
        parts.append(f"exit code {code}")
    return "; ".join(parts)


def explained(means: str, do: str, width: int, indent: str) -> Iterator[str]:
    """What an error means and what to do about it, as lines below it; without what is not known."""
    for label, text in (("means: ", means), ("do:    ", do)):
        if text:
            yield from wrapped(text, width, indent + label, indent + " " * len(label))
