"""No wait without a deadline."""

from twisted.internet.defer import CancelledError, Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.deadlines import with_deadline
from buildfarm.vocab.errors import BuilderTimedOut


class DeadlineTests(FarmTestCase):
    """What a bounded wait returns, raises and leaves behind."""

    def bounded(self, awaitable: object, seconds: float = 5) -> Deferred[object]:
        return Deferred.fromCoroutine(
            with_deadline(self.clock, seconds, awaitable, lambda: BuilderTimedOut("too slow"))
        )

    def test_in_time(self) -> None:
        """A result that comes in time is returned, and the timer is gone."""
        answer: Deferred[str] = Deferred()
        result = self.bounded(answer)
        self.clock.advance(4.9)
        answer.callback("here")
        self.assertEqual("here", self.successResultOf(result))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_error_in_time(self) -> None:
        """An error that comes in time is raised as it is."""
        answer: Deferred[str] = Deferred()
        result = self.bounded(answer)
        answer.errback(KeyError("x"))
        self.failureResultOf(result, KeyError)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_too_late(self) -> None:
        """At the deadline what was waited for is cancelled and the caller's own error raised."""
        cancelled: list[object] = []
        result = self.bounded(Deferred(cancelled.append))
        self.clock.advance(5)
        self.failureResultOf(result, BuilderTimedOut)
        self.assertEqual(1, len(cancelled))

    def test_coroutine_cleans_up(self) -> None:
        """A coroutine is cancelled where it waits, and its end is awaited before the error."""
        cleaned: Deferred[None] = Deferred()

        async def works() -> None:
            try:
                await Deferred()
            finally:
                await cleaned

        result = self.bounded(works())
        self.clock.advance(5)
        self.assertNoResult(result)
        cleaned.callback(None)
        self.failureResultOf(result, BuilderTimedOut)

    def test_error_of_a_canceller(self) -> None:
        """Whatever error the cancelled thing ends with is the cause of the caller's error."""
        result = self.bounded(Deferred(lambda d: d.errback(ConnectionError("closed"))))
        self.clock.advance(5)
        error = self.failureResultOf(result, BuilderTimedOut).value
        self.assertIsInstance(error.__cause__, ConnectionError)

    def test_caller_cancelled(self) -> None:
        """Cancelling the wait cancels what is waited for, and says nothing of a deadline."""
        cancelled: list[object] = []
        result = self.bounded(Deferred(cancelled.append))
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.assertEqual(1, len(cancelled))
        self.assertEqual([], self.clock.getDelayedCalls())
