"""Layer 5: the control socket, its verbs, its server and its client."""
