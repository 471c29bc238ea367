"""Settlements: everything that a verdict changes, in one act."""

from dataclasses import replace

from buildfarm.storage import attempts, builds, events, queue
from buildfarm.vocab.announcements import BuildEnded, UploadWaiting, WorkArrived
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.settlement import (
    BuilderSettlement,
    JobSettlement,
    JobWarning,
    Settlement,
)
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildOutcome,
    BuildState,
    CleanStatus,
    QueueState,
)
from tests.unit.storage.cases import StorageTestCase, stored


def requeue(order: BuildOrder, **fields: object) -> JobSettlement:
    """The job of `order` goes back to the queue."""
    settlement = JobSettlement(
        attempt_id=order.attempt.id,
        attempt_state=AttemptState.CLOSED,
        outcome=AttemptOutcome.LOST,
        build_state=BuildState.NEEDSBUILD,
        failure_count=1,
        builders_cost=1,
        given_back=2,
        lost_count=3,
    )
    return replace(settlement, **fields)  # type: ignore[arg-type]


class TestJob(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.build_id = self.submit()
        self.order = self.start(self.bob)
        self.pass_time(60)

    def test_gathered(self) -> None:
        """Results on our disk wait for their upload; the queue entry is gone, the log is kept."""
        log, files = stored("log"), (stored("b.deb"), stored("a.changes"))
        self.end(self.order, BuildOutcome.OK, log=log, files=files)
        [attempt] = self.ask(attempts.attempts_of, self.build_id)
        self.assertEqual(
            (AttemptState.GATHERED, None, self.now(), None, files, log.sha256),
            (
                attempt.state,
                attempt.outcome,
                attempt.gathered,
                attempt.closed,
                attempt.files,
                attempt.log_digest,
            ),
        )
        build = self.build(self.build_id)
        self.assertEqual(
            (BuildState.UPLOADING, None, log.sha256),
            (build.state, build.finished, build.log_digest),
        )
        self.assertFalse(self.is_queued(self.build_id))
        self.assertEqual([UploadWaiting(self.build_id)], self.announced)

    def test_failed(self) -> None:
        """A build that ended has a time, a reason, what it lacked and its log."""
        log = stored("log")
        self.end(self.order, BuildOutcome.DEPFAIL, log=log, dependencies="libfoo-dev (>= 2)")
        build = self.build(self.build_id)
        self.assertEqual(
            (BuildState.MANUALDEPWAIT, self.now(), "libfoo-dev (>= 2)", log.sha256),
            (build.state, build.finished, build.dependencies, build.log_digest),
        )
        [attempt] = self.ask(attempts.attempts_of, self.build_id)
        self.assertEqual(
            (AttemptState.CLOSED, AttemptOutcome.DEPENDENCY_MISSING, self.now(), log.sha256),
            (attempt.state, attempt.outcome, attempt.closed, attempt.log_digest),
        )
        self.assertEqual(build.reason, attempt.reason)
        self.assertFalse(self.is_queued(self.build_id))
        self.assertIn(BuildEnded(self.build_id), self.announced)

    def test_queued_again(self) -> None:
        """A build that goes back waits with its score, its counters as the verdict says."""
        self.settle(Settlement("lost", job=requeue(self.order)))
        build = self.build(self.build_id)
        self.assertEqual(
            (BuildState.NEEDSBUILD, 1, 1, 2, 3, "lost", None),
            (
                build.state,
                build.failure_count,
                build.builders_cost,
                build.given_back,
                build.lost_count,
                build.reason,
                build.finished,
            ),
        )
        entry = self.ask(queue.queue_entry, self.build_id)
        assert entry is not None
        self.assertEqual((QueueState.WAITING, None), (entry.state, entry.logtail))
        self.assertEqual([WorkArrived((1,))], self.announced)

    def test_queued_again_for_later(self) -> None:
        """A build that may not go at once announces nothing yet."""
        later = self.later(60)
        self.settle(Settlement("given back", job=requeue(self.order, not_before=later)))
        entry = self.ask(queue.queue_entry, self.build_id)
        assert entry is not None
        self.assertEqual((QueueState.SUSPENDED, later), (entry.state, entry.not_before))
        self.assertEqual([], self.announced)

    def test_a_delay_that_is_over(self) -> None:
        """A delay that has passed by the time of the act is none."""
        self.settle(Settlement("lost", job=requeue(self.order, not_before=self.now())))
        self.assertEqual(1, self.ask(queue.queue_position, self.build_id))

    def test_with_its_builder(self) -> None:
        """Job and builder are settled together, and both tell of it."""
        verdict = BuilderSettlement(self.bob.id, 2, builderok=False, failnotes="it is silent")
        builder = self.settle(Settlement("silent for 80 s", verdict, requeue(self.order)))
        assert builder is not None
        self.assertEqual((2, False), (builder.failure_count, builder.builderok))
        self.assertEqual(builder, self.builder("bob"))
        self.assertEqual(["SENT>CLOSED", "BUILDING>NEEDSBUILD"], self.story(self.build_id)[-2:])
        told = self.ask(events.events_of_builder, self.bob.id)
        self.assertEqual(
            [("silent for 80 s", self.build_id)] * 2 + [("silent for 80 s", None)],
            [(event.reason, event.build_id) for event in told[-3:]],
        )

    def test_twice(self) -> None:
        """An attempt is settled once: what was decided of it later has lost."""
        self.gather(self.order)
        for settle in (self.lose, self.gather):
            self.assertRaises(StaleState, settle, self.order)
        self.assertIs(BuildState.UPLOADING, self.state(self.build_id))

    def test_all_or_nothing(self) -> None:
        """Where the builder's part cannot be applied, nothing of the job's is."""
        impossible = BuilderSettlement(99, 1)
        self.assertRaises(
            StaleState, self.settle, Settlement("why", impossible, requeue(self.order))
        )
        self.assertIs(BuildState.BUILDING, self.state(self.build_id))
        self.assertEqual("CLAIMED>SENT", self.story(self.build_id)[-1])

    def test_what_may_not_follow(self) -> None:
        """A transition that is in no table is not written."""
        for forbidden in (
            requeue(self.order, build_state=BuildState.FULLYBUILT),
            requeue(self.order, build_state=BuildState.CANCELLED),
            requeue(self.order, attempt_state=AttemptState.CLAIMED),
        ):
            self.assertRaises(StaleState, self.settle, Settlement("why", job=forbidden))
        self.assertIs(BuildState.BUILDING, self.state(self.build_id))

    def test_never_sent(self) -> None:
        """An attempt that was only claimed can be closed, but has no results."""
        eve = self.add_builder("eve")
        other = self.submit("other")
        [order] = self.claim(eve.id)
        assert order is not None
        gathered = requeue(
            order, attempt_state=AttemptState.GATHERED, build_state=BuildState.UPLOADING
        )
        self.assertRaises(StaleState, self.settle, Settlement("why", job=gathered))
        self.settle(Settlement("its builder went away", job=requeue(order)))
        self.assertIs(BuildState.NEEDSBUILD, self.state(other))


class TestAsAsked(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.build_id = self.submit()
        self.order = self.start(self.bob)

    def cancel(self) -> None:
        """Cancel the build, of which the verdict knows nothing yet."""
        self.act(builds.cancel, self.build_id, "alice", self.now())

    def test_cancelled_meanwhile(self) -> None:
        """A build that was cancelled after the verdict was made is CANCELLED, not queued again."""
        self.cancel()
        self.lose(self.order)
        self.assertIs(BuildState.CANCELLED, self.state(self.build_id))
        self.assertFalse(self.is_queued(self.build_id))
        self.assertIn(BuildEnded(self.build_id), self.announced)

    def test_cancelled_after_it_was_gathered(self) -> None:
        """Results that are on our disk when a cancel is met are kept."""
        self.cancel()
        self.gather(self.order)
        self.assertIs(BuildState.UPLOADING, self.state(self.build_id))

    def test_cancelled_and_failed(self) -> None:
        """A cancelled build that fails is CANCELLED."""
        self.cancel()
        self.end(self.order, BuildOutcome.PACKAGEFAIL)
        self.assertIs(BuildState.CANCELLED, self.state(self.build_id))

    def test_superseded_and_given_back(self) -> None:
        """A build of an older version does not wait again."""
        self.submit("hello", "1.0-2", ("arm64",))
        self.end(self.order, BuildOutcome.GIVENBACK)
        build = self.build(self.build_id)
        self.assertEqual((BuildState.SUPERSEDED, self.now()), (build.state, build.finished))


class TestWarning(StorageTestCase):
    def test_counted(self) -> None:
        """A failure is held against a build whose attempt goes on, and is told."""
        bob = self.add_builder()
        build_id = self.submit()
        order = self.start(bob)
        warning = JobWarning(order.attempt.id, build_id, 1)
        self.settle(Settlement("no answer", BuilderSettlement(bob.id, 1), warning))
        build = self.build(build_id)
        self.assertEqual((1, BuildState.BUILDING), (build.failure_count, build.state))
        self.assertEqual("no answer", self.ask(events.events_of_build, build_id)[-1].reason)
        self.assertIs(CleanStatus.DIRTY, self.builder("bob").clean_status)

    def test_moved_on(self) -> None:
        """An attempt that has ended is not warned."""
        build_id = self.submit()
        order = self.start(self.add_builder())
        self.lose(order)
        warning = JobWarning(order.attempt.id, build_id, 1)
        self.assertRaises(StaleState, self.settle, Settlement("no answer", job=warning))
