"""Compares two states of a stack: graphs, models, chips, prices, findings."""
