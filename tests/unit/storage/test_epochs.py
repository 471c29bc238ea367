"""Epochs: the newest start of the manager owns the farm, and no other."""

from buildfarm.storage import attempts, epochs, roster, uploads
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.progress import ClaimRequest
from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus
from tests.unit.storage.cases import StorageTestCase


class TestEpochs(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def begin(self) -> None:
        """Start the manager again."""
        self.old = self.epoch
        self.begin_epoch()

    def test_each_start_counts_on(self) -> None:
        """Epochs have growing numbers and the id of their database."""
        self.begin()
        self.assertEqual(self.old.number + 1, self.epoch.number)
        self.assertEqual(self.old.database_id, self.epoch.database_id)
        self.assertEqual(self.epoch, self.ask(epochs.current_epoch))

    def test_open_attempts_are_taken_over(self) -> None:
        """After a restart what is on builders and what waits for its upload goes on."""
        uploading = self.submit("one")
        self.gather(self.start(self.bob))
        running = self.submit("two")
        order = self.start(self.bob)
        self.begin()
        self.gather(order)
        self.publish(order)
        self.assertIs(BuildState.FULLYBUILT, self.state(running))
        [task] = self.ask(uploads.uploads_due, self.now(), 10)
        self.assertEqual(uploading, task.build_id)
        self.assertEqual(self.epoch.number, task.attempt.epoch)

    def test_closed_attempts_stay_with_theirs(self) -> None:
        """An attempt that ended keeps the epoch in which it did."""
        build_id = self.submit()
        self.lose(self.start(self.bob))
        self.begin()
        [attempt] = self.ask(attempts.attempts_of, build_id)
        self.assertIs(AttemptState.CLOSED, attempt.state)
        self.assertEqual(self.old.number, attempt.epoch)

    def test_the_old_one_can_do_nothing(self) -> None:
        """A manager whose epoch is over changes nothing any more, whatever it tries."""
        self.submit("one")
        self.gather(gathered := self.start(self.bob))
        self.submit("two")
        sent = self.start(self.bob)
        eve = self.add_builder("eve")
        self.submit("three")
        [claimed] = self.claim(eve.id)
        assert claimed is not None
        self.submit("four")
        self.begin()
        self.epoch, current = self.old, self.epoch
        now = self.now()
        before = self.rows("SELECT * FROM attempt"), self.rows("SELECT * FROM builder")
        tries = (
            lambda: self.claim(self.add_builder("joe").id),
            lambda: self.act(attempts.claim, self.old, [ClaimRequest(eve.id, True)], now),
            lambda: self.act(attempts.mark_sent, self.old, claimed.attempt.id, now),
            lambda: self.gather(sent),
            lambda: self.lose(claimed),
            lambda: self.publish(gathered),
            lambda: self.act(uploads.refuse_upload, self.old, gathered.attempt.id, "no", now),
            lambda: self.act(
                uploads.postpone_upload, self.old, gathered.attempt.id, "busy", now, now
            ),
            lambda: self.act(
                roster.set_clean_status,
                self.old,
                self.bob.id,
                CleanStatus.DIRTY,
                CleanStatus.CLEANING,
                "reset",
                now,
            ),
        )
        for attempted in tries:
            self.assertRaises(StaleState, attempted)
        self.act(roster.remove_builder, "joe", False, "root", now)
        self.assertEqual(before[0], self.rows("SELECT * FROM attempt"))
        self.assertEqual(before[1], self.rows("SELECT * FROM builder WHERE name <> 'joe'"))
        self.epoch = current
        self.gather(sent)
