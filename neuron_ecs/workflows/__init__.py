"""What the workflows of a repository report: differences, previews, drift, deployments."""
