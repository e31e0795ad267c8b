"""The tool around the program: commands that answer questions about a stack file."""
