"""Layer 2: a web server for strangers: so many connections, so long for a request, small bodies.

Twisted bounds the request line and the headers (16 KiB, 500 of them). A request that trickles in
would hold its connection for ever, since each byte is taken for a sign of life; and a body would
be kept, on the disk in the end, before anybody asks whether there should be one. Of the connections
no address has more than its share. Arguments and forms are left to who wants them (`request.args`
stays empty): Twisted takes as many apart as there are, which holds up the reactor for a second.

Forms with files in them (multipart/form-data) below the addresses in `streamed` are rendered as
soon as their headers are there, with the body to come in `request.body` (`bodystream`): Twisted
would keep the whole of it, and take it apart in memory. Their connection is closed afterwards.

Tests: tests/functional/flow/test_boundedsite.py.
"""

from collections import Counter
from collections.abc import Callable, Collection
from io import BytesIO
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import Request

from buildfarm.flow.bodystream import BodyStream
from buildfarm.flow.peerplaces import share_of
from buildfarm.flow.quietsite import QuietSite
from buildfarm.flow.reactors import Clock, Timer

#: Connections at once; beyond that they are closed unanswered.
MAX_CONNECTIONS = 4096

#: Seconds for a request to be complete, from the connection or from the end of the one before.
REQUEST_DEADLINE = 60.0


#: Seconds for which a client may go on sending after it was answered.
LINGER = 30.0

_FORM_WITH_FILES = b"multipart/form-data"


class StreamableRequest(Request):
    """A request; with a `body` it is rendered before that has come."""

    body: BodyStream | None = None

    def getHeader(self, key: Any) -> Any:  # noqa: N802 - Twisted's name
        """The last header of this name; as text, what is no UTF-8 in it is replaced."""
        if isinstance(key, bytes):
            return super().getHeader(key)
        value = super().getHeader(key.encode())
        return None if value is None else value.decode("utf-8", "replace")

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """A part of its body has come."""
        if self.body is not None:
            self.body.received(data)
        else:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]

    def requestReceived(  # noqa: N802 - Twisted's name
        self, command: bytes, path: bytes, version: bytes
    ) -> None:
        """It is complete, so it is rendered, unless it was."""
        if self.body is not None:
            self.body.ended()
            return
        assert self.content is not None, "Twisted gives every request a content"
        self.content.seek(0)
        self._render(command, path, version)

    def begin(self, command: bytes, path: bytes, version: bytes) -> None:
        """Render it; its body is to come."""
        self.parseCookies()  # type: ignore[no-untyped-call]
        self.content = BytesIO()
        self._render(command, path, version)

    def _render(self, command: bytes, path: bytes, version: bytes) -> None:
        """As Twisted does, but for the arguments."""
        self.method, self.uri, self.clientproto = command, path, version
        self.path, self.args = path.partition(b"?")[0], {}
        self.process()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """Its client has gone."""
        if self.body is not None:
            self.body.lost("The client has gone.")
        super().connectionLost(reason)  # type: ignore[no-untyped-call]


class _Channel(HTTPChannel):
    """One connection."""

    bounded_site: "BoundedSite"
    address: str
    _deadline: Timer | None = None
    _refused = False
    _left_early: StreamableRequest | None = None
    _command: Any
    _path: Any
    _version: Any
    _networkProducer: Any  # noqa: N815 - Twisted's name

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Count it, and wait for its first request."""
        super().connectionMade()  # type: ignore[no-untyped-call]
        self.bounded_site.count(self.address, 1)
        self._await_request(self.bounded_site.deadline)

    def connectionLost(  # noqa: N802 - Twisted's name
        self, reason: Failure = connectionDone
    ) -> None:
        """It is gone."""
        self.bounded_site.count(self.address, -1)
        self._stop_waiting()
        if self._left_early is not None:
            self.requests.remove(self._left_early)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:  # noqa: N802 - Twisted's name
        """Refuse a body that is too long, or of unknown length, before a byte of it is kept."""
        length: int | None = self.length
        request: StreamableRequest = self.requests[-1]
        streamed = length is not None and self.bounded_site.is_streamed(self._path, request)
        most = self.bounded_site.max_stream if streamed else self.bounded_site.max_body
        if length is None:
            self._refuse(b"411 Length Required", b"Say how long the body is.")
        elif length > most:
            words = f"The body has {length} bytes; at most {most} are taken here."
            self._refuse(b"413 Content Too Large", words.encode())
        elif streamed:
            self._stream(request, length)
        else:
            super().allHeadersReceived()  # type: ignore[no-untyped-call]

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """A body that was refused."""
        if not self._refused:
            super().rawDataReceived(data)

    def invite(self) -> None:
        """Somebody is there for the body."""
        expected = self.requests[-1].getHeader(b"expect") or b""
        if expected.lower() == b"100-continue" and self._version == b"HTTP/1.1":
            self._send100Continue()  # type: ignore[no-untyped-call]

    def pause(self) -> None:
        """Read no more."""
        self._networkProducer.pauseProducing()

    def resume(self) -> None:
        """Go on reading."""
        self._networkProducer.resumeProducing()

    def abort(self) -> None:
        """Close the connection at once."""
        transport: Any = self.transport
        transport.abortConnection()

    def _stream(self, request: StreamableRequest, length: int) -> None:
        """Render `request`; its body comes meanwhile, and has deadlines of its own."""
        self._stop_waiting()
        self.setTimeout(None)  # type: ignore[no-untyped-call]
        self.persistent = False
        request.responseHeaders.setRawHeaders(b"connection", [b"close"])
        request.body = BodyStream(self.bounded_site.clock, self, length)
        request.body.hold()
        request.begin(self._command, self._path, self._version)

    def _refuse(self, status: bytes, words: bytes) -> None:
        self._refused = True
        transport: Any = self.transport
        head = b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Type: text/plain\r\n" % status
        transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(words), words))
        if self.isSecure():  # type: ignore[no-untyped-call]
            self.loseConnection()  # type: ignore[no-untyped-call]
        else:
            # The other half stays open, until the deadline, for who reads once all was sent.
            transport.loseWriteConnection()

    def allContentReceived(self) -> None:  # noqa: N802 - Twisted's name
        """The request is complete; how long its answer takes is for the answer to bound."""
        self._stop_waiting()
        super().allContentReceived()  # type: ignore[no-untyped-call]
        left, self._left_early = self._left_early, None
        if left is not None:
            super().requestDone(left)  # type: ignore[no-untyped-call]

    def requestDone(self, request: StreamableRequest) -> None:  # noqa: N802 - Twisted's name
        """It was answered: another may follow."""
        self.bounded_site.answered(request.code)
        if request.body is not None and not request.body.complete:
            self._leave_early(request, request.body)
            return
        self._await_request(self.bounded_site.deadline)
        super().requestDone(request)  # type: ignore[no-untyped-call]

    def _leave_early(self, request: StreamableRequest, body: BodyStream) -> None:
        """Hear the client out for a while: many read no answer before they have sent all."""
        self._left_early = request
        self._await_request(LINGER)
        body.drop()

    def _await_request(self, seconds: float) -> None:
        self._stop_waiting()
        self._deadline = self.bounded_site.clock.callLater(seconds, self.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()


class BoundedSite(QuietSite):
    """Serves `resource` to whoever comes; `connections` is the number that are open.

    Bodies have at most `max_body` bytes, streamed ones `max_stream`. `streamed` are the first parts
    of paths below which forms with files are streamed.
    """

    protocol: Any = _Channel
    requestFactory: Any = StreamableRequest  # noqa: N815 - Twisted's name

    def __init__(
        self,
        resource: Resource,
        reactor: Clock,
        *,
        max_connections: int = MAX_CONNECTIONS,
        deadline: float = REQUEST_DEADLINE,
        max_body: int = 0,
        max_stream: int = 0,
        streamed: Collection[str] = (),
        answered: Callable[[int], object] = lambda status: None,
    ) -> None:
        """`answered` is told the status of each answer."""
        super().__init__(resource, reactor=reactor, timeout=deadline)
        self.connections = 0
        self.clock = reactor
        self.answered = answered
        self.deadline = deadline
        self.max_body = max_body
        self.max_stream = max_stream
        self._streamed = frozenset(part.encode() for part in streamed)
        self._max_connections = max_connections
        self._by_address: Counter[str] = Counter()

    def count(self, address: str, change: int) -> None:
        """`address` has opened a connection, or lost one."""
        self.connections += change
        self._by_address[address] += change
        if not self._by_address[address]:
            del self._by_address[address]

    def is_streamed(self, path: bytes, request: Request) -> bool:
        """Whether this request, of which the headers are there, is rendered before its body."""
        _, first, *_ = [*path.split(b"/", 2), b""]
        content_type = request.getHeader(b"content-type") or b""
        return first in self._streamed and content_type.lower().startswith(_FORM_WITH_FILES)

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802 - Twisted's name
        """A connection, or None where there are too many."""
        address = str(getattr(addr, "host", ""))
        share = share_of(self._max_connections)
        if self.connections >= self._max_connections or self._by_address[address] >= share:
            return None
        channel: Any = super().buildProtocol(addr)  # type: ignore[no-untyped-call]
        channel.bounded_site, channel.address = self, address
        return channel
