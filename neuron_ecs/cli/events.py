"""The `events` command: what happened, in order of time."""

import argparse
from dataclasses import asdict, dataclass

from neuron_ecs.arguments.options import option, positional, watch
from neuron_ecs.arguments.stack import OfRunning, operation
from neuron_ecs.operations.clock import seconds
from neuron_ecs.operations.events import Event, headline, newest, read_events, render
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import ERRORS, FINE

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


def _run(arguments: Arguments, stack: Stack) -> int:
    stack.refuse_unknown(arguments.model)
    since = stack.clock.after(-arguments.since)
    printed: set[Event] = set()
    unread: list[str] = []
    for number, _ in enumerate(stack.clock.times(arguments.watch)):
        happened, unread = read_events(stack, arguments.model)
        found = [e for e in happened if e not in printed]
        shown, more = newest(found, since, arguments.limit)
        if number == 0:
            arguments.say(f"{stack.title}: {headline(shown, more)} (times are UTC)")
            for text in unread:
                arguments.say(f"not read: {text}")
        if shown or number == 0:
            now = stack.clock.now()
            arguments.write(render(shown, now, width=arguments.width, coloured=arguments.coloured))
            arguments.report(stack, left_out=more, unread=unread, events=[asdict(e) for e in shown])
        printed |= set(found)
    return ERRORS if unread else FINE


add_arguments, run = operation(Arguments, _EPILOG, _run)
