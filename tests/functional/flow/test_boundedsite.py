"""What strangers can make a web server hold: bounded."""

import socket
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.boundedsite import BoundedSite, StreamableRequest
from buildfarm.vocab.errors import BodyLost

SOON = 20.0


class Answer(Resource):
    """Says yes to everything."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request: Request) -> bytes:
        """Yes."""
        return b"yes"


class Arguments(Resource):
    """Says what it was asked."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request: Request) -> bytes:
        """Address, path, arguments and body."""
        assert request.content is not None
        return repr((request.uri, request.path, request.args, request.content.read())).encode()


class Headers(Resource):
    """Says what a header has."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request: Request) -> bytes:
        """The header `X-Odd`, as text."""
        return repr((request.getHeader("x-odd"), request.getHeader(b"x-odd"))).encode()


class SiteTestCase(FarmTestCase):
    """Serves a resource, and asks for it."""

    resource: Resource

    def listen(self, **bounds: Any) -> BoundedSite:
        """A site with these bounds on `self.port`."""
        site = BoundedSite(self.resource, self.reactor, **bounds)
        port = self.reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.addCleanup(self.wait_until, lambda: site.connections == 0, 5.0, "all to be closed")
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


class BoundedSiteTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.resource = Answer()

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
        for header, status in (
            (b"Content-Length: 1099511627776", b"HTTP/1.1 413"),
            (b"Transfer-Encoding: chunked", b"HTTP/1.1 411"),
        ):
            answer = await self.ask(b"POST / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\nabc")
            self.assertTrue(answer.startswith(status), answer)
            self.assertNotIn(b"yes", answer)

    async def test_arguments_are_left_alone(self) -> None:
        """Whoever wants arguments or a form takes them apart, as many as they take."""
        self.resource = Arguments()
        self.listen(max_body=100)
        form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4\r\n\r\nb=2&"
        head = b"POST /x?a=1& HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        answer = await self.ask(head + form)
        self.assertTrue(answer.endswith(repr((b"/x?a=1&", b"/x", {}, b"b=2&")).encode()), answer)

    async def test_headers_that_are_no_text(self) -> None:
        """What is no UTF-8 in a header fails no answer."""
        self.resource = Headers()
        self.listen()
        head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Odd: a\xff\r\nConnection: close\r\n\r\n"
        self.assertIn(repr(("a\ufffd", b"a\xff")).encode(), await self.ask(head))

    async def test_long_heads(self) -> None:
        """A request line, a header or a number of headers without end is refused."""
        self.listen()
        for request in (
            b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 10_000 + b"\r\n",
        ):
            self.assertNotIn(b"yes", await self.ask(request))


class Taker(Resource):
    """Takes bodies as they come, when it is let to; refuses what comes to `/taker/no`."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.gate: Deferred[None] = Deferred()
        self.sizes: list[int] = []
        self.ended: list[str] = []

    def render(self, request: StreamableRequest) -> int:
        """Answer with the size of the body, later."""
        if request.postpath == [b"no"]:
            request.write(b"no")
            request.finish()
        else:
            Deferred.fromCoroutine(self._take(request))
        return NOT_DONE_YET

    async def _take(self, request: StreamableRequest) -> None:
        assert request.body is not None
        await self.gate
        try:
            while piece := await request.body.read():
                self.sizes.append(len(piece))
        except BodyLost as lost:
            self.ended.append(str(lost))
            return
        self.ended.append("whole")
        request.write(b"%d bytes" % sum(self.sizes))
        request.finish()


class StreamedTest(SiteTestCase):
    """Forms with files, which are rendered before they are there."""

    def setUp(self) -> None:
        super().setUp()
        self.taker = Taker()
        self.resource = Resource()
        self.resource.putChild(b"taker", self.taker)  # type: ignore[no-untyped-call]
        self.site = self.listen(max_stream=100_000_000, streamed=("taker",))

    def request(self, path: str, length: int, *more: str) -> bytes:
        """The head of a request with a form of `length` bytes."""
        kind = "Content-Type: multipart/form-data; boundary=b"
        lines = [f"POST {path} HTTP/1.1", "Host: x", kind, f"Content-Length: {length}", *more]
        return "\r\n".join([*lines, "", ""]).encode()

    async def test_taken_in_parts(self) -> None:
        """While nobody reads, little is taken in; all of it arrives once somebody does."""
        size = 50_000_000
        answer = ensureDeferred(self.ask(self.request("/taker", size) + bytes(size)))
        await self.wait_until(lambda: self.site.connections == 1)
        self.taker.gate.callback(None)
        self.assertIn(b"50000000 bytes", await answer)
        self.assertLess(max(self.taker.sizes), 3_000_000)

    async def test_refused_early(self) -> None:
        """Who sends all before reading hears the answer; the connection is then closed."""
        answer = await self.ask(self.request("/taker/no", 20_000_000) + bytes(20_000_000))
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)
        self.assertIn(b"Connection: close", answer)
        self.assertTrue(answer.endswith(b"no\r\n0\r\n\r\n"), answer)

    async def test_asked_first(self) -> None:
        """Who asks before sending is told to send only once somebody reads."""
        expecting = "Expect: 100-continue"
        refused = await self.ask(self.request("/taker/no", 9, expecting) + b"123456789")
        self.assertNotIn(b"100 Continue", refused)
        self.taker.gate.callback(None)
        taken = await self.ask(self.request("/taker", 9, expecting) + b"123456789")
        self.assertTrue(taken.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), taken)

    async def test_gone(self) -> None:
        """The reader hears that the client has gone half-way."""
        self.taker.gate.callback(None)
        client = self.connect()
        client.sendall(self.request("/taker", 100) + b"12345")
        await self.wait_until(lambda: self.taker.sizes == [5])
        client.close()
        await self.wait_until(lambda: self.taker.ended == ["The client has gone."])

    async def test_too_long(self) -> None:
        """Beyond the bound it is refused unread, in words."""
        too_many = 100_000_001
        answer = await self.ask(self.request("/taker", too_many) + bytes(20_000_000))
        self.assertIn(b"at most 100000000 are taken here", answer)
        self.assertEqual([], self.taker.sizes)

    async def test_elsewhere(self) -> None:
        """At other addresses such a form is a body like any other: refused."""
        answer = await self.ask(self.request("/other", 5) + b"12345")
        self.assertTrue(answer.startswith(b"HTTP/1.1 413"), answer)


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
