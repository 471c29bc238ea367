"""The chart of the last day."""

from datetime import datetime, timedelta

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.chart import HEIGHT, TOP, chart, round_up
from buildfarm.vocab.glance import Sample

NOW = datetime(2026, 1, 2, 12, 30)


def sample(hours_ago: float, waiting: int = 0, built: int = 0, failed: int = 0) -> Sample:
    """A sample of then."""
    return Sample(NOW - timedelta(hours=hours_ago), 1, waiting, 0, built, failed)


class ChartTests(FarmTestCase):
    def test_a_farm_without_samples(self) -> None:
        """An empty chart of 24 hours, with scales that have an end."""
        empty = chart([], NOW)
        self.assertEqual(
            (24, "", 10, 10), (len(empty.hours), empty.line, empty.most_ended, empty.most_waiting)
        )
        self.assertIn("0 builds were published", empty.summary)

    def test_hours(self) -> None:
        """What ended is summed by hour; of the queue the longest counts."""
        found = chart([sample(30, 99, 99), sample(0.4, 7, 3, 1), sample(0.1, 5, 2)], NOW)
        last = found.hours[-1]
        self.assertEqual((5, 1, 7), (last.built, last.failed, last.waiting))
        self.assertEqual(0, sum(hour.built for hour in found.hours[:-1]))
        self.assertIn("5 builds were published and 1 failed", found.summary)

    def test_bars_stand_on_each_other(self) -> None:
        """Failed begins where built ends, and the ground is the bottom of the picture."""
        bar = chart([sample(0.1, 0, 6, 2)], NOW).bars[-1]
        self.assertEqual(TOP + HEIGHT, bar.built_y + bar.built_height)
        self.assertAlmostEqual(bar.built_y, bar.failed_y + bar.failed_height)

    def test_scales(self) -> None:
        """Round numbers that hold the highest value."""
        cases = {0: 10, 10: 10, 11: 20, 21: 50, 51: 100, 101: 200, 99_999: 100_000}
        self.assertEqual(list(cases.values()), [round_up(count) for count in cases])
