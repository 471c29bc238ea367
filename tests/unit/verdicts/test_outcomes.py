"""What follows from how a builder says that a build ended."""

from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.verdicts.outcomes import (
    LONGEST_DELAY,
    MOST_GIVEN_BACK,
    MOST_LOST,
    OUTCOMES,
    Consequence,
    given_back_delay,
    lost_delay,
    outcome_of,
)
from buildfarm.verdicts.transitions import attempt_may_follow, may_follow
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildOutcome,
    BuildState,
    Culprit,
)

build_ids = st.integers(1, 10**9)


class TestOutcomes(FarmTestCase):
    def test_table(self) -> None:
        """Each outcome of the daemon leads to its state, its attempt's end and its culprit."""
        self.assertEqual(
            {
                BuildOutcome.OK: (BuildState.UPLOADING, None, Culprit.NOBODY),
                BuildOutcome.PACKAGEFAIL: (
                    BuildState.FAILEDTOBUILD,
                    AttemptOutcome.PACKAGE_FAILED,
                    Culprit.NOBODY,
                ),
                BuildOutcome.DEPFAIL: (
                    BuildState.MANUALDEPWAIT,
                    AttemptOutcome.DEPENDENCY_MISSING,
                    Culprit.NOBODY,
                ),
                BuildOutcome.CHROOTFAIL: (
                    BuildState.CHROOTWAIT,
                    AttemptOutcome.CHROOT_BROKEN,
                    Culprit.NOBODY,
                ),
                BuildOutcome.GIVENBACK: (
                    BuildState.NEEDSBUILD,
                    AttemptOutcome.GIVEN_BACK,
                    Culprit.NOBODY,
                ),
                BuildOutcome.BUILDERFAIL: (
                    BuildState.NEEDSBUILD,
                    AttemptOutcome.BUILDER_FAILED,
                    Culprit.BUILDER,
                ),
                BuildOutcome.ABORTED: (
                    BuildState.NEEDSBUILD,
                    AttemptOutcome.ABORTED,
                    Culprit.BOTH,
                ),
            },
            {
                outcome: (row.build_state, row.attempt_outcome, row.culprit)
                for outcome, row in OUTCOMES.items()
            },
        )

    def test_every_outcome_has_a_row(self) -> None:
        """No answer of a daemon is without a consequence."""
        self.assertEqual(set(BuildOutcome), set(OUTCOMES))

    def test_nothing_to_publish(self) -> None:
        """A build that is OK without a .changes cannot be uploaded."""
        found = outcome_of(BuildOutcome.OK, has_changes=False)
        self.assertEqual(BuildState.FAILEDTOUPLOAD, found.build_state)
        self.assertEqual(AttemptOutcome.UPLOAD_REFUSED, found.attempt_outcome)

    def test_given_back_five_times(self) -> None:
        """A build is given back five times; the sixth answer ends it."""
        states = [
            outcome_of(BuildOutcome.GIVENBACK, has_changes=False, given_back=before).build_state
            for before in range(MOST_GIVEN_BACK + 1)
        ]
        self.assertEqual([BuildState.NEEDSBUILD] * 5 + [BuildState.FAILEDTOBUILD], states)

    def test_every_case_may_follow(self) -> None:
        """Whatever is said, asked and counted: what follows is a state that may follow."""
        for outcome, changes, cancelling, superseded, given_back in product(
            BuildOutcome, (True, False), (True, False), (True, False), (0, MOST_GIVEN_BACK)
        ):
            found = outcome_of(outcome, changes, given_back, cancelling, superseded)
            before = BuildState.CANCELLING if cancelling else BuildState.BUILDING
            self.assertTrue(may_follow(before, found.build_state), found)
            self.assertTrue(attempt_may_follow(AttemptState.CONFIRMED, found.attempt_state), found)
            waits = found.attempt_state is AttemptState.GATHERED
            self.assertEqual(waits, found.attempt_outcome is None)


class TestAsAsked(FarmTestCase):
    def test_cancelled(self) -> None:
        """A cancelled build is CANCELLED however it ended, and the job is not blamed for it."""
        for outcome in set(BuildOutcome) - {BuildOutcome.OK}:
            found = outcome_of(outcome, has_changes=False, cancelling=True)
            self.assertEqual(BuildState.CANCELLED, found.build_state)
            self.assertEqual(AttemptOutcome.CANCELLED, found.attempt_outcome)
            self.assertNotIn(found.culprit, (Culprit.BOTH, Culprit.JOB))

    def test_an_abort_that_was_asked_for(self) -> None:
        """ABORTED is nobody's fault where it was asked for, and both's where it was not."""
        asked = outcome_of(BuildOutcome.ABORTED, has_changes=False, cancelling=True)
        self.assertEqual((BuildState.CANCELLED, Culprit.NOBODY), (asked.build_state, asked.culprit))
        unasked = outcome_of(BuildOutcome.ABORTED, has_changes=False)
        self.assertEqual(
            (BuildState.NEEDSBUILD, Culprit.BOTH), (unasked.build_state, unasked.culprit)
        )

    def test_a_sick_builder_stays_sick(self) -> None:
        """A builder that says BUILDERFAIL of a cancelled build has failed all the same."""
        found = outcome_of(BuildOutcome.BUILDERFAIL, has_changes=False, cancelling=True)
        self.assertEqual(Culprit.BUILDER, found.culprit)

    def test_results_that_are_there(self) -> None:
        """Results on our disk are kept, though a cancel came meanwhile."""
        found = outcome_of(BuildOutcome.OK, has_changes=True, cancelling=True)
        self.assertEqual(BuildState.UPLOADING, found.build_state)

    def test_superseded(self) -> None:
        """A build that a newer version replaced while it ran is SUPERSEDED however it ended."""
        for outcome, changes in product(BuildOutcome, (True, False)):
            found = outcome_of(outcome, changes, superseded=True)
            self.assertEqual(BuildState.SUPERSEDED, found.build_state)
            self.assertEqual(AttemptOutcome.SUPERSEDED, found.attempt_outcome)

    def test_cancelled_and_superseded(self) -> None:
        """What a person asked for is what it is called; nothing of it is published."""
        for outcome, changes in product(BuildOutcome, (True, False)):
            found = outcome_of(outcome, changes, cancelling=True, superseded=True)
            self.assertEqual(BuildState.CANCELLED, found.build_state)

    def test_twice_is_once(self) -> None:
        """Applied again with the same flags, nothing changes."""
        for row, cancelling, superseded in product(OUTCOMES.values(), (True, False), (True, False)):
            once = row.as_asked(cancelling, superseded)
            self.assertEqual(once, once.as_asked(cancelling, superseded))

    def test_gathered_or_closed(self) -> None:
        """Only results that wait for their upload leave their attempt open."""
        for state in BuildState:
            expected = AttemptState.CLOSED
            if state is BuildState.UPLOADING:
                expected = AttemptState.GATHERED
            self.assertEqual(expected, Consequence(state, None).attempt_state)


class TestDelays(FarmTestCase):
    def test_the_first_loss_costs_no_time(self) -> None:
        """A build that was lost once may be taken by another builder at once."""
        self.assertEqual(0.0, lost_delay(1, build_id=7))
        self.assertGreater(lost_delay(2, build_id=7), 0.0)

    @given(build_ids)
    def test_delays_grow(self, build_id: int) -> None:
        """Each further time the build waits longer, up to an hour and a quarter."""
        lost = [lost_delay(count, build_id) for count in range(1, MOST_LOST + 1)]
        given = [given_back_delay(count, build_id) for count in range(1, MOST_GIVEN_BACK + 1)]
        for delays in (lost, given):
            self.assertTrue(all(early < late for early, late in pairwise(delays)), delays)
            self.assertLessEqual(delays[-1], 1.25 * LONGEST_DELAY)

    @given(st.integers(1, 10**6), build_ids)
    def test_delays_are_bounded(self, count: int, build_id: int) -> None:
        """However often it happened, no delay is absurd."""
        for delay in (lost_delay(count, build_id), given_back_delay(count, build_id)):
            self.assertTrue(0.0 <= delay <= 1.25 * LONGEST_DELAY)

    def test_builds_come_back_spread(self) -> None:
        """Builds that one outage gave back together do not come again together."""
        delays = sorted(given_back_delay(1, build_id) for build_id in range(1, 101))
        gaps = [late - early for early, late in pairwise(delays)]
        self.assertGreater(min(gaps), 0.0)
        self.assertLess(max(gaps), 1.0)
