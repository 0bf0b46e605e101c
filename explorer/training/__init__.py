"""Training: a generator that yields progress and snapshots."""
