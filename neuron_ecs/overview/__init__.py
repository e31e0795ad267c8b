"""A plan as text: what is decided, what it costs, where models are called."""
