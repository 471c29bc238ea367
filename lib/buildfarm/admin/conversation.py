"""One connection to the control socket: a request in, its answers out.

Layer 5. Ends after one request, after too long a silence, or when the caller leaves; whichever it
is, every descriptor that came in is closed. Tests: tests/functional/admin/test_control.py.
"""

import os
import stat
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IFileDescriptorReceiver, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from buildfarm.admin.farm import Caller, CallerGone, OfferedFile
from buildfarm.admin.protocol import (
    HEARTBEAT,
    MAX_FILES,
    MAX_REQUEST,
    MAX_ROWS,
    MAX_SILENCE,
    Answer,
    Done,
    Part,
    Problem,
    RequestRefused,
    Rows,
    decode_request,
    encode_answer,
)
from buildfarm.flow.deadlines import with_deadline
from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.text import abridged

_log = Logger()

#: Runs one verb: (caller, its name, its parameters) → its result, as `admin.verbs.call` does.
Call = Callable[[Caller, str, dict[str, Any]], Awaitable[Any]]

#: Seconds in which the whole request must have come.
REQUEST_DEADLINE = 10.0


@implementer(IFileDescriptorReceiver, IPushProducer)
class Conversation(Protocol):
    """Reads one request, has `call` run its verb, writes the answers.

    `refusal` is a sentence that answers any request instead. `on_end` is told once the connection
    is closed and the verb has ended.
    """

    transport: Any

    def __init__(
        self,
        reactor: Any,
        call: Call,
        on_end: Callable[["Conversation"], None],
        refusal: str | None = None,
    ) -> None:
        self._reactor = reactor
        self._call = call
        self._on_end = on_end
        self._refusal = refusal
        self._received = bytearray()
        self._descriptors: list[int] = []
        self._connected = False
        self._work: Deferred[None] | None = None
        self._writable: Deferred[None] | None = None
        self._timer: Any = None

    def drop(self) -> None:
        """End it now: the verb is cancelled where it waits, the connection closed."""
        if self._work is not None:
            self._work.cancel()
        if self._connected:
            self.transport.abortConnection()

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Wait for the request."""
        self._connected = True
        self.transport.registerProducer(self, True)
        self._start_timer(REQUEST_DEADLINE, self.drop)

    def fileDescriptorReceived(self, descriptor: int) -> None:  # noqa: N802 - Twisted's name
        """Keep a descriptor, from our children too; those over the limit are closed at once."""
        if self._work is None and len(self._descriptors) <= MAX_FILES:
            os.set_inheritable(descriptor, False)
            self._descriptors.append(descriptor)
        else:
            os.close(descriptor)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Collect the request's line and begin once it is whole; what follows it is ignored."""
        if self._work is not None:
            return
        self._received += data
        line, newline, _ = self._received.partition(b"\n")
        if newline or len(line) > MAX_REQUEST:
            self._start_timer(HEARTBEAT, self._show_life)
            self._work = Deferred.fromCoroutine(self._converse(bytes(line)))
            self._work.addBoth(self._work_ended)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """Let go; a verb under way goes on until it ends or next sends a piece."""
        self._connected = False
        if self._timer.active():
            self._timer.cancel()
        self.resumeProducing()
        if self._work is None or self._work.called:
            self._end()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The caller reads slowly: sending waits."""
        if self._writable is None:
            self._writable = Deferred()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The caller has caught up, or is gone."""
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.callback(None)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is closing; `connectionLost` follows."""

    async def _converse(self, line: bytes) -> None:
        try:
            await self._send(await self._answer(line))
        except (CallerGone, CancelledError):
            self.transport.abortConnection()

    async def _answer(self, line: bytes) -> Answer:
        """The last answer to the request in `line`."""
        try:
            if self._refusal is not None:
                raise RequestRefused(self._refusal)
            if len(line) > MAX_REQUEST:
                raise RequestRefused(f"The request is longer than {MAX_REQUEST} bytes.")
            if len(self._descriptors) > MAX_FILES:
                raise RequestRefused(f"More than {MAX_FILES} files cannot be sent at once.")
            request = decode_request(line)
            caller = Caller(
                request.actor, _offered(request.files, self._descriptors), self._send_part
            )
            return await self._last(await self._call(caller, request.verb, request.params))
        except (CallerGone, CancelledError):
            raise
        except FarmError as error:
            return Problem(abridged(str(error)))
        except Exception:  # noqa: BLE001 - one verb's failure is not the server's
            _log.failure("A verb of the control socket failed")
            return Problem("The manager failed at this; its log says more.")

    async def _last(self, result: Any) -> Done:
        """The end of `result`, after all that comes before it: a long list goes in pieces."""
        while isinstance(result, list) and len(result) > MAX_ROWS:
            await self._send(Rows(result[:MAX_ROWS]))
            result = result[MAX_ROWS:]
            await deferLater(self._reactor, 0)
        return Done(result)

    async def _send_part(self, value: Any) -> None:
        await self._send(Part(value))

    async def _send(self, answer: Answer) -> None:
        if self._connected:
            self.transport.write(encode_answer(answer))
        if self._connected and self._writable is not None:
            await with_deadline(
                self._reactor,
                MAX_SILENCE,
                self._writable,
                lambda: CallerGone("The caller stopped reading."),
            )
        if not self._connected:
            raise CallerGone("The caller went away before it was answered.")

    def _show_life(self) -> None:
        if self._writable is None:
            self.transport.write(b"\n")
        self._start_timer(HEARTBEAT, self._show_life)

    def _work_ended(self, result: object) -> object:
        if self._connected:
            self._start_timer(MAX_SILENCE, self.drop)
            self.transport.loseConnection()
        else:
            self._end()
        return result

    def _start_timer(self, seconds: float, then: Callable[[], None]) -> None:
        """The one thing that time alone brings about next."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._reactor.callLater(seconds, then)

    def _end(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []
        self._on_end(self)


def _offered(names: tuple[str, ...], descriptors: list[int]) -> tuple[OfferedFile, ...]:
    """The files that came along; only plain ones: reading from anything else may never end."""
    if len(names) != len(descriptors):
        raise RequestRefused(f"{len(names)} files are named and {len(descriptors)} came along.")
    for name, descriptor in zip(names, descriptors, strict=True):
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RequestRefused(f"{name} is not a plain file.")
    return tuple(
        OfferedFile(name, os.fdopen(descriptor, "rb", closefd=False))
        for name, descriptor in zip(names, descriptors, strict=True)
    )
