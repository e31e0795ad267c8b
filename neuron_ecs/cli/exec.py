"""The `exec` command: a shell, or another command, in a running task of a model."""

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from messages.phrases import listed
from neuron_ecs.arguments.options import REST, option, positional
from neuron_ecs.arguments.parser import Parser
from neuron_ecs.arguments.stack import OfRunning, known_workload
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.reading import Reader, read_all
from neuron_ecs.operations.runs import runs
from neuron_ecs.operations.sessions import Launch, Place, launch, plugin, session
from neuron_ecs.operations.status import unread_parts
from neuron_ecs.terminal import ERRORS, UsageError, progress, write_json
from planning import plan

VERSION = 1

_SHELL = "/bin/sh"

_EPILOG = """\
examples:
  neuron-ecs exec llama --stack prod
  neuron-ecs exec llama --region eu-central-1 -- neuron-top

It needs exec: true of the model, and the Session Manager plugin. Whoever may do this is root in
the container.

exit codes: 0 the session ended, whatever the command ended with, else that of the plugin;
1 no task runs, 2 wrong usage or no plugin, 4 no credentials."""


@dataclass(frozen=True, kw_only=True)
class Arguments(OfRunning):
    """The arguments of `exec`."""

    work: str = positional(metavar="MODEL|JOB", help="a model or a job of the stack")
    words: list[str] = positional(
        metavar=REST, nargs="*", help=f"what to run in the container ({_SHELL})"
    )
    task: str = option(metavar="ID", default="", help="the task whose id begins so")
    container: str = option(metavar="NAME", default="", help="a sidecar in place of the model")


def add_arguments(parser: Parser) -> None:
    """Adds the arguments of `exec`."""
    parser.calls(Arguments, run, _EPILOG)


def run(arguments: Arguments, connect: Connect | None = None, start: Launch = launch) -> int:
    """Opens the session. Raises `Refused` as the plan does, and `UsageError`."""
    return arguments.answered(VERSION, lambda stack: _run(arguments, stack, connect, start))


def _run(arguments: Arguments, described: plan.Plan, connect: Connect | None, start: Launch) -> int:
    name = arguments.work
    known_workload(described, name)
    regions = arguments.regions(described)
    for region in regions:
        _refuse_closed(region, name)
    account = Account(connect)

    def ask(reader: Reader) -> tuple[list[tuple[str, Place]], Iterator[str]]:
        observed = reader.recent()
        there = [
            (run.region, Place(run.cluster, run.task, arguments.container or name))
            for run in runs(reader.region, observed, jobs_only=False)
            if run.workload == name
            and run.task.is_running
            and run.task.name.startswith(arguments.task)
        ]
        return there, unread_parts(reader.region, observed)

    with progress("looking for a task"):
        found, unread = read_all(account, regions, arguments.names(), ask)
    if not found:
        why = "; ".join(unread)
        raise UsageError(why or f"no task of {name} runs; see neuron-ecs status {name}", ERRORS)
    region_name, place = found[0]
    names = [c.name for c in place.task.containers]
    if place.container not in names:
        raise UsageError(f"the task has no container {place.container}; it has {listed(names)}")
    program = plugin() if start is launch else "session-manager-plugin"
    command = shlex.join(arguments.words) or _SHELL
    words = account.must(region_name, lambda aws: session(aws, place, command))
    if arguments.json:
        write_json({"version": VERSION, "region": region_name, "task": place.task.name}, sys.stdout)
    else:
        sys.stdout.write(f"{name}, task {place.task.name[:8]} in {region_name}: {command}\n")
    sys.stdout.flush()
    return start([program, *words])


def _refuse_closed(region: plan.RegionPlan, name: str) -> None:
    services = [s for m in region.models if m.name == name for s in m.services]
    if any(not s.exec for s in services):
        raise UsageError(
            f"models.{name}.exec is false, so no task allows it; neuron-ecs models set {name} "
            "exec=true, and update the stack"
        )
