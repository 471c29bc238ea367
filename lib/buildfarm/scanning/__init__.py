"""Layer 4: one scanner per builder, and what it does: dispatch, gather, clean, judge."""
