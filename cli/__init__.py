"""What people run: `python -m cli COMMAND`."""
