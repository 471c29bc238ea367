"""Layer 3: the schema, step by step. `patch_N.apply(store)` takes version N - 1 to version N."""
