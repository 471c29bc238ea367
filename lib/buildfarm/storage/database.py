"""The database of one farm: where it is, how it is made and upgraded, and who may open it.

Everything here blocks: it is called before the reactor runs, or in a thread.

Layer 3. Tests: tests/unit/storage/test_database.py.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from storm.exceptions import URIError
from storm.expr import Insert
from storm.store import Store
from storm.uri import URI

from buildfarm.storage import copies, schema
from buildfarm.storage.errors import translated
from buildfarm.storage.renewal import new_database_id, renew
from buildfarm.storage.sqlite import FarmSQLite
from buildfarm.storage.tables import Farm
from buildfarm.vocab.errors import Refused, SettingsError


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `init` found and did: `before` is the version it found, `backup` where it kept that."""

    before: int
    after: int
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore` did: where the database of before is, and how many attempts were given up."""

    kept: Path | None
    lost: int


class Database:
    """The farm's database, behind a Storm URI such as `sqlite:////var/lib/farm/farm.db`.

    A store is used by one thread at a time.
    """

    def __init__(self, uri: str) -> None:
        """Open nothing yet. Raises SettingsError for a URI that names no database file."""
        try:
            parsed = URI(uri)
        except (URIError, ValueError) as error:
            raise SettingsError(f"{uri!r} is no database: {error}.") from error
        if parsed.scheme != "sqlite" or not parsed.database:
            raise SettingsError(
                f"{uri!r} is no database that this release can use: "
                "it takes `sqlite:///PATH`, for example sqlite:////var/lib/buildd-manager/farm.db."
            )
        self.path = Path(parsed.database)

    def init(self) -> Initialised:
        """Make the database, or upgrade an older one after a backup beside it.

        Files are made for the owner alone (mode 0600); SQLite gives its `-wal` and `-shm` files
        the mode of the database. Raises Refused for a newer database or one that is not ours.
        """
        with translated(f"{self.path} was initialised"):
            if self.path.exists():
                return self._upgrade()
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._create()
        return Initialised(0, schema.CURRENT)

    def _create(self) -> None:
        """Make the database under another name first: it is there whole, or not at all."""
        unfinished = self.path.with_name(f"{self.path.name}.new")
        copies.discard(unfinished)
        copies.make_private(unfinished)
        store = _open(unfinished, writes=True)
        try:
            schema.upgrade(store)
            store.execute(f"PRAGMA application_id = {copies.APPLICATION_ID}", noresult=True)
            farm = {Farm.id: 1, Farm.database_id: new_database_id(), Farm.epoch: 0}
            store.execute(Insert(farm), noresult=True)
            store.commit()
        finally:
            store.close()
        copies.move(unfinished, self.path)

    def _upgrade(self) -> Initialised:
        found = copies.inspect(self.path)
        if found == schema.CURRENT:
            return Initialised(found, found)
        kept = self.path.with_name(f"{self.path.name}.version-{found}")
        copies.discard(kept)
        copies.copy(self.path, kept)
        store = _open(self.path, writes=True)
        try:
            schema.upgrade(store)
        finally:
            store.close()
        return Initialised(found, schema.CURRENT, kept)

    def check(self) -> None:
        """Raise Refused unless this is an initialised database of this release's version."""
        _require(self.path)
        with translated(f"{self.path} was opened"):
            schema.require_current(copies.inspect(self.path))

    def writer(self) -> Any:
        """A store that reads and writes; each of its transactions waits for its turn to write."""
        return _open(self.path, writes=True)

    def reader(self) -> Any:
        """A store that only reads."""
        return _open(self.path, writes=False)

    def backup(self, target: Path) -> None:
        """Copy the database, as it is committed at this moment, into the new file `target`.

        Writers go on meanwhile. The copy is one whole file with mode 0600, on disk when this
        returns. Raises Refused where `target` exists.
        """
        with translated(f"{self.path} was copied to {target}"):
            copies.copy(self.path, target)

    def restore(self, source: Path, now: datetime) -> Restored:
        """Let the backup `source` be the database from now on; `renewal` says what it forgets.

        The database of before is kept beside it. Nothing may have the database open. Raises
        Refused for a file that is damaged, not ours or of a newer release.
        """
        with translated(f"{source} was restored"):
            if not source.exists():
                raise Refused(f"There is no backup {source}.")
            copies.inspect(source)
            copies.require_whole(source)
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = self.path.with_name(f"{self.path.name}.restoring")
            copies.discard(unfinished)
            copies.copy(source, unfinished)
            lost = _renew(unfinished, now)
            kept = None
            if self.path.exists():
                kept = self.path.with_name(f"{self.path.name}.before-{now:%Y%m%dT%H%M%S}")
                copies.move(self.path, kept)
            copies.move(unfinished, self.path)
        return Restored(kept, lost)


def _renew(path: Path, now: datetime) -> int:
    store = _open(path, writes=True)
    try:
        schema.upgrade(store)
        lost: int = renew(store, new_database_id(), now).value
        store.commit()
    finally:
        store.close()
    return lost


def _open(path: Path, *, writes: bool) -> Any:
    _require(path)
    return Store(FarmSQLite(path, writes=writes))


def _require(path: Path) -> None:
    if not path.exists():
        raise Refused(f"There is no database at {path}; `buildd-manager init` makes one.")
