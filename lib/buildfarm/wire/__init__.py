"""Layer 1: codecs, bytes in and values out; no I/O. See docs for each protocol."""
