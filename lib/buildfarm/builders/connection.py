"""One HTTP/1.1 connection to a builder.

Layer 3; used by `builders.line`. Tests: tests/unit/builders/test_client.py.

One exchange at a time: a request goes out whole, its answer comes in under a deadline and bounds.
Whatever else arrives, before, after or instead, closes the connection; nothing is pipelined, no
redirect followed. Between exchanges the connection waits to be used again, and is closed after
`IDLE_TIMEOUT`, before the daemon would (launchpad-buildd: after 60 s).

This is the hottest code of the manager, several times a second for each builder: one timer serves
the whole life of a connection (`reset` to a later time costs no scheduling), and the parser calls
back only for what is needed. To move a timer to an earlier time, though, Twisted searches all
timers for it: then a new one is made.
"""

import socket
from typing import Any, Protocol

import httptools
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from buildfarm.flow.reactors import Clock
from buildfarm.vocab.errors import (
    BuilderError,
    BuilderNonsense,
    BuilderTimedOut,
    BuilderUnreachable,
)

#: Seconds that an unused connection is kept.
IDLE_TIMEOUT = 45.0
#: Bytes of status line, headers and framing that an answer may have, beyond twice its body.
MAX_HEADERS = 16 * 1024


class Sink(Protocol):
    """Takes the body of one answer. Both methods refuse by raising BuilderError."""

    def begin(self, status: int) -> None:
        """The headers have come, with this HTTP status."""

    def write(self, chunk: bytes) -> None:
        """The next part of the body has come."""


class ConnectionFoundClosed(BuilderUnreachable):
    """A kept connection ended before a byte of the answer: it may have been closed long before."""


class Connection(TwistedProtocol):
    """One connection. `name` is the builder's, for messages: its URL."""

    transport: Any

    def __init__(self, reactor: Clock, name: str) -> None:
        self._reactor = reactor
        self._name = name
        #: Whether another exchange can begin here; false for ever once the connection ends.
        self.usable = True
        self._answered: Deferred[None] | None = None
        self._sink: Sink | None = None
        self._what = ""
        self._seconds = 0.0
        self._exchanges = 0
        self._received = 0
        self._received_body = 0
        self._headers_complete = False
        self._complete = False
        self._keep = False
        self._socket: socket.socket | None = None

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is there; send small requests without waiting to fill a packet."""
        self._parser = httptools.HttpResponseParser(self)
        self._timer = self._reactor.callLater(IDLE_TIMEOUT, self._time_is_up)
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self._socket = self.transport.getHandle()

    def exchange(self, request: bytes, sink: Sink, seconds: float, what: str) -> Deferred[None]:
        """Send `request`; fires once its whole answer went into `sink`.

        `what` names the request in messages. Fails with BuilderTimedOut after `seconds`, with
        BuilderUnreachable if the connection is lost, with BuilderNonsense if what comes is not one
        HTTP answer, and with what `sink` raises; after any of them, and after the Deferred is
        cancelled, the connection is closed.
        """
        assert self._answered is None, f"{self._name} is asked {what} during {self._what}"
        answered: Deferred[None] = Deferred(self._give_up)
        self._answered, self._sink = answered, sink
        self._what, self._seconds = what, seconds
        self._received = self._received_body = 0
        self._headers_complete = self._complete = False
        self._exchanges += 1
        self._allow(seconds)
        self._send(request)
        return answered

    def _allow(self, seconds: float) -> None:
        """Have the timer end what is under way in `seconds`."""
        if self._reactor.seconds() + seconds < self._timer.time:
            self._timer.cancel()
            self._timer = self._reactor.callLater(seconds, self._time_is_up)
        else:
            self._timer.reset(seconds)

    def _send(self, request: bytes) -> None:
        """Send at once what the socket takes, which is nearly always all of it.

        The transport would ask the reactor first whether it may write, and then to ask no more:
        two system calls and a turn of the reactor, a fifth of what a scan costs. Nothing of
        ours waits in it, since one exchange ends before the next begins. Whatever is wrong with
        the socket the transport finds when it is given the rest.
        """
        sent = 0
        if self._socket is not None:
            try:
                sent = self._socket.send(request)
            except OSError:
                sent = 0
        if sent < len(request):
            self.transport.write(request[sent:])

    def pause(self) -> None:
        """Read nothing more until `resume`; what was read already still goes into the sink."""
        if self.usable:
            self.transport.pauseProducing()

    def resume(self) -> None:
        """Read again after `pause`."""
        if self.usable:
            self.transport.resumeProducing()

    def close(self) -> None:
        """Close now; an exchange under way fails."""
        self._end(BuilderUnreachable(f"The connection to {self._name} was closed by the manager."))

    # From the transport.

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Feed the parser; the exchange ends only when all of `data` is known to belong to it."""
        if self._answered is None:
            self._end(self._nonsense("sent what nobody had asked for"))
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            refused = error.__context__
            if not isinstance(refused, BuilderError):
                refused = self._nonsense(f"did not answer `{self._what}` with HTTP: {error}")
            self._end(refused)
            return
        if not self.usable:
            return  # a sink has closed the connection
        if self._complete:
            self._complete_exchange()
        elif self._received > MAX_HEADERS + 2 * self._received_body:
            self._end(self._nonsense(f"sent too many headers in answer to `{self._what}`"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        """The connection is gone, by whoever's doing."""
        kept = self._exchanges > 1 and not self._received
        kind = ConnectionFoundClosed if kept else BuilderUnreachable
        self._end(
            kind(
                f"{self._name} closed the connection before `{self._what}` was answered: "
                f"{reason.getErrorMessage()}"
            )
        )

    # From the parser. What these raise comes back to `dataReceived` as the context of its error.

    def on_message_begin(self) -> None:
        """An answer begins: there may be one."""
        if self._headers_complete:
            raise self._nonsense(f"sent more than one answer to `{self._what}`")

    def on_headers_complete(self) -> None:
        """The headers of the answer have come."""
        self._headers_complete = True
        if self._sink is not None:
            self._sink.begin(self._parser.get_status_code())

    def on_body(self, chunk: bytes) -> None:
        """A part of the answer's body has come."""
        self._received_body += len(chunk)
        if self._sink is not None:
            self._sink.write(chunk)

    def on_message_complete(self) -> None:
        """The answer has come whole."""
        self._complete = True
        self._keep = self._parser.should_keep_alive()

    # How an exchange, or the connection, ends.

    def _complete_exchange(self) -> None:
        answered, self._answered, self._sink = self._answered, None, None
        if self._keep:
            self._timer.reset(IDLE_TIMEOUT)
        else:
            self._retire()
        if answered is not None:
            answered.callback(None)

    def _time_is_up(self) -> None:
        if self._answered is None:
            self._retire()
        else:
            self._end(
                BuilderTimedOut(
                    f"{self._name} did not answer `{self._what}` within {self._seconds:g} s"
                )
            )

    def _give_up(self, _answered: Deferred[None]) -> None:
        """The caller has cancelled: the answer could come at any time, so nothing else may."""
        self._answered = None
        self._end(BuilderUnreachable(f"`{self._what}` was cancelled"))

    def _retire(self) -> None:
        """Close in peace: nothing is under way."""
        self.usable = False
        if self._timer.active():
            self._timer.cancel()
        self.transport.loseConnection()

    def _end(self, problem: BuilderError) -> None:
        """Close at once, with `problem` for an exchange under way."""
        self.usable = False
        if self._timer.active():
            self._timer.cancel()
        answered, self._answered, self._sink = self._answered, None, None
        self.transport.abortConnection()
        if answered is not None:
            answered.errback(problem)

    def _nonsense(self, what: str) -> BuilderNonsense:
        return BuilderNonsense(f"{self._name} {what}")
