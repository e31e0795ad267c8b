"""The chip map: which task of which model sits on which Neuron device of which instance."""
