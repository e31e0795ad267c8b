"""What the program and the tool say: findings, and the phrases that they share."""
