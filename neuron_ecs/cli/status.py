"""The `status` command: what runs, by model and chip."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from neuron_ecs.arguments.options import positional, watch
from neuron_ecs.arguments.stack import OfRunning, operation
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.status import RegionStatus, read_status
from neuron_ecs.operations.status_text import render
from neuron_ecs.terminal import ERRORS, FINE

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


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.model)
    shown: list[RegionStatus] | None = None
    for _ in stack.clock.times(arguments.watch):
        found = read_status(stack, arguments.model)
        if found != shown:
            _write(arguments, stack, found)
            shown = found
    return FINE if all(r.good for r in shown or ()) else ERRORS


def _write(arguments: Arguments, stack: Stack, found: Sequence[RegionStatus]) -> None:
    now = stack.clock.now()
    if arguments.json:
        good, regions = all(r.good for r in found), [{"good": r.good, **asdict(r)} for r in found]
        arguments.report(stack, at=now, good=good, regions=regions)
        return
    arguments.write(
        render(
            f"{stack.title} at {now:%H:%M:%S} UTC",
            found,
            now,
            width=arguments.width,
            coloured=arguments.coloured,
            whole=arguments.model is not None,
        )
    )


add_arguments, run = operation(Arguments, _EPILOG, _run)
