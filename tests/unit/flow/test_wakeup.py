"""A sleep that others can cut short."""

from twisted.internet.defer import CancelledError, Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.wakeup import Wakeup


class WakeupTests(FarmTestCase):
    """One sleeper, and whoever wakes it."""

    def setUp(self) -> None:
        super().setUp()
        self.wakeup = Wakeup(self.clock)

    def sleep(self, seconds: float) -> Deferred[bool]:
        return Deferred.fromCoroutine(self.wakeup.sleep(seconds))

    def test_sleeps_its_time(self) -> None:
        """Nobody wakes it: it sleeps for as long as it wanted to."""
        slept = self.sleep(10)
        self.clock.advance(9.9)
        self.assertNoResult(slept)
        self.clock.advance(0.1)
        self.assertFalse(self.successResultOf(slept))

    def test_woken(self) -> None:
        """Woken, it goes on in the reactor's next turn and knows that it was woken."""
        slept = self.sleep(10)
        self.wakeup.wake()
        self.assertNoResult(slept)
        self.clock.advance(0)
        self.assertTrue(self.successResultOf(slept))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_remembered_once(self) -> None:
        """Wakes while nobody sleeps cut the next sleep short, and that one only."""
        self.wakeup.wake()
        self.wakeup.wake()
        self.assertTrue(self.successResultOf(self.sleep(10)))
        slept = self.sleep(10)
        self.assertNoResult(slept)
        self.clock.advance(10)
        self.assertFalse(self.successResultOf(slept))

    def test_woken_often(self) -> None:
        """Several wakes of one sleep are one."""
        slept = self.sleep(10)
        self.wakeup.wake()
        self.wakeup.wake()
        self.clock.advance(0)
        self.assertTrue(self.successResultOf(slept))
        self.assertNoResult(again := self.sleep(10))
        again.cancel()
        self.failureResultOf(again, CancelledError)

    def test_time_already_past(self) -> None:
        """A sleep until a moment that has passed ends in the reactor's next turn."""
        slept = self.sleep(-3)
        self.clock.advance(0)
        self.assertFalse(self.successResultOf(slept))

    def test_cancelled(self) -> None:
        """A cancelled sleeper leaves no timer behind, and another may sleep."""
        slept = self.sleep(10)
        slept.cancel()
        self.failureResultOf(slept, CancelledError)
        self.assertEqual([], self.clock.getDelayedCalls())
        slept = self.sleep(1)
        self.clock.advance(1)
        self.assertFalse(self.successResultOf(slept))

    def test_two_sleepers(self) -> None:
        """A second sleeper at the same time is a mistake, and told so; the first sleeps on."""
        first = self.sleep(10)
        self.failureResultOf(self.sleep(1), RuntimeError)
        self.clock.advance(10)
        self.assertFalse(self.successResultOf(first))
