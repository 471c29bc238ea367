"""Copies of an SQLite database: taken online, checked, and made private.

A copy of the file alone lacks what is still in the `-wal` file (a hundred rows, when it was
tried), so every copy here goes through SQLite's backup interface, in one step: a single read
transaction, which stops no writer.

Layer 3. Tests: tests/unit/storage/test_database.py, test_restore.py.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from buildfarm.flow.durable import flush_directory, flush_file
from buildfarm.storage import schema
from buildfarm.storage.sqlite import BUSY_TIMEOUT
from buildfarm.vocab.errors import Refused

#: Marks our files in SQLite's header: "bfrm" in ASCII.
APPLICATION_ID = 0x6266726D

#: The files of one database, the database itself last: what lies beside it is nothing without it.
_SUFFIXES = ("-wal", "-shm", "")


def make_private(path: Path) -> None:
    """Make the empty file `path` with mode 0600; Refused where it exists."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise Refused(f"{path} exists already; name a new file.") from None
    except OSError as error:
        raise Refused(f"{path} cannot be made: {error.strerror}.") from error


def inspect(path: Path) -> int:
    """The schema version of the farm's database in `path`.

    Raises Refused where it is none of ours, damaged or of a newer release.
    """
    with closing(connect(path)) as connection:
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application != APPLICATION_ID:
                raise Refused(f"{path} is not a database of a build farm.")
            (version,) = connection.execute("SELECT MAX(version) FROM patch").fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise Refused(f"{path} is not a database of a build farm.") from error
            if error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT:
                raise Refused(f"{path} is damaged; restore a backup.") from error
            raise
    schema.require_known(version or 0)
    return version or 0


def require_whole(path: Path) -> None:
    """Raise Refused where the database in `path` is damaged."""
    with closing(connect(path)) as connection:
        try:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            verdict = str(error)
    if verdict != "ok":
        raise Refused(f"{path} is damaged ({verdict}); use another backup.")


def copy(source: Path, target: Path) -> None:
    """Copy the database `source` into the new file `target`, whole and flushed to disk.

    The target needs no `-wal` beside it. Nothing is left behind where this fails.
    """
    make_private(target)
    try:
        with closing(connect(source)) as reading, closing(connect(target)) as writing:
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")
        flush_file(target)
        flush_directory(target.parent)
    except BaseException:
        discard(target)
        raise


def move(source: Path, target: Path) -> None:
    """Rename the database `source` to `target`, in one step; nobody has either of them open."""
    with suppress(sqlite3.DatabaseError), closing(connect(source)) as connection:
        # A damaged one is moved as it is, with what lies beside it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in _SUFFIXES:
        part = source.with_name(source.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    flush_directory(target.parent)


def keep(path: Path, kept: Path) -> None:
    """Give the database `path`, which nobody has open, the name `kept` as well.

    Until another takes its place by a rename it stays where it is, whatever is killed. What lies
    beside a damaged one is moved.
    """
    with suppress(sqlite3.DatabaseError), closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept.hardlink_to(path)
    for suffix in _SUFFIXES[:-1]:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    flush_directory(kept.parent)


def discard(path: Path) -> None:
    """Remove the database `path`, if it is there, which nobody has open."""
    for suffix in _SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def connect(path: Path) -> sqlite3.Connection:
    """A driver's connection without transactions of its own; the caller closes it."""
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
