"""The machine's clock is set, and nothing waits for the time that it was set from."""

from datetime import datetime, timedelta
from typing import Any

from buildfarm.scanning.timekeeper import INTERVAL, WAITS_INTERVAL, Timekeeper
from buildfarm.storage.waits import end_waits_beyond
from buildfarm.vocab.errors import StorageError
from buildfarm.vocab.settings import ManagerSettings, Settings
from tests.unit.scanning.cases import InlineStorage
from tests.unit.storage.cases import StorageTestCase


class TimekeeperTests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.set_by = timedelta()
        self.inline = InlineStorage(self)
        storage: Any = self.inline
        self.timekeeper = Timekeeper(
            self.clock,
            Settings(manager=ManagerSettings(state_dir=self.directory)),
            utc_now=self.wall,
            storage=storage,
        )
        self.addCleanup(self.timekeeper.stop)
        self.timekeeper.start()

    def wall(self) -> datetime:
        """What the clock on the wall shows."""
        return self.now() + self.set_by

    def looked(self) -> int:
        """How often the waits in the database were compared with the clock."""
        return self.inline.acts.count(end_waits_beyond.__name__)

    def test_a_clock_that_goes(self) -> None:
        """The waits are looked at once, after the start: nobody knows what was before it."""
        for _ in range(10):
            self.clock.advance(INTERVAL)
        self.assertEqual(1, self.looked())
        self.assertEqual(10 * INTERVAL, self.timekeeper.steady_for())

    def test_a_clock_that_is_set(self) -> None:
        """In either direction the waits are looked at again, and the clock is not trusted yet."""
        for number, days in enumerate((3, -7), 2):
            self.clock.advance(INTERVAL)
            self.set_by += timedelta(days=days)
            self.assertEqual(0.0, self.timekeeper.steady_for())
            self.clock.advance(INTERVAL)
            self.assertEqual(number, self.looked())

    def test_a_clock_that_is_kept_right(self) -> None:
        """It is moved a little now and then, which is no jump."""
        self.set_by += timedelta(seconds=0.1)
        self.clock.advance(INTERVAL)
        self.assertEqual((1, INTERVAL), (self.looked(), self.timekeeper.steady_for()))

    def test_a_clock_that_is_set_to_and_fro_unseen(self) -> None:
        """The waits are looked at now and then, whatever was seen."""
        self.clock.pump([INTERVAL] * (int(WAITS_INTERVAL / INTERVAL) + 1))
        self.assertEqual(2, self.looked())

    def test_a_database_that_is_away(self) -> None:
        """The waits are looked at when it is back."""
        self.inline.error = StorageError("the database is away")
        self.set_by += timedelta(days=1)
        self.clock.advance(INTERVAL)
        self.inline.error = None
        self.clock.advance(INTERVAL)
        self.assertEqual(2, self.looked())
