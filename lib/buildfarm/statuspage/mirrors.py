"""Logs of running builds, copied from their builders while somebody looks at them.

Layer 5. Tests: tests/unit/statuspage/test_mirrors.py.

However many look at a log, its builder is asked once for each byte: one copy goes into a nameless
file of ours, without secrets, and everybody is served from there. Bytes stay where they are in the
log, so whoever has read up to some place goes on from there in the stored log. Copies are bounded
in number and size; one that nobody has looked at for a while goes.
"""

import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from buildfarm.flow.notice import Notice
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import BuilderError, FarmError
from buildfarm.vocab.secrets import SecretFilter

#: Bytes asked of a builder at once.
PIECE = 256 * 1024

#: Seconds until a builder that had nothing new is asked again, and one that could not be asked.
INTERVAL = 0.5
AFTER_ERROR = 5.0

#: Seconds for which a copy stays that nobody looks at.
KEPT = 30.0

#: Copies at once.
MAX_MIRRORS = 64

#: `fetch(start, limit)`: part of the log from its builder; None while it is on none.
Fetch = Callable[[int, int], Awaitable[bytes | None]]


class TooManyLogs(FarmError):
    """More running builds are looked at than copies are kept."""


class Mirror:
    """The log of one attempt, as far as it has been copied; `logparts.Log`.

    `caught_up` turns true when the builder has had nothing more for the first time. Of a log that
    is longer than `limit` bytes, and of one that our disk does not take, no more is copied.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, workers: Workers, fetch: Fetch, directory: Path, limit: int
    ) -> None:
        self.caught_up = False
        #: Given when there is more, or when it has caught up.
        self.changed = Notice()
        self._reactor = reactor
        self._workers = workers
        self._fetch = fetch
        self._directory = directory
        self._limit = limit
        self._file: BinaryIO | None = None
        self._secrets = SecretFilter()
        self._fetched = 0
        self._size = 0
        self._copying: Deferred[None] | None = None

    @property
    def size(self) -> int:
        """The bytes that are there: whole lines, but for very long ones."""
        return self._size

    def read(self, start: int, length: int) -> bytes:
        """Bytes from `start` on, in a file thread."""
        file, room = self._file, self._size - start
        return b"" if file is None else os.pread(file.fileno(), max(0, min(length, room)), start)

    def start(self) -> None:
        """Begin to copy."""
        self._copying = Deferred.fromCoroutine(self._copy())

    async def close(self) -> None:
        """End, and give the file back."""
        if self._copying is not None:
            self._copying.cancel()
            await self._copying
        file, self._file, self._size = self._file, None, 0
        if file is not None:
            await self._workers.run(file.close)

    async def _copy(self) -> None:
        with suppress(CancelledError):
            try:
                while self._fetched < self._limit:
                    await self._copy_piece()
            except (OSError, FarmError) as error:
                self.log.error("a log that is looked at is not copied: {error}", error=error)
            self._caught_up()

    async def _copy_piece(self) -> None:
        try:
            piece = await self._fetch(self._fetched, PIECE) or b""
        except BuilderError:
            await deferLater(self._reactor, AFTER_ERROR)
            return
        if piece:
            await self._keep(piece)
        if len(piece) < PIECE:
            self._caught_up()
            await deferLater(self._reactor, INTERVAL)

    async def _keep(self, piece: bytes) -> None:
        self._fetched += len(piece)
        kept = await self._workers.run(self._write, piece)
        if kept:
            self._size += kept
            self.changed.give()

    def _write(self, piece: bytes) -> int:
        """In a file thread."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._directory, buffering=0)  # noqa: SIM115
        clean = memoryview(self._secrets.feed(piece))
        written = 0
        while written < len(clean):
            written += os.pwrite(self._file.fileno(), clean[written:], self._size + written)
        return written

    def _caught_up(self) -> None:
        if not self.caught_up:
            self.caught_up = True
            self.changed.give()


class Mirrors:
    """Every copy, by build and attempt. `limit` is what a log may have, in bytes."""

    def __init__(self, reactor: Any, workers: Workers, directory: Path, limit: int) -> None:
        self._reactor = reactor
        self._workers = workers
        self._directory = directory
        self._limit = limit
        self._mirrors: dict[tuple[int, int], Mirror] = {}
        self._users: dict[tuple[int, int], int] = {}
        self._leaving: dict[tuple[int, int], Any] = {}

    @contextmanager
    def of(self, build_id: int, attempt: int, fetch: Fetch) -> Iterator[Mirror]:
        """The copy of the log of this attempt; it stays while this is entered, and a little longer.

        Raises TooManyLogs.
        """
        key = build_id, attempt
        mirror = self._mirrors.get(key)
        if mirror is None:
            if len(self._mirrors) >= MAX_MIRRORS:
                raise TooManyLogs(
                    f"{MAX_MIRRORS} other logs are looked at while they are written; "
                    "come back in a minute."
                )
            mirror = Mirror(self._reactor, self._workers, fetch, self._directory, self._limit)
            self._mirrors[key] = mirror
            mirror.start()
        if key in self._leaving:
            self._leaving.pop(key).cancel()
        self._users[key] = self._users.get(key, 0) + 1
        try:
            yield mirror
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                if self._mirrors.get(key) is mirror:
                    self._leaving[key] = self._reactor.callLater(KEPT, self._forget, key)

    async def stop(self) -> None:
        """End all of them."""
        for leaving in self._leaving.values():
            leaving.cancel()
        self._leaving.clear()
        mirrors, self._mirrors = self._mirrors, {}
        for mirror in mirrors.values():
            await mirror.close()

    def _forget(self, key: tuple[int, int]) -> None:
        del self._leaving[key]
        Deferred.fromCoroutine(self._mirrors.pop(key).close())
