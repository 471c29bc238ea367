"""A build's life as a picture."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import a_build, after, an_attempt
from buildfarm.statuspage.timeline import DRAWN, LENGTH, timeline
from buildfarm.vocab.states import AttemptState

BUILD = a_build(created=after(0))


class TimelineTests(FarmTestCase):
    def test_not_tried_yet(self) -> None:
        """There is nothing to draw."""
        self.assertIsNone(timeline(BUILD, (), after(10)))

    def test_one_that_ended(self) -> None:
        """It waited, was prepared, built and published, each for as long as the picture says."""
        attempt = an_attempt(
            state=AttemptState.CLOSED,
            claimed=after(20),
            sent=after(30),
            gathered=after(80),
            closed=after(100),
        )
        found = timeline(BUILD, (attempt,), after(999))
        assert found is not None
        [row] = found.rows
        self.assertEqual(
            [
                ("waiting", 0.0, 200.0),
                ("preparing", 200.0, 100.0),
                ("building", 300.0, 500.0),
                ("publishing", 800.0, 200.0),
            ],
            [(phase.kind, phase.start, phase.length) for phase in row.phases],
        )
        self.assertEqual((after(0), after(100)), (found.begin, found.end))

    def test_one_that_goes_on(self) -> None:
        """What has not ended goes up to now, as what it is at."""
        attempt = an_attempt(claimed=after(50), sent=None)
        found = timeline(BUILD, (attempt,), after(100))
        assert found is not None
        [row] = found.rows
        self.assertEqual(["waiting", "preparing"], [phase.kind for phase in row.phases])
        self.assertEqual(LENGTH, row.phases[-1].start + row.phases[-1].length)

    def test_tried_again_later(self) -> None:
        """Between its failure and the moment when somebody had it tried again it did not wait."""
        first = an_attempt(
            state=AttemptState.CLOSED, claimed=after(10), sent=after(10), closed=after(20)
        )
        second = an_attempt(number=2, claimed=after(90), sent=after(90))
        found = timeline(BUILD, (first, second), after(100), (after(0), after(80)))
        assert found is not None
        self.assertEqual(
            [("waiting", 0.0, 100.0), ("waiting", 800.0, 100.0)],
            [(row.phases[0].kind, row.phases[0].start, row.phases[0].length) for row in found.rows],
        )

    def test_short_phases_can_be_seen(self) -> None:
        """A second of a day has a length."""
        attempt = an_attempt(claimed=after(1), sent=after(2), state=AttemptState.CONFIRMED)
        found = timeline(BUILD, (attempt,), after(86_400))
        assert found is not None
        self.assertTrue(all(phase.length >= 3 for phase in found.rows[0].phases))

    def test_a_short_phase_at_the_end(self) -> None:
        """It is not drawn beyond the axis."""
        attempt = an_attempt(claimed=after(999_990), sent=after(999_999))
        found = timeline(BUILD, (attempt,), after(1_000_000))
        assert found is not None
        for phase in found.rows[0].phases:
            self.assertTrue(phase.start >= 0 and phase.start + phase.length <= LENGTH, phase)

    def test_many_attempts(self) -> None:
        """The latest are drawn, from when the first of them was claimed."""
        attempts = [
            an_attempt(
                number=number,
                state=AttemptState.CLOSED,
                claimed=after(number * 10),
                sent=None,
                closed=after(number * 10 + 5),
            )
            for number in range(1, 31)
        ]
        found = timeline(BUILD, attempts, after(400))
        assert found is not None
        self.assertEqual(DRAWN, len(found.rows))
        self.assertEqual(attempts[-DRAWN].claimed, found.begin)
        self.assertEqual(["preparing"], [phase.kind for phase in found.rows[0].phases])
        self.assertEqual(["waiting", "preparing"], [phase.kind for phase in found.rows[1].phases])
