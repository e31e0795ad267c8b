"""An edit of a stack file: judged, shown beside its difference, and written."""
