"""Files from a builder, streamed to our disk: bounded in size, time and slowness.

Layer 3; used by `builders.client`. Tests: tests/unit/builders/test_downloads.py.

Chunks come in the reactor thread and go to the file in a file thread, some hundred kilobytes at a
time: a small file costs one job there. While that thread is at it, it also takes from the socket
what has come meanwhile. When the disk is slower than the builder, reading pauses, so that no more
than `_HIGH_WATER` and what is being written wait in memory for each download.
"""

import hashlib
import os
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from twisted.internet.defer import Deferred, DeferredLock

from buildfarm.builders.fileconnection import PIECE, FileConnection, Loan
from buildfarm.builders.line import Line
from buildfarm.flow.durable import full_disk_named
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import (
    BuilderError,
    BuilderNonsense,
    BuilderTimedOut,
    ResultsRefused,
)
from buildfarm.vocab.observation import Downloaded

# Bytes that one job writes at least, but for the last; bytes at which reading pauses.
_BATCH = 512 * 1024
_HIGH_WATER = 1024 * 1024

#: Seconds in which a download must have brought what the least rate makes of them.
RATE_WINDOW = 30.0


class _File:
    """The file being written, and its digests. Used in file threads, by one of them at a time."""

    def __init__(self, destination: Path, flushed: bool) -> None:
        self._destination = destination
        self._flushed = flushed
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0
        self._file: BinaryIO | None = None
        self._buffer = memoryview(b"")

    def append(self, chunks: list[bytes]) -> BinaryIO:
        """Write `chunks` at the end; makes the file, or empties one that is there."""
        with full_disk_named(self._destination):
            if self._file is None:
                self._file = self._destination.open("wb", buffering=0)
            self._write(self._file, memoryview(b"".join(chunks)))
        return self._file

    def append_lent(self, chunks: list[bytes], loan: Loan) -> None:
        """Write `chunks` and then what `loan` brings."""
        if not self._buffer:
            self._buffer = memoryview(bytearray(PIECE))
        with loan, full_disk_named(self._destination):
            file = self.append(chunks)
            for piece in loan.pieces(self._buffer):
                self._write(file, piece)

    def _write(self, file: BinaryIO, data: memoryview) -> None:
        self._sha1.update(data)
        self._sha256.update(data)
        self._size += len(data)
        while data:
            data = data[file.write(data) :]

    def finish(self, chunks: list[bytes]) -> Downloaded:
        """Write the last `chunks`, flush to disk if that is wanted, and close."""
        with self.append(chunks) as file, full_disk_named(self._destination):
            if self._flushed:
                os.fsync(file.fileno())
        return Downloaded(self._size, self._sha1.hexdigest(), self._sha256.hexdigest())

    def discard(self) -> None:
        """Close, and leave nothing behind."""
        if self._file is not None:
            self._file.close()
            self._destination.unlink(missing_ok=True)


class Download:
    """One file on its way from the builder at the end of `line` to `destination`.

    `name` is the builder's and `what` the file's, for messages. More than `limit` bytes are
    refused, and so are less than `min_rate` bytes a second while we are ready to read.
    """

    def __init__(
        self,
        reactor: Clock,
        line: Line[FileConnection],
        workers: Workers,
        *,
        destination: Path,
        flushed: bool,
        limit: int,
        min_rate: int,
        name: str,
        what: str,
    ) -> None:
        self._reactor = reactor
        self._line = line
        self._workers = workers
        self._limit = limit
        self._min_rate = min_rate
        self._name = name
        self._what = what
        self._file = _File(destination, flushed)
        self._writing = DeferredLock()
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._received = 0
        self._received_before = 0
        self._paused = False
        self._was_paused = False
        self._failure: Exception | None = None

    async def run(self, request: bytes) -> Downloaded:
        """Send `request` and keep what is answered, flushed to disk if `flushed` was asked for.

        Otherwise nothing of it is left. Raises BuilderError, DiskFull, or OSError for any other
        fault of our own disk.
        """
        seconds = RATE_WINDOW + self._limit / self._min_rate
        self._watch = self._reactor.callLater(RATE_WINDOW, self._check_rate)
        try:
            await self._line.exchange(request, self, seconds, self._what, repeatable=True)
            return await self._finish()
        except BaseException as error:
            await self._discard()
            if self._failure is not None:
                raise self._failure from error
            raise
        finally:
            if self._watch.active():
                self._watch.cancel()

    # From the connection.

    def begin(self, status: int) -> None:
        """The HTTP status: anything but 200 is no file, and a redirect is not followed."""
        if status != HTTPStatus.OK:
            raise BuilderNonsense(f"{self._name} answered for {self._what} with HTTP {status}")

    def write(self, chunk: bytes) -> None:
        """The next part of the file."""
        self._received += len(chunk)
        if self._received > self._limit:
            raise ResultsRefused(f"{self._what} of {self._name} has more than {self._limit} bytes")
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        if self._waiting >= _BATCH and not self._writing.locked:
            Deferred.fromCoroutine(self._write_out())
        elif self._waiting >= _HIGH_WATER and not self._paused:
            self._paused = self._was_paused = True
            self._line.pause()

    # To the disk.

    def _take(self) -> list[bytes]:
        chunks, self._chunks, self._waiting = self._chunks, [], 0
        if self._paused:
            self._paused = False
            self._line.resume()
        return chunks

    async def _write_out(self) -> None:
        await self._writing.acquire()
        try:
            while self._waiting >= _BATCH and self._failure is None:
                await self._write_batch()
        except Exception as error:  # noqa: BLE001 - whatever it is, `run` raises it
            self._fail(error)
        finally:
            self._writing.release()

    async def _write_batch(self) -> None:
        """Have a thread write what waits, and what it finds in the socket then."""
        connection = self._line.connection
        chunks = self._take()
        loan = None if connection is None else connection.lend(self._limit - self._received)
        if connection is None or loan is None:
            await self._workers.run(self._file.append, chunks)
            return
        try:
            await self._workers.run(self._file.append_lent, chunks, loan)
        finally:
            self._received += loan.taken
            connection.take_back(loan)

    async def _finish(self) -> Downloaded:
        await self._writing.acquire()
        try:
            if self._failure is not None:
                raise self._failure
            return await self._workers.run(self._file.finish, self._take())
        finally:
            self._writing.release()

    async def _discard(self) -> None:
        await self._writing.acquire()
        try:
            await self._workers.run(self._file.discard)
        finally:
            self._writing.release()

    def _fail(self, error: Exception) -> None:
        """Break off: the exchange fails, and `run` raises `error`."""
        self._failure = error
        self._line.close()

    def _check_rate(self) -> None:
        received = self._received - self._received_before
        if received < self._min_rate * RATE_WINDOW and not self._was_paused:
            self._fail(self._too_slow())
            return
        self._received_before = self._received
        self._was_paused = self._paused
        self._watch = self._reactor.callLater(RATE_WINDOW, self._check_rate)

    def _too_slow(self) -> BuilderError:
        return BuilderTimedOut(
            f"{self._name} sends {self._what} more slowly than {self._min_rate} bytes a second"
        )
