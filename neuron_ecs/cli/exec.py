"""The `exec` command: a shell, or another command, in a running task of a model."""

import shlex
import sys
from dataclasses import dataclass

from messages.phrases import listed
from neuron_ecs.cli.arguments import OfRunning, Parser, known_workload
from neuron_ecs.cli.options import REST, option, positional
from neuron_ecs.operations.aws import Account, Connect
from neuron_ecs.operations.observed import Observation, family_of
from neuron_ecs.operations.reading import read_each
from neuron_ecs.operations.sessions import Launch, Place, launch, plugin, session
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
    families: dict[str, set[str]] = {}
    for region in arguments.regions(described):
        _refuse_closed(region, name)
        families[region.name] = _families(region, name)
    account = Account(connect)

    def there(region: plan.RegionPlan, observed: Observation) -> list[tuple[str, Place]]:
        return [
            (region.name, Place(cluster.name or "", task, arguments.container or name))
            for cluster in observed.clusters.values()
            for task in cluster.tasks or ()
            if family_of(task.task_definition) in families[region.name]
            and (task.last_status, task.desired_status) == ("RUNNING", "RUNNING")
            and task.name.startswith(arguments.task)
        ]

    with progress("looking for a task"):
        answers = read_each(
            account,
            arguments.regions(described),
            arguments.names(),
            lambda reader: there(reader.region, reader.recent()),
            lambda region, why: [],
        )
    found = [one for some in answers for one in some]
    if not found:
        raise UsageError(f"no task of {name} runs; see neuron-ecs status {name}", ERRORS)
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


def _families(region: plan.RegionPlan, name: str) -> set[str]:
    services = [s for m in region.models if m.name == name for s in m.services]
    jobs = [j for j in region.jobs if j.name == name]
    return {x.task_definition.family for x in (*services, *jobs)}


def _refuse_closed(region: plan.RegionPlan, name: str) -> None:
    services = [s for m in region.models if m.name == name for s in m.services]
    if any(not s.exec for s in services):
        raise UsageError(
            f"models.{name}.exec is false, so no task allows it; neuron-ecs models set {name} "
            "exec=true, and update the stack"
        )
