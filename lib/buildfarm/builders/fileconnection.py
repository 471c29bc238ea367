"""A connection that files come over, whose reading can be lent to the thread that writes the file.

Layer 3; used by `builders.downloads`. Tests: tests/functional/builders/test_downloads.py.

The reactor reads 64 KiB at a time, has them parsed and copied, and hands them to a thread: for a
large file that is most of what the reactor does. The thread can as well take from the socket what
is there, past the reactor, which only says when there is something. Small files, answers of unknown
length and connections that are no sockets stay with the reactor.
"""

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

import httptools
from twisted.internet.defer import Deferred

from buildfarm.builders.connection import Connection, Sink
from buildfarm.flow.reactors import Clock
from buildfarm.vocab.errors import BuilderError

#: Bytes that are read at a time: they stay in a processor's cache until they are written.
PIECE = 256 * 1024

#: Bytes that are read for one loan at most, so that threads are shared.
LONGEST_LOAN = 4 * 1024 * 1024


class Loan:
    """A socket whose next `left` bytes are those of one body. Used, and closed, in one thread."""

    def __init__(self, connection: socket.socket, left: int) -> None:
        """`connection` is ours alone, and does not block."""
        self._connection = connection
        self._left = min(left, LONGEST_LOAN)
        #: Bytes that were read.
        self.taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def pieces(self, buffer: memoryview) -> Iterator[memoryview]:
        """What is there now, in pieces, each valid until the next.

        A connection that has ended looks like one that has nothing: the reactor finds out.
        """
        with suppress(OSError):
            while self._left:
                size = self._connection.recv_into(buffer[: self._left])
                if not size:
                    return
                self._left -= size
                self.taken += size
                yield buffer[:size]


class FileConnection(Connection):
    """One connection for files. `lend` and `take_back` enclose what is read by another thread.

    From its first loan on an answer is counted to its end: the parser does not see all of it.
    """

    def __init__(self, reactor: Clock, name: str) -> None:
        super().__init__(reactor, name)
        self._length: int | None = None
        self._counted = False

    def exchange(self, request: bytes, sink: Sink, seconds: float, what: str) -> Deferred[None]:
        """As that of any connection."""
        self._length = None
        self._counted = False
        return super().exchange(request, sink, seconds, what)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the answer has come."""
        if name.lower() == b"content-length":
            self._length = int(value)

    @property
    def _left(self) -> int:
        """Bytes of the answer's body that are to come; none where nobody knows."""
        return 0 if self._length is None else self._length - self._received_body

    def lend(self, most: int) -> Loan | None:
        """Read nothing here until `take_back`; None where this answer cannot be lent.

        An answer of which more than `most` bytes are to come is not: it is refused here.
        """
        if self._socket is None or self._answered is None or not 0 < self._left <= most:
            return None
        if not self._counted:
            self._counted = True
            self._keep = self._parser.should_keep_alive()
            self._parser = httptools.HttpResponseParser(self)
        self.transport.pauseProducing()
        return Loan(self._socket.dup(), self._left)

    def take_back(self, loan: Loan) -> None:
        """Go on after `loan`, or end the exchange if nothing is left of its answer."""
        if not self.usable:
            return
        self._received += loan.taken
        self._received_body += loan.taken
        self.transport.resumeProducing()
        if not self._left:
            self._complete_exchange()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """More of an answer that is counted, or whatever any connection may get."""
        if not self._counted or self._answered is None:
            super().dataReceived(data)
            return
        self._received += len(data)
        more = len(data) > self._left
        try:
            self.on_body(data[: self._left])
        except BuilderError as error:
            self._end(error)
            return
        if more:
            self._end(self._nonsense(f"sent more than one answer to `{self._what}`"))
        elif self.usable and not self._left:
            self._complete_exchange()
