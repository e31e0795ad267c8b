"""The `pools` command: adds, removes, changes and shows pools in a stack file."""

from neuron_ecs.arguments.parser import Parser
from neuron_ecs.edits.entries import add_actions
from neuron_ecs.stackfile.entries import POOLS

_EXAMPLES = """\
  neuron-ecs pools add inf2 kind=auto_scaling instance_type=inf2.xlarge max_size=2
  neuron-ecs pools set inf2 max_size=4 --stack prod"""


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `pools` and their arguments."""
    add_actions(parser, POOLS, _EXAMPLES)
