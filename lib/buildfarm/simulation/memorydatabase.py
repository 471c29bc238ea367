"""The farm's database in memory, which fails when it is told to.

Beside the layers. Tests: tests/unit/simulation.

It is SQLite, with the farm's own schema, and outlives every simulated manager. Faults are raised
where the driver would raise them, at the statement that begins a transaction or commits one, and
with the driver's codes; all that is above the driver is the manager's own.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any

from storm.expr import Insert
from storm.store import Store

from buildfarm.storage import schema
from buildfarm.storage.sqlite import CACHED_STATEMENTS, FarmSQLite
from buildfarm.storage.tables import Farm

_numbers = count(1)


class DatabaseFault(Enum):
    """What can be wrong with a database: the driver's code, and the statements that it befalls."""

    LOCKED = (sqlite3.SQLITE_BUSY, "BEGIN IMMEDIATE", "database is locked")
    FULL = (sqlite3.SQLITE_FULL, "COMMIT", "database or disk is full")
    BROKEN = (sqlite3.SQLITE_IOERR, "BEGIN", "disk I/O error")


class _Connection(sqlite3.Connection):
    """A connection whose statements fail while its database has a fault."""

    farm: "MemoryDatabase"

    def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
        self.farm.require_sound(self, statement)
        return super().execute(statement, *args)

    def commit(self) -> None:
        self.farm.require_sound(self, "COMMIT")
        super().commit()


class _MemorySQLite(FarmSQLite):
    """The farm's backend, connected to a database in memory."""

    def __init__(self, farm: "MemoryDatabase", *, writes: bool) -> None:
        super().__init__(Path(farm.name), writes=writes)
        self._farm = farm
        self._writes = writes

    def _raw_connect(self) -> Any:
        connection = self._farm.connect()
        if not self._writes:
            connection.execute("PRAGMA query_only = ON")
        connection.farm = self._farm
        return connection


class MemoryDatabase:
    """One farm's database: what `storage.database.Database` is to a manager."""

    def __init__(self, database_id: str) -> None:
        self.name = f"file:farm-{next(_numbers)}?mode=memory&cache=shared"
        #: What is wrong with it now.
        self.fault: DatabaseFault | None = None
        self._kept = self.connect()  # the database is there while a connection is
        store = self.writer()
        schema.upgrade(store)
        farm = {Farm.id: 1, Farm.database_id: database_id, Farm.epoch: 0}
        store.execute(Insert(farm), noresult=True)
        store.commit()
        store.close()

    def connect(self) -> "_Connection":
        """A connection of the driver's."""
        connection = sqlite3.connect(
            self.name,
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
            factory=_Connection,
        )
        connection.farm = self
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def require_sound(self, connection: sqlite3.Connection, statement: str) -> None:
        """Raise what the driver would where the fault of now befalls `statement`."""
        if self.fault is None:
            return
        code, befallen, words = self.fault.value
        if statement.startswith(befallen):
            if befallen == "COMMIT" and connection.in_transaction:
                connection.rollback()
            error = sqlite3.OperationalError(words)
            error.sqlite_errorcode = code
            raise error

    def check(self) -> None:
        """It is always there, and as new as the program."""

    def writer(self) -> Any:
        """A store that reads and writes."""
        return Store(_MemorySQLite(self, writes=True))

    def reader(self) -> Any:
        """A store that only reads."""
        return Store(_MemorySQLite(self, writes=False))

    @contextmanager
    def looked_into(self) -> Iterator[Any]:
        """A store for whoever wants to know what is in it, faults or not."""
        fault, self.fault = self.fault, None
        store = self.reader()
        try:
            yield store
        finally:
            store.close()
            self.fault = fault

    def close(self) -> None:
        """Let it go."""
        self._kept.close()
