"""The disk watch: dispatch pauses before the disk is full, and goes on when there is room."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.memory import inline_workers
from buildfarm.scanning.diskwatch import INTERVAL, DiskWatch, free_bytes, used_bytes
from buildfarm.scanning.pauses import DISK
from buildfarm.scanning.pauses import Pauses
from buildfarm.vocab.settings import GatherSettings, ManagerSettings, Settings


def settings(*, min_free: int, max_spool: int) -> Settings:
    return Settings(
        manager=ManagerSettings(state_dir=Path("/srv/state"), min_free_bytes=min_free),
        gather=GatherSettings(max_spool_bytes=max_spool),
    )


class DiskWatchTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.left, self.spooled = 1000, 500
        self.error: OSError | None = None
        self.pauses = Pauses(self.utc_now)
        self.workers = inline_workers()
        self.watch = DiskWatch(
            self.clock,
            settings(min_free=1000, max_spool=500),
            workers=self.workers,
            pauses=self.pauses,
            free=self.free,
            used=self.used,
        )
        self.addCleanup(self.watch.stop)

    def free(self, path: Path) -> int:
        if self.error is not None:
            raise self.error
        return self.left

    def used(self, path: Path) -> int:
        self.assertEqual(Path("/srv/state/spool"), path)
        return self.spooled

    def test_enough_room_is_no_reason(self) -> None:
        """Exactly the limits are enough."""
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
        self.watch.settings = settings(min_free=2000, max_spool=500)
        self.clock.advance(INTERVAL)
        self.assertTrue(self.pauses)

    def test_too_many_results_pause_dispatch(self) -> None:
        """Nothing more is built than the uploads can take away; it goes on when they have."""
        self.watch.start()
        self.spooled = 501
        self.clock.advance(INTERVAL)
        self.assertTrue(self.pauses)
        [reason] = self.pauses.reasons()
        for words in ("501 bytes", "/srv/state/spool", "max_spool_bytes = 500", "UPLOADING"):
            self.assertIn(words, reason)
        self.spooled = 500
        self.clock.advance(INTERVAL)
        self.assertFalse(self.pauses)

    def test_a_spool_is_measured_with_all_that_is_in_it(self) -> None:
        """Each attempt has a directory of its own there."""
        spool = self.make_directory()
        self.assertEqual(0, used_bytes(spool))
        for name in ("one", "two"):
            (spool / name).mkdir()
            (spool / name / "0001").write_bytes(b"result")
        self.assertEqual(12, used_bytes(spool))

    def test_a_real_disk_has_some_room(self) -> None:
        """What it asks by default is the disk."""
        self.assertGreater(free_bytes(self.make_directory()), 0)
