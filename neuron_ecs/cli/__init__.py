"""What people run: `python -m neuron_ecs COMMAND`."""
