"""The disk watch: dispatch pauses before the disk is full, and goes on when there is room."""

from collections.abc import Iterable
from pathlib import Path

from twisted.logger import capturedLogs

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.memory import inline_workers
from buildfarm.scanning import diskwatch
from buildfarm.scanning.diskwatch import INTERVAL, DiskWatch, free_bytes, used_bytes
from buildfarm.scanning.pauses import DISK, Pauses
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
        #: The disk of each directory, and what is free there, where it is not that of the rest.
        self.mounted: dict[Path, int] = {}
        self.archives: list[Path] = []
        self.pauses = Pauses(self.utc_now)
        self.workers = inline_workers()
        self.watch = DiskWatch(
            self.clock,
            settings(min_free=1000, max_spool=500),
            workers=self.workers,
            pauses=self.pauses,
            fetch_archives=self.fetch_archives,
            free=self.free,
            used=self.used,
            disks=self.disks,
        )
        self.swept = 0
        self.watch.when_short = self.sweep
        self.addCleanup(self.watch.stop)

    def free(self, path: Path) -> int:
        if self.error is not None:
            raise self.error
        return self.mounted.get(path, self.left)

    def disks(self, paths: Iterable[Path], known: Iterable[Path]) -> list[Path]:
        """A disk for each directory in `mounted`, and one for all others."""
        seen = {path if path in self.mounted else None for path in known}
        found = []
        for path in paths:
            disk = path if path in self.mounted else None
            if disk not in seen:
                seen.add(disk)
                found.append(path)
        return found

    async def fetch_archives(self) -> list[Path]:
        return self.archives

    def sweep(self) -> None:
        self.swept += 1

    def used(self, path: Path) -> int:
        self.assertEqual(Path("/srv/state/spool"), path)
        return self.spooled

    def test_a_pause_is_logged_once(self) -> None:
        """However often the disk is looked at, operators are told when the pause begins."""
        self.left = 999
        with capturedLogs() as logged:
            self.watch.start()
            self.clock.advance(INTERVAL)
        told = [event for event in logged if "dispatch pauses" in (event["log_format"] or "")]
        self.assertEqual(1, len(told))

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

    def test_a_disk_at_its_edge_does_not_flap(self) -> None:
        """Dispatch goes on when a tenth more than the limit is free, not at the limit."""
        self.left = 999
        self.watch.start()
        for left in (1000, 1099, 999, 1050):
            self.left = left
            self.clock.advance(INTERVAL)
            self.assertTrue(self.pauses, left)
        self.left = 1100
        self.clock.advance(INTERVAL)
        self.assertFalse(self.pauses)
        self.left = 1000
        self.clock.advance(INTERVAL)
        self.assertFalse(self.pauses)

    def test_what_is_old_goes_at_once(self) -> None:
        """The sweep is asked for when room runs short, once each time."""
        self.watch.start()
        self.left = 999
        self.clock.advance(3 * INTERVAL)
        self.clock.advance(INTERVAL)
        self.assertEqual(1, self.swept)
        self.left = 2000
        self.clock.advance(INTERVAL)
        self.left = 10
        self.clock.advance(INTERVAL)
        self.assertEqual(2, self.swept)

    def test_the_sweep_is_asked_for_after_a_failed_write_too(self) -> None:
        """Whoever noticed first, the room is short."""
        self.pauses.pause(DISK, "a file could not be written")
        self.left = 0
        self.watch.start()
        self.assertEqual(1, self.swept)

    def test_each_disk_of_ours_counts(self) -> None:
        """The file store may be on a disk of its own; the reason names it."""
        self.mounted[Path("/srv/state/files")] = 3
        self.watch.start()
        [reason] = self.pauses.reasons()
        self.assertIn("3 bytes are free on the disk of /srv/state/files", reason)
        self.assertNotIn("1,000 bytes", reason)

    def test_the_disk_of_an_archive_is_told_of(self) -> None:
        """It pauses nothing: what cannot be published waits in the spool."""
        place = self.make_directory()
        self.archives.append(place)
        self.mounted[place] = 3
        self.watch.start()
        self.assertFalse(self.pauses)
        [reason] = self.pauses.reasons()
        self.assertIn(f"3 bytes are free on the disk of {place}", reason)
        self.assertEqual(0, self.swept)
        self.mounted[place] = 5000
        self.clock.advance(INTERVAL)
        self.assertEqual((), self.pauses.reasons())

    def test_an_archive_that_is_not_mounted_is_not_measured(self) -> None:
        """Its uploads say that it is not there."""
        self.archives.append(Path("/nowhere/main"))
        self.mounted[Path("/nowhere/main")] = 0
        self.watch.start()
        self.assertEqual((), self.pauses.reasons())

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
        self.spooled = 451
        self.clock.advance(INTERVAL)
        self.assertTrue(self.pauses)
        self.spooled = 450
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


class ShortageTests(FarmTestCase):
    def test_what_check_config_says(self) -> None:
        """One sentence for each disk that is short, none where there is no directory yet."""
        place = self.make_directory()
        described = Settings(manager=ManagerSettings(state_dir=place, min_free_bytes=6))
        self.patch(diskwatch, "free_bytes", lambda path: 5)
        [sentence] = diskwatch.shortages(described)
        self.assertIn(f"5 bytes are free on the disk of {place}", sentence)
        self.assertIn("no build is begun until there are 7", sentence)
        self.patch(diskwatch, "free_bytes", lambda path: 6)
        self.assertEqual([], diskwatch.shortages(described))
        place.rmdir()
        self.assertEqual([], diskwatch.shortages(described))
