"""What everybody may read of a builder that fails while it has something private."""

from dataclasses import replace

from buildfarm.scanning.discretion import HIDDEN, hides, is_private
from buildfarm.scanning.job import Job
from buildfarm.vocab.errors import (
    BuilderNonsense,
    BuilderTimedOut,
    BuilderUnreachable,
    FarmError,
    ResultsCorrupt,
)
from buildfarm.vocab.states import BuildState
from tests.unit.scanning.cases import ScanningTestCase

CORRUPT = ResultsCorrupt("the builder offered hello_1.0_amd64.deb as aa and sent bb")


class DiscretionTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.job = self.sent_job(self.bob)
        self.private = replace(self.job, order=replace(self.job.order, private=True))

    def fail_out(self, job: Job, error: FarmError) -> str | None:
        """The notes at a builder that fails with `error` until it is out of service."""
        bob = replace(self.bob, failure_count=100)
        for _ in range(self.scanning.failures_to_count):
            bob, _ = self.successResultOf(self.judge.failed(bob, job, error))
            self.clock.advance(self.scanning.failure_span)
        found = self.builder("bob")
        self.assertFalse(found.builderok)
        return found.failnotes

    def test_whose_words_are_hidden(self) -> None:
        """Of private builds, and of these only what may name something."""
        self.assertEqual(
            (False, False, True), tuple(map(is_private, (None, self.job, self.private)))
        )
        for error in (CORRUPT, BuilderNonsense("it builds PACKAGEBUILD-7-1-0000abcd")):
            self.assertEqual((False, True), (hides(self.job, error), hides(self.private, error)))
        for error in (BuilderUnreachable("connection refused"), BuilderTimedOut("`status`")):
            self.assertFalse(hides(self.private, error))

    def test_notes_at_the_builder(self) -> None:
        """They name nothing; the build, which others do not see, has it in full."""
        notes = self.fail_out(self.private, CORRUPT)
        assert notes is not None
        self.assertIn(HIDDEN, notes)
        self.assertNotIn("hello", notes)

    def test_notes_of_a_public_build(self) -> None:
        """They say what happened."""
        self.assertIn("hello_1.0_amd64.deb", self.fail_out(self.job, CORRUPT) or "")

    def test_notes_of_the_network(self) -> None:
        """They say what happened, also while the builder has something private."""
        notes = self.fail_out(self.private, BuilderTimedOut("bob did not answer `status`"))
        self.assertIn("bob did not answer `status`", notes or "")

    def test_lost(self) -> None:
        """What the builder says instead of its job may be the name of another one."""
        evidence = "the builder said BUILDING PACKAGEBUILD-7-1-0000abcd"
        bob = replace(self.bob, failure_count=100)
        self.successResultOf(self.judge.breach(bob, self.private, evidence))
        self.assertNotIn("PACKAGEBUILD", self.builder("bob").failnotes or "")
        self.assertIsNot(BuildState.BUILDING, self.build(self.private.order.attempt.build_id).state)
