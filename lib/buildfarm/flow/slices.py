"""Layer 2: long work in the reactor thread, cut into slices between which others have their turn.

Tests: tests/unit/flow/test_slices.py.
"""

from twisted.internet.task import deferLater

from buildfarm.flow.reactors import Clock

#: Seconds of work after which others have a turn (DESIGN section 5, rule 3).
SLICE = 0.002


class Slices:
    """One piece of work, from now on; it calls `rest` wherever it can be left for a moment."""

    def __init__(self, reactor: Clock) -> None:
        self._reactor = reactor
        self._until = reactor.seconds() + SLICE

    async def rest(self) -> None:
        """Let others have a turn if this slice is over; else go on at once."""
        if self._reactor.seconds() >= self._until:
            await deferLater(self._reactor, 0)  # type: ignore[arg-type]
            self._until = self._reactor.seconds() + SLICE
