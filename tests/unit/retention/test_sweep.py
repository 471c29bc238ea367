"""The sweep: what is older than it may be goes, a little at a time."""

from typing import Any

from buildfarm.farmtesting.memory import inline_workers
from buildfarm.filestore.store import FileStore
from buildfarm.retention.collector import Collector
from buildfarm.retention.sweep import INTERVAL, PIECE, TRUSTED_AFTER, Sweep
from buildfarm.storage import events, people, tokens, uploads
from buildfarm.storage.events import Change, Place, record
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.errors import StorageError
from buildfarm.vocab.people import Secret, TokenKind
from buildfarm.vocab.settings import RetentionSettings
from tests.unit.scanning.cases import InlineStorage
from tests.unit.storage.cases import StorageTestCase


class SweepTests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.spool = self.directory / "spool"
        self.spool.mkdir()
        self.inline = InlineStorage(self)
        self.steady_for = INTERVAL
        storage: Any = self.inline
        self.sweep = Sweep(
            self.clock,
            RetentionSettings(events=INTERVAL / 2, results=INTERVAL / 2),
            storage=storage,
            workers=inline_workers(),
            spool_dir=self.spool,
            collector=Collector(
                storage=storage,
                store=FileStore(self.directory / "files"),
                workers=inline_workers(),
                files_in_use=frozenset,
                checkpoint=lambda name: None,
            ),
            utc_now=self.now,
            steady_for=lambda: self.steady_for,
        )
        self.addCleanup(self.stop)
        self.sweep.start()

    def stop(self) -> None:
        """End the sweep, which is between two of its acts."""
        self.successResultOf(self.sweep.stop(1.0))

    def count(self) -> int:
        """How many events there are."""
        return len(self.rows("SELECT id FROM event"))

    def test_tokens_that_ended_or_wore_out_go(self) -> None:
        """Each after its own time; a token that is in use stays."""
        self.act(people.add_person, "ann", "Ann", False, "root", self.now())
        for key, expires in (("used", None), ("unused", None), ("ended", self.now())):
            self.act(
                tokens.issue,
                TokenKind.ACCESS,
                Secret(key, "digest"),
                "root",
                self.now(),
                person="ann",
                level=AccessLevel.READ,
                expires=expires,
            )
        used = self.ask(tokens.token_by_key, "used").token
        self.sweep.settings = RetentionSettings(tokens=INTERVAL / 2, unused_tokens=INTERVAL / 2)
        self.pass_time(INTERVAL - 1)
        self.act(tokens.note_use, used.id, self.now())
        self.pass_time(1)
        self.assertEqual([("used",)], self.rows("SELECT key FROM token"))
        assert self.sweep.last is not None
        self.assertEqual(2, self.sweep.last.tokens)

    def test_old_events_go_in_pieces(self) -> None:
        """No act removes more than a piece, and what is recent stays."""
        record(self.store, self.now(), [Change(Place(), "long ago")] * (2 * PIECE))
        self.store.commit()
        old = self.count()
        self.pass_time(INTERVAL - 1)
        self.submit()
        recent = self.count() - old
        self.pass_time(1)
        self.assertEqual(recent, self.count())
        self.assertEqual(3, self.inline.acts.count(events.forget_events.__name__))

    def test_refused_results_go(self) -> None:
        """From the database, so that no retry wants them, and then from the disk."""
        self.submit()
        order = self.start(self.add_builder())
        self.gather(order)
        self.act(uploads.refuse_upload, self.epoch, order.attempt.id, "no", self.now())
        (self.spool / order.attempt.spool).mkdir()
        self.pass_time(INTERVAL)
        self.assertEqual([], list(self.spool.iterdir()))

    def test_it_goes_on_after_a_failure(self) -> None:
        """What could not be removed is removed the next time."""
        self.submit()
        self.inline.error = StorageError("the database is away")
        self.pass_time(INTERVAL)
        self.inline.error = None
        self.pass_time(INTERVAL)
        self.assertEqual(0, self.count())

    def test_a_mistake_of_ours_is_logged(self) -> None:
        """It does not vanish, and the next sweep comes all the same."""
        self.submit()
        self.inline.error = ZeroDivisionError("a mistake")
        self.pass_time(INTERVAL)
        [logged] = self.flush_logged_errors(ZeroDivisionError)
        self.assertEqual("a mistake", logged.getErrorMessage())
        self.inline.error = None
        self.pass_time(INTERVAL)
        self.assertEqual(0, self.count())

    def test_nothing_goes_by_a_clock_that_was_just_set(self) -> None:
        """It may be wrong; what is old is removed when it has gone well for long enough."""
        self.submit()
        self.steady_for = 60.0
        self.pass_time(INTERVAL)
        self.assertNotEqual(0, self.count())
        self.steady_for = TRUSTED_AFTER
        self.pass_time(INTERVAL)
        self.assertEqual(0, self.count())

    def test_nothing_goes_after_the_end(self) -> None:
        """It does not touch a database that is being closed."""
        self.submit()
        self.stop()
        self.pass_time(INTERVAL)
        self.assertEqual([], self.inline.acts)
