"""The probe: how late a timer of 10 ms fires in a reactor."""

import time
from array import array
from collections.abc import Callable
from typing import Any

#: Seconds between two ticks.
TICK = 0.010


class Probe:
    """Ticks in `reactor` from `start` on. Times are seconds of `clock`.

    The ticks are a fixed row: a reactor that is away for half a second has missed fifty of them,
    and each counts with its own lateness, not the first alone.
    """

    def __init__(self, reactor: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._reactor = reactor
        self._clock = clock
        self._due = 0.0
        self._times = array("d")
        self._lateness = array("d")

    def start(self) -> None:
        self._due = self._clock() + TICK
        self._reactor.callLater(TICK, self._tick)

    def _tick(self) -> None:
        now = self._clock()
        while self._due <= now:
            self._times.append(self._due)
            self._lateness.append(now - self._due)
            self._due += TICK
        self._reactor.callLater(max(0.0, self._due - self._clock()), self._tick)

    def ticks(self) -> list[tuple[float, float]]:
        """When each tick was due, and by how many seconds it was late."""
        return list(zip(self._times, self._lateness, strict=True))
