"""Notices that the file of the database was taken away under the running manager.

Layer 4. Its open connections go on in the file that they have, so nothing fails; but what was
removed is gone when the manager ends, and with it all that was written since.
Tests: tests/unit/scanning/test_databasewatch.py, tests/functional/faults/test_database.py.
"""

import os
from pathlib import Path

from buildfarm.flow.lookout import Lookout
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.scanning.pauses import Pauses
from buildfarm.vocab.errors import Stopped

#: Seconds between two looks.
INTERVAL = 5.0

#: The subject of a pause because the database's file is not where it was.
DATABASE_FILE = "database file"


def identity(path: Path) -> tuple[int, int] | None:
    """Which file `path` is; None where there is none, or it cannot be told."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class DatabaseWatch:
    """Pauses dispatch while `path` is not the file that it was at the start.

    None, for a database that is in no file, is not watched.
    """

    def __init__(
        self, reactor: Clock, path: Path | None, *, workers: Workers, pauses: Pauses
    ) -> None:
        self._path = path
        self._workers = workers
        self._pauses = pauses
        self._known: tuple[int, int] | None = None
        self._lookout = Lookout(reactor, INTERVAL, self._look, "the file of the database")

    def start(self) -> None:
        """Look now and from now on."""
        if self._path is not None:
            self._lookout.start()

    def stop(self) -> None:
        """Look no more."""
        self._lookout.stop()

    async def _look(self) -> None:
        assert self._path is not None, "start() does not begin without one"
        try:
            found = await self._workers.run(identity, self._path)
        except Stopped:
            return
        self._known = self._known or found
        if found == self._known:
            self._pauses.resume(DATABASE_FILE)
            return
        what = "is another file than the one in use" if found else "is gone"
        self._pauses.pause(
            DATABASE_FILE,
            f"{self._path} {what}: put the right one back before the manager stops, or all that "
            f"is written is lost (it is still open: ls -l /proc/{os.getpid()}/fd)",
        )
