"""The file of the database is taken away, and put back."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.memory import inline_workers
from buildfarm.scanning.databasewatch import INTERVAL, DatabaseWatch
from buildfarm.scanning.pauses import Pauses


class DatabaseWatchTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.make_directory() / "farm.db"
        self.path.touch()
        self.pauses = Pauses(self.utc_now)
        self.workers = inline_workers()
        self.watch = DatabaseWatch(self.clock, self.path, workers=self.workers, pauses=self.pauses)
        self.addCleanup(self.watch.stop)
        self.watch.start()

    def reasons(self) -> str:
        """What is told after the next look."""
        self.clock.advance(INTERVAL)
        return " ".join(self.pauses.reasons())

    def test_a_file_that_stays(self) -> None:
        """Whatever is written into it."""
        self.path.write_text("more")
        self.assertEqual("", self.reasons())

    def test_a_file_that_is_moved_away_and_back(self) -> None:
        """Dispatch pauses meanwhile, and people are told what they can save."""
        away = self.path.rename(self.path.with_suffix(".away"))
        for words in ("farm.db is gone", "before the manager stops", "/fd"):
            self.assertIn(words, self.reasons())
        self.assertTrue(self.pauses)
        away.rename(self.path)
        self.assertEqual("", self.reasons())

    def test_another_file(self) -> None:
        """A backup that was put in its place is not what the manager works on."""
        self.path.rename(self.path.with_suffix(".before"))
        self.path.touch()
        self.assertIn("is another file", self.reasons())

    def test_a_look_while_the_threads_stop(self) -> None:
        """The manager ends, and nobody wants to know any more."""
        self.path.unlink()
        self.successResultOf(self.workers.stop(1.0))
        self.assertEqual("", self.reasons())

    def test_a_server(self) -> None:
        """There is no file to watch."""
        watch = DatabaseWatch(self.clock, None, workers=self.workers, pauses=self.pauses)
        watch.start()
        watch.stop()
        self.assertFalse(self.pauses)
