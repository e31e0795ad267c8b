"""Runs the command line without an installation: `python -m neuron_ecs COMMAND`."""

import sys

from neuron_ecs.cli.main import command

sys.exit(command())
