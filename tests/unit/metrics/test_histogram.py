"""Durations, counted by how long they were."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.metrics.histogram import Histogram

BOUNDS = (0.1, 1.0, 10.0)


class HistogramTests(FarmTestCase):
    def test_empty(self) -> None:
        """Nothing was observed yet."""
        self.assertEqual([0, 0, 0, 0], [count for _, count in Histogram(BOUNDS).cumulative])

    def test_bounds_belong_to_what_they_bound(self) -> None:
        """A value that is a bound is not beyond it."""
        histogram = Histogram(BOUNDS)
        for value in (0.1, 0.5, 1.0, 11.0):
            histogram.observe(value)
        self.assertEqual([(0.1, 1), (1.0, 3), (10.0, 3), (inf, 4)], histogram.cumulative)
        self.assertEqual(12.6, histogram.sum)

    @given(st.lists(st.floats(0, 100)))
    def test_each_value_is_counted(self, values: list[float]) -> None:
        """Every bound has all values that are not beyond it."""
        histogram = Histogram(BOUNDS)
        for value in values:
            histogram.observe(value)
        for bound, count in histogram.cumulative:
            self.assertEqual(sum(value <= bound for value in values), count)
