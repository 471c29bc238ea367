"""Talking to a fake daemon without sockets: what is written is there at once.

Beside the layers; for tests on a clock. The client is the real one, with its HTTP and its codec;
only the wire is missing. `fake_client` is all that most tests need.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from buildfarm.builders.client import BuilderClient
from buildfarm.farmtesting.daemonserver import DaemonServer
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.vocab.settings import ScanningSettings


class MemoryTransport:
    """One end of a wire in memory: what is written comes out at `peer` at once."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.peer: MemoryTransport | None = None
        self._paused = False
        self.waiting: list[bytes] = []
        self._producer: Any = None

    def write(self, data: bytes) -> None:
        """Hand `data` to the other end, or keep it there while that end is paused."""
        if self.peer is not None:
            self.peer.take(data)

    def take(self, data: bytes) -> None:
        """`data` has come from the other end."""
        if self._paused:
            self.waiting.append(data)
        else:
            self.protocol.dataReceived(data)

    def pauseProducing(self) -> None:
        """Keep what comes."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Hand over what was kept, and what comes."""
        self._paused = False
        while self.waiting and not self._paused:
            self.protocol.dataReceived(self.waiting.pop(0))
        if self.peer is not None:
            self.peer.produce()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have a pull producer write for as long as the other end takes it."""
        self._producer = producer
        self.produce()

    def unregisterProducer(self) -> None:
        """The producer has written everything."""
        self._producer = None

    def produce(self) -> None:
        """Have the producer write until there is none, or the other end pauses or is gone."""
        while self._producer is not None and self.peer is not None and not self.peer._paused:
            self._producer.resumeProducing()

    def loseConnection(self) -> None:
        """End the connection in peace."""
        self._cut(ConnectionDone())

    def abortConnection(self) -> None:
        """End the connection at once."""
        self._cut(ConnectionLost())

    def _cut(self, reason: Exception) -> None:
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.peer = None
            self.protocol.connectionLost(Failure(reason))
            peer.protocol.connectionLost(Failure(reason))


def wire(client: Protocol, server: Protocol) -> None:
    """Connect two protocols."""
    ends = MemoryTransport(client), MemoryTransport(server)
    ends[0].peer, ends[1].peer = ends[1], ends[0]
    server.makeConnection(ends[1])
    client.makeConnection(ends[0])


class MemoryEndpoint:
    """Connects to protocols that `make_server` makes; None refuses. `connections` are all so far.

    With `accepting` false, an attempt to connect is never answered.
    """

    def __init__(self, make_server: Callable[[], Protocol | None]) -> None:
        self._make_server = make_server
        self.connections: list[Protocol] = []
        self.accepting = True

    def connect(self, factory: Factory[Any], /) -> Deferred[Any]:
        """Connect a protocol that `factory` builds."""
        if not self.accepting:
            return Deferred()
        server = self._make_server()
        if server is None:
            return fail(ConnectError(string="nobody listens"))
        client = factory.buildProtocol(None)
        assert client is not None, "a factory that builds nothing"
        self.connections.append(server)
        wire(client, server)
        return succeed(client)

    def disconnect(self) -> None:
        """Cut every connection, as a machine that is switched off."""
        for server in self.connections:
            transport: Any = server.transport
            transport.abortConnection()


class _Inline:
    """Threads that are none, and the reactor that they call back."""

    def do(self, job: Callable[[], None]) -> None:
        """Run the job here and now."""
        job()

    def quit(self) -> None:
        """Nothing runs."""

    def callFromThread(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """Call `function` here and now."""
        function(*args, **kwargs)


def inline_workers() -> Workers:
    """Workers that do each job at once, in the thread that asks for it."""
    inline: Any = _Inline()
    return Workers(inline, size=1, bound=100, name="inline", crew=inline)


def daemon_endpoint(daemon: FakeDaemon) -> MemoryEndpoint:
    """Connects to `daemon` in memory."""
    return MemoryEndpoint(lambda: None if daemon.unreachable else DaemonServer(daemon))


def fake_client(
    clock: Clock, daemon: FakeDaemon, settings: ScanningSettings | None = None
) -> BuilderClient:
    """The real client, talking to `daemon` in memory; nothing needs the clock but what takes time.

    Files are written in the calling thread.
    """
    return BuilderClient(
        clock,
        "http://bob.example.com:8221",
        settings or ScanningSettings(),
        inline_workers(),
        daemon_endpoint(daemon),
    )
