"""What the database is to write when an attempt ends, or when a builder fails."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.farmtesting.snapshots import a_builder, a_file, a_standing
from buildfarm.verdicts.outcomes import MOST_GIVEN_BACK, MOST_LOST, lost_delay
from buildfarm.verdicts.settling import (
    as_asked,
    settle_breach,
    settle_cancelled,
    settle_failure,
    settle_lost,
    settle_outcome,
    settle_overdue,
    settle_results_refused,
    settle_unconfirmed,
)
from buildfarm.verdicts.transitions import attempt_may_follow, clean_may_follow, may_follow
from buildfarm.vocab.build import JobStanding
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.settlement import JobSettlement, JobWarning, Settlement
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildOutcome,
    BuildState,
    CleanStatus,
)

NOW = BEGINNING

#: A builder that holds a job is DIRTY since the claim.
BOB = a_builder(clean_status=CleanStatus.DIRTY)
VIRTUAL = replace(BOB, virtualized=True)
LOG = a_file("buildlog.gz")
RESULTS = (a_file("hello.changes"), a_file("hello.deb"))


def job_of(settlement: Settlement) -> JobSettlement:
    """The job's part of a settlement that ends its attempt."""
    assert isinstance(settlement.job, JobSettlement), settlement
    return settlement.job


class TestLost(FarmTestCase):
    def test_nobody_is_blamed(self) -> None:
        """A lost job is queued again at once, and no failure is counted."""
        settled = settle_lost(BOB, a_standing(), "bob says IDLE", NOW)
        job = job_of(settled)
        self.assertEqual(BuildState.NEEDSBUILD, job.build_state)
        self.assertEqual(AttemptOutcome.LOST, job.outcome)
        self.assertIsNone(job.not_before)
        self.assertEqual((0, 0, 0, 1), counters(job))
        assert settled.builder is not None
        self.assertEqual(0, settled.builder.failure_count)
        self.assertIsNone(settled.builder.builderok)
        self.assertEqual(
            "bob says IDLE: the builder is to be cleaned, the build is queued again.",
            settled.reason,
        )

    def test_lost_again_and_again(self) -> None:
        """A job that every builder loses waits ever longer, and fails in the end."""
        standing = a_standing()
        delays = []
        for _ in range(MOST_LOST):
            job = job_of(settle_lost(BOB, standing, "bob says IDLE", NOW))
            self.assertEqual(BuildState.NEEDSBUILD, job.build_state)
            delays.append((job.not_before or NOW) - NOW)
            standing = replace(standing, lost_count=job.lost_count)
        self.assertEqual(sorted(delays), delays)
        last = settle_lost(BOB, standing, "bob says IDLE", NOW)
        self.assertEqual(BuildState.FAILEDTOBUILD, job_of(last).build_state)
        self.assertEqual(AttemptOutcome.JOB_FAILED, job_of(last).outcome)
        self.assertIn("lost 10 times before", last.reason)

    def test_a_builder_that_somebody_called_clean(self) -> None:
        """Whatever was declared meanwhile, a builder that lost a job is cleaned."""
        for status in CleanStatus:
            settled = settle_lost(a_builder(clean_status=status), a_standing(), "lost", NOW)
            assert settled.builder is not None
            dirty = None if status is CleanStatus.DIRTY else CleanStatus.DIRTY
            self.assertEqual(dirty, settled.builder.clean_status)

    def test_a_confirmed_build_that_is_gone(self) -> None:
        """Its first loss counts against the builder; the build is queued again all the same."""
        settled = settle_lost(BOB, a_standing(), "bob says IDLE", NOW, confirmed=True)
        self.assertEqual(BuildState.NEEDSBUILD, job_of(settled).build_state)
        self.assertEqual((0, 0, 0, 1), counters(job_of(settled)))
        assert settled.builder is not None
        self.assertEqual((1, None), (settled.builder.failure_count, settled.builder.builderok))

    def test_a_builder_that_loses_build_after_build(self) -> None:
        """It is taken out at the fifth."""
        fourth = replace(BOB, failure_count=4)
        settled = settle_lost(fourth, a_standing(), "bob says IDLE", NOW, confirmed=True)
        assert settled.builder is not None
        self.assertIs(False, settled.builder.builderok)
        self.assertIn("bob says IDLE", settled.builder.failnotes or "")
        self.assertEqual(BuildState.NEEDSBUILD, job_of(settled).build_state)

    def test_a_build_that_was_lost_before_is_no_evidence(self) -> None:
        """A package that reboots its machine takes no builder out, however often it is built."""
        fourth = replace(BOB, failure_count=4)
        again = a_standing(lost_count=1)
        settled = settle_lost(fourth, again, "bob says IDLE", NOW, confirmed=True)
        assert settled.builder is not None
        self.assertEqual((4, None), (settled.builder.failure_count, settled.builder.builderok))


class TestUnconfirmed(FarmTestCase):
    def test_counts_against_both(self) -> None:
        """An unanswered `build` is the builder's or the job's: both are counted, it is retried."""
        settled = settle_unconfirmed(BOB, a_standing(), "`build` timed out", NOW)
        job = job_of(settled)
        self.assertEqual(BuildState.NEEDSBUILD, job.build_state)
        self.assertEqual(AttemptOutcome.UNCONFIRMED, job.outcome)
        self.assertEqual((1, 0, 0, 1), counters(job))
        assert settled.builder is not None
        self.assertEqual(1, settled.builder.failure_count)

    def test_never_waits(self) -> None:
        """The attempt is over whatever the counts say: nothing of it can be believed."""
        for builder in range(7):
            for failures in range(7):
                bob = replace(BOB, failure_count=builder)
                standing = a_standing(failure_count=failures)
                settled = settle_unconfirmed(bob, standing, "`build` timed out", NOW)
                self.assertEqual(AttemptState.CLOSED, job_of(settled).attempt_state)

    def test_a_job_that_no_builder_takes(self) -> None:
        """A job whose `build` is not confirmed by a second builder fails."""
        settled = settle_unconfirmed(BOB, a_standing(failure_count=1), "fault 8002", NOW)
        self.assertEqual(BuildState.FAILEDTOBUILD, job_of(settled).build_state)
        self.assertEqual(
            "fault 8002 (consecutive failures: builder 1, build 2): "
            "the build has failed more often than this builder, the build fails.",
            settled.reason,
        )


class TestFailure(FarmTestCase):
    def test_too_early_to_tell(self) -> None:
        """At first both are only warned, and the attempt goes on."""
        settled = settle_failure(BOB, a_standing(), "bob has not answered", NOW)
        self.assertEqual(JobWarning(70, 7, 1), settled.job)
        assert settled.builder is not None
        self.assertEqual((1, None), (settled.builder.failure_count, settled.builder.clean_status))

    def test_equally_often_three_times(self) -> None:
        """At the third failure together the job is tried elsewhere."""
        bob = replace(BOB, failure_count=2)
        settled = settle_failure(bob, a_standing(failure_count=2), "bob has not answered", NOW)
        self.assertEqual(BuildState.NEEDSBUILD, job_of(settled).build_state)
        assert settled.builder is not None
        self.assertIsNone(settled.builder.builderok)

    def test_the_builder_fails(self) -> None:
        """At its fifth failure the builder is taken out, with the evidence as its notes."""
        bob = replace(BOB, failure_count=4)
        settled = settle_failure(bob, a_standing(), "bob has not answered", NOW)
        assert settled.builder is not None
        self.assertIs(False, settled.builder.builderok)
        self.assertEqual(
            "bob has not answered (consecutive failures: builder 5, build 1)",
            settled.builder.failnotes,
        )
        self.assertEqual((1, 1, 0, 1), counters(job_of(settled)))

    def test_the_second_builder_that_a_job_costs(self) -> None:
        """A job that has taken a builder down before fails with the second."""
        bob = replace(BOB, failure_count=4)
        settled = settle_failure(bob, a_standing(builders_cost=1), "bob is silent", NOW)
        self.assertEqual(BuildState.FAILEDTOBUILD, job_of(settled).build_state)
        self.assertEqual(2, job_of(settled).builders_cost)
        assert settled.builder is not None
        self.assertIs(False, settled.builder.builderok)

    def test_a_builder_alone(self) -> None:
        """Without a job the builder is cleaned, and taken out at the fifth failure."""
        idle = a_builder()
        settled = settle_failure(idle, None, "bob has not answered", NOW)
        self.assertIsNone(settled.job)
        assert settled.builder is not None
        self.assertEqual(CleanStatus.DIRTY, settled.builder.clean_status)
        self.assertEqual(
            "bob has not answered (consecutive failures: builder 1): the builder is to be cleaned.",
            settled.reason,
        )
        last = settle_failure(replace(idle, failure_count=4), None, "bob is silent", NOW)
        assert last.builder is not None
        self.assertIs(False, last.builder.builderok)

    def test_before_anything_was_sent(self) -> None:
        """A dispatch that failed before `build` was on the wire is NEVER_SENT."""
        bob = replace(BOB, failure_count=1)
        settled = settle_failure(bob, a_standing(), "no such file", NOW, sent=False)
        self.assertEqual(AttemptOutcome.NEVER_SENT, job_of(settled).outcome)


class TestOverdue(FarmTestCase):
    def test_virtual(self) -> None:
        """A virtual builder that never ends is reset; both are counted."""
        settled = settle_overdue(VIRTUAL, a_standing(), "bob is BUILDING for a day", NOW)
        self.assertEqual(BuildState.NEEDSBUILD, job_of(settled).build_state)
        assert settled.builder is not None
        self.assertEqual((1, None), (settled.builder.failure_count, settled.builder.builderok))

    def test_not_virtual(self) -> None:
        """Another builder cannot be brought back by us: it is taken out, with the reason."""
        settled = settle_overdue(BOB, a_standing(), "bob is ABORTING for 300 s", NOW)
        assert settled.builder is not None
        self.assertIs(False, settled.builder.builderok)
        self.assertIn("ABORTING for 300 s", settled.builder.failnotes or "")
        self.assertEqual(BuildState.NEEDSBUILD, job_of(settled).build_state)
        self.assertEqual(1, job_of(settled).builders_cost)

    def test_the_second_machine(self) -> None:
        """A job that hangs a second machine fails with it."""
        settled = settle_overdue(BOB, a_standing(builders_cost=1), "bob hangs", NOW)
        self.assertEqual(BuildState.FAILEDTOBUILD, job_of(settled).build_state)

    def test_an_abort_without_a_job(self) -> None:
        """A machine that does not end an abort while it is cleaned is taken out too."""
        settled = settle_overdue(BOB, None, "bob is ABORTING for 300 s", NOW)
        assert settled.builder is not None
        self.assertIs(False, settled.builder.builderok)
        self.assertIsNone(settled.job)


class TestBreach(FarmTestCase):
    def test_virtual(self) -> None:
        """A virtual builder that is not idle while clean is reset, and one failure counted."""
        settled = settle_breach(replace(VIRTUAL, clean_status=CleanStatus.CLEAN), None, "busy", NOW)
        assert settled.builder is not None
        self.assertEqual(CleanStatus.DIRTY, settled.builder.clean_status)
        self.assertEqual((1, None), (settled.builder.failure_count, settled.builder.builderok))

    def test_not_virtual(self) -> None:
        """Another is not ours to trust any more, from the first time."""
        settled = settle_breach(a_builder(), None, "bob runs something", NOW)
        assert settled.builder is not None
        self.assertIs(False, settled.builder.builderok)
        self.assertEqual(
            "bob runs something (consecutive failures: builder 1): the builder is disabled.",
            settled.reason,
        )

    def test_the_job_that_was_claimed(self) -> None:
        """What was claimed for it was never sent, is not blamed and costs no builder."""
        for builder in (BOB, VIRTUAL):
            for cost in (0, 1):
                standing = a_standing(builders_cost=cost, failure_count=2)
                job = job_of(settle_breach(builder, standing, "bob runs something", NOW))
                self.assertEqual(BuildState.NEEDSBUILD, job.build_state)
                self.assertEqual(AttemptOutcome.NEVER_SENT, job.outcome)
                self.assertEqual((2, cost, 0, 1), counters(job))


class TestOutcome(FarmTestCase):
    def test_ok(self) -> None:
        """Results wait for their upload, and all failures are forgotten."""
        bob = replace(BOB, failure_count=3)
        settled = settle_outcome(
            bob, a_standing(failure_count=2), BuildOutcome.OK, NOW, log=LOG, files=RESULTS
        )
        job = job_of(settled)
        self.assertEqual(BuildState.UPLOADING, job.build_state)
        self.assertEqual((AttemptState.GATHERED, None), (job.attempt_state, job.outcome))
        self.assertEqual((LOG, RESULTS), (job.log, job.files))
        self.assertEqual(0, job.failure_count)
        assert settled.builder is not None
        self.assertEqual(0, settled.builder.failure_count)
        self.assertEqual("bob ended the build with OK: 2 files to upload.", settled.reason)

    def test_nothing_to_publish(self) -> None:
        """Without a .changes nothing is uploaded, and nothing is kept but the log."""
        settled = settle_outcome(
            BOB, a_standing(), BuildOutcome.OK, NOW, log=LOG, files=RESULTS[1:]
        )
        job = job_of(settled)
        self.assertEqual(BuildState.FAILEDTOUPLOAD, job.build_state)
        self.assertEqual((AttemptState.CLOSED, ()), (job.attempt_state, job.files))
        self.assertIn("no .changes", settled.reason)

    def test_dependencies(self) -> None:
        """A build that waits for packages says for which."""
        settled = settle_outcome(
            BOB, a_standing(), BuildOutcome.DEPFAIL, NOW, dependencies="libfoo-dev (>= 2)"
        )
        self.assertEqual(BuildState.MANUALDEPWAIT, job_of(settled).build_state)
        self.assertEqual("libfoo-dev (>= 2)", job_of(settled).dependencies)
        self.assertEqual(
            "bob ended the build with DEPFAIL: the build waits for libfoo-dev (>= 2).",
            settled.reason,
        )

    def test_given_back(self) -> None:
        """A build that is given back waits ever longer, five times, with nobody blamed."""
        bob = replace(BOB, failure_count=2)
        standing = a_standing(failure_count=1)
        waits = []
        for times in range(1, MOST_GIVEN_BACK + 1):
            settled = settle_outcome(bob, standing, BuildOutcome.GIVENBACK, NOW, log=LOG)
            job = job_of(settled)
            assert job.not_before is not None
            assert settled.builder is not None
            self.assertEqual(BuildState.NEEDSBUILD, job.build_state)
            self.assertEqual((1, 0, times, 0), counters(job))
            self.assertEqual(2, settled.builder.failure_count)
            waits.append(job.not_before - NOW)
            standing = replace(standing, given_back=job.given_back)
        self.assertEqual(sorted(waits), waits)
        last = job_of(settle_outcome(bob, standing, BuildOutcome.GIVENBACK, NOW))
        self.assertEqual(BuildState.FAILEDTOBUILD, last.build_state)
        self.assertIsNone(last.not_before)

    def test_builderfail(self) -> None:
        """BUILDERFAIL counts against the builder alone, and takes it out at the fifth time."""
        standing = a_standing(failure_count=3)
        for before in range(5):
            bob = replace(BOB, failure_count=before)
            settled = settle_outcome(bob, standing, BuildOutcome.BUILDERFAIL, NOW, log=LOG)
            self.assertEqual(BuildState.NEEDSBUILD, job_of(settled).build_state)
            self.assertEqual((3, 0, 0, 1), counters(job_of(settled)))
            self.assertEqual(LOG, job_of(settled).log)
            assert settled.builder is not None
            self.assertEqual(before + 1, settled.builder.failure_count)
            self.assertEqual(False if before == 4 else None, settled.builder.builderok)

    def test_aborted_by_nobody(self) -> None:
        """An abort that nobody asked for counts against both, and the build is queued again."""
        settled = settle_outcome(BOB, a_standing(), BuildOutcome.ABORTED, NOW)
        self.assertEqual(BuildState.NEEDSBUILD, job_of(settled).build_state)
        self.assertEqual(1, job_of(settled).failure_count)
        assert settled.builder is not None
        self.assertEqual(1, settled.builder.failure_count)

    def test_aborted_as_asked(self) -> None:
        """An abort that was asked for ends in CANCELLED and counts against nobody."""
        standing = a_standing(cancelling=True)
        settled = settle_outcome(BOB, standing, BuildOutcome.ABORTED, NOW, log=LOG)
        self.assertEqual(BuildState.CANCELLED, job_of(settled).build_state)
        self.assertEqual((0, 0, 0, 0), counters(job_of(settled)))
        self.assertEqual(LOG, job_of(settled).log)
        assert settled.builder is not None
        self.assertEqual(0, settled.builder.failure_count)

    def test_vindicated(self) -> None:
        """A builder that took a build to its end, good or bad, has its failures forgotten."""
        bob = replace(BOB, failure_count=2)
        forgotten = set()
        for outcome in BuildOutcome:
            settled = settle_outcome(bob, a_standing(), outcome, NOW, files=RESULTS)
            assert settled.builder is not None
            if settled.builder.failure_count == 0:
                forgotten.add(outcome)
        self.assertEqual(
            {BuildOutcome.OK, BuildOutcome.PACKAGEFAIL, BuildOutcome.DEPFAIL}, forgotten
        )

    def test_ok_with_nothing_to_show(self) -> None:
        """No genuine daemon says that: its builder is counted, and out at the fifth in a row."""
        settled = settle_outcome(BOB, a_standing(), BuildOutcome.OK, NOW)
        self.assertEqual(BuildState.FAILEDTOUPLOAD, job_of(settled).build_state)
        assert settled.builder is not None
        self.assertEqual((1, None), (settled.builder.failure_count, settled.builder.builderok))
        fourth = replace(BOB, failure_count=4)
        settled = settle_outcome(fourth, a_standing(), BuildOutcome.OK, NOW)
        assert settled.builder is not None
        self.assertIs(False, settled.builder.builderok)
        self.assertIn("there is no .changes among the results", settled.builder.failnotes or "")
        self.assertEqual(BuildState.FAILEDTOUPLOAD, job_of(settled).build_state)

    def test_ok_of_a_cancelled_build(self) -> None:
        """Its results were not fetched, so nothing can be said of them."""
        settled = settle_outcome(BOB, a_standing(cancelling=True), BuildOutcome.OK, NOW)
        assert settled.builder is not None
        self.assertEqual(0, settled.builder.failure_count)


class TestOthers(FarmTestCase):
    def test_cancelled(self) -> None:
        """A cancelled build is closed without a failure for anybody."""
        bob = replace(BOB, failure_count=2)
        settled = settle_cancelled(bob, a_standing(cancelling=True), "bob has aborted it", LOG)
        self.assertEqual(BuildState.CANCELLED, job_of(settled).build_state)
        self.assertEqual(LOG, job_of(settled).log)
        assert settled.builder is not None
        self.assertEqual(2, settled.builder.failure_count)
        self.assertEqual("bob has aborted it: the build is cancelled.", settled.reason)

    def test_results_over_the_limits(self) -> None:
        """Results over the limits are the job's fault alone."""
        settled = settle_results_refused(BOB, a_standing(), "a file of 9 GiB", LOG)
        self.assertEqual(BuildState.FAILEDTOBUILD, job_of(settled).build_state)
        self.assertEqual(AttemptOutcome.JOB_FAILED, job_of(settled).outcome)
        self.assertEqual((LOG, ()), (job_of(settled).log, job_of(settled).files))
        assert settled.builder is not None
        self.assertEqual(0, settled.builder.failure_count)


class TestAsAsked(FarmTestCase):
    def test_a_cancel_met_at_the_commit(self) -> None:
        """A lost build that was cancelled meanwhile does not wait again."""
        settled = settle_lost(BOB, a_standing(), "lost", NOW)
        asked = as_asked(settled, cancelling=True, superseded=False)
        self.assertEqual(BuildState.CANCELLED, job_of(asked).build_state)
        self.assertEqual(settled.builder, asked.builder)
        self.assertEqual(
            f"{settled.reason} It was cancelled meanwhile, so it is not built again.", asked.reason
        )

    def test_a_cancel_met_with_results(self) -> None:
        """Results that are gathered are published, though a cancel was committed before them."""
        settled = settle_outcome(BOB, a_standing(), BuildOutcome.OK, NOW, files=RESULTS)
        self.assertEqual(settled, as_asked(settled, cancelling=True, superseded=False))

    def test_a_newer_version(self) -> None:
        """Results of a version that was replaced meanwhile are dropped, the log is kept."""
        settled = settle_outcome(BOB, a_standing(), BuildOutcome.OK, NOW, log=LOG, files=RESULTS)
        job = job_of(as_asked(settled, cancelling=False, superseded=True))
        self.assertEqual(BuildState.SUPERSEDED, job.build_state)
        self.assertEqual(
            (AttemptState.CLOSED, AttemptOutcome.SUPERSEDED), (job.attempt_state, job.outcome)
        )
        self.assertEqual((LOG, ()), (job.log, job.files))

    def test_an_attempt_that_goes_on(self) -> None:
        """What was asked changes nothing while the attempt goes on: its end will tell."""
        settled = settle_failure(BOB, a_standing(), "bob is silent", NOW)
        self.assertEqual(settled, as_asked(settled, cancelling=True, superseded=True))


def counters(job: JobSettlement) -> tuple[int, int, int, int]:
    """Failures, builders cost, times given back and lost."""
    return job.failure_count, job.builders_cost, job.given_back, job.lost_count


Event = Callable[[BuilderSnapshot, JobStanding], Settlement]

EVIDENCE = "bob said \x1b[2J.\n"

#: Everything that can happen to an attempt on its builder.
EVENTS: dict[str, Event] = {
    "unconfirmed": lambda bob, job: settle_unconfirmed(bob, job, EVIDENCE, NOW),
    "lost": lambda bob, job: settle_lost(bob, job, EVIDENCE, NOW),
    "failure": lambda bob, job: settle_failure(bob, job, EVIDENCE, NOW),
    "overdue": lambda bob, job: settle_overdue(bob, job, EVIDENCE, NOW),
    "breach": lambda bob, job: settle_breach(bob, job, EVIDENCE, NOW),
    "cancelled": lambda bob, job: settle_cancelled(bob, job, EVIDENCE),
    "refused": lambda bob, job: settle_results_refused(bob, job, EVIDENCE),
    **{
        outcome.name: lambda bob, job, outcome=outcome: settle_outcome(
            bob, job, outcome, NOW, log=LOG, files=RESULTS, dependencies=EVIDENCE
        )
        for outcome in BuildOutcome
    },
}

some = st.integers(0, 12)
builders = st.builds(
    a_builder,
    virtualized=st.booleans(),
    failure_count=some,
    clean_status=st.sampled_from(CleanStatus),
)
standings = st.builds(
    a_standing,
    failure_count=some,
    builders_cost=st.integers(0, 2),
    given_back=st.integers(0, 6),
    lost_count=some,
    cancelling=st.booleans(),
    superseded=st.booleans(),
)


class TestEverySettlement(FarmTestCase):
    @given(st.sampled_from(sorted(EVENTS)), builders, standings)
    def test_is_possible_and_explained(
        self, event: str, bob: BuilderSnapshot, standing: JobStanding
    ) -> None:
        """Whatever happens to whom: what is written may follow, and one line says why."""
        settled = EVENTS[event](bob, standing)
        self.assertTrue(settled.reason.endswith("."), settled.reason)
        self.assertTrue(settled.reason.isprintable(), settled.reason)
        assert settled.builder is not None
        clean = settled.builder.clean_status
        self.assertTrue(clean is None or clean_may_follow(bob.clean_status, clean))
        self.assertEqual(settled.builder.builderok is False, bool(settled.builder.failnotes))
        if isinstance(settled.job, JobSettlement):
            self.assert_follows(settled.job, standing)

    def assert_follows(self, job: JobSettlement, standing: JobStanding) -> None:
        """Fail unless `job` can be written for a build of this standing."""
        cancelling = standing.cancelling or job.build_state is BuildState.CANCELLED
        before = BuildState.CANCELLING if cancelling else BuildState.BUILDING
        self.assertTrue(may_follow(before, job.build_state), job)
        self.assertTrue(attempt_may_follow(AttemptState.SENT, job.attempt_state), job)
        gathered = job.attempt_state is AttemptState.GATHERED
        self.assertEqual(gathered, job.outcome is None)
        self.assertEqual(gathered, bool(job.files))
        if job.not_before is not None:
            self.assertIs(BuildState.NEEDSBUILD, job.build_state)
            self.assertGreater(job.not_before, NOW)

    @given(st.sampled_from(sorted(EVENTS)), builders, standings)
    def test_storage_changes_nothing_more(
        self, event: str, bob: BuilderSnapshot, standing: JobStanding
    ) -> None:
        """With flags that are up to date, storage's own `as_asked` leaves a settlement alone."""
        if event == "cancelled":
            standing = replace(standing, cancelling=True)
        settled = EVENTS[event](bob, standing)
        again = as_asked(settled, standing.cancelling, standing.superseded)
        self.assertEqual(settled, again)

    @given(st.lists(st.sampled_from(sorted(EVENTS)), min_size=60, max_size=60), st.booleans())
    def test_no_build_runs_for_ever(self, events: list[str], virtualized: bool) -> None:
        """Whatever goes wrong, on builders that are new each time, a build ends."""
        standing = a_standing()
        for event in events:
            bob = replace(BOB, virtualized=virtualized)
            settled = EVENTS[event](bob, standing)
            if isinstance(settled.job, JobWarning):
                standing = replace(standing, failure_count=settled.job.failure_count)
                continue
            job = job_of(settled)
            if job.build_state is not BuildState.NEEDSBUILD:
                return
            standing = replace(
                standing,
                failure_count=job.failure_count,
                builders_cost=job.builders_cost,
                given_back=job.given_back,
                lost_count=job.lost_count,
            )
        self.fail(f"it still waits: {standing}")

    def test_first_delays(self) -> None:
        """A build that is queued again for the first time waits for nothing but a builder."""
        for event in ("unconfirmed", "lost", "breach", "BUILDERFAIL", "ABORTED"):
            job = job_of(EVENTS[event](BOB, a_standing()))
            self.assertIsNone(job.not_before, event)
            later = job_of(EVENTS[event](VIRTUAL, a_standing(lost_count=1)))
            assert later.not_before is not None
            self.assertEqual(timedelta(seconds=lost_delay(2, 7)), later.not_before - NOW)
