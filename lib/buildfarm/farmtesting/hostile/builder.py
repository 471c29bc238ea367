"""A builder of one behaviour, listening on a loopback address.

Beside the layers. Tests: tests/functional/hostile.
"""

from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Factory, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from buildfarm.farmtesting.daemonserver import DaemonServer
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.hostile.behaviour import Answer, Asked, Behaviour
from buildfarm.flow.reactors import Clock, Timer
from buildfarm.wire.builderrpc import Call, Fault, MalformedMessage, Value, decode_call


class HostileDaemon(FakeDaemon):
    """A daemon whose answers go through its behaviour."""

    def __init__(self, clock: Clock, behaviour: Behaviour, **described: Any) -> None:
        super().__init__(clock, behaviour.script, **described)
        self.behaviour = behaviour
        self.clock = clock
        #: How many requests have come, files included.
        self.requests = 0
        #: How many calls of each method have come.
        self.counts: dict[str, int] = {}

    async def _answer(self, call: Call) -> Value | Fault:
        self.counts[call.method] = self.counts.get(call.method, 0) + 1
        ignored = call.method in self.behaviour.ignores
        true = None if ignored else await super()._answer(call)
        lie = self.behaviour.lie
        return true if lie is None else lie(self, call, true)


@implementer(IPullProducer)
class _Stream:
    """Writes `chunk` whenever the client has taken what was written, `times` times."""

    def __init__(self, transport: Any, chunk: bytes, times: int) -> None:
        self._transport = transport
        self._chunk = chunk
        self._left = times

    def resumeProducing(self) -> None:
        """The client has taken everything so far."""
        if self._left:
            self._left -= 1
            self._transport.write(self._chunk)
        else:
            self._transport.unregisterProducer()

    def stopProducing(self) -> None:
        """The client is gone."""
        self._left = 0


class HostileServer(DaemonServer):
    """One connection to a hostile builder."""

    def __init__(self, daemon: HostileDaemon) -> None:
        super().__init__(daemon)
        self.daemon = daemon
        self._asked = Asked("", 0)
        self._timer: Timer | None = None

    async def _serve(self, request: Any) -> None:
        self.daemon.requests += 1
        self._asked = Asked(_what(request.path, b"".join(request.body)), self.daemon.requests)
        await super()._serve(request)

    def _send(self, status: int, body: bytes, kind: str = "text/html", extra: str = "") -> None:
        if not self.open:
            return
        answer = Answer(status, body, kind, extra)
        speak = self.daemon.behaviour.speak
        if speak is None:
            self.write(answer.whole())
        else:
            speak(self, self._asked, answer)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has had enough."""
        super().connectionLost(reason)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    # What behaviours do with the connection.

    def write(self, data: bytes) -> None:
        """Send something now."""
        if self.open:
            self.transport.write(data)

    def write_every(self, seconds: float, data: bytes) -> None:
        """Send something again and again, for as long as the client takes it."""
        if self.open:
            self.transport.write(data)
            self._timer = self.daemon.clock.callLater(seconds, self.write_every, seconds, data)

    def stream(self, chunk: bytes, times: int = 1 << 40) -> None:
        """Send `chunk` so often, as fast as the client reads; only one of them waits here."""
        if self.open:
            self.transport.registerProducer(_Stream(self.transport, chunk, times), False)

    def cut(self) -> None:
        """Break the connection after what has been written, without a word."""
        self.transport.unregisterProducer()
        self.transport.loseConnection()


def _what(path: bytes, body: bytes) -> str:
    if not path.rstrip(b"/").endswith(b"/rpc"):
        return "buildlog" if path.endswith(b"/buildlog") else "file"
    try:
        return decode_call(body).method
    except MalformedMessage:
        return ""


class HostileBuilder(Factory[HostileServer]):
    """A builder of this behaviour that listens. `described` are arguments of `FakeDaemon`."""

    noisy = False

    def __init__(self, reactor: Any, behaviour: Behaviour, **described: Any) -> None:
        self._reactor = reactor
        self.daemon = HostileDaemon(reactor, behaviour, **described)
        self._connections: list[HostileServer] = []
        self._port: Any = None

    def buildProtocol(self, address: object) -> HostileServer:
        """A client has connected."""
        self._connections = [other for other in self._connections if other.open]
        connection = HostileServer(self.daemon)
        self._connections.append(connection)
        return connection

    def listen(self, interface: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; the builder's URL."""
        self._port = self._reactor.listenTCP(port, self, backlog=50, interface=interface)
        return f"http://{interface}:{self._port.getHost().port}"

    def stop(self) -> Deferred[None]:
        """Listen no more, and cut every connection."""
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.transport.abortConnection()
        return maybeDeferred(self._port.stopListening)
