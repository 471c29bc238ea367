"""Where the answers to short calls, and parts of a log, go: into memory, bounded.

Layer 3. Tests: tests/unit/builders/test_client.py.
"""

from http import HTTPStatus

from buildfarm.vocab.errors import BuilderNonsense
from buildfarm.wire.builderrpc import MAX_BYTES

#: Bytes that are read of a log in one answer; a daemon that ignores ranges is read so far.
MAX_LOG_PART = 16 * 1024 * 1024

_LOG_ANSWERS = frozenset(
    {
        HTTPStatus.OK,
        HTTPStatus.PARTIAL_CONTENT,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    }
)


class Message:
    """The body of one answer that must be a message: HTTP status 200, at most `MAX_BYTES`."""

    __slots__ = ("_chunks", "_method", "_size", "_url")

    def __init__(self, url: str, method: str) -> None:
        self._url = url
        self._method = method
        self._chunks: list[bytes] = []
        self._size = 0

    def begin(self, status: int) -> None:
        """The HTTP status: a redirect is not followed, an error page not read."""
        if status != HTTPStatus.OK:
            raise BuilderNonsense(f"{self._url} answered `{self._method}` with HTTP {status}")

    def write(self, chunk: bytes) -> None:
        """The next part of the body."""
        self._size += len(chunk)
        if self._size > MAX_BYTES:
            self._chunks.clear()  # the error that follows may live for long, and this with it
            raise BuilderNonsense(
                f"{self._url} answered `{self._method}` with more than {MAX_BYTES} bytes"
            )
        self._chunks.append(chunk)

    def content(self) -> bytes:
        """The body, once it is whole."""
        return b"".join(self._chunks)


class LogPart:
    """A part of a log that grows: HTTP 206 with the range that was asked for, or 200 with all."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._status = 0
        self._chunks: list[bytes] = []
        self._size = 0

    def begin(self, status: int) -> None:
        """The HTTP status; 404 is a log that is not there yet, 416 one that has not grown."""
        if status not in _LOG_ANSWERS:
            raise BuilderNonsense(f"{self._url} answered for its log with HTTP {status}")
        self._status = status

    def write(self, chunk: bytes) -> None:
        """The next part of the body; error pages are read and dropped."""
        self._size += len(chunk)
        if self._size > MAX_LOG_PART:
            self._chunks.clear()
            raise BuilderNonsense(
                f"{self._url} sent more than {MAX_LOG_PART} bytes for a part of its log"
            )
        self._chunks.append(chunk)

    def part(self, start: int, last: int) -> bytes:
        """The bytes from `start` to `last`, as far as they are there."""
        if self._status == HTTPStatus.PARTIAL_CONTENT:
            return b"".join(self._chunks)[: last - start + 1]
        if self._status == HTTPStatus.OK:
            return b"".join(self._chunks)[start : last + 1]
        return b""
