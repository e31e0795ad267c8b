"""Compares what runs in the Regions of a stack with its plan, and says it as text."""

from collections.abc import Iterator, Sequence

from messages.phrases import counted
from neuron_ecs.operations.compare import compare
from neuron_ecs.operations.observed import Check, unread_region
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import table, wrapped

_WORDS = {"ok": "ok", "note": "note", "differs": "DIFFERS", "unknown": "UNKNOWN"}


def verify(stack: Stack) -> list[Check]:
    """The checks of every Region in the plan's order. Raises `UsageError` without credentials."""
    with stack.reading():
        answers = stack.ask_each(
            lambda reader: compare(
                reader.region, reader.observation(), reader.names, stack.clock.now()
            ),
            unread_region,
        )
    return [check for checks in answers for check in checks]


def render(stack: Stack, checks: Sequence[Check], found_by: str, width: int) -> Iterator[str]:
    """The verdict in a line, then a table for each Region with what is wrong below its row."""
    parts = [
        counted(len(stack.regions), "Region"),
        counted(len(checks), "check"),
        *(
            f"{sum(c.verdict == verdict for c in checks)} {words}"
            for verdict, words in (("differs", "not as planned"), ("unknown", "without an answer"))
            if any(c.verdict == verdict for c in checks)
        ),
    ]
    if all(c.verdict in ("ok", "note") for c in checks):
        parts.append("all as planned")
    yield f"{stack.title}: {', '.join(parts)}"
    how = "the stack's outputs" if found_by == "outputs" else "the plan's keys and their suffix"
    yield f"resources found by {how}"
    for region in stack.regions:
        here = [c for c in checks if c.region == region.name]
        yield ""
        yield region.name
        rows = [(_WORDS[c.verdict], c.kind, c.name) for c in here]
        whole = table([(*row, c.found) for row, c in zip(rows, here, strict=True)], indent="  ")
        heads = table(rows, indent="  ")
        for check, line, head in zip(here, whole, heads, strict=True):
            if width <= 0 or len(line) <= width:
                yield line
            else:
                yield head
                yield from wrapped(check.found, width, " " * 8, " " * 8)
            for problem in check.problems:
                yield from wrapped(problem, width, "      - ", " " * 8)
