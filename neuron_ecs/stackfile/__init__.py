"""The stack file: read as the engine reads it, edited in place, described as JSON Schema."""
