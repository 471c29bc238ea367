"""The stage: when it looks, at what, and what follows."""

from collections.abc import Collection, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.depwait.indexes import Index
from buildfarm.depwait.looks import LookFailed
from buildfarm.depwait.reading import Look
from buildfarm.depwait.stage import SETTLING, DepWaits
from buildfarm.storage import depwaits
from buildfarm.vocab.announcements import ResultsPublished
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import Stopped
from buildfarm.vocab.notificationsettings import DepWaitSettings
from buildfarm.vocab.states import BuildOutcome, BuildState, UploaderKind
from tests.unit.notifying.cases import settings
from tests.unit.scanning.cases import InlineStorage
from tests.unit.storage.cases import StorageTestCase, stored

_INTERVAL = 100.0


class StageCase(StorageTestCase):
    depwait = DepWaitSettings(interval=_INTERVAL, first_retry=10.0, max_tries=2)

    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder("bob")
        self.add_archive("apt", uploader=UploaderKind.REPREPRO)
        self.asked: list[tuple[tuple[str, ...], float]] = []
        self.offers: list[tuple[str, str | None, str, str]] = []
        self.digest = "first"
        self.error: Exception | None = None
        self.checkpoints: list[str] = []
        self.stopped = False
        storage: Any = InlineStorage(self)
        self.stage = DepWaits(
            self.clock,
            storage=storage,
            settings=settings(depwait=self.depwait),
            look_at=self.look,
            utc_now=self.utc_now,
            checkpoint=self.checkpoints.append,
        )

    def begin(self) -> None:
        """Start the stage, until the test ends."""
        self.stage.start()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """Stop it, if that was not done before."""
        if self.stopped:
            return
        stopped = Deferred.fromCoroutine(self.stage.stop(1.0))
        self.clock.pump([0.0, 1.0])
        self.successResultOf(stopped)
        self.stopped = True

    async def look(
        self, indexes: Sequence[Index], names: Collection[str], fresh_for: float, *, every: bool
    ) -> tuple[Look, ...]:
        """What every index has at present."""
        self.asked.append((tuple(sorted(names)), fresh_for))
        if self.error is not None:
            raise self.error
        return tuple(Look(one.place, self.digest, "", self.offers) for one in indexes)

    def wait_for(self, dependencies: str = "libfoo-dev", archive: str = "apt") -> int:
        """A build that waits for something; its id."""
        build_id = self.submit("hello", archive=archive)
        self.lack(dependencies)
        return build_id

    def lack(self, dependencies: str = "libfoo-dev") -> None:
        """Have the waiting build end in want of something."""
        order = self.start(self.bob)
        log = stored("log")
        self.end(order, BuildOutcome.DEPFAIL, log=log, dependencies=dependencies)

    def wait(self, seconds: float) -> None:
        """Let time pass, and whoever is woken by that go on."""
        self.clock.pump([0, 0, seconds, 0, 0])

    def publish_one(self, name: str, archive: str = "apt") -> None:
        """Have a package built and published, and the stage hear of it."""
        build_id = self.submit(name, archive=archive)
        order = self.start(self.bob)
        files: tuple[StoredFile, ...] = (stored(f"{name}_1.0-1_amd64.deb"), stored("x.changes"))
        self.end(order, BuildOutcome.OK, log=stored("log"), files=files)
        self.publish(order)
        self.stage.publish(ResultsPublished(build_id))


class TestLooks(StageCase):
    def test_nothing_waits(self) -> None:
        """Without builds that wait, nothing is looked at."""
        self.begin()
        self.wait(_INTERVAL)
        self.assertEqual([], self.asked)

    def test_every_interval(self) -> None:
        """It looks at the start, which may be after a crash, and then every interval."""
        build_id = self.wait_for()
        self.begin()
        self.assertEqual([(("libfoo-dev",), _INTERVAL / 2)], self.asked)
        self.wait(_INTERVAL)
        self.assertEqual(2, len(self.asked))
        self.assertEqual(1, len(self.ask(depwaits.checks_of, build_id)))
        self.assertIs(BuildState.MANUALDEPWAIT, self.state(build_id))

    def test_tried_again(self) -> None:
        """Once it is there, the build waits for a builder."""
        build_id = self.wait_for()
        self.begin()
        self.digest, self.offers = "second", [("libfoo-dev", "1.0", "", "")]
        self.wait(_INTERVAL)
        self.assertIs(BuildState.NEEDSBUILD, self.state(build_id))
        self.assertIn("depwait.recorded", self.checkpoints)

    def test_after_a_publication(self) -> None:
        """What is published in its archive is looked at soon, several publications at once."""
        build_id = self.wait_for()
        self.begin()
        self.publish_one("one")
        self.publish_one("two")
        self.digest, self.offers = "second", [("libfoo-dev", "1.0", "", "")]
        self.wait(SETTLING)
        self.assertEqual([_INTERVAL / 2, 2 * _INTERVAL], [fresh for _, fresh in self.asked])
        self.assertIs(BuildState.NEEDSBUILD, self.state(build_id))

    def test_published_elsewhere(self) -> None:
        """A publication in another archive is not looked at."""
        self.wait_for()
        self.begin()
        self.publish_one("one", "main")
        self.wait(SETTLING)
        self.assertEqual(1, len(self.asked))

    def test_without_an_index(self) -> None:
        """Where apt can read nothing, what this farm has published is what there is."""
        build_id = self.wait_for("foo (>= 1.0)", "main")
        self.begin()
        self.assertIs(BuildState.MANUALDEPWAIT, self.state(build_id))
        self.publish_one("foo", "main")
        self.wait(SETTLING)
        self.assertIs(BuildState.NEEDSBUILD, self.state(build_id))
        self.assertEqual([], self.asked)

    def test_a_look_that_fails(self) -> None:
        """It is made again after the interval."""
        self.error = LookFailed("no child")
        self.wait_for()
        self.begin()
        self.error = None
        self.wait(_INTERVAL)
        self.assertEqual(2, len(self.asked))

    def test_many(self) -> None:
        """Many builds are looked into in pieces, and all of them are."""
        for number in range(25):
            self.submit(f"p{number}", archive="apt")
            self.lack(f"lib{number}")
        self.offers = [(f"lib{number}", "1", "", "") for number in range(25)]
        self.begin()
        self.wait(1)
        self.assertEqual(1, len(self.asked))
        self.assertEqual([(25,)], self.rows("SELECT COUNT(*) FROM queue"))


class TestAsked(StageCase):
    def test_retry_now(self) -> None:
        """Who asks is told of each build that waits, and what came of it."""
        build_id = self.wait_for()
        self.offers = [("libfoo-dev", "1.0", "", "")]
        (archive_id,) = self.ask(depwaits.archives_of, {build_id})
        [outcome] = self.successResultOf(self.stage.retry_now(archive_id))
        self.assertEqual(
            (build_id, "libfoo-dev", "There by now: libfoo-dev 1.0.", True),
            (outcome.build_id, outcome.dependencies, outcome.finding, outcome.retried),
        )
        self.assertEqual((), self.successResultOf(self.stage.retry_now(archive_id)))

    def test_not_twice(self) -> None:
        """What was checked already is told as it was found, and not checked again."""
        build_id = self.wait_for()
        (archive_id,) = self.ask(depwaits.archives_of, {build_id})
        for _ in range(2):
            [outcome] = self.successResultOf(self.stage.retry_now(archive_id))
            self.assertEqual(("Not there: libfoo-dev.", False), (outcome.finding, outcome.retried))
        self.assertEqual(1, len(self.ask(depwaits.checks_of, build_id)))

    def test_stopped(self) -> None:
        """A stage that was stopped looks for nobody."""
        self.begin()
        self.stop()
        self.failureResultOf(self.stage.retry_now(1), Stopped)


class TestByHand(StageCase):
    depwait = DepWaitSettings(automatic=False, interval=_INTERVAL)

    def test_not_automatic(self) -> None:
        """Where it is turned off, it looks only when it is asked."""
        build_id = self.wait_for()
        self.begin()
        self.wait(_INTERVAL)
        self.assertEqual([], self.asked)
        (archive_id,) = self.ask(depwaits.archives_of, {build_id})
        self.successResultOf(self.stage.retry_now(archive_id))
        self.assertEqual(1, len(self.asked))
