"""The `jobs` command: adds, removes, changes and shows jobs in a stack file."""

from neuron_ecs.cli.entries import command
from neuron_ecs.stackfile.entries import JOBS

add_arguments = command(JOBS)
