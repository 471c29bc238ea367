"""The reactor thread's time, shared out in turn."""

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.fairqueue import FairQueue


class FairQueueTests(FarmTestCase):
    """Whose turn it is, for how long, and who pays for it."""

    def setUp(self) -> None:
        super().setUp()
        self.cpu = 0.0
        self.served: list[str] = []
        self.queue = FairQueue(self.clock, slice_seconds=3, cpu_clock=lambda: self.cpu)

    def step(self, name: str, seconds: float = 0) -> Callable[[], str]:
        """A thunk that takes `seconds` of the clock and of CPU."""

        def thunk() -> str:
            self.served.append(name)
            self.clock.rightNow += seconds
            self.cpu += seconds
            return name

        return thunk

    def submit(self, key: str, name: str, seconds: float = 0) -> Deferred[str]:
        return Deferred.fromCoroutine(self.queue.submit(key, self.step(name, seconds)))

    def test_never_within_the_call(self) -> None:
        """A thunk runs in a later turn of the reactor, and its result comes back."""
        result = self.submit("a", "a1")
        self.assertEqual([], self.served)
        self.clock.advance(0)
        self.assertEqual("a1", self.successResultOf(result))

    def test_round_robin(self) -> None:
        """A key with much to do waits for every other key between two of its turns."""
        for number in range(4):
            self.submit("greedy", f"g{number}")
        self.submit("b", "b0")
        self.submit("c", "c0")
        self.submit("b", "b1")
        self.clock.advance(0)
        self.assertEqual(["g0", "b0", "c0", "g1", "b1", "g2", "g3"], self.served)

    def test_slice(self) -> None:
        """When the slice is used up the reactor has its turn before the next thunk."""
        for number in range(4):
            self.submit("a", f"a{number}", seconds=2)
        self.clock.callLater(0, self.served.append, "input")
        self.clock.advance(0)
        self.assertEqual(["a0", "a1", "input"], self.served[:3])
        self.clock.advance(0)
        self.assertEqual(["a2", "a3"], self.served[3:])
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_clock_set_back(self) -> None:
        """A clock that is set back in mid-slice ends the slice instead of stretching it."""

        def set_back() -> None:
            self.clock.rightNow -= 100
            self.clock.callLater(0, self.served.append, "input")

        Deferred.fromCoroutine(self.queue.submit("a", set_back))
        self.submit("a", "a1")
        self.clock.advance(0)
        self.assertEqual(["input", "a1"], self.served)

    def test_exception(self) -> None:
        """A thunk's exception is its caller's alone; the others are served in the same slice."""

        def fail() -> None:
            raise KeyError("nonsense from a builder")

        failed = Deferred.fromCoroutine(self.queue.submit("a", fail))
        result = self.submit("b", "b0")
        self.clock.advance(0)
        self.failureResultOf(failed, KeyError)
        self.assertEqual("b0", self.successResultOf(result))

    def test_turn_of_a_coroutine(self) -> None:
        """A coroutine goes on when its key's turn has come, as often as it asks."""

        async def scan() -> None:
            await self.queue.turn("a")
            self.step("first half", seconds=1)()
            await self.queue.turn("a")
            self.step("second half", seconds=1)()

        result = Deferred.fromCoroutine(scan())
        self.submit("b", "b0")
        self.clock.advance(0)
        self.successResultOf(result)
        self.assertEqual(["first half", "b0", "second half"], self.served)

    def test_cpu(self) -> None:
        """The CPU of all steps together is measured."""
        self.submit("a", "a0", seconds=0.5)
        self.submit("b", "b0", seconds=0.25)
        self.submit("a", "a1", seconds=1)
        self.clock.advance(0)
        self.assertEqual(1.75, self.queue.cpu_used)

    def test_cancelled(self) -> None:
        """Who is cancelled while waiting is passed over."""
        cancelled = self.submit("a", "a0")
        result = self.submit("a", "a1")
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.clock.advance(0)
        self.assertEqual(["a1"], self.served)
        self.successResultOf(result)
        self.assertEqual(0, self.queue.waiting)
