"""The reactor of one simulated process of the manager: everything that it can reach, until killed.

Beside the layers. Tests: tests/unit/simulation.

A killed manager leaves its objects behind: coroutines that wait, timers, connections. It is cut off
from the world here. Whatever it still calls does nothing, and nothing calls it.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from buildfarm.simulation.network import Connecting, Network
from buildfarm.simulation.processes import Processes
from buildfarm.simulation.world import Happening, World

#: Seconds until the reactor takes a call from a thread, on average.
_WAKES = 0.0001


class _Port:
    """Something that listens for commands and people, of whom there are none."""

    def stopListening(self) -> Deferred[None]:
        """Listen no more."""
        return succeed(None)


@implementer(IReactorTime)
class SimulatedReactor:
    """What the manager sees of `world`, while `alive`."""

    def __init__(self, world: World, network: Network, processes: Processes, name: str) -> None:
        self.alive = True
        self._world = world
        self._network = network
        self._processes = processes
        self._chance = world.stream(f"reactor {name}")
        self._taken_by = 0.0
        self._connecting: list[Connecting] = []

    def kill(self) -> None:
        """The process is killed: its ends of all connections are closed by its kernel."""
        self.alive = False
        for connecting in self._connecting:
            if connecting.end is not None:
                end, connecting.end = connecting.end, None
                end.protocol = None
                end.abortConnection()

    # Time.

    def seconds(self) -> float:
        """Seconds since the world began."""
        return self._world.seconds()

    def callLater(
        self, delay: float, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Happening:
        """Call `function` in `delay` seconds, unless the process is killed before."""
        return self._world.callLater(delay, self._call, function, args, kwargs)

    def _call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if self.alive:
            function(*args, **kwargs)

    def getDelayedCalls(self) -> list[Any]:
        """Nobody asks a simulated reactor for these."""
        return []

    def callFromThread(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """Call `function` soon, and in the order of these calls."""
        now = self._world.seconds()
        self._taken_by = max(self._taken_by, now + self._chance.expovariate(1 / _WAKES))
        self.callLater(self._taken_by - now, function, *args, **kwargs)

    # What is outside.

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> Connecting:
        """Connect to a simulated machine."""
        connecting = Connecting(factory, lambda: self.alive)
        if self.alive:
            self._network.connect(host, port, connecting)
            self._connecting = [one for one in self._connecting if not _is_over(one)]
            self._connecting.append(connecting)
        return connecting

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> _Port:
        """Builders' downloads are answered by `machines`, people by nobody."""
        return _Port()

    def listenUNIX(self, address: str, factory: Any, backlog: int = 50, mode: int = 0o666) -> _Port:
        """Commands come as acts: the socket is there, and nobody answers at it."""
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(address)
        return _Port()

    def spawnProcess(
        self,
        protocol: Any,
        executable: str,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        path: str | None = None,
        *,
        childFDs: Mapping[int, int] | None = None,
    ) -> None:
        """Start a simulated program."""
        if self.alive:
            self._processes.start(protocol, args, childFDs or {}, lambda: self.alive)

    def addReader(self, reader: Any) -> None:
        """What simulated programs print is read when they have ended."""

    def removeReader(self, reader: Any) -> None:
        """See `addReader`."""


def _is_over(connecting: Connecting) -> bool:
    return connecting.end is not None and connecting.end.protocol is None
