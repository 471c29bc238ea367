"""Which state may follow which, and what a person may ask of a build."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.verdicts.transitions import (
    ATTEMPT_TRANSITIONS,
    BUILD_TRANSITIONS,
    CLEAN_TRANSITIONS,
    attempt_may_follow,
    cancel_refusal,
    cancelled,
    clean_may_follow,
    may_follow,
    rescore_refusal,
    retried,
    retry_refusal,
)
from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus

State = TypeVar("State", bound=Enum)

RETRIED = {
    BuildState.FAILEDTOBUILD,
    BuildState.MANUALDEPWAIT,
    BuildState.CHROOTWAIT,
    BuildState.FAILEDTOUPLOAD,
    BuildState.CANCELLED,
    BuildState.SUPERSEDED,
}


def reachable(table: Mapping[State, frozenset[State]], start: State) -> set[State]:
    """Every state that `start` can lead to."""
    found: set[State] = set()
    left = [start]
    while left:
        for state in table[left.pop()] - found:
            found.add(state)
            left.append(state)
    return found


class TestTables(FarmTestCase):
    def test_every_state_has_a_row(self) -> None:
        """No state of builds, attempts or builders is missing."""
        self.assertEqual(set(BuildState), set(BUILD_TRANSITIONS))
        self.assertEqual(set(AttemptState), set(ATTEMPT_TRANSITIONS))
        self.assertEqual(set(CleanStatus), set(CLEAN_TRANSITIONS))

    def test_staying_is_no_transition(self) -> None:
        """Nothing follows itself, so that an act done twice is noticed."""
        for table in (BUILD_TRANSITIONS, ATTEMPT_TRANSITIONS, CLEAN_TRANSITIONS):
            self.assertEqual([], [state for state, after in table.items() if state in after])

    def test_every_state_is_reached(self) -> None:
        """From where they begin, builds and attempts can come to every state."""
        self.assertEqual(set(BuildState), reachable(BUILD_TRANSITIONS, BuildState.NEEDSBUILD))
        self.assertEqual(
            set(AttemptState) - {AttemptState.CLAIMED},
            reachable(ATTEMPT_TRANSITIONS, AttemptState.CLAIMED),
        )
        self.assertEqual(set(CleanStatus), reachable(CLEAN_TRANSITIONS, CleanStatus.CLEAN))

    def test_functions_read_the_tables(self) -> None:
        """`may_follow` and its like allow exactly what the tables hold, for every pair."""
        for before, rows in BUILD_TRANSITIONS.items():
            self.assertEqual(rows, {after for after in BuildState if may_follow(before, after)})
        for attempt, attempts in ATTEMPT_TRANSITIONS.items():
            found = {after for after in AttemptState if attempt_may_follow(attempt, after)}
            self.assertEqual(attempts, found)
        for status, statuses in CLEAN_TRANSITIONS.items():
            self.assertEqual(
                statuses, {after for after in CleanStatus if clean_may_follow(status, after)}
            )

    def test_published_is_for_ever(self) -> None:
        """Nothing follows FULLYBUILT: the same version is never published twice."""
        self.assertEqual(set(), reachable(BUILD_TRANSITIONS, BuildState.FULLYBUILT))

    def test_only_uploads_are_published(self) -> None:
        """FULLYBUILT is reached through UPLOADING alone."""
        before = {state for state in BuildState if may_follow(state, BuildState.FULLYBUILT)}
        self.assertEqual({BuildState.UPLOADING}, before)

    def test_a_builder_lost_while_gathering(self) -> None:
        """A build whose builder is lost in GATHERING waits again."""
        self.assertTrue(may_follow(BuildState.GATHERING, BuildState.NEEDSBUILD))

    def test_cancelled_builds_do_not_wait_again(self) -> None:
        """What a builder does while a build is CANCELLING never queues it again."""
        self.assertFalse(may_follow(BuildState.CANCELLING, BuildState.NEEDSBUILD))

    def test_results_already_gathered_survive_a_cancel(self) -> None:
        """A cancel that comes when all results are on our disk comes too late."""
        self.assertTrue(may_follow(BuildState.CANCELLING, BuildState.UPLOADING))

    def test_only_a_sent_attempt_is_believed(self) -> None:
        """An attempt that was never sent can be neither confirmed nor gathered."""
        self.assertFalse(attempt_may_follow(AttemptState.CLAIMED, AttemptState.CONFIRMED))
        self.assertFalse(attempt_may_follow(AttemptState.CLAIMED, AttemptState.GATHERED))

    def test_a_reset_begins_dirty(self) -> None:
        """A builder is distrusted before it is reset."""
        self.assertFalse(clean_may_follow(CleanStatus.CLEAN, CleanStatus.CLEANING))


class TestRequests(FarmTestCase):
    def test_retry(self) -> None:
        """Builds that ended without being published can be retried, and no others."""
        self.assertEqual(RETRIED, {state for state in BuildState if retry_refusal(state) is None})

    def test_retry_builds_again(self) -> None:
        """A retry makes a new attempt; only a failed upload begins again with what it has."""
        for state in RETRIED:
            self.assertEqual(BuildState.NEEDSBUILD, retried(state, rebuild=True))
            again = BuildState.NEEDSBUILD
            if state is BuildState.FAILEDTOUPLOAD:
                again = BuildState.UPLOADING
            self.assertEqual(again, retried(state, rebuild=False))
            self.assertTrue(may_follow(state, again))
            self.assertTrue(may_follow(state, BuildState.NEEDSBUILD))

    def test_cancel(self) -> None:
        """A waiting build is cancelled at once, a running one by an abort, others not at all."""
        self.assertEqual(
            {BuildState.NEEDSBUILD, BuildState.BUILDING},
            {state for state in BuildState if cancel_refusal(state) is None},
        )
        self.assertEqual(BuildState.CANCELLED, cancelled(BuildState.NEEDSBUILD))
        self.assertEqual(BuildState.CANCELLING, cancelled(BuildState.BUILDING))
        for state in (BuildState.NEEDSBUILD, BuildState.BUILDING):
            self.assertTrue(may_follow(state, cancelled(state)))

    def test_rescore(self) -> None:
        """Only the score of a waiting build decides anything."""
        self.assertEqual(
            [BuildState.NEEDSBUILD],
            [state for state in BuildState if rescore_refusal(state) is None],
        )

    def test_refusals_say_why(self) -> None:
        """Every refusal is a clause that completes "build 7 cannot be …: "."""
        for refusal in (retry_refusal, cancel_refusal, rescore_refusal):
            for state in BuildState:
                words = refusal(state)
                if words is not None:
                    self.assertTrue(words.startswith("it"), words)
                    self.assertFalse(words.endswith("."), words)
