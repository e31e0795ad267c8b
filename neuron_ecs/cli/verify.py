"""The `verify` command: compares what runs with the plan."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from messages.phrases import counted
from neuron_ecs.arguments.parser import Parser
from neuron_ecs.arguments.stack import OfRunning, head_of
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import REAL, Clock
from neuron_ecs.operations.compare import compare
from neuron_ecs.operations.observed import Check, Names, unread_region
from neuron_ecs.operations.reading import read_each
from neuron_ecs.terminal import (
    ERRORS,
    FINE,
    progress,
    table,
    wrapped,
    write_json,
)
from planning import plan

VERSION = 1

_WORDS = {"ok": "ok", "note": "note", "differs": "DIFFERS", "unknown": "UNKNOWN"}

_EPILOG = """\
example:
  neuron-ecs verify --stack prod

exit codes: 0 all as planned, 1 a difference or no answer, 2 wrong usage, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `verify`."""


def add_arguments(parser: Parser) -> None:
    """Adds the arguments of `verify`."""
    parser.calls(Arguments, run, _EPILOG)


def run(arguments: Arguments, connect: Connect | None = None, clock: Clock = REAL) -> int:
    """Writes every check. Raises `Refused` as the plan does, and `UsageError`.

    Without `--outputs`, resources are found by the plan's keys and the suffix of the engine.
    """
    return arguments.answered(VERSION, lambda stack: _run(arguments, stack, connect, clock))


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    names = arguments.names()
    asked = replace(described, regions=tuple(arguments.regions(described)))
    checks = verify(asked, names, connect, clock)
    found_by = "keys" if names is None else "outputs"
    if arguments.json:
        write_json(document(asked, checks, found_by), sys.stdout)
    else:
        lines = render(asked, checks, found_by, width=arguments.width)
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return ERRORS if any(c.verdict in ("differs", "unknown") for c in checks) else FINE


def verify(
    described: plan.Plan,
    names: Mapping[str, Names] | None = None,
    connect: Connect | None = None,
    clock: Clock = REAL,
) -> list[Check]:
    """The checks of every Region in the plan's order. Raises `UsageError` without credentials."""
    with progress(f"reading {', '.join(r.name for r in described.regions)} from AWS"):
        answers = read_each(
            Account(connect),
            described.regions,
            names,
            lambda reader: compare(reader.region, reader.observation(), reader.names, clock.now()),
            unread_region,
        )
    return [check for checks in answers for check in checks]


def document(described: plan.Plan, checks: Sequence[Check], found_by: str) -> dict[str, object]:
    """`{"version", "project", "stack", "found_by", "as_planned", "checks": [...]}`."""
    return {
        **head_of(described, VERSION),
        "found_by": found_by,
        "as_planned": all(c.verdict in ("ok", "note") for c in checks),
        "checks": [
            {
                "region": c.region,
                "kind": c.kind,
                "name": c.name,
                "verdict": c.verdict,
                "found": c.found,
                "problems": list(c.problems),
            }
            for c in checks
        ],
    }


def render(
    described: plan.Plan, checks: Sequence[Check], found_by: str, *, width: int
) -> Iterator[str]:
    """The verdict in a line, then a table for each Region with what is wrong below its row."""
    parts = [
        counted(len(described.regions), "Region"),
        counted(len(checks), "check"),
        *(
            f"{sum(c.verdict == verdict for c in checks)} {words}"
            for verdict, words in (("differs", "not as planned"), ("unknown", "without an answer"))
            if any(c.verdict == verdict for c in checks)
        ),
    ]
    if all(c.verdict in ("ok", "note") for c in checks):
        parts.append("all as planned")
    yield f"{described.project}/{described.stack}: {', '.join(parts)}"
    how = "the stack's outputs" if found_by == "outputs" else "the plan's keys and their suffix"
    yield f"resources found by {how}"
    for region in described.regions:
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
