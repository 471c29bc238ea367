"""Layer 4: questions about the farm, answered in words from snapshots."""
