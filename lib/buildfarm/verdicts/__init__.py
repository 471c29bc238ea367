"""Layer 1: pure decisions. Values in, values out: no I/O, no clock, no Twisted."""
