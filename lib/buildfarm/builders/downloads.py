"""Files from a builder, streamed to our disk: bounded in size, time and slowness.

Layer 3; used by `builders.client`. Tests: tests/functional/builders/test_downloads.py.

Chunks come in the reactor thread and go to the file in a file thread, one write at a time; when the
disk is slower than the builder, reading pauses, so that no more than `_HIGH_WATER` and one packet
wait in memory for each download.
"""

import hashlib
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from twisted.internet.defer import Deferred

from buildfarm.builders.line import Line
from buildfarm.flow.durable import full_disk_named
from buildfarm.flow.reactors import Clock, Timer
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import (
    BuilderNonsense,
    BuilderTimedOut,
    ResultsRefused,
)
from buildfarm.vocab.observation import Downloaded

#: Bytes that wait in memory before reading pauses.
_HIGH_WATER = 1024 * 1024

#: Seconds in which a download must have brought what the least rate makes of them.
RATE_WINDOW = 30.0


class _File:
    """The file being written and its digests; all methods run in a file thread."""

    def __init__(self, destination: Path) -> None:
        self._destination = destination
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0
        with full_disk_named(destination):
            self._file = destination.open("wb")

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._sha1.update(data)
        self._sha256.update(data)
        self._size += len(data)
        with full_disk_named(self._destination):
            self._file.write(data)

    def finish(self) -> Downloaded:
        """Flush to disk and close."""
        with full_disk_named(self._destination), self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        return Downloaded(self._size, self._sha1.hexdigest(), self._sha256.hexdigest())

    def discard(self) -> None:
        """Close, and leave nothing behind."""
        self._file.close()
        self._destination.unlink(missing_ok=True)


class Download:
    """The sink of one file's answer; `what` names it in messages, `name` is the builder."""

    def __init__(
        self,
        line: Line,
        workers: Workers,
        *,
        destination: Path,
        limit: int,
        name: str,
        what: str,
    ) -> None:
        self._line = line
        self._workers = workers
        self._destination = destination
        self._limit = limit
        self._name = name
        self._what = what
        self._file: _File | None = None
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._writing: Deferred[None] | None = None
        self._failed: Exception | None = None
        #: Bytes that have come.
        self.size = 0

    async def open(self) -> None:
        """Create the file."""
        self._file = await self._workers.run(_File, self._destination)

    def begin(self, status: int) -> None:
        """The HTTP status: anything but 200 is no file, and a redirect is not followed."""
        if status != HTTPStatus.OK:
            raise BuilderNonsense(f"{self._name} answered {self._what} with HTTP {status}")

    def write(self, chunk: bytes) -> None:
        """The next part of the file."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise ResultsRefused(f"{self._what} of {self._name} is larger than {self._limit} bytes")
        self._buffer.append(chunk)
        self._buffered += len(chunk)
        if self._writing is None:
            self._writing = Deferred.fromCoroutine(self._write_buffer())
            # Its failure is raised by `finish`, which always comes.
            self._writing.addErrback(self._keep_failure)
        elif self._buffered > _HIGH_WATER:
            self._line.pause()

    async def finish(self) -> Downloaded:
        """Wait until all is written and flushed. Raises what writing raised, DiskFull among it."""
        if self._writing is not None:
            await self._writing
        if self._failed is not None:
            raise self._failed
        assert self._file is not None, "open() comes first"
        return await self._workers.run(self._file.finish)

    async def discard(self) -> None:
        """Remove what was written."""
        self._buffer.clear()
        if self._writing is not None:
            await self._writing
        if self._file is not None:
            await self._workers.run(self._file.discard)

    def _keep_failure(self, failure: object) -> None:
        value = getattr(failure, "value", None)
        self._failed = value if isinstance(value, Exception) else RuntimeError(str(failure))
        self._line.close()

    async def _write_buffer(self) -> None:
        assert self._file is not None, "open() comes first"
        while self._buffer:
            data, self._buffer, self._buffered = b"".join(self._buffer), [], 0
            self._line.resume()
            await self._workers.run(self._file.write, data)
        self._writing = None


class RateWatch:
    """Ends a download that brings less than `min_rate` bytes a second over a whole window."""

    def __init__(
        self, reactor: Clock, download: Download, min_rate: int, end: Callable[[], None]
    ) -> None:
        self._reactor = reactor
        self._download = download
        self._least = min_rate * RATE_WINDOW
        self._end = end
        self._before = 0
        self._timer: Timer = reactor.callLater(RATE_WINDOW, self._look)
        #: Whether the download was ended for its slowness.
        self.too_slow = False

    def _look(self) -> None:
        if self._download.size - self._before < self._least:
            self.too_slow = True
            self._end()
            return
        self._before = self._download.size
        self._timer = self._reactor.callLater(RATE_WINDOW, self._look)

    def stop(self) -> None:
        """The download has ended."""
        if self._timer.active():
            self._timer.cancel()


def timed_out(name: str, what: str, min_rate: int) -> BuilderTimedOut:
    """The error for a download that was too slow."""
    return BuilderTimedOut(f"{name} sends {what} more slowly than {min_rate} bytes a second")
