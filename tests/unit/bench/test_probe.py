"""The probe that measures how late a reactor is."""

from bench.lateness import lateness
from bench.probe import TICK, Probe
from buildfarm.farmtesting.cases import FarmTestCase


class TestProbe(FarmTestCase):
    def test_a_reactor_in_time(self) -> None:
        """Each tick is due 10 ms after the one before, and not late."""
        probe = Probe(self.clock, self.clock.seconds)
        probe.start()
        self.clock.pump([TICK] * 100)
        ticks = probe.ticks()
        self.assertIn(len(ticks), (99, 100))
        self.assertLess(max(late for _, late in ticks), TICK / 10)

    def test_a_stall_counts_for_every_tick_that_it_made_late(self) -> None:
        """A reactor that was away for 50 ms missed five ticks, each by less than the one before."""
        probe = Probe(self.clock, self.clock.seconds)
        probe.start()
        self.clock.advance(5.5 * TICK)
        late = [round(lateness / TICK, 3) for _, lateness in probe.ticks()]
        self.assertEqual([4.5, 3.5, 2.5, 1.5, 0.5], late)

    def test_what_counts(self) -> None:
        """Only what was due in the time that is asked about; in milliseconds."""
        ticks = [(1.0, 9.0), *((2.0 + number / 1000, number / 1000) for number in range(1000))]
        found = lateness(ticks, 2.0, 10.0)
        self.assertEqual(
            (500, 990, 999, 999),
            tuple(map(round, (found.median, found.p99, found.p999, found.largest))),
        )
