"""Each step of the scan plan: what it does to the builder and the job, and what comes next."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.scanning.job import Standing
from buildfarm.scanning.steps import NOW, Steps
from buildfarm.storage import attempts, builds, roster
from buildfarm.verdicts.polling import SHORTEST_URGENT
from buildfarm.verdicts.scanplan import Step
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import BuilderError, ResetFailed
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import (
    AttemptState,
    BuildOutcome,
    BuildState,
    CleanStatus,
    DaemonStatus,
)
from buildfarm.wire.builderrpc import FAULT_ERROR, Fault, status_value
from tests.unit.scanning.cases import RESULTS, VIRTUAL, ScanningTestCase

IDLE = Observation(DaemonStatus.IDLE)


class StepsTestCase(ScanningTestCase):
    """The steps of bob, who is clean and real unless a test says otherwise."""

    described: ClassVar[dict[str, Any]] = {}
    clean = True

    def setUp(self) -> None:
        super().setUp()
        self.add_builder(clean=self.clean, **self.described)
        self.steps = self.take_up()

    def take_up(self) -> Steps:
        """Steps for bob, known to the roster as a scanner that does not run."""
        scanner = self.make_scanner(Standing(self.builder("bob"), None))
        self.roster._scanners[scanner.steps.builder.id] = scanner
        return scanner.steps

    def do(self, step: Step, said: Observation | None = None) -> float:
        return self.successResultOf(self.steps.carry_out(step, said))

    def said(self) -> Observation:
        return self.ask_daemon(self.steps.client)

    def start_build(self, script: Callable[[Order], Script] | None = None) -> int:
        """Have bob seek work while a build waits; the build's id."""
        if script is not None:
            self.daemon().script = script
        build_id = self.submit()
        self.steps.seeking = True
        self.do(Step.SEEK, IDLE)
        self.storage.acts.clear()
        return build_id


class HoldingNothingTests(StepsTestCase):
    def test_rest_leaves_the_builder_alone(self) -> None:
        """Until the next look at an idle builder; it is asked nothing."""
        self.assertEqual(30.0, self.do(Step.REST))
        self.assertEqual([], self.called())

    def test_rest_of_a_removed_builder_ends_its_scanner(self) -> None:
        """It holds nothing, so nobody needs it any more."""
        self.act(roster.remove_builder, "bob", False, "root", self.now())
        self.steps.take_standing(Standing(self.builder("bob"), None))
        self.do(Step.REST)
        self.assertEqual((), self.roster.scanners)

    def test_seek_takes_waiting_work_and_dispatches_it(self) -> None:
        """Claim and dispatch follow each other without another scan."""
        build_id = self.submit()
        self.do(Step.SEEK, IDLE)
        self.assertEqual(["claim", "mark_sent"], self.storage.acts)
        assert self.steps.job is not None
        self.assertEqual(build_id, self.steps.job.order.attempt.build_id)
        self.assertEqual(AttemptState.CONFIRMED, self.steps.job.state)
        self.assertEqual(CleanStatus.DIRTY, self.steps.builder.clean_status)

    def test_seek_without_work_waits_to_be_woken(self) -> None:
        """The database is asked once, and not at every look at the idle builder."""
        self.assertEqual(30.0, self.do(Step.SEEK, IDLE))
        self.assertEqual(30.0, self.do(Step.SEEK, IDLE))
        self.assertEqual(["claim"], self.storage.acts)

    def test_breach_is_judged(self) -> None:
        """What runs on a clean builder is a stranger's."""
        stranger = Observation(DaemonStatus.BUILDING, "PACKAGEBUILD-9")
        self.assertEqual(NOW, self.do(Step.BREACH, stranger))
        self.assertFalse(self.steps.builder.builderok)
        self.assertIn("BUILDING PACKAGEBUILD-9", self.builder("bob").failnotes or "")


class DispatchTests(StepsTestCase):
    def test_a_dispatch_that_failed_unsent_is_tried_again(self) -> None:
        """The claim stays; the builder must say IDLE before it goes on."""
        self.submit()
        self.daemon().unreachable = True
        self.failureResultOf(self.steps.carry_out(Step.SEEK, IDLE), BuilderError)
        self.daemon().unreachable = False
        assert self.steps.job is not None
        self.assertEqual(AttemptState.CLAIMED, self.steps.job.state)
        self.do(Step.DISPATCH, IDLE)
        self.assertEqual(AttemptState.CONFIRMED, self.steps.job.state)

    def test_an_unconfirmed_dispatch_gives_the_job_up(self) -> None:
        """It is queued again and the builder is DIRTY, whatever it says from now on."""
        self.daemon().lose_reply_to.add("build")
        build_id = self.submit()
        self.assertEqual(NOW, self.do(Step.SEEK, IDLE))
        self.assertIsNone(self.steps.job)
        self.assertTrue(self.is_queued(build_id))
        self.assertEqual(CleanStatus.DIRTY, self.steps.builder.clean_status)

    def test_a_builder_that_turns_out_not_to_be_idle_is_judged(self) -> None:
        """The build was never sent and is queued again."""
        self.daemon().lies["status"] = status_value(
            Observation(DaemonStatus.BUILDING, "PACKAGEBUILD-9")
        )
        build_id = self.submit()
        self.do(Step.SEEK, IDLE)
        self.assertFalse(self.builder("bob").builderok)
        self.assertEqual(BuildState.NEEDSBUILD, self.state(build_id))

    def test_a_confirmation_is_noted_and_not_written_at_once(self) -> None:
        """It goes with the next batch of all builders' notes."""
        build_id = self.start_build()
        self.successResultOf(self.progress.flush())
        self.assertEqual(["record_progress"], self.storage.acts)
        [attempt] = self.ask(attempts.attempts_of, build_id)
        self.assertEqual(AttemptState.CONFIRMED, attempt.state)


class WatchTests(StepsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.build_id = self.start_build(lambda order: Script(seconds=1000, results=RESULTS))
        self.successResultOf(self.progress.flush())
        self.storage.acts.clear()

    def test_watching_keeps_the_tail_in_memory(self) -> None:
        """It is handed to the database every `tail_interval`, and not at each look."""
        for _ in range(5):
            self.clock.advance(5)
            self.do(Step.WATCH, self.said())
        self.successResultOf(self.progress.flush())
        self.assertEqual([], self.storage.acts)
        self.clock.advance(self.scanning.tail_interval)
        self.do(Step.WATCH, self.said())
        self.successResultOf(self.progress.flush())
        self.assertEqual(["record_progress"], self.storage.acts)
        assert self.steps.job is not None
        self.assertIn("as its script says", self.steps.job.logtail)

    def test_a_build_found_sent_is_adopted(self) -> None:
        """After a crash of the manager our cookie on it can only be from that one `build`."""
        assert self.steps.job is not None
        self.steps.job.state = AttemptState.SENT
        self.do(Step.WATCH, self.said())
        self.assertEqual(AttemptState.CONFIRMED, self.steps.job.state)

    def test_somebody_who_watches_is_served_faster(self) -> None:
        """Twice a second at least, while they follow the log."""
        assert self.steps.job is not None
        self.clock.advance(100)
        slow = self.do(Step.WATCH, self.said())
        self.steps.job.watchers = 1
        self.assertGreater(slow, self.do(Step.WATCH, self.said()))

    def test_a_build_without_end_is_given_up(self) -> None:
        """After its deadline a real builder is taken out, with the reason."""
        self.clock.advance(self.scanning.build_deadline + 1)
        said = replace(self.said(), status=DaemonStatus.BUILDING)
        self.assertEqual(NOW, self.do(Step.WATCH, said))
        self.assertIsNone(self.steps.job)
        self.assertIn("BUILDING", self.builder("bob").failnotes or "")

    def test_a_lost_build_is_queued_again(self) -> None:
        """The evidence is in its story."""
        self.assertEqual(NOW, self.do(Step.LOSE, IDLE))
        self.assertIsNone(self.steps.job)
        self.assertTrue(self.is_queued(self.build_id))
        [attempt] = self.ask(attempts.attempts_of, self.build_id)
        self.assertIn("IDLE", attempt.reason or "")


class GatherTests(StepsTestCase):
    def end_build(self, outcome: BuildOutcome = BuildOutcome.OK) -> int:
        build_id = self.start_build(lambda order: Script(outcome, results=RESULTS))
        self.clock.advance(10)
        return build_id

    def test_gather_settles_cleans_and_goes_on_to_the_next_build(self) -> None:
        """No scan is waited for in between, and cleaning costs no act of its own."""
        first = self.end_build()
        second = self.submit("next")
        self.do(Step.GATHER, self.said())
        self.assertEqual(BuildState.UPLOADING, self.state(first))
        self.assertEqual(BuildState.BUILDING, self.state(second))
        self.assertEqual(["settle", "claim", "mark_sent"], self.storage.acts)

    def test_the_builder_is_cleaned_after_the_results_are_recorded(self) -> None:
        """Until then it has the only copy that counts."""
        self.end_build()
        said = self.said()
        self.storage.error = BuilderError("the database is away")
        self.failureResultOf(self.steps.carry_out(Step.GATHER, said), BuilderError)
        self.assertNotIn("clean", self.called())
        self.assertIsNotNone(self.steps.job)

    def test_a_clean_that_is_not_answered_leaves_the_builder_dirty(self) -> None:
        """What it says next proves nothing; the build has moved on all the same."""
        build_id = self.end_build()
        said = self.said()
        self.daemon().lose_reply_to.add("clean")
        self.failureResultOf(self.steps.carry_out(Step.GATHER, said), BuilderError)
        self.assertEqual(BuildState.UPLOADING, self.state(build_id))
        self.assertEqual(CleanStatus.DIRTY, self.builder("bob").clean_status)
        self.assertIsNone(self.steps.job)

    def test_notes_of_a_gathered_build_are_dropped(self) -> None:
        """What it settled as is written already."""
        self.end_build()
        self.do(Step.GATHER, self.said())
        self.storage.acts.clear()
        self.successResultOf(self.progress.flush())
        self.assertEqual([], self.storage.acts)


class CancelTests(StepsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.build_id = self.start_build()
        self.act(builds.cancel, self.build_id, "alice", self.now())
        assert self.steps.job is not None
        self.steps.job.cancel()

    def test_cancel_ends_the_build(self) -> None:
        """Nothing of it is on the builder any more, or it was never sent."""
        self.assertEqual(NOW, self.do(Step.CANCEL, IDLE))
        self.assertEqual(BuildState.CANCELLED, self.state(self.build_id))
        self.assertIsNone(self.steps.job)

    def test_abort_is_asked_once_and_waited_for(self) -> None:
        """Looked at five times a second at most, until it has ended."""
        self.assertAlmostEqual(0.1, self.do(Step.ABORT, self.said()))
        self.assertAlmostEqual(0.1, self.do(Step.AWAIT_ABORT, self.said()))
        self.assertEqual(1, self.called().count("abort"))

    def test_an_abort_without_end_takes_a_real_builder_out(self) -> None:
        """The build is CANCELLED as asked; the reason is on the builder."""
        self.do(Step.ABORT, self.said())
        self.clock.advance(self.scanning.abort_deadline + 1)
        self.assertEqual(NOW, self.do(Step.AWAIT_ABORT, self.said()))
        self.assertEqual(BuildState.CANCELLED, self.state(self.build_id))
        self.assertIn("ABORTING", self.builder("bob").failnotes or "")

    def test_an_abort_without_effect_does_not_last_for_ever(self) -> None:
        """A daemon that answers and goes on BUILDING is taken out after the same deadline."""
        said = self.said()
        self.do(Step.ABORT, said)
        self.clock.advance(self.scanning.abort_deadline + 1)
        self.daemon().lies["abort"] = "BuilderStatus.ABORTING"
        self.assertEqual(NOW, self.do(Step.ABORT, said))
        self.assertFalse(self.builder("bob").builderok)

    def test_an_unanswered_abort_gives_the_job_up(self) -> None:
        """The builder is not believed from then on; the build is CANCELLED."""
        self.daemon().lose_reply_to.add("abort")
        self.assertEqual(NOW, self.do(Step.ABORT, self.said()))
        self.assertEqual(BuildState.CANCELLED, self.state(self.build_id))
        self.assertIsNone(self.steps.job)

    def test_a_builder_whose_abort_was_not_answered_is_told_again(self) -> None:
        """It may never have heard of it, and without it would run until it is taken out."""
        self.daemon().lies["abort"] = Fault(FAULT_ERROR, "error")
        self.do(Step.ABORT, self.said())
        self.failureResultOf(self.steps.carry_out(Step.ABORT, self.said()), BuilderError)
        del self.daemon().lies["abort"]
        self.do(Step.ABORT, self.said())
        self.assertIs(DaemonStatus.ABORTING, self.said().status)


class CleaningTests(StepsTestCase):
    clean = False

    def test_clean_tells_the_daemon_to_forget(self) -> None:
        """Whatever it answers, it is asked again at once what it does."""
        self.daemon().lies["clean"] = "BuilderStatus.IDLE"
        waiting = Observation(DaemonStatus.WAITING, "PACKAGEBUILD-9", BuildOutcome.OK)
        self.assertEqual(NOW, self.do(Step.CLEAN, waiting))
        self.assertEqual("clean", self.called()[-1])

    def test_a_second_idle_makes_it_clean(self) -> None:
        """That is recorded together with the claim of its next build."""
        build_id = self.submit()
        self.do(Step.CONFIRM_IDLE, IDLE)
        self.assertEqual(BuildState.BUILDING, self.state(build_id))
        self.assertEqual(["claim", "mark_sent"], self.storage.acts)

    def test_no_second_idle_begins_again(self) -> None:
        """A `build` whose answer never came has begun late."""
        late = Observation(DaemonStatus.BUILDING, "PACKAGEBUILD-9")
        self.daemon().lies["status"] = status_value(late)
        self.assertEqual(SHORTEST_URGENT, self.do(Step.CONFIRM_IDLE, IDLE))
        self.assertEqual(CleanStatus.DIRTY, self.builder("bob").clean_status)

    def test_a_builder_that_is_not_cleaned_by_clean_is_not_asked_without_pause(self) -> None:
        """Each `clean` after the first waits a little; one that lies would keep us busy."""
        self.daemon().lies["clean"] = "BuilderStatus.IDLE"
        waiting = Observation(DaemonStatus.WAITING, "PACKAGEBUILD-9", BuildOutcome.OK)
        delays = [self.do(Step.CLEAN, waiting) for _ in range(3)]
        self.assertEqual([NOW, SHORTEST_URGENT, SHORTEST_URGENT], delays)

    def test_a_slow_abort_leaves_time_to_clean(self) -> None:
        """As long again as an abort may take: the builder did what it was told."""
        aborting = Observation(DaemonStatus.ABORTING, "PACKAGEBUILD-9")
        self.daemon().lies["clean"] = "BuilderStatus.IDLE"
        self.do(Step.AWAIT_ABORT, aborting)
        self.clock.advance(self.crew.scanning.abort_deadline + 0.1)
        waiting = Observation(DaemonStatus.WAITING, "PACKAGEBUILD-9", BuildOutcome.ABORTED)
        self.assertEqual(NOW, self.do(Step.CLEAN, waiting))
        self.assertTrue(self.builder("bob").builderok)

    def test_a_builder_that_flaps_is_taken_out(self) -> None:
        """However its answers go to and fro, it has the time of one abort to come to rest."""
        said = [Observation(status, "PACKAGEBUILD-9") for status in DaemonStatus]
        self.daemon().lies.update(
            status=status_value(Observation(DaemonStatus.ABORTING, "PACKAGEBUILD-9")),
            abort="BuilderStatus.ABORTING",
            clean="BuilderStatus.IDLE",
        )
        steps = (Step.CONFIRM_IDLE, Step.ABORT, Step.CLEAN, Step.AWAIT_ABORT)
        for step, word in zip(steps * 2, said * 2, strict=False):
            self.do(step, word)
            self.clock.advance(self.crew.scanning.abort_deadline / 6)
        builder = self.builder("bob")
        self.assertFalse(builder.builderok)
        self.assertIn("for longer than its deadline", builder.failnotes or "")


class VirtualTests(StepsTestCase):
    described = VIRTUAL
    clean = False

    def change(self, **changes: Any) -> BuilderSnapshot:
        self.act(roster.change_builder, "bob", changes, "root", self.now())
        self.steps.take_standing(Standing(self.builder("bob"), None))
        return self.steps.builder

    def test_a_reset_makes_it_clean(self) -> None:
        """What the command printed is recorded in the same act."""
        self.do(Step.RESET)
        builder = self.builder("bob")
        self.assertEqual(
            (CleanStatus.CLEAN, "reset\n"), (builder.clean_status, builder.reset_output)
        )
        self.assertEqual(["set_clean_status", "claim"], self.storage.acts)

    def test_the_end_of_an_asynchronous_reset_is_waited_for(self) -> None:
        """For as long as it may take; a report wakes the scanner earlier."""
        self.change(vm_reset_protocol="2.0")
        self.assertEqual(600.0, self.do(Step.RESET))
        self.assertEqual(CleanStatus.CLEANING, self.steps.builder.clean_status)
        self.clock.advance(100)
        self.assertEqual(500.0, self.do(Step.AWAIT_RESET))

    def test_an_asynchronous_reset_without_end_has_failed(self) -> None:
        """The builder is DIRTY again and will be reset again; the failure is judged."""
        self.change(vm_reset_protocol="2.0")
        self.do(Step.RESET)
        self.clock.advance(600.0)
        self.failureResultOf(self.steps.carry_out(Step.AWAIT_RESET, None), ResetFailed)
        self.assertEqual(CleanStatus.DIRTY, self.builder("bob").clean_status)


class StandingTests(StepsTestCase):
    def test_a_changed_address_is_used_from_then_on(self) -> None:
        """The connections to the old one are closed."""
        before = self.steps.client
        self.act(roster.change_builder, "bob", {"url": "http://other:1"}, "root", self.now())
        self.steps.take_standing(Standing(self.builder("bob"), None))
        self.assertIsNot(before, self.steps.client)

    def test_an_address_that_a_claim_tells_is_used_too(self) -> None:
        """The change came between the last look at the builder and the claim."""
        before = self.steps.client
        self.act(roster.change_builder, "bob", {"url": "http://other:1"}, "root", self.now())
        self.do(Step.SEEK)
        self.assertEqual("http://other:1", self.steps.builder.url)
        self.assertIsNot(before, self.steps.client)

    def test_the_same_job_is_kept(self) -> None:
        """What is known of it in memory only is not forgotten."""
        self.start_build()
        job = self.steps.job
        assert job is not None
        self.steps.take_standing(Standing(self.builder("bob"), job.order))
        self.assertIs(job, self.steps.job)

    def test_a_job_that_was_closed_is_let_go(self) -> None:
        """Somebody else has ended it."""
        self.start_build()
        self.steps.take_standing(Standing(self.builder("bob"), None))
        self.assertIsNone(self.steps.job)
        self.assertTrue(self.steps.seeking)
