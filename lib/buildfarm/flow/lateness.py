"""Layer 2: how late a reactor does what is due.

Tests: tests/unit/flow/test_lateness.py.
"""

from collections import deque
from collections.abc import Callable

from buildfarm.flow.reactors import Clock, Timer

#: Seconds between two measurements, and how many of them `worst` is about: a minute's.
INTERVAL = 0.25
_KEPT = 240


class Lateness:
    """Measures by how many seconds a timer of `INTERVAL` comes late.

    `seen` is told of each measurement.
    """

    def __init__(self, reactor: Clock, seen: Callable[[float], object]) -> None:
        self._reactor = reactor
        self._seen = seen
        self._due = 0.0
        self._timer: Timer | None = None
        self._late: deque[float] = deque(maxlen=_KEPT)

    @property
    def worst(self) -> float:
        """The most seconds by which it was late within the last minute."""
        return max(self._late, default=0.0)

    def start(self) -> None:
        """Measure from now on."""
        self._due = self._reactor.seconds() + INTERVAL
        self._timer = self._reactor.callLater(INTERVAL, self._tick)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _tick(self) -> None:
        late = max(0.0, self._reactor.seconds() - self._due)
        self._late.append(late)
        self._seen(late)
        self.start()
