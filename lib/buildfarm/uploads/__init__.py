"""Layer 3: the check of results, and the uploaders that put them into archives; on flow, vocab."""
