"""How connections begin transactions, and what readers may do."""

import sqlite3

from storm.exceptions import OperationalError

from buildfarm.storage.commits import commit_group
from buildfarm.storage.epochs import begin_epoch, current_epoch
from buildfarm.storage.errors import DatabaseLocked
from tests.unit.storage.cases import SQLiteTestCase


class TestWriter(SQLiteTestCase):
    def test_settings(self) -> None:
        """A writer uses the write-ahead log, flushes every commit and checks foreign keys."""
        settings = [self.rows(f"PRAGMA {name}")[0][0] for name in _SETTINGS]
        self.assertEqual(["wal", 2, 1], settings)

    def test_the_lock_is_taken_at_once(self) -> None:
        """A writer owns the database from its first statement, even one that only reads."""
        self.store.execute("SELECT 1")
        other = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        self.addCleanup(other.close)
        self.assertRaises(sqlite3.OperationalError, other.execute, "BEGIN IMMEDIATE")
        self.store.rollback()
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")

    def test_after_a_begin_that_failed(self) -> None:
        """A transaction that could not begin leaves nothing behind: the next one begins."""
        other = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        self._raw().execute("PRAGMA busy_timeout = 0")
        self.assertRaises(OperationalError, self.store.execute, "SELECT 1")
        other.execute("ROLLBACK")
        self.assertEqual((1,), self.store.execute("SELECT 1").get_one())

    def test_after_sqlite_rolled_back_by_itself(self) -> None:
        """An error for which SQLite gives the transaction up is not a transaction for ever."""
        self.store.execute("SELECT 1")
        self._raw().execute("ROLLBACK")
        self.store.rollback()
        self.store.execute("SELECT 1")
        self.store.commit()

    def _raw(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = self.store._connection._raw_connection
        return connection


class TestLocked(SQLiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.other = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(self.other.close)
        self.other.execute("BEGIN IMMEDIATE")
        self.store._connection._raw_connection.execute("PRAGMA busy_timeout = 1")

    def test_for_good(self) -> None:
        """A database that stays locked fails the group after a bounded number of tries."""
        [outcome] = commit_group(self.store, [begin_epoch])
        self.assertIsInstance(outcome.error, DatabaseLocked)
        self.other.execute("ROLLBACK")
        [outcome] = commit_group(self.store, [begin_epoch])
        self.assertIsNone(outcome.error)
        self.assertEqual(2, self.ask(current_epoch).number)

    def test_for_a_moment(self) -> None:
        """A group that found the database locked is carried out once it is free again."""

        def freed() -> None:
            if self.other.in_transaction:
                self.other.execute("ROLLBACK")

        reset, self.store.reset = self.store.reset, lambda: (reset(), freed())
        [outcome] = commit_group(self.store, [begin_epoch])
        self.assertIsNone(outcome.error)
        self.assertEqual(2, self.ask(current_epoch).number)


class TestReader(SQLiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.reader = self.database.reader()
        self.addCleanup(self.reader.close)

    def test_it_cannot_write(self) -> None:
        """A reader that tries to write fails."""
        self.assertRaises(OperationalError, self.reader.execute, "DELETE FROM archive")

    def test_it_sees_one_moment(self) -> None:
        """What is committed while a reader reads is seen by its next transaction only."""
        count = "SELECT COUNT(*) FROM build"
        self.assertEqual((0,), self.reader.execute(count).get_one())
        self.submit()
        self.assertEqual((0,), self.reader.execute(count).get_one())
        self.reader.rollback()
        self.assertEqual((1,), self.reader.execute(count).get_one())

    def test_it_stops_no_writer(self) -> None:
        """A reader in the middle of its transaction keeps nobody from committing."""
        self.reader.execute("SELECT COUNT(*) FROM build")
        self.submit()
        self.reader.rollback()


_SETTINGS = ("journal_mode", "synchronous", "foreign_keys")
