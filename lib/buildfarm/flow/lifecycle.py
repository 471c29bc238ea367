"""Layer 2: parts that start in one order and stop in the opposite one, in bounded time.

Tests: tests/unit/flow/test_lifecycle.py.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from buildfarm.flow.reactors import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    stop: Callable[[], Any]
    deadline: float


class Sequence:
    """What has been started, in that order, and how each part is stopped.

    Stopping goes through all parts, the last one first, whatever happens: a part that fails is
    logged, one that is not done at its deadline is cancelled, logged and left. All of them
    together take at most `within` seconds; the later ones get less when that runs out.
    """

    log = Logger()

    def __init__(self, reactor: Clock, within: float) -> None:
        self._reactor = reactor
        self._within = within
        self._parts: list[_Part] = []

    @overload
    async def start(
        self,
        name: str,
        start: Callable[[], Awaitable[T]],
        stop: Callable[[], Any],
        deadline: float,
    ) -> T: ...

    @overload
    async def start(
        self, name: str, start: Callable[[], T], stop: Callable[[], Any], deadline: float
    ) -> T: ...

    async def start(
        self, name: str, start: Callable[[], Any], stop: Callable[[], Any], deadline: float
    ) -> Any:
        """Call `start`, await it where it is to be awaited, and return what it returns.

        From then on `stop` belongs to the stopping, `deadline` seconds at most. Where `start`
        fails, everything started before is stopped, then its exception is raised.
        """
        try:
            started = await maybeDeferred(start)
        except BaseException:
            self.log.error("{name} could not be started; what had been is stopped", name=name)
            await self.stop()
            raise
        self.started(name, stop, deadline)
        return started

    def started(self, name: str, stop: Callable[[], Any], deadline: float) -> None:
        """Take note of a part that has been started already."""
        self._parts.append(_Part(name, stop, deadline))

    async def stop(self) -> None:
        """Stop all parts, the last one first. Again: there is nothing left to stop."""
        until = self._reactor.seconds() + self._within
        while self._parts:
            part = self._parts.pop()
            left = max(0.0, until - self._reactor.seconds())
            await self._stop(part, min(part.deadline, left))

    async def _stop(self, part: _Part, deadline: float) -> None:
        stopping = maybeDeferred(part.stop)
        over: Deferred[None] = Deferred()
        given_up = False

        def ended(result: object) -> None:
            if isinstance(result, Failure) and not given_up:
                self.log.failure("{name} failed to stop", result, name=part.name)
            if not over.called:
                over.callback(None)

        def give_up() -> None:
            nonlocal given_up
            given_up = True
            self.log.warn(
                "{name} did not stop within {deadline} s", name=part.name, deadline=deadline
            )
            stopping.cancel()
            ended(None)  # what is cancelled may end now, later or never

        stopping.addBoth(ended)
        timer = self._reactor.callLater(deadline, give_up)
        await over
        if timer.active():
            timer.cancel()
