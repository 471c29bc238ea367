"""A farm in an SQLite file: made, upgraded, copied and restored as files are.

Layer 3. Tests: tests/unit/storage/test_database.py, test_restore.py.
"""

from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from buildfarm.storage import copies, schema
from buildfarm.storage.backend import Initialised, Restored
from buildfarm.storage.renewal import name_farm
from buildfarm.storage.restoring import renewed_copy
from buildfarm.storage.sqlite import open_file, require_file


class SQLiteBackend:
    """The farm in the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path: Path | None = path
        self._path = path
        self.name = str(path)

    def init(self, backups: Path | None = None) -> Initialised:
        """Make the file, or upgrade it after a copy, which lies beside it wherever `backups` is.

        Files are made for the owner alone (mode 0600); SQLite gives its `-wal` and `-shm` files
        the mode of the database. Raises Refused for a newer database or one that is not ours.
        """
        if self._path.exists():
            return self._upgrade()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._create()
        return Initialised(0, schema.CURRENT)

    def _create(self) -> None:
        """Make the database under another name first: it is there whole, or not at all."""
        unfinished = self._path.with_name(f"{self._path.name}.new")
        copies.discard(unfinished)
        copies.make_private(unfinished)
        store = open_file(unfinished, writes=True)
        try:
            schema.upgrade(store)
            store.execute(f"PRAGMA application_id = {copies.APPLICATION_ID}", noresult=True)
            name_farm(store)
            store.commit()
        finally:
            store.close()
        copies.move(unfinished, self._path)

    def _upgrade(self) -> Initialised:
        found = copies.inspect(self._path)
        if found == schema.CURRENT:
            return Initialised(found, found)
        kept = self._path.with_name(f"{self._path.name}.version-{found}")
        copies.discard(kept)
        copies.copy(self._path, kept)
        store = open_file(self._path, writes=True)
        try:
            schema.upgrade(store)
            store.commit()
        finally:
            store.close()
        return Initialised(found, schema.CURRENT, kept)

    def version(self) -> int:
        """The schema version of the file. Raises Refused where there is none, or it is not ours."""
        require_file(self._path)
        return copies.inspect(self._path)

    def writer(self, *, exclusive: bool) -> Any:
        """A store that writes; one manager per file is held by the lock of its state directory."""
        return open_file(self._path, writes=True)

    def reader(self) -> Any:
        """A store that only reads."""
        return open_file(self._path, writes=False)

    def backup(self, target: Path) -> None:
        """Copy the file, as it is committed at this moment; see `copies`."""
        copies.copy(self._path, target)

    def restore(self, source: Path, now: datetime) -> Restored:
        """Put a renewed copy of `source` in the place of the file, which is kept beside it."""
        unfinished = self._path.with_name(f"{self._path.name}.restoring")
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lost = renewed_copy(source, unfinished, now)
        kept = None
        if self._path.exists():
            name = f"{self._path.name}.before-{now:%Y%m%dT%H%M%S}"
            kept = _unused(self._path.with_name(name))
            copies.keep(self._path, kept)
        copies.move(unfinished, self._path)
        return Restored(None if kept is None else str(kept), lost)


def _unused(path: Path) -> Path:
    """`path`, numbered where a `restore` of the same second, or one that was killed, has it."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(one for one in chain([path], numbered) if not one.exists())
