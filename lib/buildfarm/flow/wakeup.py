"""Layer 2: a coroutine's sleep that others can cut short.

Tests: tests/unit/flow/test_wakeup.py.
"""

from twisted.internet.defer import Deferred

from buildfarm.flow.reactors import Clock, Timer


class Wakeup:
    """One sleeper and anybody who wakes it. A wake while nobody sleeps is remembered, once."""

    def __init__(self, reactor: Clock) -> None:
        self._reactor = reactor
        self._woken = False
        self._timer: Timer | None = None
        self._fired: Deferred[None] | None = None

    def wake(self) -> None:
        """End the present sleep early, or else the next one before it begins.

        The sleeper goes on in the reactor's next turn, never inside this call, so that whoever
        wakes may be in the middle of changing what the sleeper will look at.
        """
        self._woken = True
        if self._timer is not None:
            # A new timer: to move one to an earlier time, Twisted searches all there are.
            self._timer.cancel()
            self._timer = self._reactor.callLater(0, self._fire)

    async def sleep(self, seconds: float) -> bool:
        """Sleep for `seconds` or until woken; returns whether it was woken."""
        if not self._woken:
            await self._timer_fired(max(seconds, 0))
        woken, self._woken = self._woken, False
        return woken

    def _timer_fired(self, seconds: float) -> Deferred[None]:
        if self._timer is not None:
            raise RuntimeError("Only one coroutine at a time may sleep on a Wakeup.")
        self._fired = Deferred(self._drop_timer)
        self._timer = self._reactor.callLater(seconds, self._fire)
        return self._fired

    def _fire(self) -> None:
        self._timer = None
        if self._fired is not None:
            self._fired.callback(None)

    def _drop_timer(self, _fired: Deferred[None]) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
