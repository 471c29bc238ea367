"""The driver's errors, translated once at the boundary of `storage`.

Layer 3. Tests: tests/unit/storage/test_errors.py.
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from storm.exceptions import Error as DriverError

from buildfarm.vocab.errors import DiskFull, StorageError

#: Primary result codes of SQLite: the database is locked, by us or by another process.
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

#: No room on the file system, or none that is left to us.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class DatabaseLocked(StorageError):
    """Another process kept the database locked for longer than we wait; it may be tried again."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise what the driver or the file system raises within as the farm's own error.

    `doing` completes "The database failed while …". DatabaseLocked where trying again may help,
    DiskFull where only room helps, StorageError for everything else.
    """
    try:
        yield
    except (DriverError, sqlite3.Error) as error:
        code = _code(error)
        if code in _LOCKED:
            raise DatabaseLocked(
                f"The database stayed locked by another process while {doing}."
            ) from error
        if code == sqlite3.SQLITE_FULL:
            raise DiskFull(f"The disk of the database is full: it failed while {doing}.") from error
        raise StorageError(f"The database failed while {doing}: {error}.") from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(f"The disk of the database is full: it failed while {doing}.") from error
        raise StorageError(f"The database failed while {doing}: {error}.") from error


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code of `error` or of what it wraps; None from another driver."""
    cause: BaseException | None = error
    while cause is not None:
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None:
            return int(code) & 0xFF
        cause = cause.__cause__
    return None
