"""What pages show, read from the database once for everybody who may see the same.

A key names a page's data and the class of visitors that it is for: the set of private archives that
they may see. What one class has read is never another's.

Layer 5. Tests: tests/unit/statuspage/test_snapshots.py.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from http import HTTPStatus
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from buildfarm.flow.reactors import Clock
from buildfarm.statuspage.answers import Declined

T = TypeVar("T")

#: Seconds for which what was read is shown again.
LIFETIME = 1.0

#: Things that are kept at most; the one that was made longest ago goes first.
KEPT = 128

#: Things that are made at once at most; whoever wants another one then is told to come again.
MAKING = 64


class Snapshots:
    """Values that are made once for all who ask meanwhile, and kept for `lifetime` seconds.

    `making` are being made at most, of which `at_once` have begun and the others wait: pages are
    not to have all the threads that read the database.
    """

    def __init__(
        self,
        reactor: Clock,
        lifetime: float = LIFETIME,
        kept: int = KEPT,
        making: int = MAKING,
        at_once: int = MAKING,
    ) -> None:
        self._reactor = reactor
        self._lifetime = lifetime
        self._most_kept = kept
        self._most_making = making
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._making: dict[Hashable, list[Deferred[Any]]] = {}
        self._generation = 0
        self._places = DeferredSemaphore(min(at_once, making))

    def forget(self) -> None:
        """Keep nothing of before: whoever has acted wants to see what came of it."""
        self._generation += 1
        self._kept.clear()

    @property
    def being_made(self) -> int:
        """How many things are being made."""
        return len(self._making)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """The value of `key`: one that is kept, one that is being made, or a new one.

        Raises what `make` raises, Declined where too much is being made.
        """
        key = self._generation, key
        until, value = self._kept.get(key, (0.0, None))
        if self._reactor.seconds() < until:
            kept: T = value
            return kept
        waiting: Deferred[T] = Deferred()
        if key in self._making:
            self._making[key].append(waiting)
        elif len(self._making) >= self._most_making:
            raise Declined(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many pages are being made at this moment; look again in a moment.",
                {"Retry-After": "5"},
            )
        else:
            self._making[key] = [waiting]
            Deferred.fromCoroutine(self._make(key, make))
        return await waiting

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> None:
        """Make the value; whoever waits gets it, whether or not who asked first still does."""
        await self._places.acquire()
        try:
            value = await make()
        except Exception:  # noqa: BLE001 - whatever it is, it is told to everybody who waits
            failure = Failure()
            for waiting in self._making.pop(key):
                waiting.errback(failure)
            return
        finally:
            self._places.release()
        self._kept[key] = (self._reactor.seconds() + self._lifetime, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        for waiting in self._making.pop(key):
            waiting.callback(value)
