"""How late a reactor is."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.lateness import INTERVAL, Lateness


class LatenessTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.seen: list[float] = []
        self.lateness = Lateness(self.clock, self.seen.append)
        self.lateness.start()
        self.addCleanup(self.lateness.stop)

    def test_in_time(self) -> None:
        """A reactor with nothing to do is in time."""
        self.clock.pump([INTERVAL] * 3)
        self.assertEqual([0.0] * 3, self.seen)

    def test_busy(self) -> None:
        """One that comes back late is late by what it was away beyond the interval."""
        self.clock.advance(INTERVAL + 2.0)
        self.assertEqual(2.0, self.lateness.worst)

    def test_a_minute(self) -> None:
        """What was late a minute ago is forgotten."""
        self.clock.advance(INTERVAL + 2.0)
        self.clock.pump([INTERVAL] * 250)
        self.assertEqual(0.0, self.lateness.worst)
