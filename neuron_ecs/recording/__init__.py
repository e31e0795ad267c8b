"""The program run offline, and what it registers."""
