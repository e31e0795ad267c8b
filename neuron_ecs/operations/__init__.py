"""What runs in the account, compared with the plan."""
