"""`Readiness` against a real socket, as systemd would hold it."""

import os
import socket

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.readiness import Readiness


class TestReadiness(FarmTestCase):
    def listen(self, address: str) -> socket.socket:
        """A socket like the one that systemd listens on."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(address)
        listener.setblocking(False)
        return listener

    def readiness(self, **variables: str) -> Readiness:
        """A `Readiness` on the test's clock."""
        return Readiness(self.clock, variables)

    def test_ready_and_stopping(self) -> None:
        """Being ready and stopping are told to the socket that is named by a path."""
        path = str(self.make_directory() / "notify")
        listener = self.listen(path)
        readiness = self.readiness(NOTIFY_SOCKET=path)
        readiness.ready("3 builders")
        readiness.stopping()
        self.assertEqual(b"READY=1\nSTATUS=3 builders", listener.recv(1000))
        self.assertEqual(b"STOPPING=1", listener.recv(1000))

    def test_abstract_socket(self) -> None:
        """An address that begins with @ is an abstract socket's."""
        name = f"buildd-manager-{os.getpid()}-{id(self)}"
        listener = self.listen(f"\0{name}")
        self.readiness(NOTIFY_SOCKET=f"@{name}").status("taking builders over")
        self.assertEqual(b"STATUS=taking builders over", listener.recv(1000))

    def test_reloading(self) -> None:
        """A reload is told, and its end."""
        path = str(self.make_directory() / "notify")
        listener = self.listen(path)
        readiness = self.readiness(NOTIFY_SOCKET=path)
        readiness.reloading()
        readiness.ready()
        self.assertEqual(b"RELOADING=1", listener.recv(1000))
        self.assertEqual(b"READY=1\nSTATUS=", listener.recv(1000))

    def test_nobody_listens(self) -> None:
        """Without the variable nothing is sent; without a listener nothing breaks."""
        readiness = self.readiness()
        readiness.ready()
        readiness.stopping()
        self.readiness(NOTIFY_SOCKET=str(self.make_directory() / "missing")).ready()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_watchdog(self) -> None:
        """While we are ready a sign of life goes out twice in each interval, and none after."""
        path = str(self.make_directory() / "notify")
        listener = self.listen(path)
        readiness = self.readiness(
            NOTIFY_SOCKET=path, WATCHDOG_USEC="10000000", WATCHDOG_PID=str(os.getpid())
        )
        self.assertEqual([], self.clock.getDelayedCalls())
        readiness.ready()
        listener.recv(1000)
        self.clock.pump([5.0, 5.0])
        self.assertEqual([b"WATCHDOG=1"] * 3, [listener.recv(1000) for _ in range(3)])
        self.assertRaises(BlockingIOError, listener.recv, 1000)
        readiness.ready()
        readiness.stopping()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_watchdog_of_another(self) -> None:
        """A watchdog that is meant for another process is not ours to feed."""
        path = str(self.make_directory() / "notify")
        self.listen(path)
        readiness = self.readiness(NOTIFY_SOCKET=path, WATCHDOG_USEC="1000000", WATCHDOG_PID="1")
        readiness.ready()
        self.assertEqual([], self.clock.getDelayedCalls())
