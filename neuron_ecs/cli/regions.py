"""The `regions` command: adds, removes, changes and shows Regions in a stack file."""

from neuron_ecs.arguments.parser import Parser
from neuron_ecs.edits.entries import add_actions
from neuron_ecs.stackfile.entries import REGIONS

_EXAMPLES = """\
  neuron-ecs regions add eu-central-1
  neuron-ecs regions set eu-central-1 network.nat=per_zone"""


def add_arguments(parser: Parser) -> None:
    """Adds the actions of `regions` and their arguments."""
    add_actions(parser, REGIONS, _EXAMPLES)
