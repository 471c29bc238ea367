"""Layer 5: the build-farm status page: pages, their snapshots, and what keeps them live."""
