"""Connections to PostgreSQL that are lost: before an act, in it, and in the middle of a commit."""

import signal
import threading
from typing import Any

from testtools import ExpectedException
from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.cuttingproxy import Cut, CuttingProxy
from buildfarm.farmtesting.postgres import Cluster, shared_cluster
from buildfarm.storage import postgres
from buildfarm.storage.acts import Committed
from buildfarm.storage.database import Database
from buildfarm.storage.epochs import current_epoch
from buildfarm.storage.errors import DatabaseLocked
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement, BuildEnded
from buildfarm.vocab.errors import DatabaseAway, Refused, StorageError

DEADLINE = 20.0


def one_more(store: Any) -> Committed[int]:
    """An act of which one can tell how often it was done."""
    [(number,)] = store.execute("UPDATE farm SET epoch = epoch + 1 RETURNING epoch").get_all()
    return Committed(number, (BuildEnded(number),))


def number(store: Any) -> int:
    """How often it was done."""
    return current_epoch(store).number


class TransactorTestCase(FarmTestCase):
    """A transactor on a database of the shared cluster, by way of a proxy."""

    def setUp(self) -> None:
        super().setUp()
        self.cluster = self.make_cluster()
        name = self.cluster.make_database(self.cluster.farm())
        self.addCleanup(self.cluster.drop_database, name)
        self.name = name
        self.proxy = CuttingProxy(self.cluster.port, b"; COMMIT")
        self.addCleanup(self.proxy.close)
        self.published: list[Announcement] = []
        uri = f"postgres://buildd@127.0.0.1:{self.proxy.port}/{name}"
        self.transactor = Transactor(self.reactor, Database(uri), self.published.append, readers=2)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.transactor.stop(DEADLINE)))

    def make_cluster(self) -> Cluster:
        """The server of this test."""
        return shared_cluster()

    def end_sessions(self) -> None:
        """Have the server end every session of the database, as an administrator may."""
        self.cluster.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            f"WHERE datname = '{self.name}'"
        )


class TestLost(TransactorTestCase):
    async def test_between_acts(self) -> None:
        """Connections that were lost while nobody used them are replaced: nobody notices."""
        self.assertEqual(1, await self.transactor.write(one_more))
        self.assertEqual(1, await self.transactor.read(number))
        self.end_sessions()
        self.assertEqual(1, await self.transactor.read(number))
        self.assertEqual(2, await self.transactor.write(one_more))

    async def test_within_an_act(self) -> None:
        """An act whose connection is lost is carried out again, whole, and done once."""
        tries = []

        def interrupted(store: Any) -> Committed[int]:
            done = one_more(store)
            tries.append(done.value)
            if len(tries) == 1:
                self.end_sessions()
            store.execute("SELECT 1")
            return done

        self.assertEqual(1, await self.transactor.write(interrupted))
        self.assertEqual([1, 1], tries)
        self.assertEqual([BuildEnded(1)], self.published)

    async def test_within_a_query(self) -> None:
        """A query whose connection is lost is asked again."""
        tries = []

        def interrupted(store: Any) -> int:
            tries.append(store.execute("SELECT 1").get_one())
            if len(tries) == 1:
                self.end_sessions()
            return number(store)

        self.assertEqual(0, await self.transactor.read(interrupted))
        self.assertEqual(2, len(tries))

    async def test_again_and_again(self) -> None:
        """An act that loses its connection each time is given up after a few tries."""
        tries = []

        def interrupted(store: Any) -> Committed[int]:
            tries.append(store.execute("SELECT 1").get_one())
            self.end_sessions()
            return one_more(store)

        with ExpectedException(DatabaseAway):
            await self.transactor.write(interrupted)
        self.assertEqual(3, len(tries))
        self.assertEqual(1, await self.transactor.write(one_more))

    async def test_conflicts(self) -> None:
        """Serialization failures and deadlocks are tried again, three times in all."""
        for state in ("40001", "40P01"):
            for failures, ending in ((2, 1), (3, DatabaseLocked)):
                tries: list[int] = []

                def conflicting(store: Any, state: str, tries: list[int], most: int) -> Any:
                    done = one_more(store)
                    tries.append(done.value)
                    if len(tries) <= most:
                        raise_in(store, state)
                    return done

                written = self.transactor.write(conflicting, state, tries, failures)
                if ending is DatabaseLocked:
                    with ExpectedException(DatabaseLocked):
                        await written
                else:
                    await written
                self.assertEqual(3, len(tries))
        self.assertEqual(2, await self.transactor.read(number))


def raise_in(store: Any, state: str) -> None:
    """Have the server answer with an error of this SQLSTATE."""
    store.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")


class TestInDoubt(TransactorTestCase):
    async def test_not_heard(self) -> None:
        """A commit that the server never heard of is made good: the act is carried out again."""
        await self.transactor.write(one_more)
        self.proxy.cut = Cut.BEFORE
        self.assertEqual(2, await self.transactor.write(one_more))
        self.assertEqual(2, await self.transactor.read(number))
        self.assertEqual([BuildEnded(1), BuildEnded(2)], self.published)

    async def test_done(self) -> None:
        """A commit that was done, and not answered, is not done twice."""
        await self.transactor.write(one_more)
        self.proxy.cut = Cut.AFTER
        self.assertEqual(2, await self.transactor.write(one_more))
        self.assertEqual(2, await self.transactor.read(number))
        self.assertEqual([BuildEnded(1), BuildEnded(2)], self.published)

    async def test_the_first_commit(self) -> None:
        """The same with a connection that had committed nothing yet."""
        for cut in Cut:
            self.end_sessions()
            before = await self.transactor.read(number)
            self.proxy.cut = cut
            self.assertEqual(before + 1, await self.transactor.write(one_more))


class TestInDoubtWhileAway(TransactorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.proxy.leaves = True

    async def doubtful(self, cut: Cut) -> Deferred[int]:
        """An act whose connection is cut in its commit, and then there is no other."""
        self.proxy.cut = cut
        doubtful = Deferred.fromCoroutine(self.transactor.write(one_more))
        await self.wait_until(lambda: self.proxy.away)
        with ExpectedException(DatabaseAway):
            await self.transactor.write(one_more)
        self.assertNoResult(doubtful)
        return doubtful

    async def test_back(self) -> None:
        """A commit in doubt has no end before the database can be asked: then the true one."""
        for cut in Cut:
            before = await self.transactor.write(one_more)
            doubtful = await self.doubtful(cut)
            self.proxy.away = False
            self.assertEqual(before + 1, await doubtful)
            self.assertEqual(before + 1, await self.transactor.read(number))
            self.assertEqual(BuildEnded(before + 1), self.published[-1])

    async def test_the_next_act(self) -> None:
        """What is written next comes after the one in doubt, whatever became of that."""
        for cut in Cut:
            before = await self.transactor.write(one_more)
            doubtful = await self.doubtful(cut)
            self.proxy.away = False
            self.assertEqual(before + 2, await self.transactor.write(one_more))
            self.assertEqual(before + 1, await doubtful)

    async def test_stopped(self) -> None:
        """A manager that stops meanwhile does not wait, and nobody is told of a success."""
        doubtful = await self.doubtful(Cut.AFTER)
        await self.transactor.stop(DEADLINE)
        with ExpectedException(StorageError):
            await doubtful
        self.assertEqual([], self.published)


class TestAway(TransactorTestCase):
    def make_cluster(self) -> Cluster:
        """A server that the test may stop."""
        return Cluster.of(self)

    async def test_restart(self) -> None:
        """After a restart of the server, in order or not, everything goes on."""
        for count, mode in enumerate(("fast", "immediate"), 1):
            await self.transactor.read(number)
            self.cluster.stop(mode)
            self.cluster.start()
            self.assertEqual(count, await self.transactor.write(one_more))
            self.assertEqual(count, await self.transactor.read(number))

    async def test_while_it_is_away(self) -> None:
        """While there is no server, acts and queries end at once, and the database is to blame."""
        await self.transactor.write(one_more)
        self.cluster.stop()
        for _ in range(2):
            with ExpectedException(DatabaseAway):
                await self.transactor.write(one_more)
            with ExpectedException(DatabaseAway):
                await self.transactor.read(number)
        self.cluster.start()
        self.assertEqual(2, await self.transactor.write(one_more))
        self.assertEqual(2, await self.transactor.read(number))


class TestExclusive(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        cluster = shared_cluster()
        name = cluster.make_database(cluster.farm())
        self.addCleanup(cluster.drop_database, name)
        self.database = Database(cluster.uri(name), exclusive=True)
        self.patch(postgres, "LOCK_TIMEOUT", 0.2)

    def test_one_manager(self) -> None:
        """A second manager is refused, and told who has the database; the first goes on."""
        first = self.database.writer()
        error = self.assertRaises(Refused, self.database.writer)
        self.assertIn("buildd-manager", str(error))
        first.execute("SELECT 1")
        first.commit()
        first.close()
        self.database.writer().close()

    def test_init_and_restore(self) -> None:
        """What changes the whole database is refused while a manager runs."""
        writer = self.database.writer()
        self.addCleanup(writer.close)
        self.assertRaises(Refused, self.database.init)

    def test_readers(self) -> None:
        """Whoever only reads needs no lock."""
        writer = self.database.writer()
        self.addCleanup(writer.close)
        self.database.check()
        self.database.reader().close()


class TestSignals(FarmTestCase):
    def test_interrupted(self) -> None:
        """Signals without end interrupt no statement and no connection: libpq goes on by itself."""
        cluster = shared_cluster()
        database = Database(cluster.tcp_uri(cluster.farm()))
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.getsignal(signal.SIGUSR1))
        signal.signal(signal.SIGUSR1, lambda number, frame: None)
        signal.siginterrupt(signal.SIGUSR1, True)
        done = threading.Event()
        sent = []
        target = threading.get_ident()

        def shoot() -> None:
            while not done.wait(0.0005):
                signal.pthread_kill(target, signal.SIGUSR1)
                sent.append(1)

        thread = threading.Thread(target=shoot)
        thread.start()
        try:
            for _ in range(20):
                store = database.reader()
                self.assertEqual((1,), store.execute("SELECT 1 FROM pg_sleep(0.02)").get_one())
                store.close()
        finally:
            done.set()
            thread.join()
        self.assertGreater(len(sent), 100)
