"""Builders that hang, lie, flood or die: what a client must survive, over any transport.

Beside the layers; for tests and benchmarks. Each behaviour answers one request in its own bad way.
"""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from buildfarm.flow.reactors import Clock, Timer
from buildfarm.wire.builderrpc import encode_reply

_IDLE = {"builder_status": "BuilderStatus.IDLE"}


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """An HTTP answer with this body."""
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class HostileServer(Protocol):
    """A connection to a builder that answers each request by its `behaviour`."""

    transport: Any

    def __init__(self, reactor: Clock, behaviour: "Behaviour") -> None:
        self._reactor = reactor
        self._behaviour = behaviour
        self._open = True
        self._next: Timer | None = None

    def dataReceived(self, data: bytes) -> None:
        """A request, whatever it is."""
        self._behaviour(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has had enough."""
        self._open = False
        if self._next is not None and self._next.active():
            self._next.cancel()

    def send(self, data: bytes) -> None:
        """Send something now."""
        self.transport.write(data)

    def send_every(self, seconds: float, data: bytes) -> None:
        """Send something again and again, for as long as the client takes it."""
        if self._open:
            self.transport.write(data)
            self._next = self._reactor.callLater(seconds, self.send_every, seconds, data)


#: Answers one request on this connection.
Behaviour = Callable[[HostileServer], None]


def _hang(server: HostileServer) -> None:
    """Say nothing."""


def _trickle(server: HostileServer) -> None:
    """An answer of a byte a second, which would be right in some hours."""
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    server.send_every(1.0, b" ")


def _flood(server: HostileServer) -> None:
    """An answer without end."""
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    server.send_every(0.0, b"x" * 65536)


def _flood_headers(server: HostileServer) -> None:
    """Headers without end."""
    server.send(b"HTTP/1.1 200 OK\r\nX-Header: ")
    server.send_every(0.0, b"x" * 8192)


def _flood_trailers(server: HostileServer) -> None:
    """A body whose trailing headers never end."""
    server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n")
    server.send_every(0.0, b"X-Header: x\r\n" * 4096)


def _garbage(server: HostileServer) -> None:
    """Nothing that HTTP knows."""
    server.send(bytes(range(256)))


def _redirect(server: HostileServer) -> None:
    """A way to somewhere else."""
    server.send(http(b"", "302 Found", "Location: http://127.0.0.1:22/\r\n"))


def _upgrade(server: HostileServer) -> None:
    """A change of protocol that nobody asked for."""
    server.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")


def _bomb(server: HostileServer) -> None:
    """Entities that grow when they are read."""
    entities = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))
    server.send(http(f"<!DOCTYPE x [<!ENTITY e0 'x'>{entities}]><x>&e11;</x>".encode()))


def _nonsense(server: HostileServer) -> None:
    """A well-formed reply that no call has."""
    server.send(http(encode_reply({"builder_status": "BuilderStatus.HAPPY"})))


def _twice(server: HostileServer) -> None:
    """One answer more than was asked for: perhaps the next call takes it for its own."""
    server.send(http(encode_reply(_IDLE)) * 2)


def _cut(server: HostileServer) -> None:
    """Half an answer, and the line goes dead."""
    server.send(http(encode_reply(_IDLE))[:-20])
    server.transport.abortConnection()


def _without_length(server: HostileServer) -> None:
    """An answer that ends with the connection: nobody can tell whether it is whole."""
    server.send(b"HTTP/1.1 200 OK\r\n\r\n" + encode_reply(_IDLE))
    server.transport.loseConnection()


#: Every behaviour, by its name.
BEHAVIOURS: Mapping[str, Behaviour] = {
    "hang": _hang,
    "trickle": _trickle,
    "flood": _flood,
    "flood-headers": _flood_headers,
    "flood-trailers": _flood_trailers,
    "garbage": _garbage,
    "redirect": _redirect,
    "upgrade": _upgrade,
    "bomb": _bomb,
    "nonsense": _nonsense,
    "twice": _twice,
    "cut": _cut,
    "without-length": _without_length,
}


class HostileFactory(Factory[HostileServer]):
    """Connections to a builder of one behaviour."""

    noisy = False

    def __init__(self, reactor: Clock, behaviour: Behaviour) -> None:
        self._reactor = reactor
        self._behaviour = behaviour
        self._connections: list[HostileServer] = []

    def buildProtocol(self, address: object) -> HostileServer:
        """A client has connected."""
        connection = HostileServer(self._reactor, self._behaviour)
        self._connections.append(connection)
        return connection

    def disconnect(self) -> None:
        """Cut every connection."""
        for connection in self._connections:
            connection.transport.abortConnection()
