"""Workers, with jobs that are done when the test says so instead of by threads."""

import traceback
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import Stopped


class ThreadedClock(Clock):
    """A clock that counts what is called from threads, and calls it in its next turn."""

    def __init__(self) -> None:
        super().__init__()
        self.wakeups = 0

    def callFromThread(self, function: Callable[..., None], *args: object) -> None:
        self.wakeups += 1
        self.callLater(0, function, *args)


class SteppedCrew:
    """Keeps jobs until `work` does some of them."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        self.quitted = False

    def do(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def quit(self) -> None:
        self.quitted = True

    def work(self, count: int = 1) -> None:
        for _ in range(count):
            self.jobs.pop(0)()


class WorkersTests(FarmTestCase):
    """What callers of a pool of threads may rely on."""

    def setUp(self) -> None:
        super().setUp()
        self.threaded_clock = ThreadedClock()
        self.crew = SteppedCrew()

    def make(self, size: int = 2, bound: int = 3) -> Workers:
        return Workers(self.threaded_clock, size, bound, "test", crew=self.crew)

    def work(self, count: int = 1) -> None:
        self.crew.work(count)
        self.threaded_clock.advance(0)

    def start(self, workers: Workers, function: Callable[..., object], *args: object) -> Deferred:
        return Deferred.fromCoroutine(workers.run(function, *args))

    def test_result(self) -> None:
        """A caller gets what its function returned, after a thread has called it."""
        result = self.start(self.make(), divmod, 7, 2)
        self.assertNoResult(result)
        self.work()
        self.assertEqual((3, 1), self.successResultOf(result))

    def test_exception_with_traceback(self) -> None:
        """A caller gets the exception of its function, with the lines where it was raised."""

        def deep_inside() -> None:
            raise KeyError("missing")

        result = self.start(self.make(), deep_inside)
        self.work()
        error = self.failureResultOf(result, KeyError).value
        self.assertIn("deep_inside", "".join(traceback.format_exception(error)))

    def test_results_share_a_wakeup(self) -> None:
        """Jobs that end before the reactor looks are delivered by one call in its thread."""
        workers = self.make(size=4)
        results = [self.start(workers, abs, -number) for number in range(4)]
        self.crew.work(4)
        self.assertEqual(1, self.threaded_clock.wakeups)
        self.threaded_clock.advance(0)
        self.assertEqual([0, 1, 2, 3], [self.successResultOf(result) for result in results])

    def test_bound(self) -> None:
        """Beyond the bound callers wait outside, in order, and get in as others leave."""
        workers = self.make(size=1, bound=2)
        order: list[int] = []
        results = [self.start(workers, order.append, number) for number in range(5)]
        self.assertEqual(3, len(self.crew.jobs))
        self.assertEqual((1, 4), (workers.running, workers.waiting))
        for left in (4, 3, 2, 1, 0):
            self.work()
            self.assertEqual(left, workers.running + workers.waiting)
        self.assertEqual([0, 1, 2, 3, 4], order)
        for result in results:
            self.successResultOf(result)

    def test_cancelled_before_it_began(self) -> None:
        """Work whose caller was cancelled while it waited is never begun."""
        workers = self.make(size=1, bound=1)
        done: list[str] = []
        first = self.start(workers, done.append, "first")
        queued = self.start(workers, done.append, "queued")
        outside = self.start(workers, done.append, "outside")
        for cancelled in (queued, outside):
            cancelled.cancel()
            self.failureResultOf(cancelled, CancelledError)
        self.work(2)
        self.successResultOf(first)
        self.assertEqual(["first"], done)
        self.assertEqual([], self.crew.jobs)
        self.assertEqual((0, 0), (workers.running, workers.waiting))

    def test_cancelled_while_it_runs(self) -> None:
        """A caller cancelled while its work runs is free at once; the result is dropped."""
        workers = self.make()
        result: Deferred[object]

        def cancel_the_caller() -> str:
            result.cancel()
            return "too late"

        result = self.start(workers, cancel_the_caller)
        self.work()
        self.failureResultOf(result, CancelledError)
        self.assertEqual(0, workers.running)

    def test_stop_waits_for_what_was_taken(self) -> None:
        """Stopping awaits accepted work, refuses new work, and lets the threads go."""
        workers = self.make()
        result = self.start(workers, abs, -1)
        stopped = Deferred.fromCoroutine(workers.stop(5))
        self.failureResultOf(self.start(workers, abs, -2), Stopped)
        self.assertNoResult(stopped)
        self.work()
        self.assertEqual(1, self.successResultOf(result))
        self.assertTrue(self.successResultOf(stopped))
        self.assertTrue(self.crew.quitted)
        self.assertEqual([], self.threaded_clock.getDelayedCalls())

    def test_stop_gives_up_at_the_deadline(self) -> None:
        """At its deadline `stop` leaves what still runs behind and tells the callers."""
        workers = self.make(size=1, bound=1)
        results = [self.start(workers, abs, -1) for _ in range(3)]
        stopped = Deferred.fromCoroutine(workers.stop(5))
        self.threaded_clock.advance(5)
        self.assertFalse(self.successResultOf(stopped))
        for result in results:
            self.failureResultOf(result, Stopped)
        self.work()  # a thread that comes back afterwards disturbs nothing

    def test_stop_when_idle(self) -> None:
        """An idle pool stops at once, also a second time."""
        workers = self.make()
        self.assertTrue(self.successResultOf(workers.stop(5)))
        self.assertTrue(self.successResultOf(workers.stop(5)))
