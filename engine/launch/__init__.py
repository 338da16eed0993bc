"""Where a worker runs. Knows nothing of what it does there."""
