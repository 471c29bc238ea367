"""A builder's day as a picture."""

from datetime import timedelta

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.statuspage.strip import COLUMNS, strip
from buildfarm.verdicts.spans import Span, SpanKind

DAY = timedelta(days=1)
END = BEGINNING + DAY


def span(kind: SpanKind, start: float, end: float) -> Span:
    """What was done between two hours."""
    return Span(kind, BEGINNING + timedelta(hours=start), BEGINNING + timedelta(hours=end))


class StripTests(FarmTestCase):
    def test_pieces(self) -> None:
        """Each hour in its colour; before the first nothing is known."""
        spans = [span(SpanKind.IDLE, 6, 12), span(SpanKind.BUILDING, 12, 24)]
        found = strip(spans, END)
        self.assertEqual(
            [
                (SpanKind.IDLE, COLUMNS // 4, COLUMNS // 4),
                (SpanKind.BUILDING, COLUMNS // 2, COLUMNS // 2),
            ],
            [(one.kind, one.x, one.width) for one in found.pieces],
        )
        shares = {one.kind: round(one.percent, 1) for one in found.shares}
        self.assertEqual(
            (33.3, 66.7, 0.0),
            tuple(shares[kind] for kind in (SpanKind.IDLE, SpanKind.BUILDING, SpanKind.FAILED)),
        )
        self.assertIn("building 67 %", found.summary)

    def test_short_spans_do_not_make_it_large(self) -> None:
        """What was done for longest in a column colours it."""
        spans = []
        for number in range(10_000):
            start = 24 * number / 10_000
            middle = start + 24 / 10_000 * 0.7
            spans += [
                span(SpanKind.BUILDING, start, middle),
                span(SpanKind.RESETTING, middle, start + 24 / 10_000),
            ]
        found = strip(spans, END)
        self.assertLess(len(found.pieces), COLUMNS + 1)
        self.assertEqual(30, round(found.shares[2].percent))

    def test_a_young_builder_has_a_short_picture(self) -> None:
        """An hour, then six, then the day; with times below it that fit."""
        for hours, length, ticks in ((0.2, 1, 6), (3, 6, 6), (7, 24, 8)):
            found = strip([span(SpanKind.IDLE, 24 - hours, 24)], END)
            self.assertEqual((timedelta(hours=length), ticks), (found.length, len(found.ticks)))
            self.assertEqual(COLUMNS, found.pieces[-1].x + found.pieces[-1].width)

    def test_nothing_known(self) -> None:
        """An empty picture."""
        found = strip([], END)
        self.assertEqual((), found.pieces)
        self.assertIn("nothing that is known", found.summary)
