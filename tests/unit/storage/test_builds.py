"""Builds: listed, cancelled, retried, rescored, and what is refused."""

from buildfarm.storage import attempts, builds, events, queue, uploads
from buildfarm.vocab.announcements import (
    BuildEnded,
    CancelRequested,
    UploadWaiting,
    WorkArrived,
)
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildOutcome,
    BuildState,
    QueueState,
)
from tests.unit.storage.cases import StorageTestCase, stored


class BuildTestCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def cancel(self, build_id: int) -> None:
        """Cancel a build."""
        self.act(builds.cancel, build_id, "alice", self.now())

    def retry(self, build_id: int, *, rebuild: bool = False) -> None:
        """Retry a build."""
        self.act(builds.retry, build_id, rebuild, "alice", self.now())

    def refused_upload(self) -> int:
        """A build whose results were refused by the archive."""
        build_id = self.submit()
        order = self.start(self.bob)
        self.gather(order)
        now = self.now()
        self.act(uploads.mark_prepared, self.epoch, order.attempt.id, now)
        self.act(uploads.postpone_upload, self.epoch, order.attempt.id, "busy", now, now)
        self.act(uploads.refuse_upload, self.epoch, order.attempt.id, "no", now)
        return build_id


class TestList(BuildTestCase):
    def test_newest_first(self) -> None:
        """Builds are listed newest first, as many as asked for."""
        ids = [self.submit(f"package{number}") for number in range(5)]
        listed = [build.id for build in self.ask(builds.builds)]
        self.assertEqual(list(reversed(ids)), listed)
        self.assertEqual(listed[:2], [build.id for build in self.ask(builds.builds, limit=2)])

    def test_selected(self) -> None:
        """A listing can be of some states, of one archive, of one source."""
        self.add_archive("other")
        first = self.submit("hello")
        second = self.submit("hello", archive="other")
        third = self.submit("world")
        self.cancel(third)

        def listed(**which: object) -> list[int]:
            return [build.id for build in self.ask(builds.builds, **which)]  # type: ignore[arg-type]

        self.assertEqual([third], listed(states=[BuildState.CANCELLED]))
        self.assertEqual([second], listed(archive="other"))
        self.assertEqual([second, first], listed(source="hello"))
        self.assertEqual([first], listed(source="hello", archive="main"))
        self.assertEqual([], listed(states=[]))

    def test_unknown(self) -> None:
        """A number that no build has is said."""
        refused = self.assertRaises(Refused, self.build, 99)
        self.assertEqual("There is no build 99.", str(refused))


class TestCancel(BuildTestCase):
    def test_waiting(self) -> None:
        """A waiting build is cancelled at once."""
        build_id = self.submit()
        self.cancel(build_id)
        self.assertEqual([BuildEnded(build_id)], self.announced)
        build = self.build(build_id)
        self.assertEqual(
            (BuildState.CANCELLED, self.now(), "cancelled by alice"),
            (build.state, build.finished, build.reason),
        )
        self.assertFalse(self.is_queued(build_id))
        last = self.ask(events.events_of_build, build_id)[-1]
        self.assertEqual(
            ("alice", "NEEDSBUILD", "CANCELLED"), (last.actor, last.before, last.after)
        )

    def test_running(self) -> None:
        """A running build is aborted on its builder first."""
        build_id = self.submit()
        order = self.start(self.bob)
        self.cancel(build_id)
        self.assertEqual([CancelRequested(build_id, self.bob.id)], self.announced)
        self.assertIs(BuildState.CANCELLING, self.state(build_id))
        entry = self.ask(queue.queue_entry, build_id)
        assert entry is not None
        self.assertIs(QueueState.CANCELLING, entry.state)
        self.end(order, BuildOutcome.ABORTED)
        self.assertIs(BuildState.CANCELLED, self.state(build_id))
        [attempt] = self.ask(attempts.attempts_of, build_id)
        self.assertIs(AttemptOutcome.CANCELLED, attempt.outcome)

    def test_too_late(self) -> None:
        """What has ended, or is being cancelled, is refused with where it is."""
        build_id = self.submit()
        order = self.start(self.bob)
        self.cancel(build_id)
        refused = self.assertRaises(Refused, self.cancel, build_id)
        self.assertIn("already being cancelled", str(refused))
        self.gather(order)
        self.assertRaises(Refused, self.cancel, build_id)
        self.publish(order)
        refused = self.assertRaises(Refused, self.cancel, build_id)
        self.assertEqual(f"Build {build_id} cannot be cancelled: it is published.", str(refused))
        self.assertRaises(Refused, self.cancel, 99)


class TestRetry(BuildTestCase):
    def test_failed(self) -> None:
        """A failed build waits again with its score, and nothing of before counts against it."""
        build_id = self.submit(score=42)
        for _ in range(2):
            self.end(self.start(self.bob), BuildOutcome.GIVENBACK)
            self.pass_time(7200)
        log = stored("log")
        self.end(self.start(self.bob), BuildOutcome.DEPFAIL, log=log, dependencies="x")
        self.retry(build_id)
        self.assertEqual([WorkArrived((1,))], self.announced)
        build = self.build(build_id)
        self.assertEqual(
            (BuildState.NEEDSBUILD, 0, 0, 0, 0, None, None, None, 3),
            (
                build.state,
                build.failure_count,
                build.builders_cost,
                build.given_back,
                build.lost_count,
                build.finished,
                build.reason,
                build.dependencies,
                build.attempt_count,
            ),
        )
        entry = self.ask(queue.queue_entry, build_id)
        assert entry is not None
        self.assertEqual((42, QueueState.WAITING), (entry.score, entry.state))
        self.assertEqual(4, self.start(self.bob).attempt.number)

    def test_every_end(self) -> None:
        """Each way of not being built can be retried."""
        for number, outcome in enumerate((BuildOutcome.PACKAGEFAIL, BuildOutcome.CHROOTFAIL)):
            build_id = self.submit(f"package{number}")
            self.end(self.start(self.bob), outcome)
            self.retry(build_id)
            self.cancel(build_id)
            self.retry(build_id)
            self.assertIs(BuildState.NEEDSBUILD, self.state(build_id))
            self.cancel(build_id)

    def test_upload(self) -> None:
        """A build whose upload was refused is not built again: its results are uploaded again."""
        build_id = self.refused_upload()
        self.retry(build_id)
        self.assertEqual([UploadWaiting(build_id)], self.announced)
        self.assertIs(BuildState.UPLOADING, self.state(build_id))
        [task] = self.ask(uploads.uploads_due, self.now(), 10)
        attempt = task.attempt
        self.assertEqual(
            (AttemptState.GATHERED, None, None, False, 0, 1, self.epoch.number),
            (
                attempt.state,
                attempt.outcome,
                attempt.closed,
                attempt.prepared,
                attempt.tries,
                len(attempt.files),
                attempt.epoch,
            ),
        )
        self.assertFalse(self.is_queued(build_id))
        self.act(uploads.mark_published, self.epoch, attempt.id, self.now())
        self.assertIs(BuildState.FULLYBUILT, self.state(build_id))

    def test_rebuild(self) -> None:
        """If asked for, a build whose upload was refused is built again."""
        build_id = self.refused_upload()
        self.retry(build_id, rebuild=True)
        self.assertIs(BuildState.NEEDSBUILD, self.state(build_id))
        self.assertEqual(2, self.start(self.bob).attempt.number)

    def test_nothing_to_upload(self) -> None:
        """A build that left no results can only be built again."""
        build_id = self.submit()
        self.end(self.start(self.bob), BuildOutcome.OK)
        self.assertIs(BuildState.FAILEDTOUPLOAD, self.state(build_id))
        refused = self.assertRaises(Refused, self.retry, build_id)
        self.assertIn("--rebuild", str(refused))
        self.assertIs(BuildState.FAILEDTOUPLOAD, self.state(build_id))
        self.retry(build_id, rebuild=True)

    def test_not_now(self) -> None:
        """What waits, runs or is published cannot be retried."""
        build_id = self.submit()
        self.assertRaises(Refused, self.retry, build_id)
        order = self.start(self.bob)
        self.assertRaises(Refused, self.retry, build_id)
        self.gather(order)
        self.assertRaises(Refused, self.retry, build_id)
        self.publish(order)
        self.assertRaises(Refused, self.retry, build_id)


class TestRescore(BuildTestCase):
    def rescore(self, build_id: int, score: int) -> None:
        """Give a build another score."""
        self.act(builds.rescore, build_id, score, "alice", self.now())

    def test_waiting(self) -> None:
        """A higher score brings a build to the front, and outlives a retry."""
        self.submit("first")
        build_id = self.submit("second")
        self.rescore(build_id, 10)
        self.assertEqual(1, self.ask(queue.queue_position, build_id))
        self.assertEqual(
            "given the score 10 by alice", self.ask(events.events_of_build, build_id)[-1].reason
        )
        self.cancel(build_id)
        self.retry(build_id)
        self.assertEqual(1, self.ask(queue.queue_position, build_id))

    def test_not_now(self) -> None:
        """The score of what runs or has ended decides nothing."""
        build_id = self.submit()
        self.start(self.bob)
        self.assertRaises(Refused, self.rescore, build_id, 10)

    def test_out_of_bounds(self) -> None:
        """A score is a number that the database can hold."""
        build_id = self.submit()
        for score in (10**9 + 1, -(10**9) - 1, 2**70):
            self.assertRaises(Refused, self.rescore, build_id, score)
