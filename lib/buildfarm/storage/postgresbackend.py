"""A farm in a schema of its own in a PostgreSQL database.

Whoever runs the server makes the database; `init` makes the schema `buildfarm` in it. Backups are
SQLite files with the same tables: PostgreSQL's own programs are not needed, their versions do not
matter, and a farm can move from one kind of database to the other.

Layer 3. Tests: tests/functional/storage/postgres.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from storm.uri import URI

from buildfarm.storage import schema
from buildfarm.storage.backend import Initialised, Restored
from buildfarm.storage.moving import read_backup, write_backup
from buildfarm.storage.postgres import (
    LAST_COMMIT,
    SCHEMA,
    forget_old_commits,
    lock_for_manager,
    open_store,
)
from buildfarm.storage.renewal import name_farm
from buildfarm.storage.restoring import renewed_copy
from buildfarm.storage.uris import without_password
from buildfarm.vocab.errors import DatabaseAway, Refused


class PostgresBackend:
    """The farm in the database that `uri` names."""

    def __init__(self, uri: str) -> None:
        self._uri = URI(uri)
        #: The URI without its password.
        self.name = without_password(uri)
        self.path: Path | None = None

    def init(self, backups: Path | None = None) -> Initialised:
        """Make the schema, or upgrade it after a backup into the directory `backups`."""
        with self._locked() as store:
            found = self._found(store)
            schema.require_known(found)
            kept = None
            if found == schema.CURRENT:
                return Initialised(found, found)
            if found == 0:
                _make_schema(store)
                schema.upgrade(store)
                name_farm(store)
            else:
                kept = (backups or Path.cwd()) / f"{self._uri.database}.version-{found}.db"
                kept.unlink(missing_ok=True)
                self.backup(kept)
                schema.upgrade(store)
            store.commit()
        return Initialised(found, schema.CURRENT, kept)

    def version(self) -> int:
        """The schema version that is there; 0 before `init`. Refused where it is not ours."""
        store = self._open(writes=False)
        try:
            return self._found(store)
        finally:
            store.close()

    def writer(self, *, exclusive: bool) -> Any:
        """A store that writes; an `exclusive` one holds the manager's lock of this database."""
        store = self._open(writes=True, marks_commits=True)
        try:
            if exclusive:
                lock_for_manager(store)
                forget_old_commits(store)
                store.commit()
        except BaseException:
            store.close()
            raise
        return store

    def reader(self) -> Any:
        """A store that only reads."""
        return self._open(writes=False)

    def backup(self, target: Path) -> None:
        """Write every row, as one snapshot has them, into a new SQLite file."""
        store = self._open(writes=False)
        try:
            write_backup(store, self._found(store), target)
        finally:
            store.close()

    def restore(self, source: Path, now: datetime) -> Restored:
        """Put the rows of `source` in a new schema; that of before is kept under another name."""
        with tempfile.TemporaryDirectory(prefix="restore-") as directory, self._locked() as store:
            renewed = Path(directory) / "renewed.db"
            lost = renewed_copy(source, renewed, now)
            kept = None
            if self._found(store):
                kept = f"{SCHEMA}_before_{now:%Y%m%dt%H%M%S}"
                store.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {kept}", noresult=True)
            _make_schema(store)
            schema.upgrade(store)
            read_backup(renewed, store)
            store.commit()
        return Restored(kept and f"the schema {kept}", lost)

    def _open(self, *, writes: bool, marks_commits: bool = False) -> Any:
        try:
            return open_store(self._uri, writes=writes, marks_commits=marks_commits)
        except DatabaseAway as error:
            cause = error.__cause__
            if "does not exist" in str(cause) and "database" in str(cause):
                raise Refused(
                    f"There is no database {self._uri.database!r} at {self.name}; have the "
                    f"server's administrator make it: `createdb --owner=USER {self._uri.database}`."
                ) from error
            raise

    @contextmanager
    def _locked(self) -> Iterator[Any]:
        """A store that writes while no manager runs on this database; uncommitted is undone."""
        store = self._open(writes=True)
        try:
            lock_for_manager(store)
            yield store
        finally:
            store.close()

    def _found(self, store: Any) -> int:
        found = schema.version(store)
        try:
            row = store.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (SCHEMA,)).get_one()
        finally:
            store.rollback()
        if found == 0 and row is not None:
            raise Refused(f"The schema {SCHEMA} in {self.name} is not a build farm's.")
        return found


def _make_schema(store: Any) -> None:
    store.execute(f"CREATE SCHEMA {SCHEMA}", noresult=True)
    store.execute(LAST_COMMIT, noresult=True)
