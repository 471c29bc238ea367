"""Layer 5: what programs ask that watch over the farm: is it well, and what does it do."""
