"""Layer 4: what is old, or left over, and goes."""
