"""The daemon over HTTP, where the contract suite says nothing."""

import http.client
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.threads import Workers
from buildfarm.refbuilder.filecache import FileCache
from buildfarm.refbuilder.job import CallRefused
from buildfarm.refbuilder.site import make_site
from buildfarm.refbuilder.workplace import Workplace
from buildfarm.wire.builderrpc import MAX_BYTES, Fault, Value, decode_reply, encode_call


class FakeDaemon:
    """Calls that do what the test wants."""

    def __init__(self) -> None:
        self.slow: Deferred[list[Value]] = Deferred()

    def echo(self, *values: Value) -> list[Value]:
        """The arguments."""
        return list(values)

    async def ensurepresent(self, sha1: Value, url: Value, user: Value, password: Value) -> Any:
        """As long as the test wants."""
        return await self.slow

    def build(self) -> None:
        """A mistake in the daemon."""
        raise ZeroDivisionError

    def abort(self) -> None:
        """Not now."""
        raise CallRefused("not now")

    info = status = clean = echo


class TestSite(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.place = Workplace(self.make_directory())
        cache = FileCache(self.place)
        cache.open()
        self.daemon = FakeDaemon()
        daemon: Any = self.daemon
        site = make_site(self.reactor, daemon, cache)
        port = self.reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        self.workers = Workers(self.reactor, size=4, bound=10, name="client")
        self.addCleanup(lambda: ensureDeferred(self.workers.stop(10)))

    def connect(self) -> http.client.HTTPConnection:
        """A connection of a client."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.addCleanup(connection.close)
        return connection

    async def call(self, method: str, *params: object) -> Value | Fault:
        """The answer to a call."""
        return await self.workers.run(post, self.connect(), encode_call(method, params))

    async def test_mistakes(self) -> None:
        """A call that breaks the daemon's code is a fault like any other; the log tells why."""
        self.assertEqual(Fault(8002, "error"), await self.call("build"))
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))
        self.assertEqual(Fault(8002, "error"), await self.call("abort"))

    async def test_not_blocked(self) -> None:
        """Other calls are answered while a download goes on."""
        download = ensureDeferred(self.call("ensurepresent", "", "", "", ""))
        self.assertEqual([1], await self.call("echo", 1))
        self.daemon.slow.callback([True, "Download"])
        self.assertEqual([True, "Download"], await download)

    async def test_too_large(self) -> None:
        """A call beyond the bound of a message is refused without reading all of it."""
        body = encode_call("echo", ["x" * MAX_BYTES])
        fault = await self.workers.run(post, self.connect(), body)
        self.assertEqual(8002, fault.code if isinstance(fault, Fault) else fault)

    async def test_caller_gone(self) -> None:
        """A caller that leaves before its answer leaves nothing behind."""
        connection = self.connect()
        body = encode_call("ensurepresent", ["", "", "", ""])
        await self.workers.run(connection.request, "POST", "/rpc", body)
        connection.close()
        self.assertEqual([1], await self.call("echo", 1))
        self.daemon.slow.callback([True, "Download"])

    async def test_growing_log(self) -> None:
        """What is sent of a log ends where it was announced to end, though the log has grown:
        the rest would be taken for the answer to the next question.
        """
        announced = b"x" * 4_000_000
        self.place.log.write_bytes(announced)
        connection = self.connect()
        await self.workers.run(connection.request, "GET", "/filecache/buildlog")
        response = await self.workers.run(connection.getresponse)
        with self.place.log.open("ab") as log:
            log.write(b"y" * 100_000)
        self.assertEqual(announced, await self.workers.run(response.read))
        await self.workers.run(connection.request, "GET", "/filecache/buildlog")
        response = await self.workers.run(connection.getresponse)
        self.assertEqual(len(announced) + 100_000, len(await self.workers.run(response.read)))

    async def test_part_of_log(self) -> None:
        """A part of the log can be asked for."""
        self.place.log.write_bytes(b"0123456789")
        connection = self.connect()
        part = {"Range": "bytes=3-5"}
        await self.workers.run(connection.request, "GET", "/filecache/buildlog", None, part)
        response = await self.workers.run(connection.getresponse)
        self.assertEqual((206, b"345"), (response.status, await self.workers.run(response.read)))


def post(connection: http.client.HTTPConnection, body: bytes) -> Value | Fault:
    """The answer to a message. Blocks."""
    connection.request("POST", "/rpc", body, {"Content-Type": "text/xml"})
    return decode_reply(connection.getresponse().read())
