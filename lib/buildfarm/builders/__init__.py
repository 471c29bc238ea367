"""Layer 3: talking to a builder's daemon, fetching what it made, and resetting its machine."""
