"""Waits for a time that only a wrong clock can have written."""

from datetime import timedelta

from buildfarm.storage import queue, uploads, waits
from buildfarm.vocab.announcements import UploadWaiting, WorkArrived
from buildfarm.vocab.states import BuildOutcome, QueueState
from tests.unit.storage.cases import StorageTestCase

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


class TestWaits(StorageTestCase):
    def test_a_delayed_build(self) -> None:
        """It waits like any other, and the roster hears of it."""
        build_id = self.submit()
        self.end(self.start(self.add_builder()), BuildOutcome.GIVENBACK)
        self.assertEqual(0, self.act(waits.end_waits_beyond, self.now() + _HOUR))
        self.assertEqual(1, self.act(waits.end_waits_beyond, self.now() - _DAY + _HOUR))
        entry = self.ask(queue.queue_entry, build_id)
        assert entry is not None
        self.assertEqual((QueueState.WAITING, None), (entry.state, entry.not_before))
        self.assertEqual([WorkArrived((entry.requirement.id,))], self.announced)

    def test_a_postponed_upload(self) -> None:
        """It is due, and the upload stage hears of it."""
        build_id = self.submit()
        order = self.start(self.add_builder())
        self.gather(order)
        soon = self.now() + timedelta(minutes=5)
        self.act(
            uploads.postpone_upload, self.epoch, order.attempt.id, "it hangs", soon, self.now()
        )
        self.assertEqual(0, self.act(waits.end_waits_beyond, soon))
        self.assertEqual(1, self.act(waits.end_waits_beyond, self.now() - _DAY))
        self.assertEqual([UploadWaiting(build_id)], self.announced)
        due = self.ask(uploads.uploads_due, self.now() - _DAY, 9)
        self.assertEqual([build_id], [task.build_id for task in due])
