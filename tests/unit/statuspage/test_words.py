"""Times, spans and numbers on pages."""

from datetime import datetime, timedelta

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.words import iso, number, span, time


class WordsTests(FarmTestCase):
    def test_spans_have_two_units_at_most(self) -> None:
        """The larger the span, the coarser its smallest unit; never less than nothing."""
        cases = {
            -3.0: "0 s",
            0.4: "0 s",
            59: "59 s",
            60: "1 min",
            61: "1 min 1 s",
            601: "10 min",
            3600: "1 h",
            3600 + 1260: "1 h 21 min",
            90_000: "1 d 1 h",
            15 * 86400: "15 d",
        }
        self.assertEqual(list(cases.values()), [span(seconds) for seconds in cases])
        self.assertEqual("2 min", span(timedelta(minutes=2)))

    def test_times_are_utc(self) -> None:
        """To the minute for people, with seconds and a Z for programs."""
        moment = datetime(2026, 1, 2, 3, 4, 5)
        self.assertEqual("2026-01-02 03:04", time(moment))
        self.assertEqual("2026-01-02T03:04:05Z", iso(moment))

    def test_thousands_are_apart(self) -> None:
        """A narrow space that does not break."""
        self.assertEqual("100\u202f000", number(100_000))
