"""`make sandbox`: a stack in an account on loopback, until Ctrl-C."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event

from neuron_ecs.operations.observed import family_of
from tests.account.incidents import INCIDENTS
from tests.account.running import Sandbox, environment, sandbox
from tests.account.state import Trouble


def main() -> int:
    """Serves the account, and says how to point the commands there."""
    parser = argparse.ArgumentParser(prog="make sandbox", description=__doc__)
    told = ", ".join(f"{i.name} ({i.said})" for i in INCIDENTS.values())
    parser.add_argument("--incident", choices=INCIDENTS, metavar="NAME", help=told)
    parser.add_argument("--file", metavar="PATH", help="a stack file (Pulumi.dev.yaml)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="a port (a free one)")
    given = parser.parse_args()
    file = INCIDENTS[given.incident].file if given.incident else given.file or "Pulumi.dev.yaml"
    if given.file not in (None, file):
        parser.error(f"--incident {given.incident} happens to {file}")
    print(f"creating the stack of {file} on loopback ...", flush=True)
    with sandbox(file, clock=lambda: datetime.now(UTC), port=given.port) as dev:
        print(*begin(dev, given.incident), sep="\n", flush=True)
        with suppress(KeyboardInterrupt):
            Event().wait()
    return 0


def begin(dev: Sandbox, incident: str | None) -> Iterator[str]:
    """Makes an incident happen, and says where the account is and what is wrong with it."""
    named = environment(dev.address)
    yield f"It runs at {dev.address}. In another terminal:\n"
    yield "  export " + " \\\n    ".join(f"{key}={value}" for key, value in named.items())
    stack = "--stack dev" if dev.file == "Pulumi.dev.yaml" else f"--file {dev.file}"
    yield f"  .venv/bin/neuron-ecs status {stack}\n"
    if incident is None:
        yield f"With an incident: make sandbox INCIDENT=NAME, of {', '.join(INCIDENTS)}."
    else:
        happens = INCIDENTS[incident]
        happens.happen(dev)
        yield f"{happens.minutes} minutes ago: {happens.said}. docs/runbook.md says what to do."
    dev.account.state.troubles += _jobs_end(dev)
    yield "Ctrl-C ends it."


def _jobs_end(dev: Sandbox) -> Iterator[Trouble]:
    """Nothing runs in the account: a task of a job ends well after a while."""
    for place in dev.account.state.places.values():
        families = {family_of(definition) for definition in place.definitions}
        for family in families - {family_of(s["taskDefinition"]) for s in place.services.values()}:
            yield Trouble(
                family,
                "ends",
                "EssentialContainerExited",
                "Essential container in task exited",
                exit_code=0,
                lines=("this line is of the account on loopback: it runs no container",),
            )


if __name__ == "__main__":
    sys.exit(main())
