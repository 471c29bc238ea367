"""Layer 1: what is counted while the manager works, for whoever shows it."""
