"""Layer 2: an answer that several may share for a moment.

Tests: tests/unit/flow/test_fresh.py.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from buildfarm.flow.reactors import Clock

T = TypeVar("T")


class Fresh(Generic[T]):
    """What `fetch` answers, fetched again only for who asks later than `seconds` after it came.

    All who ask meanwhile wait for the same answer, so however many they are, there is one fetch
    under way. An error is everybody's who waits, and is not kept.
    """

    def __init__(
        self,
        reactor: Clock,
        seconds: float,
        fetch: Callable[[], Coroutine[Deferred[Any], Any, T]],
    ) -> None:
        self._reactor = reactor
        self._seconds = seconds
        self._fetch = fetch
        self._kept: tuple[float, T] | None = None
        self._waiting: list[Deferred[T]] = []

    async def __call__(self) -> T:
        """The answer, as old as `seconds` at most. A caller that is cancelled leaves the others."""
        if self._kept is not None and self._reactor.seconds() - self._kept[0] < self._seconds:
            return self._kept[1]
        answer: Deferred[T] = Deferred()
        self._waiting.append(answer)
        if len(self._waiting) == 1:
            fetching = Deferred.fromCoroutine(self._fetch())
            fetching.addCallbacks(self._came, self._failed)
        return await answer

    def _came(self, value: T) -> None:
        self._kept = self._reactor.seconds(), value
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.called:
                one.callback(value)

    def _failed(self, failure: Failure) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.called:
                one.errback(failure)
