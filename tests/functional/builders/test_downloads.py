"""Large files over real sockets, read by the threads that write them."""

import hashlib
import socket
from collections.abc import Iterator

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory, Protocol

from buildfarm.builders.client import BuilderClient
from buildfarm.builders.fileconnection import LONGEST_LOAN, Loan
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import (
    BuilderError,
    BuilderNonsense,
    BuilderUnreachable,
    DiskFull,
    ResultsRefused,
)
from buildfarm.vocab.observation import Downloaded
from buildfarm.vocab.settings import ScanningSettings

SHA1 = "e76d4410e4fed880f6321e4fb594a148aa905cd4"
MIB = 1024 * 1024
CONTENT = bytes(range(256)) * (12 * MIB // 256)


def answer(content: bytes, *headers: str) -> bytes:
    """An HTTP answer that brings `content`."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(content)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


class Answering(Protocol):
    """A builder that answers every request with the same bytes, and then hangs up if told so.

    The last `late` bytes come a moment after the others.
    """

    def __init__(self, reactor: IReactorTime, said: bytes, hangs_up: bool, late: int) -> None:
        self.reactor = reactor
        self.said = said
        self.hangs_up = hangs_up
        self.late = late

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(self.said[: len(self.said) - self.late])
        if self.late:
            self.reactor.callLater(0.2, self.transport.write, self.said[-self.late :])
        if self.hangs_up:
            self.transport.loseConnection()


class TestLargeFiles(FarmTestCase):
    """What is true of small files is true of large ones."""

    def setUp(self) -> None:
        super().setUp()
        self.workers = Workers(self.reactor, size=4, bound=100, name="file")
        self.addCleanup(lambda: ensureDeferred(self.workers.stop(20)))
        self.destination = self.make_directory() / "0001"
        self.connections = 0
        self.lent = 0
        pieces = Loan.pieces

        def counted(loan: Loan, buffer: memoryview) -> Iterator[memoryview]:
            for piece in pieces(loan, buffer):
                self.lent += len(piece)
                yield piece

        self.patch(Loan, "pieces", counted)

    def client_of(self, said: bytes, hangs_up: bool = False, late: int = 0) -> BuilderClient:
        """The client of a builder that answers so."""

        def connected() -> Answering:
            self.connections += 1
            return Answering(self.reactor, said, hangs_up, late)

        port = self.reactor.listenTCP(0, Factory.forProtocol(connected), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        url = f"http://127.0.0.1:{port.getHost().port}"
        client = BuilderClient(self.reactor, url, ScanningSettings(), self.workers)
        self.addCleanup(client.close)
        return client

    def fetch(self, client: BuilderClient, limit: int = 16 * MIB) -> Deferred[Downloaded]:
        return Deferred.fromCoroutine(client.download(SHA1, self.destination, limit, 1))

    async def assert_fails(self, client: BuilderClient, kind: type[Exception]) -> None:
        """Nothing is left of a file that does not come as it should."""
        try:
            await self.fetch(client)
        except (BuilderError, DiskFull, ResultsRefused) as error:
            self.assertIsInstance(error, kind)
        else:
            self.fail("the download succeeded")
        self.assertEqual([], list(self.destination.parent.iterdir()))

    async def test_it_is_on_disk_with_its_size_and_digests(self) -> None:
        """Much of it did not pass through the reactor; the next comes on the same connection."""
        client = self.client_of(answer(CONTENT))
        for _ in range(2):
            fetched = await self.fetch(client)
            digests = (hashlib.sha1(CONTENT).hexdigest(), hashlib.sha256(CONTENT).hexdigest())
            self.assertEqual(Downloaded(len(CONTENT), *digests), fetched)
            self.assertEqual(CONTENT, self.destination.read_bytes())
        self.assertGreater(self.lent, MIB)
        self.assertEqual(1, self.connections)

    async def test_its_end_comes_late(self) -> None:
        """What the reactor reads after a thread has read is the rest, and no more than that."""
        for late in (1, 100 * 1024, 3 * MIB):
            client = self.client_of(answer(CONTENT), late=late)
            for _ in range(2):
                await self.fetch(client)
                self.assertEqual(CONTENT, self.destination.read_bytes())
        self.assertEqual(3, self.connections)

    async def test_a_builder_that_closes_after_it(self) -> None:
        """Its next file needs a connection of its own."""
        client = self.client_of(answer(CONTENT, "Connection: close"), hangs_up=True)
        for _ in range(2):
            self.assertEqual(len(CONTENT), (await self.fetch(client)).size)
        self.assertEqual(2, self.connections)

    async def test_a_file_that_is_cut_off(self) -> None:
        """However much of it has come."""
        client = self.client_of(answer(CONTENT)[:-MIB], hangs_up=True)
        await self.assert_fails(client, BuilderUnreachable)

    async def test_a_file_that_is_too_large(self) -> None:
        """It is refused at its limit and not read to its end."""
        await self.assert_fails(self.client_of(answer(CONTENT * 2)), ResultsRefused)
        self.assertEqual(0, self.lent)

    async def test_a_length_that_is_none(self) -> None:
        """It is not asked for the rest."""
        said = answer(CONTENT).replace(b"Content-Length: ", b"Content-Length: x")
        await self.assert_fails(self.client_of(said), BuilderNonsense)

    async def test_a_full_disk(self) -> None:
        """It is ours, whoever reads."""
        self.destination.symlink_to("/dev/full")
        await self.assert_fails(self.client_of(answer(CONTENT)), DiskFull)

    async def test_what_follows_a_file(self) -> None:
        """It is not taken for a part of it, nor for the answer to the next request."""
        client = self.client_of(answer(CONTENT) + b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(2):
            try:
                await self.fetch(client)
            except BuilderNonsense:
                self.assertFalse(self.destination.exists())
            else:
                self.assertEqual(CONTENT, self.destination.read_bytes())


class TestLoan(FarmTestCase):
    """What a thread takes from a socket that was lent to it."""

    def setUp(self) -> None:
        super().setUp()
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.ours.setblocking(False)

    def taken(self, left: int) -> bytes:
        """What a loan of so many bytes brings now."""
        with Loan(self.ours.dup(), left) as loan:
            brought = b"".join(bytes(piece) for piece in loan.pieces(memoryview(bytearray(7))))
        self.assertEqual(len(brought), loan.taken)
        return brought

    def test_it_takes_what_is_there(self) -> None:
        """And waits for nothing."""
        self.theirs.sendall(b"0123456789")
        self.assertEqual(b"0123456789", self.taken(1000))
        self.assertEqual(b"", self.taken(1000))

    def test_it_takes_no_more_than_was_lent(self) -> None:
        """The rest is somebody else's."""
        self.theirs.sendall(b"0123456789")
        self.assertEqual(b"01234567", self.taken(8))
        self.assertEqual(b"89", self.taken(8))

    def test_it_ends_with_the_connection(self) -> None:
        """In peace, or by a reset."""
        self.theirs.sendall(b"01")
        self.theirs.close()
        self.assertEqual(b"01", self.taken(8))
        self.assertEqual(b"", self.taken(8))

    def test_it_is_bounded(self) -> None:
        """A fast builder does not keep a thread for itself."""
        loan = Loan(self.ours.dup(), 100 * LONGEST_LOAN)
        taken = 0
        with loan:
            self.theirs.sendall(bytes(65536))
            for piece in loan.pieces(memoryview(bytearray(65536))):
                taken += len(piece)
                self.theirs.sendall(bytes(len(piece)))
        self.assertEqual(LONGEST_LOAN, taken)
