"""Where the answers to short calls go: into memory, bounded.

Layer 3. Tests: tests/unit/builders/test_client.py.
"""

from http import HTTPStatus

from buildfarm.vocab.errors import BuilderNonsense
from buildfarm.wire.builderrpc import MAX_BYTES


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
            raise BuilderNonsense(
                f"{self._url} answered `{self._method}` with more than {MAX_BYTES} bytes"
            )
        self._chunks.append(chunk)

    def content(self) -> bytes:
        """The body, once it is whole."""
        return b"".join(self._chunks)
