"""What strangers can make a web server hold: bounded."""

import socket
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import Request

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.boundedsite import BoundedSite

SOON = 20.0


class Answer(Resource):
    """Says yes to everything."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request: Request) -> bytes:
        """Yes."""
        return b"yes"


class BoundedSiteTest(FarmTestCase):
    def listen(self, **bounds: Any) -> BoundedSite:
        """A site with these bounds on `self.port`."""
        site = BoundedSite(Answer(), self.reactor, **bounds)
        port = self.reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        return site

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        """A connection from `address`, one of this machine's, that waits long enough."""
        client = socket.create_connection(("127.0.0.1", self.port), SOON, (address, 0))
        self.addCleanup(client.close)
        return client

    async def ask(self, request: bytes, address: str = "127.0.0.1") -> bytes:
        """All that comes back for `request`, until the connection is closed."""
        return await deferToThread(exchange, self.connect(address), request)

    async def test_requests_on_one_connection(self) -> None:
        """Ordinary requests are answered, one after the other."""
        self.listen()
        last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = await self.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + last)
        self.assertEqual(2, answer.count(b"HTTP/1.1 200 OK"))

    async def test_too_many_connections(self) -> None:
        """Beyond the bound a connection is closed unanswered; one that ends makes room."""
        site = self.listen(max_connections=2)
        held = [self.connect(), self.connect("127.0.0.2")]
        await self.wait_until(lambda: site.connections == 2)
        self.assertEqual(b"", await self.ask(b"GET / HTTP/1.0\r\n\r\n"))
        held[0].close()
        await self.wait_until(lambda: site.connections == 1)
        self.assertIn(b"yes", await self.ask(b"GET / HTTP/1.0\r\n\r\n"))

    async def test_connections_of_one_address(self) -> None:
        """One address has three quarters of them at most; another is served all the same."""
        site = self.listen(max_connections=4)
        held = [self.connect() for _ in range(3)]
        await self.wait_until(lambda: site.connections == 3)
        self.assertEqual(b"", await self.ask(b"GET / HTTP/1.0\r\n\r\n"))
        self.assertIn(b"yes", await self.ask(b"GET / HTTP/1.0\r\n\r\n", "127.0.0.2"))
        for client in held:
            client.close()
        await self.wait_until(lambda: site.connections == 0)

    async def test_slow_request(self) -> None:
        """A request that trickles in is cut off at the deadline, however lively it is."""
        site = self.listen(deadline=0.5)
        client = self.connect()
        self.assertTrue(await deferToThread(trickle, client))
        await self.wait_until(lambda: site.connections == 0)

    async def test_idle_connection(self) -> None:
        """A connection without a request is closed."""
        self.listen(deadline=0.2)
        self.assertEqual(b"", await self.ask(b""))

    async def test_bodies(self) -> None:
        """A request that announces a body, of any length, is refused before it is sent."""
        self.listen()
        for header in (b"Content-Length: 1099511627776", b"Transfer-Encoding: chunked"):
            answer = await self.ask(b"POST / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\nabc")
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer)
            self.assertNotIn(b"yes", answer)

    async def test_long_heads(self) -> None:
        """A request line, a header or a number of headers without end is refused."""
        self.listen()
        for request in (
            b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 10_000 + b"\r\n",
        ):
            self.assertNotIn(b"yes", await self.ask(request))


def exchange(client: socket.socket, request: bytes) -> bytes:
    """Send, then read to the end; in a thread."""
    received = bytearray()
    try:
        client.sendall(request)
        while piece := client.recv(65536):
            received += piece
    except ConnectionError:  # it was closed while we were sending
        pass
    return bytes(received)


def trickle(client: socket.socket) -> bool:
    """Send a header a few bytes at a time, for ever; whether that was cut off; in a thread."""
    client.settimeout(0.01)
    try:
        client.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(10_000):
            client.sendall(b"X: x\r\n")
            try:
                if not client.recv(1):
                    return True
            except TimeoutError:
                continue
    except ConnectionError:
        return True
    return False
