"""What the ticks of a probe say of the time that counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import percentile


@dataclass(frozen=True, slots=True)
class Lateness:
    """Milliseconds by which the ticks of a stretch of time were late."""

    median: float
    p99: float
    p999: float
    largest: float


def lateness(ticks: Sequence[Sequence[float]], begun: float, ended: float) -> Lateness:
    """What `ticks`, as `Probe.ticks` gives them, say of the time from `begun` to `ended`."""
    late = [1000 * lateness for due, lateness in ticks if begun <= due < ended]
    return Lateness(
        percentile(late, 0.5), percentile(late, 0.99), percentile(late, 0.999), max(late)
    )
