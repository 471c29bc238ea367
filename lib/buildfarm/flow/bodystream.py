"""Layer 2: the body of a request as it arrives, for who reads it while it arrives.

What nobody has read yet is bounded: beyond `AHEAD` the client is kept from sending more. A client
that sends slower than `MIN_RATE`, when it is not kept from it, is given up.

Tests: tests/unit/flow/test_bodystream.py, tests/functional/flow/test_boundedsite.py.
"""

from typing import Protocol

from twisted.internet.defer import Deferred

from buildfarm.flow.reactors import Clock, Timer
from buildfarm.vocab.errors import BodyLost

#: Bytes that wait to be read before the client is kept from sending more.
AHEAD = 1024 * 1024

#: Bytes per second that a client has to send, and seconds over which that is looked at.
MIN_RATE = 8 * 1024
SPAN = 30.0


class Sending(Protocol):
    """The connection that a body comes from."""

    def invite(self) -> None:
        """Say that the body is wanted, if the client waits for that."""

    def pause(self) -> None:
        """Keep the client from sending."""

    def resume(self) -> None:
        """Let the client send."""

    def abort(self) -> None:
        """Close the connection at once."""


class BodyStream:
    """One body of `length` bytes; `complete` once all of it has come."""

    def __init__(self, clock: Clock, sending: Sending, length: int) -> None:
        self.length = length
        self.complete = False
        self._clock = clock
        self._sending = sending
        self._pieces: list[bytes] = []
        self._ahead = 0
        self._wanted = self._paused = self._dropping = False
        self._reader: Deferred[None] | None = None
        self._error: BodyLost | None = None
        self._watch: Timer | None = None
        self._came = 0
        self._was_paused = False

    async def read(self) -> bytes:
        """The next bytes, as many as are there, at least one; empty at the end.

        Raises BodyLost where the client has gone, or is too slow.
        """
        if not self._wanted:
            self._wanted = True
            self._sending.invite()
            self._look_again()
            self._go_on()
        while not self._pieces and not self.complete and self._error is None:
            self._reader = Deferred()
            await self._reader
        if self._error is not None:
            raise self._error
        found = b"".join(self._pieces)
        self._pieces, self._ahead = [], 0
        self._go_on()
        return found

    def drop(self) -> None:
        """What still comes is read and forgotten: nobody wants it any more."""
        self._dropping = True
        self._pieces, self._ahead = [], 0
        self._stop_watching()
        self._go_on()

    def hold(self) -> None:
        """Keep the client from sending, until there is a reader."""
        self._paused = self._was_paused = True
        self._sending.pause()

    def received(self, data: bytes) -> None:
        """These bytes have come."""
        self._came += len(data)
        if self._dropping:
            return
        self._pieces.append(data)
        self._ahead += len(data)
        if self._ahead > AHEAD or not self._wanted:
            self.hold()
        self._wake()

    def ended(self) -> None:
        """All of it has come."""
        self.complete = True
        self._stop_watching()
        self._wake()

    def lost(self, reason: str) -> None:
        """No more of it will come."""
        self._stop_watching()
        if not self.complete and self._error is None:
            self._error = BodyLost(reason)
        self._pieces, self._ahead = [], 0
        self._wake()

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.called:
            reader.callback(None)

    def _go_on(self) -> None:
        if self._paused and not self.complete and self._error is None:
            self._paused = False
            self._sending.resume()

    def _look_again(self) -> None:
        if not self.complete:
            self._came, self._was_paused = 0, self._paused
            self._watch = self._clock.callLater(SPAN, self._look)

    def _look(self) -> None:
        if self._was_paused or self._came >= MIN_RATE * SPAN:
            self._look_again()
            return
        self.lost(f"The client sent {self._came} bytes in {SPAN:.0f} s, which is too slow.")
        self._sending.abort()

    def _stop_watching(self) -> None:
        if self._watch is not None and self._watch.active():
            self._watch.cancel()
