"""Storm's SQLite backend, told how the farm wants its connections and transactions.

Storm sends a plain `BEGIN`: it takes no lock until the first write, so two processes that read and
then write end in "database is locked" at once, whatever the timeout. A writer here begins with
`BEGIN IMMEDIATE` and waits its turn; a reader begins with `BEGIN` and cannot write at all.

Layer 3. Tests: tests/unit/storage/test_sqlite.py.
"""

import sqlite3
from pathlib import Path
from typing import Any

from storm.databases.sqlite import SQLite, SQLiteConnection
from storm.exceptions import wrap_exceptions
from storm.store import Store
from storm.uri import URI

from buildfarm.vocab.errors import Refused

#: Seconds for which SQLite itself waits for another process's write transaction to end.
BUSY_TIMEOUT = 10.0

#: Prepared statements that the driver keeps for each connection; the farm has about a hundred.
CACHED_STATEMENTS = 256


class FarmSQLiteConnection(SQLiteConnection):  # type: ignore[misc]
    """A connection that begins its transactions as its database says."""

    @property
    def _in_transaction(self) -> bool:
        """Whether SQLite has a transaction open.

        Storm keeps a note of its own instead, which is wrong after a BEGIN or a COMMIT that
        failed, and after an error (a full disk) for which SQLite rolls back by itself.
        """
        return bool(self._raw_connection.in_transaction)

    @_in_transaction.setter
    def _in_transaction(self, noted: bool) -> None:
        pass

    def raw_execute(self, statement: str, params: Any = None, _end: bool = False) -> Any:
        """Run `statement`, in a transaction begun for reading or for writing; the driver's cursor.

        Storm goes through a wrapper for every call of the driver and polls a locked database,
        which costs more than most statements do; errors are told in Storm's types all the same.
        """
        connection = self._raw_connection
        with wrap_exceptions(self._database):
            if not _end and not connection.in_transaction:
                connection.execute(self._database.begin_statement)
            return connection.execute(statement, tuple(self.to_database(params or ())))


class FarmSQLite(SQLite):  # type: ignore[misc]
    """An SQLite file, opened for writing (WAL, full sync, foreign keys) or only for reading."""

    connection_factory = FarmSQLiteConnection

    #: How a patch spells a primary key that numbers itself and never reuses a number.
    identity_column = "INTEGER PRIMARY KEY AUTOINCREMENT"

    #: How a patch spells a column of text, compared and ordered by its bytes.
    text_column = "TEXT"

    def __init__(self, path: Path, *, writes: bool) -> None:
        uri = URI("sqlite:")
        uri.database = str(path)
        super().__init__(uri)
        self.begin_statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
        self._pragmas = (
            ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
            if writes
            else ("query_only = ON",)
        )

    def _raw_connect(self) -> Any:
        """A driver's connection without transactions of its own, usable by one thread at a time."""
        connection = sqlite3.connect(
            self._filename,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
        )
        for pragma in self._pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection


def open_file(path: Path, *, writes: bool) -> Any:
    """A store of the database in `path`. Raises Refused where there is none."""
    require_file(path)
    return Store(FarmSQLite(path, writes=writes))


def require_file(path: Path) -> None:
    """Raise Refused where there is no database in `path`."""
    if not path.exists():
        raise Refused(f"There is no database at {path}; `buildd-manager init` makes one.")
