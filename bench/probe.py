"""The probe: how late a timer of 10 ms fires in a reactor."""

import time
from array import array
from typing import Any

#: Seconds between two ticks.
TICK = 0.010


class Probe:
    """Ticks in `reactor` from `start` on. Times are monotonic seconds.

    The ticks are a fixed row: a reactor that is away for half a second has missed fifty of them,
    and each counts with its own lateness, not the first alone.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._due = 0.0
        self._times = array("d")
        self._lateness = array("d")

    def start(self) -> None:
        self._due = time.monotonic() + TICK
        self._reactor.callLater(TICK, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        while self._due <= now:
            self._times.append(self._due)
            self._lateness.append(now - self._due)
            self._due += TICK
        self._reactor.callLater(max(0.0, self._due - time.monotonic()), self._tick)

    def ticks(self) -> list[tuple[float, float]]:
        """When each tick was due, and by how many seconds it was late."""
        return list(zip(self._times, self._lateness, strict=True))
