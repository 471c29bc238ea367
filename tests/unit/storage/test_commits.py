"""Group commit: what is shared, what stays apart, and what fails together."""

import gc
import weakref
from typing import Any

from storm.expr import Update
from storm.properties import Int, Unicode

from buildfarm.storage.acts import Committed
from buildfarm.storage.commits import Outcome, commit_group
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
        identity = self.store.get_database().identity_column
        parent = "parent INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED"
        self.store.execute(f"CREATE TABLE note (id {identity}, text TEXT, {parent})")
        self.store.commit()

    def notes(self) -> list[str]:
        """What another connection sees."""
        return [text for (text,) in self.elsewhere("SELECT text FROM note ORDER BY id")]

    def test_a_refusal_holds_nothing(self) -> None:
        """What an act that was refused worked on is gone with it, without the collector."""

        class Subject:
            """What an act may hold."""

        def refusing(subject: Subject) -> Any:
            def act(store: Any) -> Committed[None]:
                raise Refused(f"{type(subject).__name__} is refused.")

            return act

        subject = Subject()
        gone = weakref.ref(subject)
        gc.disable()
        self.addCleanup(gc.enable)
        outcomes = commit_group(self.store, [write("one"), refusing(subject)])
        self.assertIsInstance(outcomes[1].error, Refused)
        del subject, outcomes
        self.assertIsNone(gone())

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
            store.execute("INSERT INTO note (text, parent) VALUES ('orphan', 99)")
            return Committed(None)

        outcomes = commit_group(self.store, [write("a"), act, write("b")])
        for outcome in outcomes:
            self.assertIsInstance(outcome.error, StorageError)
        self.assertEqual([], self.notes())
        commit_group(self.store, [write("c")])
        self.assertEqual(["c"], self.notes())

    def test_a_transaction_that_was_given_up_fails_all(self) -> None:
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
