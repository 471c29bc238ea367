"""Progress notes: one batch for all builders, and nothing lost when the database is away."""

from collections.abc import Sequence

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.scanning.progress import INTERVAL, ProgressJournal
from buildfarm.vocab.errors import DiskFull, StorageError
from buildfarm.vocab.progress import ProgressNote


class ProgressJournalTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.written: list[Sequence[ProgressNote]] = []
        self.error: Exception | None = None
        self.journal = ProgressJournal(self.clock, self.write)
        self.journal.start()
        self.addCleanup(lambda: self.successResultOf(self.journal.stop()))

    async def write(self, notes: Sequence[ProgressNote]) -> None:
        if self.error is not None:
            raise self.error
        self.written.append(notes)

    def test_the_notes_of_all_builders_go_together(self) -> None:
        """However many builds progress within an interval, one batch is written."""
        self.journal.note(ProgressNote(1, 11, logtail="one"))
        self.journal.note(ProgressNote(2, 12, gathering=True))
        self.assertEqual([], self.written)
        self.clock.advance(INTERVAL)
        self.assertEqual(
            [(ProgressNote(1, 11, logtail="one"), ProgressNote(2, 12, gathering=True))],
            self.written,
        )

    def test_nothing_new_writes_nothing(self) -> None:
        """An idle farm costs no transactions."""
        self.clock.pump([INTERVAL] * 5)
        self.assertEqual([], self.written)

    def test_notes_of_one_attempt_become_one(self) -> None:
        """The newest word on each thing counts, and silence takes nothing back."""
        self.journal.note(ProgressNote(1, 11, confirmed=BEGINNING, logtail="old"))
        self.journal.note(ProgressNote(1, 11, logtail="new"))
        self.journal.note(ProgressNote(1, 11, gathering=True))
        self.clock.advance(INTERVAL)
        self.assertEqual([(ProgressNote(1, 11, BEGINNING, True, "new"),)], self.written)

    def test_an_attempt_that_ended_is_not_noted(self) -> None:
        """What it settled as is written already."""
        self.journal.note(ProgressNote(1, 11, gathering=True))
        self.journal.forget(1)
        self.clock.advance(INTERVAL)
        self.assertEqual([], self.written)

    def test_notes_wait_for_a_database_that_is_away(self) -> None:
        """They are written when it is back, under what came meanwhile."""
        self.error = StorageError("away")
        self.journal.note(ProgressNote(1, 11, confirmed=BEGINNING, logtail="old"))
        self.clock.advance(INTERVAL)
        self.journal.note(ProgressNote(1, 11, logtail="new"))
        self.error = None
        self.clock.advance(INTERVAL)
        self.assertEqual([(ProgressNote(1, 11, BEGINNING, logtail="new"),)], self.written)

    def test_nothing_ends_the_batches(self) -> None:
        """A disk that was full costs no note, and the batches after it are written."""
        self.error = DiskFull("no room")
        self.journal.note(ProgressNote(1, 11, logtail="kept"))
        self.clock.advance(INTERVAL)
        self.error = None
        self.clock.advance(INTERVAL)
        self.assertEqual([(ProgressNote(1, 11, logtail="kept"),)], self.written)

    def test_stopping_writes_what_waits(self) -> None:
        """A stop in order loses no log tail."""
        self.journal.note(ProgressNote(1, 11, logtail="last"))
        self.successResultOf(self.journal.stop())
        self.assertEqual([(ProgressNote(1, 11, logtail="last"),)], self.written)
