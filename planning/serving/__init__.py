"""What is known of serving one model on one instance type."""
