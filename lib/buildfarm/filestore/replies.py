"""One HTTP response that is a file, sent no faster than it is taken.

Layer 3; tests in `tests/functional/filestore/`.

Files are read in the file threads, one piece at a time: the next is read when the connection asks
for more, so a slow client costs one piece of memory and no thread. A small file is read when it is
opened: one way to the threads and back instead of three. A client that takes nothing for
`STALL_DEADLINE` seconds is disconnected.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from twisted.web.http import CACHED
from twisted.web.server import Request
from zope.interface import implementer

from buildfarm.filestore.ranges import UnsatisfiableRangeError, wanted_range
from buildfarm.flow.reactors import Clock, Timer
from buildfarm.flow.threads import Workers

#: Bytes read at once.
PIECE = 256 * 1024

#: Bytes of a file that is read at once with its opening.
SMALL = 64 * 1024

#: Seconds in which a client must take a piece; far below any rate that a builder is useful at.
STALL_DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file to send; `etag` changes whenever its content does, and stands in no quotes.

    `content` is all of a small file, whose stream is closed already; None for others. `read(start,
    length)` is given for what is not sent as it lies on the disk. There is no time of modification:
    in whole seconds, it would call an index unchanged that was published twice in one.
    """

    stream: BinaryIO
    size: int
    etag: str
    content_type: str = "application/octet-stream"
    content: bytes | None = None
    read: Callable[[int, int], bytes] | None = None


def opened(
    stream: BinaryIO, etag: str, content_type: str = "application/octet-stream"
) -> OpenedFile:
    """What `Reply.send` takes, of a regular file; called in a file thread, since it may read."""
    size = os.fstat(stream.fileno()).st_size
    if size > SMALL:
        return OpenedFile(stream, size, etag, content_type)
    with stream:
        return OpenedFile(stream, size, etag, content_type, stream.read(size))


@implementer(IPushProducer)
class Reply:
    """The answer to one request. `gone` turns true when the client has hung up."""

    def __init__(self, reactor: Clock, workers: Workers, request: Request) -> None:
        self.request = request
        self.gone = False
        self._reactor = reactor
        self._workers = workers
        self._resumed: Deferred[None] | None = None
        self._stall: Timer | None = None
        request.notifyFinish().addErrback(self._connection_lost)

    @property
    def path(self) -> tuple[bytes, ...]:
        """The names on the request's path, unquoted; the last one is empty for a closing slash."""
        return tuple(self.request.postpath or ())

    def refuse(self, status: HTTPStatus, sentence: str, **headers: str) -> None:
        """Answer with `status` and one sentence; headers are named with underscores."""
        self.write_page(f"{sentence}\n", "text/plain", status, **headers)

    def write_page(
        self,
        text: str,
        content_type: str,
        status: HTTPStatus = HTTPStatus.OK,
        **headers: str,
    ) -> None:
        """Answer with a text that is at hand."""
        if self.gone:
            return
        content = text.encode()
        self.request.setResponseCode(status)
        self._set_headers(
            content_type=f"{content_type}; charset=utf-8",
            content_length=str(len(content)),
            **headers,
        )
        self.request.write(content)
        self.request.finish()

    async def send(self, file: OpenedFile) -> None:
        """Answer with the file, or the part of it that is asked for; closes it in any case."""
        try:
            if not self.gone:
                await self._send_wanted(file)
        finally:
            if file.content is None:
                # Only read, so this waits for nothing; and the threads may have stopped by now.
                file.stream.close()

    async def _send_wanted(self, file: OpenedFile) -> None:
        etag = f'"{file.etag}"'
        self._set_headers(accept_ranges="bytes", x_content_type_options="nosniff")
        if self.request.setETag(etag.encode()) is CACHED:
            self.request.finish()
            return
        try:
            wanted = wanted_range(self._range_header(etag), file.size)
        except UnsatisfiableRangeError:
            sentence = f"There are {file.size} bytes; the range asked for is outside."
            status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            self.refuse(status, sentence, content_range=f"bytes */{file.size}")
            return
        if wanted is None:
            wanted = range(file.size)
        else:
            self.request.setResponseCode(HTTPStatus.PARTIAL_CONTENT)
            last = wanted.stop - 1
            self._set_headers(content_range=f"bytes {wanted.start}-{last}/{file.size}")
        self._set_headers(content_type=file.content_type, content_length=str(len(wanted)))
        await self._send_bytes(file, wanted)

    async def _send_bytes(self, file: OpenedFile, wanted: range) -> None:
        if self.request.method != b"HEAD" and wanted:
            self.request.registerProducer(self, True)
            await self._write_pieces(file, wanted)
            if self.gone:
                return
            self.request.unregisterProducer()
        self.request.finish()

    async def _write_pieces(self, file: OpenedFile, wanted: range) -> None:
        position = wanted.start
        while position < wanted.stop and not self.gone:
            size = min(wanted.stop - position, PIECE)
            piece = await self._fetch_piece(file, position, size)
            if not piece:
                # The file is shorter than it was, and its length is promised already.
                self.abort()
            position += len(piece)
            if not self.gone:
                self.request.write(piece)
            if self._resumed is not None:
                await self._resumed

    async def _fetch_piece(self, file: OpenedFile, position: int, size: int) -> bytes:
        if file.content is not None:
            return file.content[position : position + size]
        if file.read is not None:
            return await self._workers.run(file.read, position, size)
        return await self._workers.run(os.pread, file.stream.fileno(), size, position)

    def _range_header(self, etag: str) -> bytes | None:
        """The `Range` header, unless `If-Range` says that it was meant for another content."""
        condition = self.request.getHeader("if-range")
        if condition is not None and condition != etag:
            return None
        header = self.request.getHeader("range")
        return None if header is None else header.encode()

    def _set_headers(self, **headers: str) -> None:
        for name, value in headers.items():
            self.request.setHeader(name.replace("_", "-"), value)

    def abort(self) -> None:
        """Cut the connection, so that nobody takes what was sent for the whole."""
        if not self.gone:
            self.stopProducing()
            transport: Any = self.request.transport
            transport.abortConnection()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection has enough to send for now."""
        if self._resumed is None:
            self._resumed = Deferred()
            self._stall = self._reactor.callLater(STALL_DEADLINE, self.abort)

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection has sent what it had."""
        if self._stall is not None and self._stall.active():
            self._stall.cancel()
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.callback(None)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is no more."""
        self.gone = True
        self.resumeProducing()

    def _connection_lost(self, _reason: Failure) -> None:
        self.stopProducing()
