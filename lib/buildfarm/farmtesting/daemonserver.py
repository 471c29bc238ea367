"""A fake daemon's side of a connection: HTTP/1.1 as launchpad-buildd serves it.

Beside the layers; tests in tests/unit/farmtesting/test_fakedaemon.py and the contract suite.
It serves a thousand builders in one process, so it does only what the protocol needs.
"""

import io
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import httptools
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.basic import FileSender
from twisted.python.failure import Failure

from buildfarm.farmtesting.fakedaemon import FakeDaemon, ReplyLost
from buildfarm.wire.builderrpc import (
    FAULT_ERROR,
    Fault,
    MalformedMessage,
    decode_call,
    encode_fault,
    encode_reply,
)

#: Bytes that are given to the transport at a time: a large file is not copied as a whole.
_PIECE = 1024 * 1024

_RANGE = re.compile(rb"bytes=([0-9]+)-([0-9]*)")
_NOT_FOUND = b"\n<html>\n  <head><title>404 - No Such Resource</title></head>\n</html>\n"
_REASONS = {200: "OK", 206: "Partial Content", 404: "Not Found", 416: "Range Not Satisfiable"}


@dataclass(slots=True)
class _Request:
    path: bytes = b""
    range: bytes = b""
    body: list[bytes] = field(default_factory=list)


class DaemonServer(Protocol):
    """One connection of a client to `daemon`."""

    transport: Any

    def __init__(self, daemon: FakeDaemon) -> None:
        self._daemon = daemon
        self._parser = httptools.HttpRequestParser(self)
        self._coming: _Request | None = None
        self._come: deque[_Request] = deque()
        #: Whether the connection is there.
        self.open = True

    def connectionMade(self) -> None:
        """Send the last packet of an answer at once, as Twisted's own web server does."""
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        """Serve what is complete; the parser is not left in the middle of anything meanwhile."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abortConnection()
            return
        while self._come:
            Deferred.fromCoroutine(self._serve(self._come.popleft()))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client is gone; what it asked for is carried out nevertheless."""
        self.open = False

    def on_message_begin(self) -> None:
        """A request begins."""
        self._coming = _Request()

    def on_url(self, url: bytes) -> None:
        """The next part of the request's path: it may come in several packets."""
        if self._coming is not None:
            self._coming.path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of the headers only one counts."""
        if self._coming is not None and name.lower() == b"range":
            self._coming.range = value

    def on_body(self, chunk: bytes) -> None:
        """The next part of the request's body."""
        if self._coming is not None:
            self._coming.body.append(chunk)

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self._coming is not None:
            self._come.append(self._coming)
            self._coming = None

    async def _serve(self, request: _Request) -> None:
        directory, _, name = request.path.decode("latin-1").rpartition("/")
        if directory.endswith("/filecache"):
            await self._serve_file(name, request.range)
        elif request.path.rstrip(b"/").endswith(b"/rpc"):
            await self._serve_call(b"".join(request.body))
        else:
            self._send(404, _NOT_FOUND)

    async def _serve_call(self, body: bytes) -> None:
        try:
            result = await self._daemon.call(decode_call(body))
        except MalformedMessage as error:
            result = Fault(FAULT_ERROR, f"Can't deserialize input: {error}")
        except ReplyLost:
            self.transport.abortConnection()
            return
        answer = encode_fault(result) if isinstance(result, Fault) else encode_reply(result)
        self._send(200, answer, "text/xml")

    async def _serve_file(self, name: str, wanted: bytes) -> None:
        content = await self._daemon.file(name)
        if content is None:
            self._send(404, _NOT_FOUND)
            return
        match = _RANGE.fullmatch(wanted)
        if match is None:
            self._send(200, content)
            return
        start = int(match[1])
        last = min(int(match[2] or len(content)), len(content) - 1)
        if start >= len(content):
            self._send(416, b"", extra=f"Content-Range: bytes */{len(content)}\r\n")
            return
        where = f"Content-Range: bytes {start}-{last}/{len(content)}\r\n"
        self._send(206, content[start : last + 1], extra=where)

    def _send(self, status: int, body: bytes, kind: str = "text/html", extra: str = "") -> None:
        if self.open:
            head = (
                f"HTTP/1.1 {status} {_REASONS[status]}\r\nServer: TwistedWeb/22.4.0\r\n"
                f"Content-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
            )
            if len(body) <= _PIECE or not IConsumer.providedBy(self.transport):
                self.transport.write(head.encode() + body)
                return
            self.transport.write(head.encode())
            sender: Any = FileSender()
            sender.CHUNK_SIZE = _PIECE
            sender.beginFileTransfer(io.BytesIO(body), self.transport).addErrback(lambda _: None)
