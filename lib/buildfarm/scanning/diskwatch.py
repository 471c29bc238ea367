"""Watches the room on our own disk: beyond a limit, dispatch pauses before anything fails.

Layer 4. Builds that run are still gathered, so what is in the spool stays below its limit and what
the running ones may bring. Tests: tests/unit/scanning/test_diskwatch.py.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.scanning.judge import DISK
from buildfarm.scanning.pauses import Pauses
from buildfarm.vocab.errors import Stopped
from buildfarm.vocab.settings import Settings

#: Seconds between two looks.
INTERVAL = 5.0

#: The subject of a pause because too many results wait for their upload.
SPOOL = "spool"


def free_bytes(path: Path) -> int:
    """What is free on the disk of `path`."""
    return shutil.disk_usage(path).free


def used_bytes(path: Path) -> int:
    """What the files below the directory `path` take; some may vanish meanwhile."""
    used = 0
    for directory, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):
                used += Path(directory, name).lstat().st_size
    return used


class DiskWatch:
    """Pauses dispatch while the disk has too little room, or the spool holds too much.

    The limits are `[manager] min_free_bytes` and `[gather] max_spool_bytes` of `settings`, which
    may be replaced while it watches; the directories stay.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        settings: Settings,
        *,
        workers: Workers,
        pauses: Pauses,
        free: Callable[[Path], int] = free_bytes,
        used: Callable[[Path], int] = used_bytes,
    ) -> None:
        self.settings = settings
        self._state_dir, self._spool_dir = settings.manager.state_dir, settings.spool_dir
        self._workers = workers
        self._pauses = pauses
        self._free = free
        self._used = used
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
            free = await self._workers.run(self._free, self._state_dir)
            used = await self._workers.run(self._used, self._spool_dir)
        except (OSError, Stopped) as error:
            self.log.warn("room in {path}: {error}", path=self._state_dir, error=error)
            return
        self._pause_if(DISK, self._too_little(free))
        self._pause_if(SPOOL, self._too_much(used))

    def _pause_if(self, subject: str, reason: str | None) -> None:
        if reason is None:
            self._pauses.resume(subject)
        elif self._pauses.pause(subject, reason):
            self.log.critical("dispatch pauses: {reason}", reason=reason)

    def _too_little(self, free: int) -> str | None:
        least = self.settings.manager.min_free_bytes
        if free >= least:
            return None
        return (
            f"{free:,} bytes are free on the disk of {self._state_dir}, less than "
            f"[manager] min_free_bytes = {least:,}: free some space there"
        )

    def _too_much(self, used: int) -> str | None:
        most = self.settings.gather.max_spool_bytes
        if used <= most:
            return None
        return (
            f"{used:,} bytes of results are in {self._spool_dir}, more than "
            f"[gather] max_spool_bytes = {most:,}: see why builds stay in UPLOADING"
        )
