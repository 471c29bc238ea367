"""Layer 2: a number of places for work that may be slow, none of which is kept for long.

A semaphore bounds what work costs, and lets the slowest decide when the others go on: when all
places are held by peers that send a byte now and then, nobody else is served. Here a place is held
for a bounded time. After that its work goes on without it, and the place is the next one's.

Tests: tests/unit/flow/test_places.py.
"""

from twisted.internet.defer import DeferredSemaphore

from buildfarm.flow.reactors import Clock


class Place:
    """A place that is held, until it is released or its time is up."""

    def __init__(self, reactor: Clock, semaphore: DeferredSemaphore, seconds: float) -> None:
        self._semaphore = semaphore
        self._timer = reactor.callLater(seconds, semaphore.release)

    def release(self) -> None:
        """The work has ended; nothing happens where its time was up before."""
        if self._timer.active():
            self._timer.cancel()
            self._semaphore.release()


class Places:
    """`count` places, each held for at most so many seconds; who waits is served in order."""

    def __init__(self, reactor: Clock, count: int, seconds: float) -> None:
        self._reactor = reactor
        self._seconds = seconds
        self._semaphore = DeferredSemaphore(count)

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._semaphore.waiting)

    async def acquire(self) -> Place:
        """A place, once one is free."""
        await self._semaphore.acquire()
        return Place(self._reactor, self._semaphore, self._seconds)
