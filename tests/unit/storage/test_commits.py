"""Group commit: what is shared, what stays apart, and what fails together."""

import sqlite3
from typing import Any

from storm.expr import Update
from storm.properties import Int, Unicode

from buildfarm.storage.acts import Committed
from buildfarm.storage.commits import Outcome, commit_group
from buildfarm.storage.errors import DatabaseLocked
from buildfarm.storage.tables import Farm
from buildfarm.vocab.announcements import BuildEnded
from buildfarm.vocab.errors import DiskFull, Refused, StorageError
from tests.unit.storage.cases import StorageTestCase


class Note:
    """A table of these tests, to see which acts have been committed."""

    __storm_table__ = "note"
    id = Int(primary=True)
    text = Unicode()

    def __init__(self, text: str) -> None:
        self.text = text


def write(text: str) -> Any:
    """An act that writes `text`."""

    def act(store: Any) -> Committed[str]:
        store.execute("INSERT INTO note (text) VALUES (?)", (text,))
        return Committed(text, (BuildEnded(len(text)),))

    return act


def fail_after(act: Any, error: Exception) -> Any:
    """`act`, which then fails."""

    def failing(store: Any) -> Committed[None]:
        act(store)
        raise error

    return failing


class TestGroup(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.store.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
        self.store.commit()

    def notes(self) -> list[str]:
        """What another connection sees."""
        connection = sqlite3.connect(self.database.path)
        try:
            return [row[0] for row in connection.execute("SELECT text FROM note ORDER BY id")]
        finally:
            connection.close()

    def test_all_are_committed(self) -> None:
        """The acts of a group are committed together, and each has its own outcome."""
        outcomes = commit_group(self.store, [write("a"), write("bb")])
        self.assertEqual(
            [
                Outcome(Committed("a", (BuildEnded(1),))),
                Outcome(Committed("bb", (BuildEnded(2),))),
            ],
            outcomes,
        )
        self.assertEqual(["a", "bb"], self.notes())

    def test_one_fails_alone(self) -> None:
        """An act that raises leaves nothing behind; those before and after it are committed."""
        refused = Refused("no")
        acts = [write("a"), fail_after(write("b"), refused), write("c")]
        outcomes = commit_group(self.store, acts)
        self.assertEqual([None, refused, None], [outcome.error for outcome in outcomes])
        self.assertEqual(["a", "c"], self.notes())

    def test_an_error_of_the_driver_is_translated(self) -> None:
        """A statement that the database refuses fails its act with a storage error."""

        def act(store: Any) -> Committed[None]:
            store.execute("INSERT INTO nowhere VALUES (1)")
            return Committed(None)

        failed, fine = commit_group(self.store, [act, write("a")])
        self.assertIsInstance(failed.error, StorageError)
        self.assertIsNone(fine.error)
        self.assertEqual(["a"], self.notes())

    def test_objects_of_a_failed_act_are_forgotten(self) -> None:
        """What a failed act added to Storm's store is not written by the next one's flush."""

        def act(store: Any) -> Committed[None]:
            store.add(Note("lost"))
            store.flush()
            store.add(Note("lost as well"))
            raise Refused("no")

        commit_group(self.store, [act, write("a")])
        self.assertEqual(["a"], self.notes())

    def test_a_commit_that_fails_fails_all(self) -> None:
        """Where the commit fails, no act of the group has happened, and each is told why."""

        def act(store: Any) -> Committed[None]:
            store.execute("PRAGMA defer_foreign_keys = ON")
            store.execute("INSERT INTO queue VALUES (99, 99, 'WAITING', 0, 1.0, NULL, NULL)")
            return Committed(None)

        outcomes = commit_group(self.store, [write("a"), act, write("b")])
        for outcome in outcomes:
            self.assertIsInstance(outcome.error, StorageError)
        self.assertEqual([], self.notes())
        commit_group(self.store, [write("c")])
        self.assertEqual(["c"], self.notes())

    def test_a_transaction_that_sqlite_gave_up_fails_all(self) -> None:
        """Where an error has rolled back the transaction, every act of the group fails with it."""

        def act(store: Any) -> Committed[None]:
            store.execute("ROLLBACK")
            raise DiskFull("no room")

        outcomes = commit_group(self.store, [write("a"), act, write("b")])
        for outcome in outcomes:
            self.assertIsInstance(outcome.error, DiskFull)
        self.assertEqual([], self.notes())
        commit_group(self.store, [write("c")])
        self.assertEqual(["c"], self.notes())

    def test_locked_by_another_process(self) -> None:
        """A database that stays locked fails the group after a bounded number of tries."""
        other = sqlite3.connect(self.database.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        self.store._connection._raw_connection.execute("PRAGMA busy_timeout = 1")
        [outcome] = commit_group(self.store, [write("a")])
        self.assertIsInstance(outcome.error, DatabaseLocked)
        other.execute("ROLLBACK")
        [outcome] = commit_group(self.store, [write("b")])
        self.assertEqual(["b"], self.notes())

    def test_tried_again_when_the_lock_is_gone(self) -> None:
        """A group that found the database locked is carried out once it is free again."""
        other = sqlite3.connect(self.database.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        raw = self.store._connection._raw_connection
        raw.execute("PRAGMA busy_timeout = 1")

        def freed() -> None:
            if other.in_transaction:
                other.execute("ROLLBACK")

        reset, self.store.reset = self.store.reset, lambda: (reset(), freed())
        [outcome] = commit_group(self.store, [write("a")])
        self.assertIsNone(outcome.error)
        self.assertEqual(["a"], self.notes())

    def test_expressions_and_objects_mix(self) -> None:
        """An act may use Storm's objects too; they are flushed before its statements."""

        def act(store: Any) -> Committed[int]:
            store.add(Note("object"))
            store.execute(Update({Farm.epoch: 7}, Farm.id == 1))
            return Committed(store.find(Note).count())

        [outcome] = commit_group(self.store, [act])
        assert outcome.committed is not None
        self.assertEqual(1, outcome.committed.value)
        self.assertEqual(["object"], self.notes())
