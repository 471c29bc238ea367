"""Uploads: what is due, and how each ends."""

from buildfarm.storage import attempts, builds, uploads
from buildfarm.vocab.announcements import BuildEnded, NewsArrived, ResultsPublished
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.errors import Refused, StaleState
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState
from buildfarm.vocab.upload import UploadTask
from tests.unit.storage.cases import StorageTestCase


class UploadTestCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def gathered(self, name: str = "hello", archive: str = "main") -> BuildOrder:
        """A build whose results wait for their upload."""
        self.submit(name, archive=archive)
        order = self.start(self.bob)
        self.gather(order)
        return order

    def due(self, limit: int = 10, besides: tuple[int, ...] = ()) -> tuple[UploadTask, ...]:
        """The uploads that may be tried now."""
        return self.ask(uploads.uploads_due, self.now(), limit, besides)


class TestDue(UploadTestCase):
    def test_a_task(self) -> None:
        """A task has what the check and the uploader need."""
        order = self.gathered()
        [task] = self.due()
        self.assertEqual(
            ("hello", "1.0-1", "amd64", True, "bookworm", "main", ("hello",), "main"),
            (
                task.source,
                task.version,
                task.architecture,
                task.arch_indep,
                task.suite,
                task.component,
                task.binaries,
                task.archive.name,
            ),
        )
        self.assertEqual(order.title, task.title)
        self.assertEqual(order.attempt.cookie, task.attempt.spool)
        self.assertEqual(
            [f"hello_{task.build_id}.changes"], [file.name for file in task.attempt.files]
        )

    def test_longest_waiting_first(self) -> None:
        """Uploads are answered in the order in which their results came."""
        orders = []
        for name in ("c", "a", "b"):
            orders.append(self.gathered(name))
            self.pass_time(1)
        ids = [order.attempt.build_id for order in orders]
        self.assertEqual(ids, [task.build_id for task in self.due()])
        self.assertEqual(ids[:2], [task.build_id for task in self.due(2)])

    def test_besides(self) -> None:
        """Archives of which no more are wanted hide nobody else's uploads."""
        other = self.add_archive("other")
        for name in ("a", "b", "c"):
            self.gathered(name)
        last = self.gathered("d", "other")
        main = self.due(1)[0].archive
        [task] = self.due(1, (main.id,))
        self.assertEqual(last.attempt.build_id, task.build_id)
        self.assertEqual((), self.due(10, (main.id, other.id)))

    def test_what_is_not(self) -> None:
        """Nothing is due of builds that run, have failed or are published."""
        self.submit("running")
        self.start(self.bob)
        self.assertEqual((), self.due())
        self.assertIsNone(self.ask(uploads.next_upload_time, self.now()))


class TestPostponed(UploadTestCase):
    def test_until_its_time(self) -> None:
        """A failed try is kept with its reason, and the next one waits for its time."""
        order = self.gathered()
        next_try = self.later(30)
        self.act(
            uploads.postpone_upload,
            self.epoch,
            order.attempt.id,
            "the archive is locked",
            next_try,
            self.now(),
        )
        self.assertEqual((), self.due())
        self.assertEqual(next_try, self.ask(uploads.next_upload_time, self.now()))
        self.pass_time(30)
        [task] = self.due()
        self.assertEqual(
            (1, next_try, "the archive is locked"),
            (task.attempt.tries, task.attempt.next_try, task.attempt.last_error),
        )
        self.assertIsNone(self.ask(uploads.next_upload_time, self.now()))

    def test_the_earliest(self) -> None:
        """The next time is the earliest one."""
        for name, delay in (("a", 60), ("b", 20), ("c", 40)):
            order = self.gathered(name)
            self.act(
                uploads.postpone_upload,
                self.epoch,
                order.attempt.id,
                "busy",
                self.later(delay),
                self.now(),
            )
        self.assertEqual(self.later(20), self.ask(uploads.next_upload_time, self.now()))


class TestEnds(UploadTestCase):
    def test_published(self) -> None:
        """A published build is FULLYBUILT for ever, and is announced."""
        order = self.gathered()
        self.pass_time(7)
        self.publish(order)
        build = self.build(order.attempt.build_id)
        self.assertEqual((BuildState.FULLYBUILT, self.now()), (build.state, build.finished))
        [attempt] = self.ask(attempts.attempts_of, build.id)
        self.assertEqual(
            (AttemptState.CLOSED, AttemptOutcome.PUBLISHED, self.now(), True),
            (attempt.state, attempt.outcome, attempt.closed, attempt.prepared),
        )
        self.assertEqual([BuildEnded(build.id), ResultsPublished(build.id)], self.announced)
        self.assertEqual((), self.due())
        self.assertRaises(StaleState, self.publish, order)

    def test_prepared_twice(self) -> None:
        """An upload that is tried again after a crash is prepared again."""
        order = self.gathered()
        for _ in range(2):
            self.act(uploads.mark_prepared, self.epoch, order.attempt.id, self.now())
        [task] = self.due()
        self.assertTrue(task.attempt.prepared)

    def test_refused(self) -> None:
        """Results that the archive refuses end the build with its reason; the results are kept."""
        order = self.gathered()
        reason = "hello_1.0-1_amd64.deb is of another source"
        self.act(uploads.refuse_upload, self.epoch, order.attempt.id, reason, self.now())
        build = self.build(order.attempt.build_id)
        self.assertEqual((BuildState.FAILEDTOUPLOAD, reason), (build.state, build.reason))
        [attempt] = self.ask(attempts.attempts_of, build.id)
        self.assertEqual(
            (AttemptState.CLOSED, AttemptOutcome.UPLOAD_REFUSED, 1),
            (attempt.state, attempt.outcome, len(attempt.files)),
        )
        self.assertEqual([BuildEnded(build.id), NewsArrived()], self.announced)
        self.assertEqual(["GATHERED>CLOSED", "UPLOADING>FAILEDTOUPLOAD"], self.story(build.id)[-2:])

    def test_of_what_is_not_gathered(self) -> None:
        """An attempt that runs, and one that never was, cannot be published."""
        self.submit()
        order = self.start(self.bob)
        for attempt_id in (order.attempt.id, 99):
            for act in (uploads.mark_prepared, uploads.mark_published):
                self.assertRaises(StaleState, self.act, act, self.epoch, attempt_id, self.now())


class TestSpent(UploadTestCase):
    def spent(self, *spools: str) -> tuple[str, ...]:
        """Those of the spools that may go."""
        return self.ask(uploads.spent_spools, spools)

    def refuse(self, order: BuildOrder) -> None:
        """The archive refuses the results of an attempt."""
        self.act(uploads.refuse_upload, self.epoch, order.attempt.id, "no", self.now())

    def test_published(self) -> None:
        """What was published is spent; what waits is not."""
        done, waiting = self.gathered("done"), self.gathered("waiting")
        self.publish(done)
        spools = done.attempt.spool, waiting.attempt.spool
        self.assertEqual((done.attempt.spool,), self.spent(*spools))

    def test_on_a_builder(self) -> None:
        """An attempt on its builder may be in the midst of its gathering."""
        self.submit("hello")
        self.assertEqual((), self.spent(self.start(self.bob).attempt.spool))

    def test_lost(self) -> None:
        """Of a lost attempt nothing is used."""
        self.submit("hello")
        order = self.start(self.bob)
        self.lose(order)
        self.assertEqual((order.attempt.spool,), self.spent(order.attempt.spool))

    def test_refused(self) -> None:
        """Refused results are kept for a retry, until the build is built again."""
        order = self.gathered()
        self.refuse(order)
        self.assertEqual((), self.spent(order.attempt.spool))
        self.act(builds.retry, order.attempt.build_id, True, "anne", self.now())
        self.assertEqual((order.attempt.spool,), self.spent(order.attempt.spool))

    def test_unknown(self) -> None:
        """What is not of this database is not judged by it."""
        order = self.gathered()
        self.publish(order)
        other = order.attempt.spool[:-8] + "0" * 8
        self.assertEqual((), self.spent("lost+found", "PACKAGEBUILD-99-1-00000000", other))

    def test_refused_long_ago(self) -> None:
        """Refused results are given up in time, some at once; a retry can only build again."""
        orders = [self.gathered(name) for name in ("one", "two", "three")]
        for order in orders[:2]:
            self.refuse(order)
        self.pass_time(100)
        self.refuse(orders[2])
        before = self.later(-50)
        self.assertEqual(1, self.act(uploads.forget_results, before, 1))
        self.assertEqual(1, self.act(uploads.forget_results, before, 1))
        self.assertEqual(0, self.act(uploads.forget_results, before, 1))
        spools = [order.attempt.spool for order in orders]
        self.assertEqual(tuple(spools[:2]), self.spent(*spools))
        build_id = orders[0].attempt.build_id
        with self.assertRaisesRegex(Refused, "--rebuild"):
            self.act(builds.retry, build_id, False, "anne", self.now())
        self.act(builds.retry, build_id, True, "anne", self.now())
