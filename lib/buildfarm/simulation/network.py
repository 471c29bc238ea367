"""The network between the manager and its builders: connections in memory that take time.

Beside the layers. Tests: tests/unit/simulation.

What is written at one end arrives at the other in order, after a delay from the seed, and now and
then in pieces. A cut link holds what is under way, as TCP does by sending again: it arrives after
the cut, unless its connection has ended meanwhile. A machine that loses power takes its ends of all
connections with it and says nothing; who writes to one of them afterwards is told that it is gone.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from buildfarm.simulation.world import World

#: Seconds that a packet takes: mostly the least, seldom much more.
_LEAST, _TYPICAL = 0.0002, 0.0008

#: One piece in so many arrives in two.
_SPLITS = 16

#: Seconds after which a producer is asked for more.
_PULL = 0.01

MANAGER = IPv4Address("TCP", "10.0.0.1", 40000)


class Link:
    """The way between the manager and one machine."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self._chance: Random = world.stream(f"link {name}")
        #: Seconds more that everything takes; 0 on a good day.
        self.slowness = 0.0
        self.cut = False
        #: Connections by the machine's end of them.
        self.ends: dict[End, None] = {}
        self._held: list[Callable[[], None]] = []

    def delay(self) -> float:
        """Seconds that the next packet takes."""
        return _LEAST + self._chance.expovariate(1 / _TYPICAL) + self.slowness

    def pieces(self, data: bytes) -> tuple[bytes, ...]:
        """`data` as it arrives."""
        if len(data) < 2 or self._chance.randrange(_SPLITS):
            return (data,)
        at = self._chance.randrange(1, len(data))
        return data[:at], data[at:]

    def carry(self, seconds: float, arrive: Callable[[], None]) -> None:
        """Let something arrive in `seconds`, or after the cut."""
        self.world.callLater(seconds, self._arrive, arrive)

    def _arrive(self, arrive: Callable[[], None]) -> None:
        if self.cut:
            self._held.append(arrive)
        else:
            arrive()

    def heal(self) -> None:
        """End the cut; what was held arrives now, in its order."""
        self.cut = False
        held, self._held = self._held, []
        for arrive in held:
            arrive()

    def lose_power(self) -> None:
        """The machine's ends of all connections are gone, and nobody is told."""
        for end in list(self.ends):
            end.vanish()

    def reset_connections(self) -> None:
        """Every connection breaks, and both sides notice."""
        for end in list(self.ends):
            end.abortConnection()


class End:
    """One end of a connection: the transport of `protocol`."""

    def __init__(self, link: Link, protocol: Protocol | None) -> None:
        self._link = link
        self.protocol = protocol
        self.peer: End
        self._arrives = 0.0
        self._open = True
        self._paused = False
        self._kept: list[Callable[[], None]] = []
        self._producer: Any = None

    def write(self, data: bytes) -> None:
        """Send `data` to the other end."""
        if self._open:
            for piece in self._link.pieces(data):
                self._send(lambda piece=piece: self.peer.take(piece))  # type: ignore[misc]

    def writeSequence(self, pieces: list[bytes]) -> None:
        """Send all of `pieces`."""
        self.write(b"".join(pieces))

    def _send(self, arrive: Callable[[], None]) -> None:
        now = self._link.world.seconds()
        self._arrives = max(now + self._link.delay(), self._arrives)
        self._link.carry(self._arrives - now, arrive)

    def take(self, data: bytes) -> None:
        """`data` has come from the other end."""
        if not self._open:  # nobody is there any more: the sender is told
            self._send(lambda: self.peer.end(ConnectionLost()))
        elif self._paused:
            self._kept.append(lambda: self.take(data))
        elif self.protocol is not None:
            self.protocol.dataReceived(data)

    def pauseProducing(self) -> None:
        """Keep what comes."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Hand over what was kept, and what comes."""
        self._paused = False
        while self._kept and not self._paused:
            self._kept.pop(0)()

    def loseConnection(self) -> None:
        """Close once what was written has arrived."""
        self._close(ConnectionDone())

    def abortConnection(self) -> None:
        """Close at once."""
        self._close(ConnectionLost())

    def _close(self, reason: Exception) -> None:
        if self._open:
            self._send(lambda: self.peer.end(reason))
            self.end(reason)

    def end(self, reason: Exception) -> None:
        """The connection is over for this end; its protocol is told."""
        if self._open:
            protocol = self.protocol
            self.vanish()
            if protocol is not None:
                protocol.connectionLost(Failure(reason))

    def vanish(self) -> None:
        """The process or the machine of this end is gone, and tells nobody."""
        self._open = False
        self._link.ends.pop(self, None)
        self.protocol = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Ask `producer` for more now and then, until it is unregistered."""
        self._producer = producer
        self._link.world.callLater(_PULL, self._pull)

    def unregisterProducer(self) -> None:
        """Ask for no more."""
        self._producer = None

    def _pull(self) -> None:
        if self._open and self._producer is not None:
            self._producer.resumeProducing()
            self._link.world.callLater(_PULL, self._pull)

    def getPeer(self) -> IPv4Address:
        """Whom this end talks to, as far as anybody cares."""
        return MANAGER


class Network:
    """All machines by their address, and what connects to them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._listening: dict[tuple[str, int], tuple[Link, Callable[[], Protocol | None]]] = {}

    def listen(
        self, host: str, port: int, link: Link, accept: Callable[[], Protocol | None]
    ) -> None:
        """Have `accept` make the protocol of each connection to this address; None refuses."""
        self._listening[host, port] = (link, accept)

    def connect(self, host: str, port: int, attempt: "Connecting") -> None:
        """Begin to connect."""
        link, accept = self._listening[host, port]
        link.carry(link.delay(), lambda: self._reach(link, accept, attempt))

    def _reach(
        self, link: Link, accept: Callable[[], Protocol | None], attempt: "Connecting"
    ) -> None:
        server = accept()
        if server is None:
            link.carry(link.delay(), lambda: attempt.fail(ConnectError(string="nobody listens")))
            return
        theirs, ours = End(link, server), End(link, None)
        theirs.peer, ours.peer = ours, theirs
        link.ends[theirs] = None
        server.makeConnection(theirs)
        link.carry(link.delay(), lambda: attempt.succeed(ours))


class Connecting:
    """One attempt of the manager to connect: Twisted's connector."""

    def __init__(self, factory: Any, alive: Callable[[], bool]) -> None:
        self._factory = factory
        self._alive = alive
        self._wanted = True
        #: The manager's end, once connected.
        self.end: End | None = None
        factory.doStart()
        factory.startedConnecting(self)

    def stopConnecting(self) -> None:
        """Nobody waits for it any more."""
        self._wanted = False
        self._factory.clientConnectionFailed(self, Failure(ConnectionLost()))

    def disconnect(self) -> None:
        """Break off, however far it has come."""
        if self.end is None:
            self.stopConnecting()
        else:
            self.end.loseConnection()

    def getDestination(self) -> IPv4Address:
        """Where it goes, as far as anybody cares."""
        return MANAGER

    def fail(self, reason: Exception) -> None:
        """The machine refuses."""
        if self._wanted and self._alive():
            self._wanted = False
            self._factory.clientConnectionFailed(self, Failure(reason))

    def succeed(self, end: End) -> None:
        """The machine has accepted."""
        if not self._alive():
            end.vanish()
        elif not self._wanted:
            end.abortConnection()
        else:
            self.end, end.protocol = end, self._factory.buildProtocol(MANAGER)
            assert end.protocol is not None, "a client's factory builds protocols"
            end.protocol.makeConnection(end)
