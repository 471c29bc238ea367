"""Layer 7: the command lines."""
