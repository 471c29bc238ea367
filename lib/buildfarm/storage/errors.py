"""The driver's errors, translated once at the boundary of `storage`.

Layer 3. Tests: tests/unit/storage/test_errors.py.
"""

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from storm.exceptions import Error as DriverError

from buildfarm.vocab.errors import DatabaseAway, DiskFull, Refused, StorageError

#: Primary result codes of SQLite: the database is locked, by us or by another process.
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

#: SQLSTATEs of PostgreSQL: a serialization failure, a deadlock, a lock that was not to be had.
_CONFLICTS = ("40001", "40P01", "55P03")

#: Out of disk space.
_DISK_FULL = "53100"

#: The server goes down, comes up, has no place for one more, or has ended a session of ours.
_AWAY = ("57P01", "57P02", "57P03", "57P05", "25P03", "53300")

#: Every failure of a connection.
_CONNECTION_FAILED = "08"

#: No room on the file system, or none that is left to us.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class DatabaseLocked(StorageError):
    """Another process was in the way for longer than we wait; the act may be tried again."""


class DatabaseTaken(StorageError, Refused):
    """Another manager works on the database: nothing can be written by this one."""


class CommitInDoubt(StorageError):
    """The connection was lost during a commit: only the database knows whether it was done.

    `was_committed(store)` asks it, by a store that writes.
    """

    def __init__(self, ask: Callable[[Any], bool]) -> None:
        super().__init__("The connection to the database was lost in the middle of a commit.")
        self._ask = ask

    def was_committed(self, store: Any) -> bool:
        """Whether it was done. Raises StorageError where it cannot be asked now."""
        with translated("it was asked for a commit that was in doubt"):
            return self._ask(store)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise what the driver or the file system raises within as the farm's own error.

    `doing` completes "The database failed while …". DatabaseLocked where trying again may help,
    DatabaseAway where it may help later, DiskFull where only room helps, StorageError for
    everything else.
    """
    try:
        yield
    except (DriverError, sqlite3.Error, psycopg2.Error) as error:
        raise _translation(error, doing) from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(f"The disk of the database is full: it failed while {doing}.") from error
        raise StorageError(f"The database failed while {doing}: {error}.") from error


def is_lost(error: BaseException) -> bool:
    """Whether `error` says that there is no connection to PostgreSQL, or no more."""
    state = _state(error)
    return state is not None and (state in _AWAY or state.startswith(_CONNECTION_FAILED))


def _translation(error: Exception, doing: str) -> StorageError | DiskFull:
    code, state = _code(error), _state(error)
    if code in _LOCKED or state in _CONFLICTS:
        return DatabaseLocked(f"The database stayed locked by another process while {doing}.")
    if code == sqlite3.SQLITE_FULL or state == _DISK_FULL:
        return DiskFull(f"The disk of the database is full: it failed while {doing}.")
    if is_lost(error):
        return DatabaseAway(f"The database is away; it was lost while {doing}: {_line(error)}.")
    return StorageError(f"The database failed while {doing}: {_line(error)}.")


def _line(error: BaseException) -> str:
    """What the driver says, on one line and without its full stop."""
    return "; ".join(str(error).split("\n")).rstrip("; .")


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code of `error` or of what it wraps; None from another driver."""
    cause: BaseException | None = error
    while cause is not None:
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None:
            return int(code) & 0xFF
        cause = cause.__cause__
    return None


def _state(error: BaseException) -> str | None:
    """PostgreSQL's SQLSTATE of `error` or of what it wraps; None from another driver.

    libpq has none for what happens to a connection: that is "08000", a connection exception.
    """
    cause: BaseException | None = error
    while cause is not None:
        # What Storm wraps is an error of the driver's as well, with methods for attributes.
        if isinstance(cause, psycopg2.Error) and not callable(cause.pgcode):
            return cause.pgcode or ("08000" if _is_libpqs(cause) else None)
        cause = cause.__cause__
    return None


def _is_libpqs(error: psycopg2.Error) -> bool:
    """Whether libpq itself raised it; a connection closed by the server is a bare DatabaseError."""
    of_connections = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
    return of_connections or type(error) is psycopg2.DatabaseError
