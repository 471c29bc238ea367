"""Layer 7: the scripts of `scripts/`, which see the farm through its web service alone.

They run on the machines of operators and maintainers: neither Twisted nor Storm is imported.
"""
