"""The driver's errors in the farm's words."""

import sqlite3

import psycopg2
from testtools import ExpectedException

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.storage.errors import DatabaseLocked, translated
from buildfarm.vocab.errors import DatabaseAway, DiskFull, Refused, StorageError
from tests.unit.storage.cases import SQLiteTestCase, StorageTestCase


def fail(error: Exception) -> None:
    with translated("it was tried"):
        raise error


def driver_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("of the driver")
    error.sqlite_errorcode = code
    return error


def server_error(state: str) -> psycopg2.OperationalError:
    """An error with an SQLSTATE, as the driver makes them of a server's answer."""
    kind = type("ServerError", (psycopg2.OperationalError,), {"pgcode": state})
    error: psycopg2.OperationalError = kind("of the server")
    return error


class TestPostgres(FarmTestCase):
    def test_conflicts(self) -> None:
        """A serialization failure, a deadlock and a lock held too long may be tried again."""
        for state in ("40001", "40P01", "55P03"):
            self.assertRaises(DatabaseLocked, fail, server_error(state))

    def test_away(self) -> None:
        """A server that goes, comes or is gone is away; also where only libpq says so."""
        for state in ("57P01", "57P02", "57P03", "08006", "53300"):
            self.assertRaises(DatabaseAway, fail, server_error(state))
        for kind in (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError):
            self.assertRaises(DatabaseAway, fail, kind("server closed the connection"))

    def test_disk_full(self) -> None:
        """No room on the server's disk is told as that."""
        self.assertRaises(DiskFull, fail, server_error("53100"))

    def test_anything_else(self) -> None:
        """A statement that is wrong is a storage error, and the database is not away."""
        for wrong in (server_error("42P01"), psycopg2.ProgrammingError("can't adapt type")):
            error = self.assertRaises(StorageError, fail, wrong)
            self.assertIs(StorageError, type(error))


class TestTranslated(FarmTestCase):
    def test_locked(self) -> None:
        """A database that another process keeps locked may be tried again."""
        for code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY_SNAPSHOT):
            self.assertRaises(DatabaseLocked, fail, driver_error(code))

    def test_disk_full(self) -> None:
        """No room on the disk is told as that."""
        self.assertRaises(DiskFull, fail, driver_error(sqlite3.SQLITE_FULL))

    def test_anything_else(self) -> None:
        """Every other error of the driver is a storage error that says what was done."""
        error = self.assertRaises(StorageError, fail, driver_error(sqlite3.SQLITE_IOERR_READ))
        self.assertIn("it was tried", str(error))
        self.assertIn("of the driver", str(error))
        self.assertRaises(StorageError, fail, sqlite3.ProgrammingError("no code"))

    def test_ours_pass(self) -> None:
        """Errors of the farm itself go through as they are."""
        self.assertRaises(Refused, fail, Refused("no"))


class TestDriver(StorageTestCase):
    def test_through_storm(self) -> None:
        """An error that Storm has wrapped is understood like the driver's own."""
        with translated("it was tried"):
            self.store.execute("SELECT 1")
        error = self.assertRaises(StorageError, self._run, "SELECT 1 FROM nowhere")
        self.assertIn("nowhere", str(error))

    def _run(self, statement: str) -> None:
        with translated("it was tried"):
            self.store.execute(statement)


class TestFull(SQLiteTestCase):
    def test_disk_full_through_storm(self) -> None:
        """A database that has reached its largest size tells of a full disk."""
        self.store.execute("PRAGMA max_page_count = 1")
        with ExpectedException(DiskFull), translated("it was tried"):
            self.store.execute("CREATE TABLE t AS SELECT hex(zeroblob(100000)) AS much")
