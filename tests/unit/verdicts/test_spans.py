"""Where a builder's hours went."""

from datetime import datetime, timedelta
from itertools import pairwise

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.verdicts.spans import Move, Span, SpanKind, Standing, hours, spans
from buildfarm.vocab.states import CleanStatus, Service

CLEAN = Standing(CleanStatus.CLEAN)


def at(minutes: float) -> datetime:
    """A moment so many minutes after the beginning."""
    return BEGINNING + timedelta(minutes=minutes)


def move(minutes: float, before: str | None, after: str, build_id: int | None = None) -> Move:
    """An event at that moment."""
    return Move(at(minutes), before, after, build_id)


#: One build from its claim to the cleaning after it.
BUILD = [
    move(10, None, "CLAIMED", 7),
    move(10, "CLEAN", "DIRTY"),
    move(20, "BUILDING", "GATHERING", 7),
    move(21, "CONFIRMED", "GATHERED", 7),
    move(21, "DIRTY", "CLEANING"),
    move(24, "CLEANING", "CLEAN"),
]


class SpansTests(FarmTestCase):
    def told(self, moves: list[Move], last: Standing = CLEAN) -> list[tuple[str, float, float]]:
        """The spans of an hour as words and minutes; they must have no gaps."""
        found = spans(moves, last, at(0), at(60))
        for one, following in pairwise(found):
            self.assertEqual(one.end, following.start)
        return [
            (
                f"{span.kind.value} {span.build_id or ''}".strip(),
                (span.start - at(0)) / timedelta(minutes=1),
                (span.end - at(0)) / timedelta(minutes=1),
            )
            for span in found
        ]

    def test_one_build(self) -> None:
        """Idle, building, gathering, reset, idle again."""
        self.assertEqual(
            [
                ("idle", 0, 10),
                ("building 7", 10, 20),
                ("gathering 7", 20, 21),
                ("resetting", 21, 24),
                ("idle", 24, 60),
            ],
            self.told(BUILD),
        )

    def test_nothing_happened(self) -> None:
        """The hour was as its end is."""
        self.assertEqual([("idle", 0, 60)], self.told([]))
        busy = Standing(CleanStatus.DIRTY, occupied=True, build_id=3)
        self.assertEqual([("building 3", 0, 60)], self.told([], busy))
        out = Standing(CleanStatus.DIRTY, Service.OUT)
        self.assertEqual([("failed", 0, 60)], self.told([], out))

    def test_a_build_that_began_before(self) -> None:
        """Its end says what the time before it was."""
        self.assertEqual(
            [
                ("building 7", 0, 20),
                ("gathering 7", 20, 21),
                ("resetting", 21, 24),
                ("idle", 24, 60),
            ],
            self.told(BUILD[2:]),
        )

    def test_a_build_that_goes_on(self) -> None:
        """To the end of the hour."""
        last = Standing(CleanStatus.DIRTY, occupied=True, gathering=True, build_id=7)
        self.assertEqual(
            [("idle", 0, 10), ("building 7", 10, 20), ("gathering 7", 20, 60)],
            self.told(BUILD[:3], last),
        )
        self.assertEqual(
            [("building 7", 0, 20), ("gathering 7", 20, 60)], self.told(BUILD[2:3], last)
        )

    def test_out_of_service(self) -> None:
        """Failed from the verdict until it is taken back; a job on it still counts as building."""
        moves = [
            *BUILD[:2],
            move(20, "IN SERVICE", "OUT OF SERVICE"),
            move(30, "SENT", "CLOSED", 7),
            move(40, "OUT OF SERVICE", "IN SERVICE"),
            move(50, "DIRTY", "CLEAN"),
        ]
        self.assertEqual(
            [
                ("idle", 0, 10),
                ("building 7", 10, 30),
                ("failed", 30, 40),
                ("resetting", 40, 50),
                ("idle", 50, 60),
            ],
            self.told(moves),
        )

    def test_the_end_of_an_upload_is_none_of_the_builder(self) -> None:
        """It built the next one long since."""
        last = Standing(CleanStatus.DIRTY, occupied=True, build_id=8)
        moves = [*BUILD, move(30, None, "CLAIMED", 8), move(30, "CLEAN", "DIRTY")]
        moves.append(move(35, "GATHERED", "CLOSED", 7))
        self.assertEqual(("building 8", 30, 60), self.told(moves, last)[-1])

    def test_a_builder_that_was_added(self) -> None:
        """Nothing is told of the time before."""
        moves = [*BUILD, move(30, None, "DIRTY"), move(33, "DIRTY", "CLEAN")]
        self.assertEqual([("resetting", 30, 33), ("idle", 33, 60)], self.told(moves))

    def test_clocks_that_jump(self) -> None:
        """An event from before the one before it, or from the future, makes no negative span."""
        moves = [move(30, "CLEAN", "DIRTY"), move(20, "DIRTY", "CLEAN"), move(90, "CLEAN", "DIRTY")]
        self.assertEqual([("idle", 0, 60)], self.told(moves, Standing(CleanStatus.DIRTY)))

    def test_hours(self) -> None:
        """Every kind has its total."""
        totals = hours(spans(BUILD, CLEAN, at(0), at(60)))
        self.assertEqual(timedelta(minutes=46), totals[SpanKind.IDLE])
        self.assertEqual(timedelta(), totals[SpanKind.FAILED])
        self.assertEqual(timedelta(hours=1), sum(totals.values(), timedelta()))
        self.assertEqual(timedelta(minutes=1), Span(SpanKind.IDLE, at(1), at(2)).duration)
