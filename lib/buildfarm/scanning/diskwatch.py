"""Watches the room on our own disks: beyond a limit, dispatch pauses before anything fails.

Layer 4. Builds that run are still gathered, so what is in the spool stays below its limit and what
the running ones may bring. A disk of an archive alone pauses nothing: what cannot be published
waits in the spool, which has its own limit. Tests: tests/unit/scanning/test_diskwatch.py.
"""

import os
import shutil
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path

from twisted.logger import Logger

from buildfarm.flow.lookout import Lookout
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.scanning.pauses import DISK, Pauses
from buildfarm.vocab.errors import FarmError, Stopped
from buildfarm.vocab.settings import Settings

#: Seconds between two looks.
INTERVAL = 5.0

#: The subject of a pause because too many results wait for their upload, and of the note that
#: an archive's disk is nearly full.
SPOOL = "spool"
ARCHIVE_DISKS = "archive disks"

#: What must be free, or gone from the spool, beyond the limit before dispatch goes on, as a part
#: of the limit: a disk at its edge must not stop and start the farm with every build.
MARGIN = 0.1


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


def one_of_each_disk(paths: Iterable[Path], known: Iterable[Path] = ()) -> list[Path]:
    """The first of `paths` on each disk that none of `known` is on. Raises OSError."""
    seen = {path.stat().st_dev for path in known}
    found = []
    for path in paths:
        device = path.stat().st_dev
        if device not in seen:
            seen.add(device)
            found.append(path)
    return found


def state_directories(settings: Settings) -> tuple[Path, ...]:
    """The directories of the manager that may be on disks of their own."""
    state = settings.manager.state_dir
    return (state, settings.store_dir, settings.spool_dir)


def shortage(path: Path, free: int, least: int) -> str:
    """What is told of a disk with too little room."""
    return (
        f"{free:,} bytes are free on the disk of {path}; with less than "
        f"[manager] min_free_bytes = {least:,} no build is begun until there are "
        f"{least * (1 + MARGIN):,.0f}: free some space there"
    )


def shortages(settings: Settings) -> list[str]:
    """What is told now of each disk of the manager with too little room."""
    least = settings.manager.min_free_bytes
    there = [path for path in state_directories(settings) if path.exists()]
    room = {path: free_bytes(path) for path in one_of_each_disk(there)}
    return [shortage(path, free, least) for path, free in room.items() if free < least]


async def _no_archives() -> tuple[Path, ...]:
    return ()


class DiskWatch:
    """Pauses dispatch while a disk has too little room, or the spool holds too much.

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
        fetch_archives: Callable[[], Awaitable[Iterable[Path]]] = _no_archives,
        free: Callable[[Path], int] = free_bytes,
        used: Callable[[Path], int] = used_bytes,
        disks: Callable[[Iterable[Path], Iterable[Path]], list[Path]] = one_of_each_disk,
    ) -> None:
        """`fetch_archives` gives the directories of the archives that we keep."""
        self.settings = settings
        #: Called when a disk of ours has become short of room.
        self.when_short: Callable[[], object] = lambda: None
        self._directories, self._spool_dir = state_directories(settings), settings.spool_dir
        self._workers = workers
        self._pauses = pauses
        self._fetch_archives = fetch_archives
        self._free = free
        self._used = used
        self._disks = disks
        #: Limits that were broken at the last look.
        self._broken: set[str] = set()
        self._short = False
        self._lookout = Lookout(reactor, INTERVAL, self._look, "the disks")

    def start(self) -> None:
        """Look now and from now on."""
        self._lookout.start()

    def stop(self) -> None:
        """Look no more."""
        self._lookout.stop()

    async def _look(self) -> None:
        try:
            archives = await self._fetch_archives()
            ours, theirs = await self._workers.run(self._measure, tuple(archives))
            used = await self._workers.run(self._used, self._spool_dir)
        except (OSError, Stopped) as error:
            self.log.warn("room in {path}: {error}", path=self._directories[0], error=error)
            return
        except FarmError as error:
            self.log.warn("the archives could not be asked for: {error}", error=error)
            return
        too_little = self._too_little(DISK, ours)
        self._pause_if(DISK, too_little)
        was_short, self._short = self._short, too_little is not None
        if self._short and not was_short:
            self.when_short()
        self._pause_if(SPOOL, self._too_much(used))
        self._note_if(ARCHIVE_DISKS, self._too_little(ARCHIVE_DISKS, theirs))

    def _measure(self, archives: tuple[Path, ...]) -> tuple[dict[Path, int], dict[Path, int]]:
        """In a file thread: what is free on each disk of ours, and on each other of archives."""
        ours = self._disks(self._directories, ())
        theirs = self._disks([path for path in archives if path.exists()], ours)
        return {path: self._free(path) for path in ours}, {
            path: self._free(path) for path in theirs
        }

    def _pause_if(self, subject: str, reason: str | None) -> None:
        if reason is None:
            self._pauses.resume(subject)
        else:
            self._pauses.pause(subject, reason)

    def _note_if(self, subject: str, reason: str | None) -> None:
        if reason is None:
            self._pauses.resume(subject)
        elif self._pauses.note(subject, reason):
            self.log.warn("{reason}", reason=reason)

    def _is_beyond(self, limit: str, now: bool, nearly: bool) -> bool:
        """Whether a limit is broken `now`, or was and what is there is still `nearly` beyond."""
        beyond = now or (limit in self._broken and nearly)
        if beyond:
            self._broken.add(limit)
        else:
            self._broken.discard(limit)
        return beyond

    def _too_little(self, subject: str, free: dict[Path, int]) -> str | None:
        least = self.settings.manager.min_free_bytes
        enough = least * (1 + MARGIN)
        told = [
            shortage(path, left, least)
            for path, left in free.items()
            if self._is_beyond(f"{subject} {path}", left < least, left < enough)
        ]
        return "; ".join(told) or None

    def _too_much(self, used: int) -> str | None:
        most = self.settings.gather.max_spool_bytes
        if not self._is_beyond(SPOOL, used > most, used > most * (1 - MARGIN)):
            return None
        return (
            f"{used:,} bytes of results are in {self._spool_dir}, more than "
            f"[gather] max_spool_bytes = {most:,}: see why builds stay in UPLOADING"
        )
