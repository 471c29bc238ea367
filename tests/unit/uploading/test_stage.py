"""The upload stage: one lane per archive, bounded retries, and nothing lost or done twice."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.storage import attempts
from buildfarm.uploading.stage import UploadStage, retry_delay
from buildfarm.vocab.announcements import UploadWaiting
from buildfarm.vocab.build import AttemptSnapshot
from buildfarm.vocab.errors import (
    DiskFull,
    Stopped,
    StorageError,
    UploadPostponed,
    UploadRefused,
)
from buildfarm.vocab.settings import UploadSettings
from buildfarm.vocab.states import AttemptOutcome, BuildState
from buildfarm.vocab.upload import ResultFile, UploadTask
from tests.unit.scanning.cases import InlineStorage
from tests.unit.storage.cases import StorageTestCase, stored


class Publication:
    """One call of publish that has not returned yet."""

    def __init__(self, task: UploadTask, results: Any, commit_prepared: Callable[[], None]) -> None:
        self.task = task
        self.results: tuple[ResultFile, ...] = results
        self.commit_prepared = commit_prepared
        self.done: Deferred[None] = Deferred()

    def end(self, error: Exception | None = None) -> None:
        """Return, or raise `error`."""
        if error is None:
            self.done.callback(None)
        else:
            self.done.errback(error)


class HeldWorkers:
    """Threads in which publish takes as long as the test likes; `under_way` are its calls."""

    def __init__(self) -> None:
        self.begun: list[Publication] = []

    @property
    def under_way(self) -> list[Publication]:
        """The calls that have not ended."""
        return [publication for publication in self.begun if not publication.done.called]

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Hold a call of publish; do anything else at once."""
        if function is shutil.rmtree:
            return function(*args, **kwargs)
        publication = Publication(*args)
        self.begun.append(publication)
        return await publication.done


class RetryDelayTests(FarmTestCase):
    def test_it_doubles_up_to_a_bound(self) -> None:
        """An archive that is away for a day is not asked every second."""
        settings = UploadSettings(first_retry=5.0, longest_retry=600.0)
        delays = [retry_delay(tries, settings, 0.5) for tries in (0, 1, 2, 6, 7, 50, 10_000)]
        self.assertEqual([5.0, 10.0, 20.0, 320.0, 600.0, 600.0, 600.0], delays)

    def test_it_is_spread(self) -> None:
        """By a quarter either way, so that many do not come together."""
        settings = UploadSettings(first_retry=4.0)
        self.assertEqual(3.0, retry_delay(0, settings, 0.0))
        self.assertEqual(5.0, retry_delay(0, settings, 1.0))


class StageTestCase(StorageTestCase):
    settings = UploadSettings(threads=2, first_retry=5.0, longest_retry=20.0, max_tries=4)

    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.storage: Any = InlineStorage(self)
        self.workers: Any = HeldWorkers()
        self.checkpoints: list[str] = []
        self.spool_dir = self.directory / "spool"
        self.stage = UploadStage(
            self.clock,
            storage=self.storage,
            epoch=self.epoch,
            workers=self.workers,
            publish=lambda task, results, commit_prepared: None,
            spool_dir=self.spool_dir,
            settings=self.settings,
            utc_now=self.utc_now,
            checkpoint=self.checkpoints.append,
            spread=lambda: 0.5,
            wait_in_thread=lambda reactor, call: self.successResultOf(call()),
        )

    def begin(self) -> None:
        self.stage.start()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        stopped = Deferred.fromCoroutine(self.stage.stop(1.0))
        self.clock.pump([0.0, 1.0])
        self.successResultOf(stopped)

    def wait_for_upload(self, name: str = "hello", archive: str = "main") -> int:
        """A build whose results wait for their upload; its id."""
        build_id = self.submit(name, archive=archive)
        order = self.start(self.bob)
        spool = self.spool_dir / order.attempt.spool
        spool.mkdir(parents=True)
        self.gather(order)
        for announcement in self.announced:
            self.stage.publish(announcement)
        self.clock.advance(0)
        return build_id

    def attempt(self, build_id: int) -> AttemptSnapshot:
        return self.ask(attempts.attempts_of, build_id)[-1]

    def let_end(self, error: Exception | None = None) -> None:
        """Let the oldest publication under way end, and the stage look again."""
        self.workers.under_way[0].end(error)
        self.clock.advance(0)


class StageTests(StageTestCase):
    def test_what_an_earlier_manager_left_is_taken_up(self) -> None:
        """The database is the queue: nothing needs to be announced again."""
        build_id = self.wait_for_upload()
        self.begin()
        self.let_end()
        self.assertEqual(BuildState.FULLYBUILT, self.state(build_id))
        self.assertEqual(AttemptOutcome.PUBLISHED, self.attempt(build_id).outcome)

    def test_what_is_announced_is_begun_at_once(self) -> None:
        """After the commit that moved the build to UPLOADING."""
        self.begin()
        build_id = self.wait_for_upload()
        self.assertEqual([build_id], [one.task.build_id for one in self.workers.under_way])

    def test_publish_gets_the_files_of_the_spool(self) -> None:
        """Under their numbers, with the builder's names as data."""
        self.begin()
        build_id = self.wait_for_upload()
        [one] = self.workers.under_way
        [result] = one.results
        spool = self.spool_dir / self.attempt(build_id).spool
        expected = stored(f"hello_{build_id}.changes")
        self.assertEqual(
            ResultFile(expected.name, spool / "0001", expected.size, expected.sha256), result
        )

    def test_prepared_is_committed_before_it_is_published(self) -> None:
        """A crash after the rename is recognised by it."""
        self.begin()
        build_id = self.wait_for_upload()
        self.workers.under_way[0].commit_prepared()
        self.assertTrue(self.attempt(build_id).prepared)
        self.let_end()
        self.assertEqual(["mark_prepared", "mark_published"], self.storage.acts)
        self.assertEqual(["upload.published", "upload.recorded"], self.checkpoints)

    def test_the_spool_is_removed_once_the_end_is_recorded(self) -> None:
        """And not before: until then it is the only copy."""
        self.begin()
        build_id = self.wait_for_upload()
        spool = self.spool_dir / self.attempt(build_id).spool
        self.assertTrue(spool.exists())
        self.let_end()
        self.assertFalse(spool.exists())

    def test_one_at_a_time_in_each_archive(self) -> None:
        """The second begins when the first has ended, in the order in which they were gathered."""
        self.begin()
        first, second = self.wait_for_upload("a"), self.wait_for_upload("b")
        self.assertEqual([first], [one.task.build_id for one in self.workers.under_way])
        self.let_end()
        self.assertEqual([second], [one.task.build_id for one in self.workers.under_way])

    def test_a_hung_archive_holds_no_other(self) -> None:
        """Its own lane waits; another archive's goes on and on."""
        self.add_archive("other")
        self.begin()
        self.wait_for_upload("a")
        self.wait_for_upload("b")
        for number in range(3):
            build_id = self.wait_for_upload(f"c{number}", archive="other")
            self.workers.under_way[-1].end()
            self.clock.advance(0)
            self.assertEqual(BuildState.FULLYBUILT, self.state(build_id))
        self.assertEqual(1, len(self.workers.under_way))

    def test_no_more_at_once_than_threads(self) -> None:
        """A third archive waits for a free one."""
        for name in ("second", "third"):
            self.add_archive(name)
        self.begin()
        self.wait_for_upload("a")
        self.wait_for_upload("b", archive="second")
        third = self.wait_for_upload("c", archive="third")
        self.assertEqual(2, len(self.workers.under_way))
        self.let_end()
        self.assertEqual(third, self.workers.under_way[-1].task.build_id)

    def test_what_was_read_before_an_upload_ended_is_not_uploaded_again(self) -> None:
        """A read that was under way meanwhile saw it still waiting."""
        self.begin()
        build_id = self.wait_for_upload()
        read = self.storage.read
        answers: list[tuple[Deferred[Any], Any]] = []

        def held(query: Any, *args: Any) -> Deferred[Any]:
            answer = self.ask(query, *args)
            answers.append((Deferred(), answer))
            return answers[-1][0]

        self.storage.read = held
        self.stage.publish(UploadWaiting(build_id))
        self.clock.advance(0)
        self.storage.read = read
        self.let_end()
        waiting, answer = answers[0]
        self.assertEqual([build_id], [task.build_id for task in answer])
        waiting.callback(answer)
        self.clock.advance(0)
        self.assertEqual(1, len(self.workers.begun))


class FailureTests(StageTestCase):
    def test_refused_results_are_not_tried_again(self) -> None:
        """FAILEDTOUPLOAD, with the archive's words."""
        self.begin()
        build_id = self.wait_for_upload()
        self.let_end(UploadRefused("hello claims to be world"))
        build = self.build(build_id)
        self.assertEqual(BuildState.FAILEDTOUPLOAD, build.state)
        self.assertIn("hello claims to be world", build.reason or "")
        self.clock.pump([10.0] * 20)
        self.assertEqual(1, len(self.workers.begun))

    def test_a_postponed_upload_is_tried_again_later(self) -> None:
        """When its delay is over, and not with the next announcement."""
        self.begin()
        build_id = self.wait_for_upload()
        self.let_end(UploadPostponed("the archive is locked"))
        self.assertEqual("the archive is locked", self.attempt(build_id).last_error)
        self.stage.publish(UploadWaiting(build_id))
        self.clock.advance(4.9)
        self.assertEqual([], self.workers.under_way)
        self.clock.advance(0.2)
        self.let_end()
        self.assertEqual(BuildState.FULLYBUILT, self.state(build_id))

    def test_each_delay_is_longer_and_the_tries_are_bounded(self) -> None:
        """In the end it is refused, with the last error."""
        self.begin()
        build_id = self.wait_for_upload()
        for delay in (5.0, 10.0, 20.0):
            self.let_end(UploadPostponed("the archive is locked"))
            self.clock.advance(delay - 0.1)
            self.assertEqual([], self.workers.under_way)
            self.clock.advance(0.2)
        self.let_end(UploadPostponed("the archive is locked"))
        build = self.build(build_id)
        self.assertEqual(BuildState.FAILEDTOUPLOAD, build.state)
        self.assertIn("4 tries", build.reason or "")
        self.assertIn("the archive is locked", build.reason or "")

    def test_a_fault_of_our_own_is_tried_again(self) -> None:
        """A full disk, or one that cannot be read, is no refusal."""
        self.begin()
        build_id = self.wait_for_upload()
        for error in (DiskFull("no room"), OSError(5, "Input/output error")):
            self.let_end(error)
            self.assertEqual(BuildState.UPLOADING, self.state(build_id))
            self.clock.advance(20.0)
        self.let_end()
        self.assertEqual(BuildState.FULLYBUILT, self.state(build_id))

    def test_a_full_disk_is_waited_for_without_end(self) -> None:
        """The fault is ours: however long it takes, the build is not refused for it."""
        self.begin()
        build_id = self.wait_for_upload()
        for _ in range(3 * self.settings.max_tries):
            self.let_end(DiskFull("no room"))
            self.clock.advance(20.0)
        self.let_end()
        self.assertEqual(BuildState.FULLYBUILT, self.state(build_id))

    def test_a_mistake_of_ours_is_tried_again_as_slowly(self) -> None:
        """It is in the log, and does not keep a processor busy."""
        self.begin()
        build_id = self.wait_for_upload()
        self.let_end(ZeroDivisionError("a mistake"))
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))
        self.clock.advance(1.0)
        self.assertEqual([], self.workers.under_way)
        self.clock.advance(5.0)
        self.let_end()
        self.assertEqual(BuildState.FULLYBUILT, self.state(build_id))

    def test_an_end_that_cannot_be_recorded_is_found_again(self) -> None:
        """Publishing twice is harmless, and is not done at once: the database may be away."""
        self.begin()
        build_id = self.wait_for_upload()
        read = self.storage.read
        self.storage.error = StorageError("it is away")
        self.storage.read = self.ask_later
        self.let_end()
        self.clock.advance(1.0)
        self.assertEqual(1, len(self.workers.begun))
        self.storage.error, self.storage.read = None, read
        self.clock.pump([5.0] * 8)
        self.let_end()
        self.assertEqual(BuildState.FULLYBUILT, self.state(build_id))

    async def ask_later(self, query: Any, *args: Any) -> Any:
        """Reading works while writing does not."""
        return self.ask(query, *args)

    def test_due_uploads_that_cannot_be_read_are_read_later(self) -> None:
        """The stage goes on when the database is back."""
        build_id = self.wait_for_upload()
        for error in (StorageError("it is away"), DiskFull("no room")):
            self.storage.error = error
            if error.args == ("it is away",):
                self.begin()
            self.clock.advance(5.0)
        self.assertEqual([], self.workers.begun)
        self.storage.error = None
        self.clock.advance(5.0)
        self.let_end()
        self.assertEqual(BuildState.FULLYBUILT, self.state(build_id))

    def test_an_attempt_that_moved_on_is_let_go(self) -> None:
        """A newer manager owns it: what it does counts."""
        self.begin()
        build_id = self.wait_for_upload()
        self.begin_epoch()
        self.let_end()
        self.assertEqual(BuildState.UPLOADING, self.state(build_id))


class StopTests(StageTestCase):
    def test_stop_lets_the_upload_under_way_end(self) -> None:
        """And leaves what has not begun for the next start."""
        self.stage.start()
        first, second = self.wait_for_upload("a"), self.wait_for_upload("b")
        stopped = Deferred.fromCoroutine(self.stage.stop(5.0))
        self.clock.advance(0)
        self.assertNoResult(stopped)
        self.workers.under_way[0].end()
        self.successResultOf(stopped)
        self.assertEqual(BuildState.FULLYBUILT, self.state(first))
        self.assertEqual(BuildState.UPLOADING, self.state(second))
        self.assertEqual(1, len(self.workers.begun))

    def test_stop_waits_no_longer_than_its_grace(self) -> None:
        """A hung archive does not keep the manager from ending; the upload is taken up again."""
        self.stage.start()
        build_id = self.wait_for_upload()
        stopped = Deferred.fromCoroutine(self.stage.stop(5.0))
        self.clock.pump([0.0, 5.0])
        self.successResultOf(stopped)
        self.assertEqual(BuildState.UPLOADING, self.state(build_id))

    def test_an_upload_that_was_stopped_counts_as_no_try(self) -> None:
        """It is due at the next start as it was."""
        self.begin()
        build_id = self.wait_for_upload()
        self.stage._stopping = True
        self.let_end(Stopped("the upload threads were stopped"))
        attempt = self.attempt(build_id)
        self.assertEqual((0, None), (attempt.tries, attempt.next_try))

    def test_the_number_of_threads_is_not_changed_by_reading_settings_again(self) -> None:
        """The threads are there already; everything else follows the file."""
        more = replace(self.settings, threads=99, first_retry=1.0)
        settings: Any = type("Settings", (), {"uploads": more})
        self.stage.reload(settings)
        self.assertEqual(replace(more, threads=2), self.stage.settings)
