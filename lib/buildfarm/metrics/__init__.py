"""Layer 1: counters, gauges and histograms, counted in plain Python and read by whoever asks."""
