"""A bounded queue, and consumers of which each key has at most one."""

from twisted.internet.defer import CancelledError, Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.stages import Stage
from buildfarm.vocab.errors import Stopped


class StageTests(FarmTestCase):
    """Which items are consumed when. An item is `key:number`."""

    def setUp(self) -> None:
        super().setUp()
        self.begun: dict[str, Deferred[None]] = {}
        self.stage: Stage[str] = Stage(
            self.clock,
            "uploads",
            self.consume,
            key=lambda item: item.partition(":")[0],
            workers=2,
            bound=3,
        )

    async def consume(self, item: str) -> None:
        self.begun[item] = Deferred()
        await self.begun[item]

    def put(self, *items: str) -> list[Deferred[None]]:
        return [Deferred.fromCoroutine(self.stage.put(item)) for item in items]

    def finish(self, item: str) -> None:
        self.begun[item].callback(None)

    def test_one_at_a_time_of_each_key(self) -> None:
        """Items of one key are consumed one after the other, in order."""
        self.put("a:1", "a:2", "a:3")
        self.assertEqual(["a:1"], [*self.begun])
        self.finish("a:1")
        self.finish("a:2")
        self.assertEqual(["a:1", "a:2", "a:3"], [*self.begun])

    def test_no_key_takes_all_workers(self) -> None:
        """A key that hangs holds up its own items only."""
        self.put("hung:1", "hung:2", "b:1")
        for number in range(1, 4):
            self.put(f"b:{number + 1}")
            self.finish(f"b:{number}")
        self.assertEqual(["hung:1", "b:1", "b:2", "b:3", "b:4"], [*self.begun])
        self.assertEqual((2, 1), (self.stage.running, self.stage.waiting))

    def test_keys_in_turn(self) -> None:
        """With more keys than workers, each gets its turn before one gets a second."""
        self.put("a:1", "b:1", "a:2", "c:1", "b:2")
        self.finish("a:1")
        self.finish("b:1")
        self.assertEqual({"a:1", "b:1", "c:1", "a:2"}, {*self.begun})

    def test_bound(self) -> None:
        """Who brings more than there is room for waits outside, in order."""
        *inside, fourth, fifth = self.put("a:0", "a:1", "a:2", "a:3", "a:4", "a:5")
        for deferred in inside:
            self.successResultOf(deferred)
        self.assertNoResult(fourth)
        self.assertFalse(self.stage.offer("b:1"))
        self.assertEqual(5, self.stage.waiting)
        self.finish("a:0")
        self.successResultOf(fourth)
        self.assertNoResult(fifth)
        self.finish("a:1")
        self.successResultOf(fifth)

    def test_cancelled_outside(self) -> None:
        """An item whose bringer was cancelled outside is not consumed."""
        *_, cancelled, last = self.put("a:0", "a:1", "a:2", "a:3", "a:4", "a:5")
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        for item in ("a:0", "a:1", "a:2", "a:3"):
            self.finish(item)
        self.successResultOf(last)
        self.assertEqual("a:5", [*self.begun][-1])

    def test_failure(self) -> None:
        """A failed item is logged; its key and its worker go on."""
        self.put("a:1", "a:2")
        self.begun["a:1"].errback(OSError("disk"))
        self.assertIn("a:2", self.begun)
        self.assertEqual(1, len(self.flush_logged_errors(OSError)))

    def test_consumed_at_once(self) -> None:
        """Items that need no waiting are consumed one by one, however many there are."""
        seen: list[int] = []

        async def consume(item: int) -> None:
            seen.append(item)

        stage = Stage(self.clock, "quick", consume, key=lambda _: 0, workers=1, bound=10)
        for number in range(5000):
            self.successResultOf(stage.put(number))
        self.assertEqual([*range(5000)], seen)
        self.assertEqual((0, 0), (stage.running, stage.waiting))

    def test_drain(self) -> None:
        """Draining waits for everything that was put in."""
        self.put("a:1", "a:2")
        drained = Deferred.fromCoroutine(self.stage.drain())
        self.finish("a:1")
        self.assertNoResult(drained)
        self.finish("a:2")
        self.successResultOf(drained)
        self.successResultOf(self.stage.drain())

    def test_stop(self) -> None:
        """Stopped, a stage ends what it is at, hands back what waited, and takes no more."""
        *_, outside = self.put("a:1", "a:2", "a:3", "a:4", "a:5")
        stopped = Deferred.fromCoroutine(self.stage.stop(5))
        self.failureResultOf(outside, Stopped)
        self.failureResultOf(*self.put("b:1"), Stopped)
        self.assertFalse(self.stage.offer("b:1"))
        self.assertNoResult(stopped)
        self.finish("a:1")
        self.assertEqual(("a:2", "a:3", "a:4"), self.successResultOf(stopped))
        self.assertEqual(["a:1"], [*self.begun])
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_stop_at_the_deadline(self) -> None:
        """What is not done at the deadline of stopping is cancelled."""
        self.put("a:1", "b:1")
        stopped = Deferred.fromCoroutine(self.stage.stop(5))
        self.clock.advance(5)
        self.assertEqual((), self.successResultOf(stopped))
        for deferred in self.begun.values():
            self.assertTrue(deferred.called)
