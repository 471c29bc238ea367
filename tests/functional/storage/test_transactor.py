"""The transactor with its real threads: who waits for whom, and who is told what when."""

import threading
from typing import Any

from testtools import ExpectedException
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from buildfarm.storage import builds, roster, transactor, writing
from buildfarm.storage.acts import Committed
from buildfarm.storage.database import Database
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement, BuildEnded
from buildfarm.vocab.errors import Refused, Stopped, StorageError
from tests.unit.storage.cases import SQLiteTestCase, StorageTestCase, submission

#: Seconds for which a thread of a test waits before the test has failed.
DEADLINE = 20.0


def count(store: Any) -> int:
    """How many builds there are."""
    return int(store.execute("SELECT COUNT(*) FROM build").get_one()[0])


def epoch(store: Any) -> int:
    """The number of the epoch, which these tests write into."""
    return int(store.execute("SELECT epoch FROM farm").get_one()[0])


def set_epoch(store: Any, number: int) -> Committed[int]:
    """An act that is easily seen."""
    store.execute("UPDATE farm SET epoch = ?", (number,))
    return Committed(number, (BuildEnded(number),))


class TransactorTestCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.published: list[Announcement] = []
        self.transactor = Transactor(self.reactor, self.database, self.published.append, readers=2)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.transactor.stop(DEADLINE)))
        self.entered = threading.Event()
        self.release = threading.Event()
        self.addCleanup(self.release.set)
        self.groups: list[int] = []
        commit_group = writing.commit_group

        def commit_and_note(store: Any, acts: Any) -> Any:
            self.groups.append(len(acts))
            return commit_group(store, acts)

        self.patch(writing, "commit_group", commit_and_note)

    def blocking(self, store: Any) -> Committed[str]:
        """An act that stays in its thread until it is released."""
        self.entered.set()
        self.release.wait(DEADLINE)
        return Committed("released", (BuildEnded(0),))

    def write(self, act: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Begin to write."""
        return Deferred.fromCoroutine(self.transactor.write(act, *args, **kwargs))

    async def failure_of(self, deferred: Deferred[Any]) -> BaseException:
        """The error that `deferred` ends with."""
        failure = await deferred.addCallbacks(
            lambda value: self.fail(f"it did not fail: {value!r}"), lambda failure: [failure]
        )
        error: BaseException = failure[0].value
        return error

    async def block(self) -> Deferred[Any]:
        """Keep the write thread busy until `release` is set."""
        blocked = self.write(self.blocking)
        await self.wait_until(self.entered.is_set, what="the write thread is busy")
        return blocked


class TestWrite(TransactorTestCase):
    async def test_value_and_announcements(self) -> None:
        """The caller gets the value, after the announcements were published."""
        seen: list[int] = []
        written = self.write(set_epoch, 5)
        written.addCallback(lambda value: seen.append(value) or list(self.published))
        self.assertEqual([], self.published)
        self.assertEqual([BuildEnded(5)], await written)
        self.assertEqual([5], seen)

    async def test_published_after_the_commit(self) -> None:
        """Who hears of an act finds it in the database."""
        found: list[tuple[int]] = []
        reader = self.database.reader()
        self.addCleanup(reader.close)

        def publish(_: Announcement) -> None:
            found.extend(reader.execute("SELECT epoch FROM farm").get_all())

        self.transactor._publish = publish
        await self.transactor.write(set_epoch, 7)
        self.assertEqual([(7,)], found)

    async def test_an_act_of_the_farm(self) -> None:
        """Arguments go to the act as they are, by position and by name."""
        submitted = submission("hello", "1.0-1", ("amd64", "arm64"))
        ids = await self.transactor.write(builds.submit, submitted, "alice", now=self.now())
        self.assertEqual((1, 2), ids)
        self.assertEqual(1, len(self.published))
        self.assertEqual(2, await self.transactor.read(count))

    async def test_refused(self) -> None:
        """What an act raises reaches its caller, nothing is kept and nobody is told."""

        def act(store: Any) -> Committed[None]:
            set_epoch(store, 9)
            raise Refused("no")

        error = await self.failure_of(self.write(act))
        self.assertIsInstance(error, Refused)
        self.assertEqual(1, await self.transactor.read(epoch))
        self.assertEqual([], self.published)

    async def test_acts_that_wait_share_a_commit(self) -> None:
        """What comes while the thread is busy is committed together, each with its own end."""
        blocked = await self.block()

        def failing(store: Any) -> Committed[None]:
            raise Refused("not me")

        writes = [self.write(set_epoch, 10), self.write(failing), self.write(set_epoch, 11)]
        failed = self.failure_of(writes[1])
        self.assertEqual(3, self.transactor.waiting)
        self.release.set()
        self.assertEqual("released", await blocked)
        self.assertEqual([10, 11], [await writes[0], await writes[2]])
        self.assertIsInstance(await Deferred.fromCoroutine(failed), Refused)
        self.assertEqual([1, 3], self.groups)
        self.assertEqual([BuildEnded(0), BuildEnded(10), BuildEnded(11)], self.published)
        self.assertEqual(11, await self.transactor.read(epoch))

    async def test_many(self) -> None:
        """Thousands of acts at once are all carried out, in groups of a bounded size."""
        blocked = await self.block()
        writes = [self.write(set_epoch, number) for number in range(2000)]
        self.release.set()
        await blocked
        self.assertEqual(list(range(2000)), await gatherResults(writes))
        self.assertEqual(2001, len(self.published))
        self.assertEqual(transactor.MAX_GROUP, max(self.groups))
        self.assertEqual(1999, await self.transactor.read(epoch))

    async def test_too_many(self) -> None:
        """When too many wait, the next is refused at once, and the others are not hurt."""
        self.patch(transactor, "MAX_WAITING", 2)
        blocked = await self.block()
        writes = [self.write(set_epoch, number) for number in (1, 2)]
        error = await self.failure_of(self.write(set_epoch, 3))
        self.assertIsInstance(error, StorageError)
        self.release.set()
        await blocked
        self.assertEqual([1, 2], await gatherResults(writes))

    async def test_cancelled_before_it_began(self) -> None:
        """An act whose caller has gone is not begun."""
        blocked = await self.block()
        cancelled = self.write(set_epoch, 20)
        other = self.write(epoch_plus_one)
        cancelled.cancel()
        self.assertIsInstance(await self.failure_of(cancelled), CancelledError)
        self.release.set()
        await blocked
        self.assertEqual(2, await other)
        self.assertNotIn(BuildEnded(20), self.published)

    async def test_cancelled_on_its_way(self) -> None:
        """An act that was begun is committed and published, though its caller has gone."""
        blocked = await self.block()
        blocked.cancel()
        self.assertIsInstance(await self.failure_of(blocked), CancelledError)
        self.release.set()
        await self.write(set_epoch, 3)
        self.assertEqual([BuildEnded(0), BuildEnded(3)], self.published)

    async def test_a_listener_that_fails(self) -> None:
        """Who cannot hear of an act does not undo it for its caller."""

        def publish(_: Announcement) -> None:
            raise ValueError("deaf")

        self.transactor._publish = publish
        self.assertEqual(4, await self.transactor.write(set_epoch, 4))
        self.assertEqual(1, len(self.flush_logged_errors(ValueError)))

    async def test_a_mistake_in_an_act(self) -> None:
        """An error that is a mistake reaches its caller like any other; the next act is fine."""

        def act(store: Any) -> Committed[None]:
            raise KeyError("mistake")

        self.assertIsInstance(await self.failure_of(self.write(act)), KeyError)
        self.assertEqual(6, await self.transactor.write(set_epoch, 6))

    async def test_no_database(self) -> None:
        """Where the database cannot be opened, every act says so, until it can."""
        database = Database(f"sqlite:///{self.directory / 'none.db'}")
        other = Transactor(self.reactor, database, self.published.append)
        self.addCleanup(lambda: Deferred.fromCoroutine(other.stop(DEADLINE)))
        for _ in range(2):
            writes = [Deferred.fromCoroutine(other.write(set_epoch, 1)) for _ in range(3)]
            for written in writes:
                self.assertIsInstance(await self.failure_of(written), Refused)
        read = Deferred.fromCoroutine(other.read(epoch))
        self.assertIsInstance(await self.failure_of(read), Refused)
        database.init()
        self.assertEqual(8, await other.write(set_epoch, 8))
        self.assertEqual(8, await other.read(epoch))


def epoch_plus_one(store: Any) -> Committed[int]:
    """An act that answers one more than the epoch."""
    return Committed(epoch(store) + 1)


class TestRead(TransactorTestCase):
    async def test_while_somebody_writes(self) -> None:
        """A query is answered while an act is under way, with what was committed before."""

        def act(store: Any) -> Committed[None]:
            set_epoch(store, 50)
            self.blocking(store)
            return Committed(None)

        writing = self.write(act)
        await self.wait_until(self.entered.is_set)
        self.assertEqual(1, await self.transactor.read(epoch))
        self.release.set()
        await writing
        self.assertEqual(50, await self.transactor.read(epoch))

    async def test_several_at_once(self) -> None:
        """Queries run beside each other, as many as there are readers."""
        together = threading.Barrier(2)

        def query(store: Any) -> int:
            found = epoch(store)
            together.wait(DEADLINE)
            return found

        reads = [Deferred.fromCoroutine(self.transactor.read(query)) for _ in range(4)]
        self.assertEqual([1] * 4, await gatherResults(reads))

    async def test_one_moment(self) -> None:
        """All that a query reads is of one moment, whatever is committed meanwhile."""

        def query(store: Any) -> tuple[int, int]:
            before = epoch(store)
            self.entered.set()
            self.release.wait(DEADLINE)
            return before, epoch(store)

        reading = Deferred.fromCoroutine(self.transactor.read(query))
        await self.wait_until(self.entered.is_set)
        await self.transactor.write(set_epoch, 60)
        self.release.set()
        self.assertEqual((1, 1), await reading)
        self.assertEqual(60, await self.transactor.read(epoch))

    async def test_it_cannot_write(self) -> None:
        """A query that writes fails, and its reader is still good for others."""
        for _ in range(5):
            reading = Deferred.fromCoroutine(self.transactor.read(set_epoch, 70))
            with ExpectedException(StorageError):
                await reading
        self.assertEqual(1, await self.transactor.read(epoch))

    async def test_refused(self) -> None:
        """What a query raises reaches its caller."""
        with ExpectedException(Refused):
            await self.transactor.read(roster.builder_named, "nobody")


class TestFile(TransactorTestCase, SQLiteTestCase):
    async def test_the_file_is_whole(self) -> None:
        """Stopping closes the database whole: nothing of it lies beside its file."""
        await self.transactor.write(set_epoch, 80)
        await self.transactor.stop(DEADLINE)
        self.store.close()
        self.assertFalse(self.path.with_name("farm.db-wal").exists())


class TestStop(TransactorTestCase):
    async def test_what_was_asked_is_finished(self) -> None:
        """Stopping finishes the acts that wait, and then closes the database whole."""
        blocked = await self.block()
        last = self.write(set_epoch, 80)
        stopping = Deferred.fromCoroutine(self.transactor.stop(DEADLINE))
        self.release.set()
        await stopping
        self.assertEqual(["released", 80], [await blocked, await last])

    async def test_afterwards(self) -> None:
        """After stopping nothing more is taken."""
        await self.transactor.read(epoch)
        await self.transactor.stop(DEADLINE)
        for asked in (self.transactor.write(set_epoch, 1), self.transactor.read(epoch)):
            with ExpectedException(Stopped):
                await asked

    async def test_before_it_was_used(self) -> None:
        """A transactor that was never used can be stopped."""
        await self.transactor.stop(DEADLINE)
