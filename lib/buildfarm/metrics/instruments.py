"""Layer 1: what is counted: counters, gauges, histograms.

An instrument is a number or two and costs an attribute access and an addition. They are changed in
the reactor thread only; what threads and children measure is counted there when it comes back.

Tests: tests/unit/metrics/test_instruments.py.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence


class Counter:
    """Something that only grows: calls made, builds ended, seconds of CPU used."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1) -> None:
        """Count `amount` more, which is not negative."""
        self.value += amount


class Gauge:
    """Something that goes up and down. Where there is `read`, it is asked for the value."""

    __slots__ = ("_read", "_value")

    def __init__(self, read: Callable[[], float] | None = None) -> None:
        self._read = read
        self._value = 0.0

    def set(self, value: float) -> None:
        """It is `value` now."""
        self._value = value

    def add(self, amount: float = 1) -> None:
        """It is `amount` more now, less where that is negative."""
        self._value += amount

    @property
    def value(self) -> float:
        """What it is now."""
        return self._value if self._read is None else self._read()


class Histogram:
    """How often something was how large: durations, sizes.

    `bounds` are the upper bounds of its buckets, growing, each belonging to its bucket; what is
    larger than the last goes into one more. `sum` and `count` are those of all observations.
    """

    __slots__ = ("_buckets", "bounds", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        if not self.bounds or list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError(f"The bounds of a histogram grow: {self.bounds} do not.")
        self._buckets = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self._buckets[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self._buckets)

    @property
    def buckets(self) -> tuple[int, ...]:
        """How many observations fell into each bucket, the one above all bounds last."""
        return tuple(self._buckets)
