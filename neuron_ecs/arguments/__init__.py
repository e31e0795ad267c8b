"""What the command lines of several commands share."""
