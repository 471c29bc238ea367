"""Layer 6: settings read and checked, and the whole manager built and wired."""
