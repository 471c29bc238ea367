"""Workers with real threads under the real reactor."""

import threading

from twisted.internet.defer import Deferred, gatherResults

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import Stopped


class RealThreadsTests(FarmTestCase):
    """The same pool, with threads that really run beside the reactor."""

    def make(self, size: int, bound: int = 10) -> Workers:
        workers = Workers(self.reactor, size, bound, "test")
        self.addCleanup(workers._crew.quit)
        return workers

    async def test_runs_outside_the_reactor_thread(self) -> None:
        """A function runs in a named thread of the pool, its continuation in the reactor's."""
        name = await self.make(1).run(lambda: threading.current_thread().name)
        self.assertEqual("test-1", name)
        self.assertIs(threading.main_thread(), threading.current_thread())

    async def test_at_most_size_at_once(self) -> None:
        """As many functions as there are threads run at the same time, and no more."""
        workers = self.make(3)
        together = threading.Barrier(3)
        lock = threading.Lock()
        now, most = 0, 0

        def meet() -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            together.wait(20)
            with lock:
                now -= 1

        await gatherResults([Deferred.fromCoroutine(workers.run(meet)) for _ in range(30)])
        self.assertEqual(3, most)

    async def test_many_calls(self) -> None:
        """Thousands of calls from many callers each get their own result."""
        workers = self.make(4, bound=8)

        async def call_often(caller: int) -> None:
            for number in range(100):
                self.assertEqual((caller, number), await workers.run(lambda *a: a, caller, number))

        await gatherResults([Deferred.fromCoroutine(call_often(caller)) for caller in range(30)])
        self.assertEqual((0, 0), (workers.running, workers.waiting))

    async def test_stop_leaves_a_hung_thread(self) -> None:
        """A function that does not come back delays stopping by the deadline only."""
        workers = self.make(1)
        release = threading.Event()
        self.addCleanup(release.set)
        hung = Deferred.fromCoroutine(workers.run(release.wait))
        self.assertFalse(await workers.stop(0.05))
        self.failureResultOf(hung, Stopped)
