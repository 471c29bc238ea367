"""Counters, gauges and histograms."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.metrics.instruments import Counter, Gauge, Histogram


class InstrumentTests(FarmTestCase):
    """What instruments show after what they were told."""

    def test_counter(self) -> None:
        """A counter is the sum of what was counted."""
        counter = Counter()
        counter.add()
        counter.add(2.5)
        self.assertEqual(3.5, counter.value)

    def test_gauge(self) -> None:
        """A gauge is what it was set to, and what was added since."""
        gauge = Gauge()
        gauge.set(5)
        gauge.add()
        gauge.add(-3)
        self.assertEqual(3, gauge.value)

    def test_gauge_that_is_read(self) -> None:
        """A gauge may be asked of whoever knows, whenever it is looked at."""
        waiting = [1, 2, 3]
        gauge = Gauge(lambda: len(waiting))
        waiting.append(4)
        self.assertEqual(4, gauge.value)

    def test_bounds_belong_to_their_bucket(self) -> None:
        """A value equal to a bound is in that bucket; what is over all of them is in the last."""
        histogram = Histogram((1, 2))
        for value in (0.5, 1, 1.5, 2, 2.5):
            histogram.observe(value)
        self.assertEqual((2, 2, 1), histogram.buckets)

    @given(st.lists(st.floats(0, 100)))
    def test_histogram(self, values: list[float]) -> None:
        """Each observation is in the bucket of the first bound that it does not exceed."""
        bounds = (0.5, 5.0, 50.0)
        histogram = Histogram(bounds)
        for value in values:
            histogram.observe(value)
        self.assertEqual(len(values), histogram.count)
        self.assertEqual(sum(values), histogram.sum)
        for number, bound in enumerate(bounds):
            upto = sum(histogram.buckets[: number + 1])
            self.assertEqual(sum(value <= bound for value in values), upto)

    def test_bounds_grow(self) -> None:
        """Bounds that do not grow, or none at all, are a mistake."""
        for bounds in ((), (2, 1), (1, 1)):
            self.assertRaises(ValueError, Histogram, bounds)
