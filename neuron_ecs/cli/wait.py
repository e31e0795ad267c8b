"""The `wait` command: until the services of a stack are steady."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Lock

from neuron_ecs.arguments.options import positional, timeout
from neuron_ecs.arguments.stack import OfRunning, head_of, known_workload, operation
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.clock import Clock
from neuron_ecs.operations.reading import Reader, read_each
from neuron_ecs.operations.steady import Steadiness, unread, until_steady
from neuron_ecs.terminal import ERRORS, FINE, TIMED_OUT, write_json
from planning import plan

VERSION = 1

_EPILOG = """\
examples:
  neuron-ecs wait --stack prod
  neuron-ecs wait llama --stack prod --timeout 30m && ./smoke-test

A model that rests outside of the hours of the Capacity Blocks of its pool is not waited for.

exit codes: 0 every deployment is complete and every replica runs, 1 a deployment failed or
something could not be read, 2 wrong usage, 4 no credentials, 124 not within --timeout."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `wait`."""

    model: str | None = positional(metavar="MODEL", nargs="?", help="one model")
    timeout: int = timeout()


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, clock: Clock) -> int:
    known_workload(described, arguments.model, jobs=False)
    found = waited(
        Account(connect),
        arguments,
        arguments.regions(described),
        clock,
        clock.now() + timedelta(seconds=arguments.timeout),
        only=arguments.model,
    )
    if arguments.json:
        document = {"models": [asdict(s) for s in found]}
        write_json(head_of(described, VERSION) | document, sys.stdout)
    return code_of(found)


def code_of(found: Sequence[Steadiness]) -> int:
    """The exit code of what was waited for."""
    verdicts = {s.verdict for s in found}
    if verdicts & {"failed", "unknown"}:
        return ERRORS
    return TIMED_OUT if "moves" in verdicts else FINE


def waited(
    account: Account,
    arguments: OfRunning,
    regions: Sequence[plan.RegionPlan],
    clock: Clock,
    until: datetime,
    *,
    only: str | None,
) -> list[Steadiness]:
    """Waits in several Regions at once, and prints what changes."""
    shown: dict[tuple[str, str], Steadiness] = {}
    writing = Lock()

    def seen(found: Sequence[Steadiness]) -> None:
        with writing:
            for one in found:
                if shown.get((one.region, one.model)) != one:
                    shown[one.region, one.model] = one
                    head = f"{clock.now():%H:%M:%S}  {one.region}  {one.model}: "
                    word = "" if one.verdict == "moves" else f"{one.verdict}, "
                    arguments.say(f"{head}{word}{one.said}", later="    ")

    def ask(reader: Reader) -> list[Steadiness]:
        return until_steady(reader, clock, until, only=only, seen=seen)

    answers = read_each(
        account,
        regions,
        arguments.names(),
        ask,
        lambda region, why: [unread(region.name, only or "all models", why)],
    )
    found = [s for some in answers for s in some]
    seen([s for s in found if s.verdict == "unknown"])
    return found


add_arguments, run = operation(Arguments, VERSION, _EPILOG, _run)
