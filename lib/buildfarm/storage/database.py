"""The database of one farm: where it is, how it is made and upgraded, and who may open it.

Everything here blocks: it is called before the reactor runs, or in a thread.

Layer 3. Tests: tests/unit/storage/test_database.py.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storm.exceptions import URIError
from storm.expr import Insert
from storm.store import Store
from storm.uri import URI

from buildfarm.storage import copies, schema
from buildfarm.storage.errors import translated
from buildfarm.storage.sqlite import FarmSQLite
from buildfarm.storage.tables import Farm
from buildfarm.vocab.errors import Refused, SettingsError


def new_database_id() -> str:
    """Eight random hexadecimal digits, which end every cookie of a database."""
    return secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `init` found and did: `before` is the version it found, `backup` where it kept that."""

    before: int
    after: int
    backup: Path | None = None


class Database:
    """The farm's database, behind a Storm URI such as `sqlite:////var/lib/farm/farm.db`.

    A store belongs to the thread that opened it.
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
        unfinished.unlink(missing_ok=True)
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
        unfinished.rename(self.path)

    def _upgrade(self) -> Initialised:
        found = copies.inspect(self.path)
        if found == schema.CURRENT:
            return Initialised(found, found)
        kept = self.path.with_name(f"{self.path.name}.version-{found}")
        kept.unlink(missing_ok=True)
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
        """A store for this thread that reads and writes: the farm has one of them at a time."""
        return _open(self.path, writes=True)

    def reader(self) -> Any:
        """A store for this thread that only reads."""
        return _open(self.path, writes=False)

    def backup(self, target: Path) -> None:
        """Copy the database, as it is committed at this moment, into the new file `target`.

        Writers go on meanwhile. The copy is one whole file with mode 0600, on disk when this
        returns. Raises Refused where `target` exists.
        """
        with translated(f"{self.path} was copied to {target}"):
            copies.copy(self.path, target)


def _open(path: Path, *, writes: bool) -> Any:
    _require(path)
    return Store(FarmSQLite(path, writes=writes))


def _require(path: Path) -> None:
    if not path.exists():
        raise Refused(f"There is no database at {path}; run `buildd-manager init` to make one.")
