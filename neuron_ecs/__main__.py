"""Runs the command line: `python -m neuron_ecs COMMAND`."""

import gc
import sys

from neuron_ecs.cli.main import main

# A command ends in seconds. Collecting reference cycles would take a fifth of them, to free
# almost nothing of what the process gives back anyway.
gc.disable()
sys.exit(main())
