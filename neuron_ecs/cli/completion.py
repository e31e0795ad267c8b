"""The `completion` command: what a shell evaluates to complete commands and options."""

import sys
from dataclasses import dataclass

from neuron_ecs.arguments.options import positional
from neuron_ecs.arguments.parser import Common, simple_command
from neuron_ecs.terminal import FINE

_EPILOG = """\
examples:
  eval "$(neuron-ecs completion bash)"       in ~/.bashrc
  eval "$(neuron-ecs completion zsh)"        in ~/.zshrc, after compinit
  neuron-ecs completion fish | source        in ~/.config/fish/config.fish

exit codes: 0 fine, 2 wrong usage."""


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """The arguments of `completion`."""

    shell: str = positional(choices=("bash", "zsh", "fish"), help="the shell that reads it")


def run(arguments: Arguments) -> int:
    """Writes the script for a shell."""
    from argcomplete.shell_integration import shellcode

    text = shellcode(["neuron-ecs"], shell=arguments.shell)
    sys.stdout.write(text)
    return FINE


add_arguments = simple_command(Arguments, run, _EPILOG)
