"""A reactor's time is not the wall clock's."""

import time
from typing import Any
from unittest import mock

from twisted.internet.epollreactor import EPollReactor

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.steadytime import run_on_steady_time


class TestSteadyTime(FarmTestCase):
    def make_reactor(self) -> Any:
        """A real reactor of this test's own, which does not run."""
        reactor: Any = EPollReactor()
        self.addCleanup(reactor._poller.close)
        self.addCleanup(reactor.waker.connectionLost, None)
        run_on_steady_time(reactor)
        return reactor

    def test_a_call_does_not_move_with_the_wall_clock(self) -> None:
        """Set back by a day, the clock holds no call back; set forward, it hastens none."""
        for shift in (-86_400.0, 86_400.0):
            reactor = self.make_reactor()
            soon, late = [], []
            reactor.callLater(0.0, soon.append, True)
            reactor.callLater(3600.0, late.append, True)
            shifted = time.time() + shift
            with mock.patch("time.time", lambda shifted=shifted: shifted):
                reactor.runUntilCurrent()
            self.assertEqual(([True], []), (soon, late))

    def test_calls_to_come_are_timed_by_it(self) -> None:
        """The reactor sleeps until the next of them, by the same clock."""
        reactor = self.make_reactor()
        reactor.callLater(3600.0, lambda: None)
        self.assertLess(3599.0, reactor.timeout())
        self.assertLess(reactor.timeout(), 3600.1)
