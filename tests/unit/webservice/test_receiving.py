"""How many forms are received at once, and whether there is room for them."""

from contextlib import AbstractAsyncContextManager

from twisted.internet.defer import Deferred, ensureDeferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.bodystream import BodyStream
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import BodyLost, DiskFull
from buildfarm.webservice.answers import Denied
from buildfarm.webservice.forms import Form
from buildfarm.webservice.receiving import Receiving

BODY = b'--b\r\nContent-Disposition: form-data; name="dsc"; filename="dsc"\r\n\r\nx\r\n--b--\r\n'


class Sender:
    """A connection of which nothing is asked."""

    def invite(self) -> None:
        """The body is wanted."""

    def pause(self) -> None:
        """No more for now."""

    def resume(self) -> None:
        """More."""

    def abort(self) -> None:
        """Never more."""


class ReceivingTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.free = 10**9
        self.directory = self.make_directory()
        self.workers = Workers(self.reactor, 2, 10, "files")
        self.addCleanup(lambda: Deferred.fromCoroutine(self.workers.stop(5.0)))
        self.receiving = Receiving(
            self.workers, self.directory, 4, lambda: 1_000_000, lambda path: self.free
        )

    def body(self, content: bytes = BODY) -> BodyStream:
        """A body that has come whole."""
        body = BodyStream(self.clock, Sender(), len(content))
        body.received(content)
        body.ended()
        return body

    def form(
        self, person: str = "ann", body: BodyStream | None = None
    ) -> AbstractAsyncContextManager[Form]:
        """The form of a person."""
        content_type = "multipart/form-data; boundary=b"
        return self.receiving.receiving(person, body or self.body(), content_type)

    async def refusal(self, person: str = "ann", body: BodyStream | None = None) -> Denied:
        """How a person is refused."""
        try:
            async with self.form(person, body):
                pass
        except Denied as denied:
            return denied
        raise AssertionError("It was taken.")

    async def test_closed(self) -> None:
        """The form is there until it is left."""
        async with self.form() as form:
            [file] = form.files
            self.assertEqual(("dsc", None, False), (file.part, file.name, file.stream.closed))
            self.assertEqual(1, self.receiving.at_once)
        self.assertTrue(file.stream.closed)
        self.assertEqual(0, self.receiving.at_once)

    async def test_places(self) -> None:
        """One person has three of four places, another the last; then there are none."""
        held = [self.form() for _ in range(3)]
        for one in held:
            await one.__aenter__()
        refused = await self.refusal("ann")
        self.assertEqual(503, refused.reply.status)
        self.assertIn("Retry-After", refused.reply.headers)
        self.assertIn("sent by ann", str(refused))
        async with self.form("bert"):
            self.assertIn("sent in all", str(await self.refusal("carl")))
        for one in held:
            await one.__aexit__(None, None, None)
        async with self.form("ann"):
            pass

    async def test_no_room(self) -> None:
        """What is to come, twice over, has to fit beside what stays free."""
        body = self.body()
        self.free = 1_000_000 + 2 * body.length - 1
        refused = await self.refusal(body=body)
        self.assertEqual(507, refused.reply.status)
        self.assertEqual(0, self.receiving.at_once)
        self.free += 1
        async with self.form(body=self.body()):
            self.assertEqual(507, (await self.refusal("bert")).reply.status)

    async def test_disk_full_all_the_same(self) -> None:
        """A disk that fills up meanwhile is told as such, at whatever step."""
        try:
            async with self.form():
                raise DiskFull("No room left.")
        except Denied as denied:
            self.assertEqual(507, denied.reply.status)

    async def test_gone(self) -> None:
        """A client that goes gives its place back, and leaves nothing."""
        body = BodyStream(self.clock, Sender(), 1000)
        body.received(BODY[:50])

        async def receive() -> None:
            async with self.form(body=body):
                self.fail("It is not there.")

        receiving = ensureDeferred(receive())
        await self.wait_until(lambda: self.receiving.at_once == 1)
        body.lost("gone")
        await self.wait_until(lambda: self.receiving.at_once == 0)
        self.failureResultOf(receiving, BodyLost)
