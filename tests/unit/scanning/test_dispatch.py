"""Dispatch: the order of things, and what counts as a confirmation."""

from twisted.internet.defer import Deferred

from buildfarm.scanning.dispatch import Handover
from buildfarm.scanning.job import Job
from buildfarm.storage import attempts
from buildfarm.vocab.errors import BuilderNonsense, BuilderUnreachable, StaleState
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import AttemptState, DaemonStatus
from buildfarm.wire.builderrpc import FAULT_ERROR, Fault, status_value
from tests.unit.scanning.cases import ScanningTestCase


class DispatchTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.client = self.make_client(self.bob)
        self.addCleanup(self.client.close)
        self.job = self.job_of(self.claimed(self.bob))

    def begin(self) -> Deferred[tuple[Handover, str]]:
        return Deferred.fromCoroutine(self.dispatcher.dispatch(self.client, self.job))

    def dispatch(self) -> tuple[Handover, str]:
        return self.successResultOf(self.begin())

    def attempt_state(self) -> AttemptState:
        [attempt] = self.ask(attempts.attempts_of, self.job.order.attempt.build_id)
        return attempt.state

    def test_files_then_status_then_build(self) -> None:
        """Chroot and sources are there, and the builder is idle, before `build` is sent."""
        self.assertEqual(Handover.CONFIRMED, self.dispatch()[0])
        files = 1 + len(self.job.order.files)
        self.assertEqual(["ensurepresent"] * files + ["status", "build"], self.called())
        self.assertEqual(self.job.order.chroot.sha1, self.daemon().calls[0].params[0])

    def test_sent_is_written_before_build_is_sent(self) -> None:
        """A crash between the two leaves an attempt that is known to be in doubt."""
        seen: list[tuple[str, list[str]]] = []
        write = self.storage.write

        async def watched(act: object, *args: object) -> object:
            seen.append((getattr(act, "__name__", ""), self.called()))
            return await write(act, *args)

        self.storage.write = watched
        self.dispatch()
        [(act, called)] = seen
        self.assertEqual("mark_sent", act)
        self.assertEqual("status", called[-1])
        self.assertEqual(AttemptState.SENT, self.attempt_state())

    def test_a_confirmed_job_says_so(self) -> None:
        """The builder's own reply makes the job CONFIRMED, and each step is a checkpoint."""
        self.dispatch()
        self.assertEqual(AttemptState.CONFIRMED, self.job.state)
        steps = ["claimed", "files-present", "sent", "confirmed"]
        self.assertEqual([f"dispatch.{step}" for step in steps], self.checkpoints)
        [order] = self.daemon().orders
        self.assertEqual(self.job.cookie, order.build_id)

    def test_a_file_that_the_builder_cannot_fetch_ends_it_unsent(self) -> None:
        """The sentence names file and address; the attempt is CLAIMED and may be tried again."""
        self.daemon().lies["ensurepresent"] = [False, "Error accessing Librarian: timed out"]
        failure = self.failureResultOf(self.begin(), BuilderNonsense)
        self.assertIn(self.job.order.chroot.name, str(failure.value))
        self.assertIn("public_url", str(failure.value))
        self.assertEqual(AttemptState.CLAIMED, self.job.state)
        self.assertEqual(AttemptState.CLAIMED, self.attempt_state())

    def test_an_unreachable_builder_ends_it_unsent(self) -> None:
        """Nothing was sent, so it can be tried again, and then it works."""
        self.daemon().unreachable = True
        self.failureResultOf(self.begin(), BuilderUnreachable)
        self.assertEqual(AttemptState.CLAIMED, self.attempt_state())
        self.daemon().unreachable = False
        self.assertEqual(Handover.CONFIRMED, self.dispatch()[0])

    def test_a_builder_that_is_not_idle_is_sent_nothing(self) -> None:
        """The last `status` before `build` must say IDLE."""
        stranger = Observation(DaemonStatus.BUILDING, "PACKAGEBUILD-9")
        self.daemon().lies["status"] = status_value(stranger)
        handover, reason = self.dispatch()
        self.assertEqual(Handover.NOT_IDLE, handover)
        self.assertIn("BUILDING", reason)
        self.assertNotIn("build", self.called())
        self.assertEqual(AttemptState.CLAIMED, self.attempt_state())

    def test_a_cancel_before_anything_was_sent_stops_it(self) -> None:
        """A cancel that comes while files are fetched is heeded just before `build`."""
        self.daemon().download_seconds = 5.0
        dispatched = self.begin()
        self.job.cancel()
        self.clock.pump([5.0] * (1 + len(self.job.order.files)))
        self.assertEqual(Handover.CANCELLED, self.successResultOf(dispatched)[0])
        self.assertNotIn("build", self.called())
        self.assertEqual(AttemptState.CLAIMED, self.attempt_state())

    def test_an_answer_that_is_no_confirmation_is_doubt(self) -> None:
        """UNKNOWNSUM, or another cookie than ours, says that something is wrong."""
        for answer in (
            [DaemonStatus.UNKNOWNSUM.value, "CHROOTSUM -> abc"],
            [DaemonStatus.BUILDING.value, "PACKAGEBUILD-9"],
        ):
            self.daemon().lies["build"] = answer
            self.job = self.another_job()
            handover, reason = self.dispatch()
            self.assertEqual(Handover.UNCONFIRMED, handover)
            self.assertIn(answer[1], reason)
            self.assertEqual(AttemptState.SENT, self.job.state)

    def another_job(self) -> Job:
        """A job of another builder, as each holds one."""
        builder = self.add_builder(f"other{len(self.called())}")
        self.submit(f"other{builder.id}")
        [order] = self.claim(builder.id)
        assert order is not None
        return self.job_of(order)

    def test_a_fault_of_build_is_doubt(self) -> None:
        """What a fault left behind is not known."""
        self.daemon().lies["build"] = Fault(FAULT_ERROR, "error")
        handover, reason = self.dispatch()
        self.assertEqual(Handover.UNCONFIRMED, handover)
        self.assertIn("fault 8002", reason)
        self.assertEqual(AttemptState.SENT, self.attempt_state())

    def test_a_lost_reply_is_doubt(self) -> None:
        """The build may have begun; only its reply would have confirmed it."""
        self.daemon().lose_reply_to.add("build")
        handover, reason = self.dispatch()
        self.assertEqual(Handover.UNCONFIRMED, handover)
        self.assertIn("`build`", reason)
        self.assertEqual(1, len(self.daemon().orders))
        self.assertEqual(AttemptState.SENT, self.job.state)

    def test_build_is_sent_once_and_its_time_out_is_doubt(self) -> None:
        """A daemon that blocks answers too late: the call is not repeated."""
        write = self.storage.write

        async def hang_then_write(act: object, *args: object) -> object:
            self.daemon().hang()
            return await write(act, *args)

        self.storage.write = hang_then_write
        dispatched = self.begin()
        self.clock.advance(self.scanning.build_timeout)
        self.assertEqual(Handover.UNCONFIRMED, self.successResultOf(dispatched)[0])
        self.daemon().wake()
        self.assertEqual(1, self.called().count("build"))

    def test_an_attempt_that_moved_on_is_not_sent(self) -> None:
        """Somebody else closed the attempt: the guarded update says so and nothing is sent."""
        self.act(attempts.mark_sent, self.epoch, self.job.order.attempt.id, self.now())
        self.failureResultOf(self.begin(), StaleState)
        self.assertNotIn("build", self.called())
