"""What `/metrics` shows: families of samples, read when they are asked for.

Names and units follow Prometheus' conventions: seconds and bytes, `_total` for what only grows.
Labels have few values: no builds, builders, packages or archives, and so nothing that is private.

Layer 5. Tests: tests/unit/monitoring/test_families.py.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from buildfarm.metrics.histogram import Histogram

#: What stands before every name of ours.
PREFIX = "buildd_manager"

#: How what `render` gives is to be read.
CONTENT_TYPE = CONTENT_TYPE_LATEST

#: Samples with the values of their labels.
Samples = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class Gauge:
    """What goes up and down; `read` gives a sample for each combination of `labels`."""

    name: str
    doc: str
    read: Callable[[], Samples]
    labels: tuple[str, ...] = ()

    def metric(self) -> Metric:
        """The samples as they are now."""
        metric = GaugeMetricFamily(f"{PREFIX}_{self.name}", self.doc, labels=self.labels)
        for values, sample in self.read():
            metric.add_metric(values, sample)
        return metric


@dataclass(frozen=True, slots=True)
class Count:
    """What only grows while the manager runs; its name ends with `_total`."""

    name: str
    doc: str
    read: Callable[[], Samples]
    labels: tuple[str, ...] = ()

    def metric(self) -> Metric:
        """The samples as they are now."""
        metric = CounterMetricFamily(f"{PREFIX}_{self.name}", self.doc, labels=self.labels)
        for values, sample in self.read():
            metric.add_metric(values, sample)
        return metric


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram of seconds."""

    name: str
    doc: str
    histogram: Histogram
    labels: tuple[str, ...] = ()

    def metric(self) -> Metric:
        """The buckets as they are now."""
        metric = HistogramMetricFamily(f"{PREFIX}_{self.name}", self.doc)
        buckets = [(_bound(bound), count) for bound, count in self.histogram.cumulative]
        metric.add_metric((), buckets, self.histogram.sum)
        return metric


Family = Gauge | Count | Durations


class Exposition(Collector):
    """All families together, and what is known of the process itself."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = tuple(families)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def collect(self) -> Iterator[Metric]:
        """Each family's samples."""
        for family in self._families:
            yield family.metric()

    def describe(self) -> Iterable[Metric]:
        """Nothing: families are read when they are shown, not before."""
        return ()

    def render(self) -> bytes:
        """What Prometheus reads."""
        return generate_latest(self._registry)


def single(value: float) -> Samples:
    """The one sample of a family without labels."""
    return [((), value)]


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(bound)
