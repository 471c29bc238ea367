"""Layer 2: something that is looked at again and again, whatever becomes of one look.

A LoopingCall ends for good with the first failure of what it calls, and nobody would notice that a
disk is watched no more.

Tests: tests/unit/flow/test_lookout.py.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger


class Lookout:
    """Calls `look` every `interval` seconds; the next look waits for the one under way.

    A look that raises is logged as a mistake of ours, with `what` it was about, and the next comes
    as if it had not.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, interval: float, look: Callable[[], Awaitable[object]], what: str
    ) -> None:
        self._interval = interval
        self._look = look
        self._what = what
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._once()))
        self._loop.clock = reactor

    def start(self, *, now: bool = True) -> None:
        """Look from now on, the first time at once or after the interval."""
        self._loop.start(self._interval, now)

    def stop(self) -> None:
        """Look no more; a look that is under way goes on to its end."""
        if self._loop.running:
            self._loop.stop()

    async def _once(self) -> None:
        try:
            await self._look()
        except Exception:  # noqa: BLE001 - whatever it is, it must not be the last look
            self.log.failure("a look at {what} failed", what=self._what)
