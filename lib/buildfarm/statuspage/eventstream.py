"""Server-sent events for one viewer: written no faster than they are taken.

Layer 5. Tests: tests/unit/statuspage/test_eventstream.py, tests/functional/statuspage.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

#: Seconds after which a viewer that takes nothing is disconnected.
STALL_DEADLINE = 60.0

#: Seconds after which a line is sent that says nothing: a sign of life for proxies and browsers.
QUIET = 15.0

_TYPE = "text/event-stream; charset=utf-8"


@implementer(IPushProducer)
class EventStream:
    """The events of one request; once the viewer is gone, what is sent goes nowhere.

    Data is one line of text, such as JSON.
    """

    def __init__(self, reactor: Any, request: Any) -> None:
        self._reactor = reactor
        self._request = request
        self._paused: Deferred[None] | None = None
        self._stall: Any = None

    def begin(self) -> None:
        """Send the headers."""
        self._request.setHeader("content-type", _TYPE)
        self._request.setHeader("cache-control", "no-store")
        self._request.setHeader("x-accel-buffering", "no")  # nginx would keep events for later
        self._request.registerProducer(self, True)
        self._request.write(b"retry: 2000\n\n")

    async def send(self, event: str, data: bytes, position: str = "") -> None:
        """Send one event; the viewer names the last `position` when it comes again."""
        name = f"id: {position}\n" if position else ""
        self._request.write(f"{name}event: {event}\ndata: ".encode() + data + b"\n\n")
        if self._paused is not None:
            await self._paused

    def stay(self) -> None:
        """Send nothing that means anything."""
        self._request.write(b":\n\n")

    def end(self) -> None:
        """There will be no more."""
        if self._request._disconnected:  # noqa: SLF001 - Twisted has no other name for it
            return
        self._request.unregisterProducer()
        self._request.finish()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection has enough to send for now."""
        if self._paused is None:
            self._paused = Deferred()
            self._stall = self._reactor.callLater(STALL_DEADLINE, self._give_up)

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection has sent what it had."""
        if self._stall is not None and self._stall.active():
            self._stall.cancel()
        paused, self._paused = self._paused, None
        if paused is not None and not paused.called:
            paused.callback(None)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The viewer is gone."""
        self.resumeProducing()

    def _give_up(self) -> None:
        self._request.transport.abortConnection()
