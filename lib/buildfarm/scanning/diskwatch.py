"""Watches the room on our own disk: below a limit, dispatch pauses before anything fails.

Layer 4. Tests: tests/unit/scanning/test_diskwatch.py.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.scanning.judge import DISK
from buildfarm.scanning.pauses import Pauses
from buildfarm.vocab.errors import Stopped

#: Seconds between two looks.
INTERVAL = 5.0


def free_bytes(path: Path) -> int:
    """What is free on the disk of `path`."""
    return shutil.disk_usage(path).free


class DiskWatch:
    """Pauses dispatch while less than `min_free` bytes are free where `path` is."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        *,
        workers: Workers,
        pauses: Pauses,
        path: Path,
        min_free: int,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._workers = workers
        self._pauses = pauses
        self._path = path
        self.min_free = min_free
        self._free = free
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._look()))
        self._loop.clock = reactor  # type: ignore[assignment]

    def start(self) -> None:
        """Look now and from now on."""
        self._loop.start(INTERVAL)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    async def _look(self) -> None:
        try:
            free = await self._workers.run(self._free, self._path)
        except (OSError, Stopped) as error:
            self.log.warn("free space of {path}: {error}", path=self._path, error=error)
            return
        if free >= self.min_free:
            self._pauses.resume(DISK)
            return
        reason = (
            f"{free:,} bytes are free on the disk of {self._path}, less than "
            f"[manager] min_free_bytes = {self.min_free:,}: free some space there"
        )
        if self._pauses.pause(DISK, reason):
            self.log.critical("dispatch pauses: {reason}", reason=reason)
