"""Requests that go together."""

from collections.abc import Sequence

from twisted.internet.defer import CancelledError, Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.batches import Batcher


class BatcherTests(FarmTestCase):
    """Which requests share a batch, and what each gets."""

    def setUp(self) -> None:
        super().setUp()
        self.batches: list[tuple[list[int], Deferred[Sequence[int]]]] = []
        self.batcher: Batcher[int, int] = Batcher(self.run_many, max_size=3)

    def run_many(self, requests: Sequence[int]) -> Deferred[Sequence[int]]:
        done: Deferred[Sequence[int]] = Deferred()
        self.batches.append((list(requests), done))
        return done

    def submit(self, *requests: int) -> list[Deferred[int]]:
        return [Deferred.fromCoroutine(self.batcher.submit(request)) for request in requests]

    def finish(self, number: int) -> None:
        requests, done = self.batches[number]
        done.callback([request * 10 for request in requests])

    def test_alone_at_once(self) -> None:
        """A request that comes alone is carried out at once."""
        [result] = self.submit(1)
        self.assertEqual([1], self.batches[0][0])
        self.finish(0)
        self.assertEqual(10, self.successResultOf(result))

    def test_together(self) -> None:
        """What comes while a batch is in flight goes as the next, in order, each its result."""
        first, *others = self.submit(1, 2, 3)
        self.assertEqual(2, self.batcher.waiting)
        self.finish(0)
        self.assertEqual(10, self.successResultOf(first))
        self.assertEqual([2, 3], self.batches[1][0])
        self.finish(1)
        self.assertEqual([20, 30], [self.successResultOf(result) for result in others])

    def test_largest_batch(self) -> None:
        """No batch is larger than allowed; the rest goes in further ones."""
        results = self.submit(*range(6))
        for number in range(3):
            self.finish(number)
        self.assertEqual([[0], [1, 2, 3], [4, 5]], [batch for batch, _ in self.batches])
        self.assertEqual([0, 10, 20, 30, 40, 50], [self.successResultOf(r) for r in results])

    def test_failing_batch(self) -> None:
        """A failing batch fails its own members; the next goes on."""
        first, second, third = self.submit(1, 2, 3)
        self.finish(0)
        self.batches[1][1].errback(OSError("disk"))
        self.successResultOf(first)
        self.failureResultOf(second, OSError)
        self.failureResultOf(third, OSError)
        [fourth] = self.submit(4)
        self.finish(2)
        self.assertEqual(40, self.successResultOf(fourth))

    def test_wrong_number_of_results(self) -> None:
        """Results that do not match the requests fail the batch instead of being mixed up."""
        [result] = self.submit(1)
        self.batches[0][1].callback([1, 2])
        self.failureResultOf(result, ValueError)

    def test_cancelled_while_waiting(self) -> None:
        """A request cancelled before its batch is not carried out."""
        first, second, third = self.submit(1, 2, 3)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.finish(0)
        self.assertEqual([3], self.batches[1][0])
        self.finish(1)
        self.assertEqual([10, 30], [self.successResultOf(first), self.successResultOf(third)])

    def test_cancelled_in_flight(self) -> None:
        """A request cancelled in flight is carried out, its result dropped; others get theirs."""
        first, second, third = self.submit(1, 2, 3)
        self.finish(0)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.finish(1)
        self.assertEqual([10, 30], [self.successResultOf(first), self.successResultOf(third)])

    def test_submitted_from_a_result(self) -> None:
        """A caller that submits again as soon as it has its result is served."""

        async def twice() -> int:
            return await self.batcher.submit(await self.batcher.submit(1))

        result = Deferred.fromCoroutine(twice())
        self.finish(0)
        self.finish(1)
        self.assertEqual(100, self.successResultOf(result))
