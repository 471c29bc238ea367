"""Attempts under way: sent, and what becomes known of them."""

from typing import Any

from buildfarm.storage import attempts, builds, queue
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.progress import ProgressNote
from buildfarm.vocab.states import AttemptState, BuildState
from tests.unit.storage.cases import StorageTestCase


class TestSent(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.build_id = self.submit()

    def test_once(self) -> None:
        """An attempt is sent once: whoever tries again is told not to."""
        [order] = self.claim(self.bob.id)
        assert order is not None
        self.pass_time(3)
        self.act(attempts.mark_sent, self.epoch, order.attempt.id, self.now())
        [attempt] = self.ask(attempts.attempts_of, self.build_id)
        self.assertEqual((AttemptState.SENT, self.now()), (attempt.state, attempt.sent))
        self.assertRaises(
            StaleState, self.act, attempts.mark_sent, self.epoch, attempt.id, self.now()
        )
        self.assertEqual("CLAIMED>SENT", self.story(self.build_id)[-1])

    def test_unknown(self) -> None:
        """An attempt that never was is not sent."""
        self.assertRaises(StaleState, self.act, attempts.mark_sent, self.epoch, 99, self.now())


class TestProgress(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.build_id = self.submit()
        self.order = self.start(self.bob)

    def note(self, **fields: Any) -> ProgressNote:
        """A note on the attempt."""
        return ProgressNote(self.order.attempt.id, self.build_id, **fields)

    def record(self, *notes: ProgressNote) -> None:
        """Write notes as one batch."""
        self.act(attempts.record_progress, self.epoch, notes, self.now())

    def test_confirmed(self) -> None:
        """The moment at which the builder confirmed is kept; a second note changes nothing."""
        confirmed = self.later(-1)
        self.record(self.note(confirmed=confirmed))
        self.record(self.note(confirmed=self.now()))
        [attempt] = self.ask(attempts.attempts_of, self.build_id)
        self.assertEqual((AttemptState.CONFIRMED, confirmed), (attempt.state, attempt.confirmed))
        self.assertEqual(1, self.story(self.build_id).count("SENT>CONFIRMED"))

    def test_gathering(self) -> None:
        """A build whose results are being fetched is GATHERING."""
        self.record(self.note(confirmed=self.now(), gathering=True))
        self.assertIs(BuildState.GATHERING, self.state(self.build_id))
        self.assertEqual(["SENT>CONFIRMED", "BUILDING>GATHERING"], self.story(self.build_id)[-2:])
        self.gather(self.order)
        self.assertEqual("GATHERING>UPLOADING", self.story(self.build_id)[-1])

    def test_logtail(self) -> None:
        """The log tail is kept with the queue entry, and is no event."""
        before = len(self.story(self.build_id))
        self.record(self.note(logtail="gcc -c x.c\n"))
        entry = self.ask(queue.queue_entry, self.build_id)
        assert entry is not None
        self.assertEqual("gcc -c x.c\n", entry.logtail)
        self.assertEqual(before, len(self.story(self.build_id)))

    def test_moved_on(self) -> None:
        """A note on an attempt that has ended is skipped, and the others of its batch are not."""
        eve = self.add_builder("eve")
        other = self.submit("other")
        order = self.start(eve)
        self.lose(self.order)
        late = self.note(confirmed=self.now(), gathering=True, logtail="late")
        fine = ProgressNote(order.attempt.id, other, logtail="fine")
        unknown = ProgressNote(99, 99, logtail="nobody's")
        self.record(late, unknown, fine)
        self.assertIs(BuildState.NEEDSBUILD, self.state(self.build_id))
        entries = [self.ask(queue.queue_entry, one) for one in (self.build_id, other)]
        self.assertEqual([None, "fine"], [entry and entry.logtail for entry in entries])

    def test_the_next_attempt(self) -> None:
        """A late note on the last attempt says nothing of the one under way."""
        self.lose(self.order)
        late = self.note(confirmed=self.now(), gathering=True, logtail="late")
        self.start(self.bob)
        self.record(late)
        self.assertIs(BuildState.BUILDING, self.state(self.build_id))
        entry = self.ask(queue.queue_entry, self.build_id)
        assert entry is not None
        self.assertIsNone(entry.logtail)

    def test_while_cancelling(self) -> None:
        """A build that is being cancelled does not become GATHERING."""
        self.act(builds.cancel, self.build_id, "alice", self.now())
        self.record(self.note(gathering=True))
        self.assertIs(BuildState.CANCELLING, self.state(self.build_id))
