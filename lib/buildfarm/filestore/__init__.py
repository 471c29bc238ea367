"""Layer 3: files by digest, and the HTTP resources that serve files; uses flow and vocab."""
