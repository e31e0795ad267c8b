"""The `exec` command: a shell, or another command, in a running task of a model."""

import shlex
import sys
from dataclasses import dataclass

from neuron_ecs.arguments.options import REST, option, positional
from neuron_ecs.arguments.parser import simple_command
from neuron_ecs.arguments.stack import OfRunning
from neuron_ecs.operations.aws import Connect
from neuron_ecs.operations.sessions import Launch, launch, plugin, refuse_closed, session, task_for
from neuron_ecs.operations.stack import Stack
from neuron_ecs.terminal import write_json

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


def run(arguments: Arguments, connect: Connect | None = None, start: Launch = launch) -> int:
    """Opens the session. Raises `Refused` as the plan does, and `UsageError`."""
    return arguments.answered(lambda stack: _run(arguments, stack, start), connect)


def _run(arguments: Arguments, stack: Stack, start: Launch) -> int:
    name = arguments.work
    stack.refuse_unknown(name)
    refuse_closed(stack, name)
    container = arguments.container or name
    found = task_for(stack, name, arguments.task, container)
    program = plugin() if start is launch else "session-manager-plugin"
    command = shlex.join(arguments.words) or _SHELL
    words = stack.account.must(found.region, lambda aws: session(aws, found, container, command))
    task = found.task.name
    if arguments.json:
        of = {"version": arguments.json_version, "region": found.region, "task": task}
        write_json(of, sys.stdout)
    arguments.write([f"{name}, task {task[:8]} in {found.region}: {command}"])
    sys.stdout.flush()
    return start([program, *words])


add_arguments = simple_command(Arguments, run, _EPILOG)
