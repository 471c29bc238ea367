"""`Hangup` with real signals."""

import os
import signal

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.hangup import Hangup


class TestHangup(FarmTestCase):
    async def test_signal(self) -> None:
        """A SIGHUP calls the functions in their order, outside of the signal handler."""
        called: list[str] = []
        hangup = Hangup(self.reactor, lambda: called.append("log"), lambda: called.append("rest"))
        hangup.startService()
        self.addCleanup(hangup.stopService)
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual([], called)
        await self.wait_until(lambda: len(called) == 2)
        self.assertEqual(["log", "rest"], called)
        os.kill(os.getpid(), signal.SIGHUP)
        await self.wait_until(lambda: len(called) == 4)

    async def test_many_signals(self) -> None:
        """Signals that arrive before the functions were called count as one."""
        called: list[int] = []
        hangup = Hangup(self.reactor, lambda: called.append(1))
        hangup.startService()
        self.addCleanup(hangup.stopService)
        for _ in range(100):
            os.kill(os.getpid(), signal.SIGHUP)
        await self.wait_until(lambda: called)
        self.assertEqual([1], called)

    def test_stopped(self) -> None:
        """What the signal did before, it does again afterwards."""
        before = signal.getsignal(signal.SIGHUP)
        hangup = Hangup(self.reactor)
        hangup.startService()
        self.assertNotEqual(before, signal.getsignal(signal.SIGHUP))
        hangup.stopService()
        self.assertEqual(before, signal.getsignal(signal.SIGHUP))
