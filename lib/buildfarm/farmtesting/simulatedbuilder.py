"""A fake daemon that listens: a builder to everybody who connects to it.

Beside the layers; for functional tests and benchmarks. Tests: tests/functional/builders.
"""

from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import Factory

from buildfarm.farmtesting.daemonserver import DaemonServer
from buildfarm.farmtesting.fakedaemon import FakeDaemon


class SimulatedBuilder(Factory[DaemonServer]):
    """`daemon` at a loopback address; a free port of it unless told otherwise."""

    noisy = False

    def __init__(self, daemon: FakeDaemon) -> None:
        self.daemon = daemon
        self._connections: list[DaemonServer] = []
        self._port: Any = None

    def buildProtocol(self, address: object) -> DaemonServer | None:
        """A client has connected."""
        if self.daemon.unreachable:
            return None
        connection = DaemonServer(self.daemon)
        self._connections = [other for other in self._connections if other.open]
        self._connections.append(connection)
        return connection

    def listen(self, reactor: Any, interface: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, with the backlog of launchpad-buildd; the builder's URL."""
        self._port = reactor.listenTCP(port, self, backlog=50, interface=interface)
        return f"http://{interface}:{self._port.getHost().port}"

    def disconnect(self) -> None:
        """Cut every connection."""
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.transport.abortConnection()

    def stop(self) -> Deferred[None]:
        """Listen no more, and cut every connection."""
        self.disconnect()
        return maybeDeferred(self._port.stopListening)
