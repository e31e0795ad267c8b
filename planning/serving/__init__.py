"""Language models on instance types: memory, servers and the ways to serve a model."""
