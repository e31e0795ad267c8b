"""What people run: `neuron-ecs COMMAND`."""
