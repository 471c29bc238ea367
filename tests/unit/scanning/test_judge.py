"""The judge's executioner: what is written, when, and against whom."""

from dataclasses import replace

from buildfarm.filestore.store import FileStore
from buildfarm.scanning.gather import Gathered
from buildfarm.scanning.job import Job
from buildfarm.storage import attempts, builds, roster
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import (
    BuilderTimedOut,
    BuilderUnreachable,
    DiskFull,
    ResetFailed,
    ResultsRefused,
    StorageError,
)
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildOutcome,
    BuildState,
    CleanStatus,
    DaemonStatus,
)
from tests.unit.scanning.cases import CHANGES, VIRTUAL, ScanningTestCase
from tests.unit.storage.cases import stored

UNREACHABLE = BuilderUnreachable("connection refused")


class FailureTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def fail(
        self, error: Exception = UNREACHABLE, job: Job | None = None
    ) -> tuple[BuilderSnapshot, bool]:
        return self.successResultOf(self.judge.failed(self.bob, job, error))

    def fail_for_long(
        self, job: Job | None = None, error: Exception = UNREACHABLE
    ) -> tuple[BuilderSnapshot, bool]:
        """Five failures in a row over 75 seconds: what counts as one."""
        for _ in range(self.scanning.failures_to_count - 1):
            self.fail(error, job)
            self.clock.advance(self.scanning.failure_span / 4)
        return self.fail(error, job)

    def test_one_failed_scan_writes_nothing(self) -> None:
        """It says little, so the builder is as it was."""
        self.assertEqual((self.bob, False), self.fail())
        self.assertEqual([], self.storage.acts)

    def test_many_in_a_moment_write_nothing(self) -> None:
        """A row counts only when it lasts."""
        for _ in range(50):
            self.fail()
        self.clock.advance(self.scanning.failure_span - 1)
        self.fail()
        self.assertEqual([], self.storage.acts)

    def test_few_over_a_long_time_write_nothing(self) -> None:
        """A row counts only when it is long."""
        for _ in range(self.scanning.failures_to_count - 1):
            self.fail()
            self.clock.advance(self.scanning.failure_span)
        self.assertEqual([], self.storage.acts)

    def test_a_long_row_that_lasts_counts_as_one(self) -> None:
        """Five in a row and 75 s: the builder's count goes up by one, and a new row begins."""
        builder, ended = self.fail_for_long()
        self.assertEqual((1, False), (builder.failure_count, ended))
        self.fail()
        self.assertEqual(["settle"], self.storage.acts)

    def test_a_good_cycle_ends_the_row(self) -> None:
        """Failures that are not consecutive are not added up."""
        for _ in range(10):
            self.fail()
            self.clock.advance(self.scanning.failure_span)
            self.judge.succeeded(self.bob.id)
        self.assertEqual([], self.storage.acts)

    def test_a_builder_without_a_job_is_taken_out_in_the_end(self) -> None:
        """Launchpad's threshold: at the fifth, with the reason in its notes."""
        for _ in range(5):
            self.bob, _ = self.fail_for_long()
        self.assertFalse(self.bob.builderok)
        self.assertIn("connection refused", self.bob.failnotes or "")

    def test_a_failed_reset_counts_at_once(self) -> None:
        """It took its time and was tried as the command thought right."""
        builder, _ = self.fail(ResetFailed("the reset command of bob ended with 1"))
        self.assertEqual(1, builder.failure_count)

    def test_a_warned_job_goes_on(self) -> None:
        """With equal counts it is too early to tell whose fault it is: both are counted."""
        job = self.sent_job(self.bob)
        self.bob = self.builder("bob")
        builder, ended = self.fail_for_long(job)
        self.assertFalse(ended)
        self.assertEqual((1, 1), (builder.failure_count, job.order.standing.failure_count))
        build = self.build(job.order.attempt.build_id)
        self.assertEqual((BuildState.BUILDING, 1), (build.state, build.failure_count))

    def test_the_third_failure_together_moves_the_job_on(self) -> None:
        """The build is queued again; the builder shows by the next one who it was."""
        job = self.sent_job(self.bob)
        self.bob = self.builder("bob")
        for _ in range(3):
            self.bob, ended = self.fail_for_long(job)
        self.assertTrue(ended)
        self.assertTrue(self.is_queued(job.order.attempt.build_id))
        [attempt] = self.ask(attempts.attempts_of, job.order.attempt.build_id)
        self.assertEqual(AttemptOutcome.LOST, attempt.outcome)

    def test_a_job_that_was_never_sent_is_closed_as_such(self) -> None:
        """Where nothing was on the wire, nothing can be lost."""
        job = self.job_of(self.claimed(self.bob))
        self.bob = replace(self.builder("bob"), failure_count=0)
        for _ in range(3):
            self.bob, ended = self.fail_for_long(job)
        self.assertTrue(ended)
        [attempt] = self.ask(attempts.attempts_of, job.order.attempt.build_id)
        self.assertEqual(AttemptOutcome.NEVER_SENT, attempt.outcome)

    def test_our_own_faults_cost_nobody(self) -> None:
        """A full disk or a database that is away pauses dispatch, however often it comes."""
        job = self.sent_job(self.bob)
        for error, words in (
            (DiskFull("no room in the spool"), "no room in the spool"),
            (StorageError("it is locked"), "the database cannot be used: it is locked"),
        ):
            self.fail_for_long(job, error)
            self.fail_for_long(job, error)
            self.assertTrue(any(reason.startswith(words) for reason in self.pauses.reasons()))
        self.assertTrue(self.pauses)
        self.assertEqual([], self.storage.acts)

    def test_an_error_of_our_own_machine_is_nobodys_failure(self) -> None:
        """Whatever is wrong with our files: dispatch pauses, and the log says where."""
        job = self.sent_job(self.bob)
        self.fail_for_long(job, OSError(30, "Read-only file system", "/srv/spool"))
        self.assertNotEqual([], self.flush_logged_errors(OSError))
        self.assertIn("/srv/spool", self.pauses.reasons()[0])
        self.assertEqual([], self.storage.acts)

    def test_an_unexpected_error_is_logged_and_counted_like_another(self) -> None:
        """A mistake of ours in one step ends that cycle, and shows in the log."""
        self.fail(ZeroDivisionError("division by zero"))
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))
        self.assertEqual([], self.storage.acts)


class NetworkTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.builders = [self.add_builder(f"bob{number}") for number in range(4)]

    def fail(self, builder: BuilderSnapshot, error: Exception = UNREACHABLE) -> None:
        self.successResultOf(self.judge.failed(builder, None, error))

    def fail_for_long(self, builders: list[BuilderSnapshot], error: Exception) -> None:
        for _ in range(5):
            for builder in builders:
                self.fail(builder, error)
            self.clock.advance(20)

    def test_many_that_become_unreachable_together_are_not_blamed(self) -> None:
        """A fifth of the farm and at least three within a minute: no verdicts, one alarm."""
        self.fail_for_long(self.builders[:3], BuilderTimedOut("no answer"))
        self.assertEqual([], self.storage.acts)
        [reason] = self.pauses.reasons()
        self.assertIn("3 builders", reason)
        self.assertFalse(self.pauses)

    def test_two_are_no_network(self) -> None:
        """Each of them is judged by itself."""
        self.fail_for_long(self.builders[:2], UNREACHABLE)
        self.assertEqual(["settle"] * 2, self.storage.acts)

    def test_few_of_a_large_farm_are_no_network(self) -> None:
        """Three are less than a fifth of a hundred."""
        self.judge = self.make_judge(farm_size=100)
        self.fail_for_long(self.builders[:3], UNREACHABLE)
        self.assertEqual(["settle"] * 3, self.storage.acts)

    def test_builders_that_fail_one_after_another_are_no_network(self) -> None:
        """Machines that die more than a minute apart do not excuse each other."""
        for builder in self.builders[:3]:
            self.fail(builder)
            self.clock.advance(61)
        self.fail_for_long(self.builders[:3], UNREACHABLE)
        self.assertEqual(["settle"] * 3, self.storage.acts)

    def test_the_alarm_is_withdrawn_when_they_answer(self) -> None:
        """The note goes when too few are left that cannot be reached."""
        self.fail_for_long(self.builders[:3], UNREACHABLE)
        self.judge.answered(self.builders[0].id)
        self.assertEqual((), self.pauses.reasons())

    def test_a_removed_builder_counts_no_more(self) -> None:
        """What it failed is forgotten."""
        self.fail_for_long(self.builders[:3], UNREACHABLE)
        self.judge.forget(self.builders[0].id)
        self.assertEqual((), self.pauses.reasons())

    def test_others_are_judged_meanwhile(self) -> None:
        """A builder whose reset fails can be reached, and is not excused."""
        self.fail_for_long(self.builders[:3], UNREACHABLE)
        self.fail(self.builders[3], ResetFailed("the reset command of bob3 ended with 1"))
        self.assertEqual(["settle"], self.storage.acts)


class EndingTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.add_builder()
        self.job = self.sent_job(self.builder("bob"))
        self.bob = self.builder("bob")
        self.build_id = self.job.order.attempt.build_id

    def end(self, outcome: BuildOutcome, gathered: Gathered) -> BuilderSnapshot:
        said = Observation(DaemonStatus.WAITING, self.job.cookie, outcome, dependencies="libfoo")
        return self.successResultOf(self.judge.ended(self.bob, self.job, said, gathered))

    def attempt_state(self) -> AttemptState:
        [attempt] = self.ask(attempts.attempts_of, self.build_id)
        return attempt.state

    def stored_tail(self) -> bool:
        digest = self.build(self.build_id).log_digest
        return digest is not None and FileStore(self.store_dir).path(digest).exists()

    def test_results_wait_for_their_upload(self) -> None:
        """One act moves the build on; checkpoints are before and after it."""
        self.end(BuildOutcome.OK, Gathered(stored("log"), (stored(CHANGES),)))
        self.assertEqual(BuildState.UPLOADING, self.state(self.build_id))
        self.assertEqual(["settle"], self.storage.acts)
        self.assertEqual(["gather.downloaded", "gather.settled"], self.checkpoints)

    def ended_on_virtual(self, protocol: str) -> BuilderSnapshot:
        """The builder after its job has ended, were it a virtual one."""
        described = {**VIRTUAL, "vm_reset_protocol": protocol}
        self.act(roster.change_builder, "bob", described, "root", self.now())
        self.bob = self.builder("bob")
        return self.end(BuildOutcome.PACKAGEFAIL, Gathered(stored("log"), ()))

    def test_the_reset_that_follows_is_part_of_the_act(self) -> None:
        """A virtual builder is CLEANING with the end of its job, at no cost of its own."""
        self.assertEqual(CleanStatus.CLEANING, self.ended_on_virtual("1.1").clean_status)
        self.assertEqual(["settle"], self.storage.acts)

    def test_a_reset_that_is_reported_later_is_not_told_before(self) -> None:
        """CLEANING means there that the command has returned, and somebody owes a report."""
        self.assertEqual(CleanStatus.DIRTY, self.ended_on_virtual("2.0").clean_status)

    def test_what_the_daemon_says_decides(self) -> None:
        """Its dependencies are kept for a build that waits for them."""
        self.end(BuildOutcome.DEPFAIL, Gathered(stored("log"), ()))
        build = self.build(self.build_id)
        self.assertEqual(BuildState.MANUALDEPWAIT, build.state)
        self.assertEqual("libfoo", build.dependencies)

    def test_refused_results_fail_the_build(self) -> None:
        """It is the job's fault, wherever it is built; the builder is not blamed."""
        refusal = str(ResultsRefused("the build made 501 files"))
        builder = self.end(BuildOutcome.OK, Gathered(stored("log"), (), refusal))
        build = self.build(self.build_id)
        self.assertEqual(BuildState.FAILEDTOBUILD, build.state)
        self.assertIn("501 files", build.reason or "")
        self.assertEqual(0, builder.failure_count)

    def test_an_ending_without_a_log_keeps_the_last_tail(self) -> None:
        """Whoever asks why it ended sees what was seen last."""
        self.job.logtail = "the end"
        reason = "the builder said IDLE"
        self.successResultOf(self.judge.lost(self.bob, self.job, reason))
        self.assertTrue(self.stored_tail())
        self.assertTrue(self.is_queued(self.build_id))

    def test_a_lost_job_leaves_a_builder_to_be_cleaned(self) -> None:
        """The builder was DIRTY from its claim, and stays so."""
        builder = self.successResultOf(self.judge.lost(self.bob, self.job, "it said IDLE"))
        self.assertEqual(CleanStatus.DIRTY, builder.clean_status)
        self.assertEqual(AttemptState.CLOSED, self.attempt_state())

    def test_an_unconfirmed_job_is_closed(self) -> None:
        """Nothing of that attempt is ever gathered."""
        reason = "`build` was not answered"
        self.successResultOf(self.judge.unconfirmed(self.bob, self.job, reason))
        self.assertEqual(AttemptState.CLOSED, self.attempt_state())

    def test_a_cancelled_job_ends_the_build(self) -> None:
        """Nobody is blamed."""
        self.act(builds.cancel, self.build_id, "alice", self.now())
        builder = self.successResultOf(self.judge.cancelled(self.bob, self.job, "as asked"))
        self.assertEqual(BuildState.CANCELLED, self.state(self.build_id))
        self.assertEqual(0, builder.failure_count)

    def test_a_real_builder_without_end_is_taken_out(self) -> None:
        """It cannot be brought back by us; the reason names what it did."""
        builder = self.successResultOf(self.judge.overdue(self.bob, self.job, "BUILDING"))
        self.assertFalse(builder.builderok)
        self.assertIn("BUILDING", builder.failnotes or "")

    def test_a_real_builder_in_breach_is_taken_out(self) -> None:
        """What should be clean and runs something is not ours to trust."""
        reason = "it said BUILDING while it was clean"
        builder = self.successResultOf(self.judge.breach(self.bob, None, reason))
        self.assertFalse(builder.builderok)
