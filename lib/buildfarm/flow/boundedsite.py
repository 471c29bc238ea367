"""Layer 2: a web server for strangers: so many connections, so long for a request, small bodies.

Twisted bounds the request line and the headers (16 KiB, 500 of them). A request that trickles in
would hold its connection for ever, since each byte is taken for a sign of life; and a body would
be kept, on the disk in the end, before anybody asks whether there should be one. Of the connections
no address has more than its share.

Tests: tests/functional/flow/test_boundedsite.py.
"""

from collections import Counter
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource

from buildfarm.flow.peerplaces import share_of
from buildfarm.flow.quietsite import QuietSite
from buildfarm.flow.reactors import Clock, Timer

#: Connections at once; beyond that they are closed unanswered.
MAX_CONNECTIONS = 4096

#: Seconds for a request to be complete, from the connection or from the end of the one before.
REQUEST_DEADLINE = 60.0


class _Channel(HTTPChannel):
    """One connection."""

    bounded_site: "BoundedSite"
    address: str
    _deadline: Timer | None = None
    _refused = False

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Count it, and wait for its first request."""
        super().connectionMade()  # type: ignore[no-untyped-call]
        self.bounded_site.count(self.address, 1)
        self._await_request()

    def connectionLost(  # noqa: N802 - Twisted's name
        self, reason: Failure = connectionDone
    ) -> None:
        """It is gone."""
        self.bounded_site.count(self.address, -1)
        self._stop_waiting()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:  # noqa: N802 - Twisted's name
        """Refuse a body that is too long, or of unknown length, before a byte of it is kept."""
        length: int | None = self.length
        if length is not None and length <= self.bounded_site.max_body:
            super().allHeadersReceived()  # type: ignore[no-untyped-call]
        else:
            self._refused = True
            self._respondToBadRequestAndDisconnect()  # type: ignore[no-untyped-call]

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """A body that was refused."""
        if not self._refused:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:  # noqa: N802 - Twisted's name
        """The request is complete; how long its answer takes is for the answer to bound."""
        self._stop_waiting()
        super().allContentReceived()  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:  # noqa: N802 - Twisted's name
        """It was answered: another may follow."""
        self._await_request()
        super().requestDone(request)  # type: ignore[no-untyped-call]

    def _await_request(self) -> None:
        self._stop_waiting()
        clock = self.bounded_site.clock
        self._deadline = clock.callLater(self.bounded_site.deadline, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def _give_up(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


class BoundedSite(QuietSite):
    """Serves `resource` to whoever comes; `connections` is the number that are open."""

    protocol: Any = _Channel

    def __init__(
        self,
        resource: Resource,
        reactor: Clock,
        max_connections: int = MAX_CONNECTIONS,
        deadline: float = REQUEST_DEADLINE,
        max_body: int = 0,
    ) -> None:
        super().__init__(resource, reactor=reactor, timeout=deadline)
        self.connections = 0
        self.clock = reactor
        self.deadline = deadline
        self.max_body = max_body
        self._max_connections = max_connections
        self._by_address: Counter[str] = Counter()

    def count(self, address: str, change: int) -> None:
        """`address` has opened a connection, or lost one."""
        self.connections += change
        self._by_address[address] += change
        if not self._by_address[address]:
            del self._by_address[address]

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802 - Twisted's name
        """A connection, or None where there are too many."""
        address = str(getattr(addr, "host", ""))
        share = share_of(self._max_connections)
        if self.connections >= self._max_connections or self._by_address[address] >= share:
            return None
        channel: Any = super().buildProtocol(addr)  # type: ignore[no-untyped-call]
        channel.bounded_site, channel.address = self, address
        return channel
