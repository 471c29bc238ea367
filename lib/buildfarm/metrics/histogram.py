"""Durations, counted by how long they were.

Layer 1. Tests: tests/unit/metrics/test_histogram.py.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Histogram:
    """How many values were at most each of `bounds`, which rise, and the sum of all.

    One thread at a time observes; others may read meanwhile, and miss the last one.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.sum = 0.0
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def cumulative(self) -> list[tuple[float, int]]:
        """For each bound, infinity being the last, how many values were not beyond it."""
        return list(zip((*self.bounds, float("inf")), accumulate(self._counts), strict=True))
