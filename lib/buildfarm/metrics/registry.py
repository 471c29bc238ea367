"""Layer 1: the registry: which instruments there are, under which names and labels.

One registry is made by the assembly and passed to whoever counts. Names and units are those of
Prometheus: `snake_case`, base units, the unit in the name (`scan_cpu_seconds`), `_total` for
counters. Labels have few values, known beforehand where possible: never a build, a cookie or a
text that a builder sent.

Tests: tests/unit/metrics/test_registry.py.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from buildfarm.metrics.instruments import Counter, Gauge, Histogram

_NAME = re.compile(r"[a-z][a-z0-9_]*")

#: Upper bounds for durations in seconds, from a fast call to a stall.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)

Instrument = TypeVar("Instrument", Counter, Gauge, Histogram)


class Family(Generic[Instrument]):
    """The instruments of one name: one for each combination of label values."""

    def __init__(
        self, name: str, help_text: str, labels: Sequence[str], make: Callable[[], Instrument]
    ) -> None:
        self.name = name
        self.help_text = help_text
        self.labels = tuple(labels)
        self._make: Callable[[], Instrument] = make
        self._members: dict[tuple[str, ...], Instrument] = {}

    def of(self, *values: str) -> Instrument:
        """The instrument for these values of the labels, made when first asked for.

        Whoever counts often keeps it.
        """
        member = self._members.get(values)
        if member is None:
            if len(values) != len(self.labels):
                raise ValueError(f"{self.name} has the labels {self.labels}, not {values}.")
            member = self._members[values] = self._make()
        return member

    def forget(self, *values: str) -> None:
        """Drop the instrument for these values, once what they name is gone."""
        self._members.pop(values, None)

    def members(self) -> tuple[tuple[tuple[str, ...], Instrument], ...]:
        """All instruments with their label values, in the order of their making."""
        return tuple(self._members.items())


AnyFamily = Family[Counter] | Family[Gauge] | Family[Histogram]


class Registry:
    """All families, each name once. A family without labels has one instrument, `of()`."""

    def __init__(self) -> None:
        self._families: dict[str, AnyFamily] = {}

    def counters(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Family[Counter]:
        """A new family of counters. Raises ValueError for a bad name or one that is taken."""
        return self._add(Family(name, help_text, labels, Counter))

    def gauges(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Family[Gauge]:
        """A new family of gauges. Raises as `counters`."""
        return self._add(Family(name, help_text, labels, Gauge))

    def histograms(
        self,
        name: str,
        help_text: str,
        labels: Sequence[str] = (),
        bounds: Sequence[float] = SECONDS,
    ) -> Family[Histogram]:
        """A new family of histograms with these bounds. Raises as `counters`."""
        return self._add(Family(name, help_text, labels, lambda: Histogram(bounds)))

    def counter(self, name: str, help_text: str) -> Counter:
        """A new counter without labels. Raises as `counters`."""
        return self.counters(name, help_text).of()

    def gauge(self, name: str, help_text: str, read: Callable[[], float] | None = None) -> Gauge:
        """A new gauge without labels; `read`, where given, is asked for its value."""
        return self._add(Family(name, help_text, (), lambda: Gauge(read))).of()

    def histogram(self, name: str, help_text: str, bounds: Sequence[float] = SECONDS) -> Histogram:
        """A new histogram without labels. Raises as `counters`."""
        return self.histograms(name, help_text, (), bounds).of()

    def families(self) -> Iterator[AnyFamily]:
        """All families, in the order of their making."""
        return iter(tuple(self._families.values()))

    def _add(self, family: Family[Instrument]) -> Family[Instrument]:
        for name in (family.name, *family.labels):
            if _NAME.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no name for a metric or a label.")
        if family.name in self._families:
            raise ValueError(f"There is a metric {family.name} already.")
        self._families[family.name] = family
        return family
