"""A backup that becomes the database: what it keeps, and what it must not believe any more."""

import sqlite3
from pathlib import Path

from buildfarm.storage import attempts, builds, epochs, events, outbox, queue, roster, uploads
from buildfarm.storage.database import Database
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.news import NewsKind, Receiver
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildOutcome,
    BuildState,
    CleanStatus,
)
from tests.unit.storage.cases import SQLiteTestCase, StorageTestCase, stored


class RestoreTestCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.backup = self.directory / "backup.db"

    def restore(self) -> int:
        """Take a backup, go on, and restore it; how many attempts were given up."""
        self.database.backup(self.backup)
        self.submit("later")
        self.store.close()
        self.pass_time(60)
        restored = self.database.restore(self.backup, self.now())
        self.kept = restored.kept
        self.open_store()
        return restored.lost


class TestRestore(RestoreTestCase):
    def test_what_was_there(self) -> None:
        """The database is again what it was when the backup was taken."""
        build_id = self.submit("earlier")
        self.restore()
        self.database.check()
        self.assertEqual("earlier", self.build(build_id).source)
        self.assertRaises(Refused, self.build, build_id + 1)

    def test_new_id_and_epoch(self) -> None:
        """No cookie of before is believed: the id is new, and so is the epoch."""
        before = self.epoch
        self.restore()
        after = self.ask(epochs.current_epoch)
        self.assertNotEqual(before.database_id, after.database_id)
        self.assertTrue(after.number > before.number)

    def test_news(self) -> None:
        """What waited to be told then is not told now: it is old, and most of it was told."""
        bob = self.add_builder()
        for name in ("one", "two"):
            self.submit(name)
            self.end(self.start(bob), BuildOutcome.PACKAGEFAIL, log=stored("log"))
            if name == "one":
                kinds = frozenset(NewsKind)
                receiver = Receiver("webhook ci", kinds, frozenset(), False, 60.0, 60.0, 9)
                self.act(outbox.address, (receiver,), None, self.now())
        self.restore()
        self.assertFalse(self.ask(outbox.has_new))
        self.assertEqual((), self.ask(outbox.deliveries, False, 10))
        [told] = self.ask(outbox.deliveries, True, 10)
        self.assertIn("restored", told.last_error or "")

    def test_jobs_on_builders(self) -> None:
        """What was on a builder is lost and waits again; its next cookie is another one."""
        bob = self.add_builder()
        build_id = self.submit()
        order = self.start(bob)
        self.assertEqual(1, self.restore())
        self.assertIs(BuildState.NEEDSBUILD, self.state(build_id))
        [attempt] = self.ask(attempts.attempts_of, build_id)
        self.assertIs(AttemptOutcome.LOST, attempt.outcome)
        self.assertIn("restored", attempt.reason or "")
        self.begin_epoch()
        again = self.start(bob)
        self.assertNotEqual(order.attempt.cookie[-8:], again.attempt.cookie[-8:])

    def test_a_cancel_under_way(self) -> None:
        """A build that was being cancelled is cancelled."""
        build_id = self.submit()
        self.start(self.add_builder())
        self.act(builds.cancel, build_id, "alice", self.now())
        self.restore()
        self.assertIs(BuildState.CANCELLED, self.state(build_id))
        self.assertIsNone(self.ask(queue.queue_entry, build_id))

    def test_builders_are_dirty(self) -> None:
        """No builder is believed to be clean, and its story says why."""
        bob = self.add_builder()
        self.restore()
        self.assertIs(CleanStatus.DIRTY, self.ask(roster.builder, bob.id).clean_status)
        last = self.ask(events.events_of_builder, bob.id)[-1]
        self.assertEqual(("CLEAN", "DIRTY"), (last.before, last.after))
        self.assertIn("restored", last.reason)

    def test_uploads_stay_due(self) -> None:
        """Results that had been gathered are still to be uploaded."""
        build_id = self.submit()
        self.gather(self.start(self.add_builder()))
        self.restore()
        [task] = self.ask(uploads.uploads_due, self.now(), 10)
        self.assertEqual(build_id, task.build_id)
        self.assertIs(AttemptState.GATHERED, task.attempt.state)

    def test_damaged_backup(self) -> None:
        """A damaged backup is refused, and the database stays as it is."""
        for number in range(50):
            self.submit(f"package{number}")
        self.database.backup(self.backup)
        contents = bytearray(self.backup.read_bytes())
        contents[4096 * 5 : 4096 * 20] = bytes(4096 * 15)
        self.backup.write_bytes(contents)
        refused = self.assertRaises(Refused, self.database.restore, self.backup, self.now())
        self.assertIn("damaged", str(refused))
        self.database.check()

    def test_not_ours(self) -> None:
        """A file that is no backup of a farm is refused: another database, a text, nothing."""
        other = sqlite3.connect(self.backup)
        other.execute("CREATE TABLE patch (version)")
        other.close()
        self.assertRaises(Refused, self.database.restore, self.backup, self.now())
        self.backup.write_text("a letter")
        self.assertRaises(Refused, self.database.restore, self.backup, self.now())
        self.backup.unlink()
        self.assertRaises(Refused, self.database.restore, self.backup, self.now())


class TestFile(RestoreTestCase, SQLiteTestCase):
    def test_the_database_of_before_is_kept(self) -> None:
        """What the backup replaces can still be read, in a file beside it."""
        self.restore()
        assert self.kept is not None
        self.assertEqual("farm.db.before-20260101T000100", Path(self.kept).name)
        store = Database(f"sqlite:///{self.kept}").reader()
        self.addCleanup(store.close)
        self.assertEqual(("later",), store.execute("SELECT source FROM build").get_one())

    def test_no_database_before(self) -> None:
        """A backup can be restored where there is no database, or only a damaged one."""
        self.database.backup(self.backup)
        self.store.close()
        place = self.make_directory() / "new" / "farm.db"
        database = Database(f"sqlite:///{place}")
        self.assertIsNone(database.restore(self.backup, self.now()).kept)
        database.check()
        place.write_bytes(b"damage" * 1000)
        self.assertIsNotNone(database.restore(self.backup, self.later(1)).kept)
        database.check()
