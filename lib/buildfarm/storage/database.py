"""The database of one farm: the one door to it, whichever kind it is.

Everything here blocks: it is called before the reactor runs, or in a thread.

Layer 3. Tests: tests/unit/storage/test_database.py, tests/functional/storage/postgres.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from buildfarm.storage import schema
from buildfarm.storage.backend import Backend, Initialised, Restored
from buildfarm.storage.errors import translated
from buildfarm.storage.postgresbackend import PostgresBackend
from buildfarm.storage.sqlitebackend import SQLiteBackend
from buildfarm.storage.uris import parsed


class Database:
    """The farm's database, behind a Storm URI: `sqlite:///PATH` or `postgres://…/NAME`.

    A store is used by one thread at a time.
    """

    def __init__(self, uri: str, *, exclusive: bool = False) -> None:
        """Open nothing yet. Raises SettingsError for a URI that names no database.

        `exclusive`: whoever writes holds the manager's lock of a database that others can reach as
        well (PostgreSQL), and is refused while another does. That of an SQLite file is in the state
        directory (`assembly.lock`).
        """
        self._backend = _backend(uri)
        self._exclusive = exclusive
        #: What people call it; there is no password in it.
        self.name = self._backend.name
        #: The file of SQLite; None for a server.
        self.path = self._backend.path

    def init(self, backups: Path | None = None) -> Initialised:
        """Make the database, or upgrade an older one after a backup.

        That backup is beside an SQLite file; of others it is in the directory `backups`. Raises
        Refused for a newer database or one that is not ours.
        """
        with translated(f"{self.name} was initialised"):
            return self._backend.init(backups)

    def check(self) -> None:
        """Raise Refused unless this is an initialised database of this release's version."""
        with translated(f"{self.name} was opened"):
            schema.require_current(self._backend.version())

    def writer(self) -> Any:
        """A store that reads and writes; each of its transactions waits for its turn to write."""
        return self._backend.writer(exclusive=self._exclusive)

    def reader(self) -> Any:
        """A store that only reads."""
        return self._backend.reader()

    def backup(self, target: Path) -> None:
        """Copy the database, as it is committed at this moment, into the new file `target`.

        Writers go on meanwhile. The copy is one whole file with mode 0600, on disk when this
        returns; `restore` takes it on either kind of database. Raises Refused where `target`
        exists.
        """
        with translated(f"{self.name} was copied to {target}"):
            self._backend.backup(target)

    def restore(self, source: Path, now: datetime) -> Restored:
        """Let the backup `source` be the database from now on; `renewal` says what it forgets.

        What was there before is kept. Nothing may have the database open. Raises Refused for a
        file that is damaged, not ours or of a newer release.
        """
        with translated(f"{source} was restored"):
            return self._backend.restore(source, now)


def _backend(uri: str) -> Backend:
    found = parsed(uri)
    if found.scheme == "sqlite":
        return SQLiteBackend(Path(found.database))
    return PostgresBackend(uri)
