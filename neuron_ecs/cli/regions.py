"""The `regions` command: adds, removes, changes and shows Regions in a stack file."""

from neuron_ecs.cli.entries import command
from neuron_ecs.stackfile.entries import REGIONS

add_arguments = command(REGIONS)
