"""The `help` command: the help of another command."""

from dataclasses import dataclass

from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.parser import Common, simple_command
from neuron_ecs.cli.main import COMMANDS, parse
from neuron_ecs.terminal import FINE

_EPILOG = """\
example:
  neuron-ecs help diff

exit codes: 0 fine, 2 wrong usage."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """The arguments of `help`."""

    about: str | None = positional(
        metavar="COMMAND", nargs="?", choices=tuple(COMMANDS), help="the command"
    )


def run(arguments: Arguments) -> int:
    """Prints the help as `--help` of the command does."""
    parse([*([arguments.about] if arguments.about else []), "--help"])
    return FINE


add_arguments = simple_command(Arguments, run, _EPILOG)
