"""How long something has lasted, written and read."""

from datetime import timedelta

import click

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.ages import age, lasting


class AgeTests(FarmTestCase):
    def test_units(self) -> None:
        """Seconds, minutes, hours, days and weeks."""
        for text, seconds in (("90s", 90), ("10m", 600), ("2h", 7200), ("3d", 259_200)):
            self.assertEqual(timedelta(seconds=seconds), age(text))
        self.assertEqual(timedelta(days=7), age("1w"))

    def test_nonsense(self) -> None:
        """Anything else is wrong usage."""
        for text in ("", "1", "h", "1y", "-1h", "1.5h", "٣h", "1h2m", "9999999s"):
            self.assertRaises(click.BadParameter, age, text)

    def test_lasting(self) -> None:
        """A span is told in two units at most, and is never negative."""
        for seconds, words in (
            (-5, "0s"),
            (59.9, "59s"),
            (61, "1m 01s"),
            (3 * 3600 + 20 * 60, "3h 20m"),
            (90_000, "1d 1h"),
        ):
            self.assertEqual(words, lasting(timedelta(seconds=seconds)))
