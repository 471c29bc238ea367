"""The pace of scanning: fast where something is due, and never more than the CPU share."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scanning.pace import Pace
from buildfarm.vocab.settings import ScanningSettings


class PaceTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cpu_used = 0.0
        self.pace = Pace(ScanningSettings(), lambda: self.cpu_used)
        self.pace.builders = 10

    def scan(self, count: int, cost: float) -> None:
        """Make `count` scans that take `cost` seconds of CPU in their turns."""
        for _ in range(count):
            self.cpu_used += cost
            self.pace.scanned()

    def building(self, elapsed: float, *, watched: bool = False, builder_id: int = 1) -> float:
        """The pace of a build that is expected to take 1000 s."""
        return self.pace.building(builder_id, elapsed, 1000.0, watched=watched)

    def test_an_idle_builder_is_asked_every_30_seconds(self) -> None:
        """Work that arrives wakes its scanner; this is for builders that die meanwhile."""
        self.assertEqual(30.0, self.pace.idle(1))

    def test_no_builder_is_asked_more_often_than_10_times_a_second(self) -> None:
        """That is near the expected end, while it is due, and while an abort is to end."""
        for elapsed in range(0, 2000, 10):
            self.assertGreaterEqual(self.building(float(elapsed)), 0.1)
        self.assertAlmostEqual(0.1, self.building(999.0))
        self.assertAlmostEqual(0.1, self.building(1100.0))
        self.assertAlmostEqual(0.1, self.pace.ending(1))

    def test_otherwise_it_is_asked_twice_a_second_at_most(self) -> None:
        """At the beginning, and while somebody watches a build that is far from its end."""
        self.assertEqual(0.5, self.building(0.0))
        self.assertEqual(0.5, self.building(400.0, watched=True))

    def test_a_build_far_from_its_end_is_asked_as_rarely_as_an_idle_builder(self) -> None:
        """The interval grows with what has passed and shrinks with what is left."""
        self.assertEqual(30.0, self.building(500.0))
        self.assertEqual(5.0, self.building(20.0))

    def test_failures_are_asked_for_ever_more_rarely(self) -> None:
        """From a second, doubling, up to the idle interval."""
        delays = [self.pace.failing(1, row) for row in range(1, 8)]
        self.assertEqual([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0], delays)
        self.assertEqual(30.0, self.pace.failing(1, 10_000))

    def test_the_share_of_cpu_bounds_all_scans_together(self) -> None:
        """With a thousand builders due at once each is asked less often."""
        self.pace.builders = 1000
        for builder_id in range(1000):
            self.building(999.0, builder_id=builder_id)
        interval = self.building(999.0)
        # Half of a quarter of a core is theirs, and a scan takes 0.2 ms before it was measured.
        self.assertAlmostEqual(1000 * 0.0002 / 0.125, interval)

    def test_the_cost_of_a_scan_is_measured(self) -> None:
        """What is measured of a scan in its turn is a third of it."""
        self.pace.builders = 1000
        before = self.building(0.0)
        self.scan(1000, 0.001)
        after = self.building(0.0)
        self.assertAlmostEqual(15.0, after / before)

    def test_a_cost_that_falls_is_noticed(self) -> None:
        """The average is over the last thousand scans, not over all."""
        self.pace.builders = 1000
        self.scan(1000, 0.001)
        self.scan(1000, 0.00005)
        self.assertAlmostEqual(1000 * 0.0002 / 0.125, self.building(0.0))

    def test_urgency_ends(self) -> None:
        """A builder that became idle or fails takes nothing of the share of the urgent ones."""
        self.pace.builders = 2000
        for builder_id in range(1000):
            self.pace.ending(builder_id)
        crowded = self.pace.ending(1)
        for builder_id in range(2, 500):
            self.pace.idle(builder_id)
        for builder_id in range(500, 1000):
            self.pace.failing(builder_id, 1)
        self.assertGreater(crowded, self.pace.ending(1))
        self.assertAlmostEqual(0.1, self.pace.ending(1))
