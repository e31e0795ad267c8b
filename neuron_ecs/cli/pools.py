"""The `pools` command: adds, removes, changes and shows pools in a stack file."""

from neuron_ecs.cli.entries import command
from neuron_ecs.stackfile.entries import POOLS

add_arguments = command(POOLS)
