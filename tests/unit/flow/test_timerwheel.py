"""Tens of thousands of deadlines on one timer."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.timerwheel import TimerWheel, WheelTimer


class TimerWheelTests(FarmTestCase):
    """When calls are made, and when they are not."""

    def setUp(self) -> None:
        super().setUp()
        self.wheel = TimerWheel(self.clock, 0.5)
        self.called: list[str] = []

    def start(self, seconds: float, name: str = "x") -> WheelTimer:
        return self.wheel.start(seconds, self.called.append, name)

    @given(st.lists(st.floats(0, 20), min_size=1, max_size=20), st.floats(0, 1e9))
    def test_neither_early_nor_late(self, delays: list[float], now: float) -> None:
        """No call is early, and none is late by a granularity or more."""
        clock = Clock()
        clock.rightNow = now
        wheel = TimerWheel(clock, 0.5)
        lateness: list[float] = []
        for delay in delays:
            wheel.start(delay, lambda due: lateness.append(clock.seconds() - due), now + delay)
        while clock.getDelayedCalls():
            clock.rightNow = max(clock.rightNow, clock.getDelayedCalls()[0].getTime())
            clock.advance(0)
        self.assertEqual(len(delays), len(lateness))
        self.assertGreaterEqual(min(lateness), 0)
        self.assertLessEqual(max(lateness), 0.5 + 1e-6)

    def test_one_reactor_timer(self) -> None:
        """However many deadlines there are, the reactor has one timer, and none afterwards."""
        for number in range(1000):
            self.start(1 + number / 100)
        self.assertEqual(1, len(self.clock.getDelayedCalls()))
        self.assertEqual(1000, self.wheel.pending)
        self.clock.pump([0.5] * 24)
        self.assertEqual(1000, len(self.called))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_order(self) -> None:
        """Calls of one slot are made in the order of their start, slots in the order of time."""
        self.start(1.2, "b1")
        self.start(0.4, "a")
        self.start(1.1, "b2")
        self.clock.pump([0.5] * 4)
        self.assertEqual(["a", "b1", "b2"], self.called)

    def test_cancelled(self) -> None:
        """A cancelled call is not made; with the last one the reactor's timer goes."""
        timers = [self.start(1), self.start(1), self.start(7)]
        for timer in timers:
            self.assertTrue(timer.active)
            timer.cancel()
            timer.cancel()
            self.assertFalse(timer.active)
        self.assertEqual(0, self.wheel.pending)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.clock.advance(10)
        self.assertEqual([], self.called)

    def test_cancelled_after_the_call(self) -> None:
        """Cancelling a call that was made does nothing."""
        timer = self.start(1)
        self.clock.pump([0.5] * 3)
        timer.cancel()
        self.assertEqual(["x"], self.called)

    def test_cancelled_by_its_neighbour(self) -> None:
        """A call may cancel another one of its own slot, and start new ones."""

        def act() -> None:
            victim.cancel()
            self.start(1, "new")

        self.wheel.start(1, act)
        victim = self.start(1, "victim")
        self.clock.pump([0.5] * 6)
        self.assertEqual(["new"], self.called)

    def test_failing_call(self) -> None:
        """What a call raises is logged; the calls beside it are made."""

        def fail() -> None:
            raise KeyError("x")

        self.wheel.start(1, fail)
        self.start(1)
        self.clock.pump([0.5] * 3)
        self.assertEqual(["x"], self.called)
        self.assertEqual(1, len(self.flush_logged_errors(KeyError)))

    def test_reactor_stood_still(self) -> None:
        """After a long pause everything due is called at once, in order."""
        self.start(5, "b")
        self.start(1, "a")
        self.start(1e7, "far")
        self.clock.advance(1e6)
        self.assertEqual(["a", "b"], self.called)
        self.assertEqual(1, self.wheel.pending)
