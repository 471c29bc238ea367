"""The disk watch: dispatch pauses before the disk is full, and goes on when there is room."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.memory import inline_workers
from buildfarm.scanning.diskwatch import INTERVAL, DiskWatch, free_bytes
from buildfarm.scanning.judge import DISK
from buildfarm.scanning.pauses import Pauses


class DiskWatchTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.left = 1000
        self.error: OSError | None = None
        self.pauses = Pauses(self.utc_now)
        self.workers = inline_workers()
        self.watch = DiskWatch(
            self.clock,
            workers=self.workers,
            pauses=self.pauses,
            path=Path("/srv/state"),
            min_free=1000,
            free=self.free,
        )
        self.addCleanup(self.watch.stop)

    def free(self, path: Path) -> int:
        if self.error is not None:
            raise self.error
        return self.left

    def test_enough_room_is_no_reason(self) -> None:
        """Exactly the limit is enough."""
        self.watch.start()
        self.assertFalse(self.pauses)

    def test_too_little_room_pauses_dispatch(self) -> None:
        """The reason names the place, what is left, the setting, and what to do."""
        self.watch.start()
        self.left = 999
        self.clock.advance(INTERVAL)
        self.assertTrue(self.pauses)
        [reason] = self.pauses.reasons()
        for words in ("999 bytes", "/srv/state", "min_free_bytes = 1,000", "free some space"):
            self.assertIn(words, reason)

    def test_it_looks_at_once(self) -> None:
        """A manager that starts on a full disk dispatches nothing first."""
        self.left = 0
        self.watch.start()
        self.assertTrue(self.pauses)

    def test_room_again_lets_dispatch_go_on(self) -> None:
        """Also where it was a failed write that paused it."""
        self.pauses.pause(DISK, "a file could not be written")
        self.watch.start()
        self.assertFalse(self.pauses)

    def test_a_disk_that_cannot_be_asked_changes_nothing(self) -> None:
        """It is asked again."""
        self.watch.start()
        self.error = OSError(5, "Input/output error")
        self.clock.advance(INTERVAL)
        self.assertFalse(self.pauses)
        self.error, self.left = None, 0
        self.clock.advance(INTERVAL)
        self.assertTrue(self.pauses)

    def test_a_look_while_the_threads_stop_is_no_error(self) -> None:
        """The manager ends, and nobody wants to know any more."""
        self.watch.start()
        self.successResultOf(self.workers.stop(1.0))
        self.clock.advance(INTERVAL)
        self.assertFalse(self.pauses)

    def test_a_changed_limit_holds_from_the_next_look(self) -> None:
        """Settings are read again while it runs."""
        self.watch.start()
        self.watch.min_free = 2000
        self.clock.advance(INTERVAL)
        self.assertTrue(self.pauses)

    def test_a_real_disk_has_some_room(self) -> None:
        """What it asks by default is the disk."""
        self.assertGreater(free_bytes(self.make_directory()), 0)
