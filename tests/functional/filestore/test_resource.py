"""The files listener, over real sockets."""

import base64
import hashlib
import io
from collections.abc import Callable
from unittest import mock

import fixtures
from twisted.internet.defer import Deferred, gatherResults

from buildfarm.filestore import replies, sending
from buildfarm.filestore.replies import Reply
from buildfarm.filestore.resource import FilesResource
from buildfarm.filestore.store import FileStore
from tests.functional.filestore.listeners import Answer, ListenerTestCase, ask_and_wait, take_all

CONTENT = bytes(range(256)) * 4096  # 1 MiB, so several pieces
PRIVATE = b"a private source"


class FilesResourceTestCase(ListenerTestCase):
    """A store with a public and a private file, and a listener for it."""

    max_downloads = 4

    def setUp(self) -> None:
        super().setUp()
        self.store = FileStore(self.make_directory())
        self.sha256, self.private = (
            self.store.add(io.BytesIO(content), max_bytes=10**7).sha256
            for content in (CONTENT, PRIVATE)
        )
        self.asked: list[tuple[str, str, str]] = []
        self.resource = FilesResource(
            self.reactor, self.store, self.workers, self.may_read, self.max_downloads
        )
        self.port = self.listen(self.resource)

    async def may_read(self, sha256: str, user: str, password: str) -> bool:
        """The private file is for one user."""
        self.asked.append((sha256, user, password))
        return sha256 != self.private or (user, password) == ("buildd", "tökén")

    async def get_file(self, method: str = "GET", **others: str) -> Answer:
        """Ask for the public file."""
        return await self.get(self.port, f"/{self.sha256}/hello.tar.xz", method, **others)


class TestDownloads(FilesResourceTestCase):
    async def test_whole_file(self) -> None:
        """A file is sent whole, with its length, and its digest as ETag."""
        answer = await self.get_file()
        self.assertEqual((200, CONTENT), (answer.status, answer.body))
        self.assertEqual(str(len(CONTENT)), answer.headers["content-length"])
        self.assertEqual(f'"{self.sha256}"', answer.headers["etag"])
        self.assertEqual("bytes", answer.headers["accept-ranges"])

    async def test_only_the_digest_counts(self) -> None:
        """The name on the path may be any."""
        answer = await self.get(self.port, f"/{self.sha256}/%2e%2e%2fother")
        self.assertEqual((200, CONTENT), (answer.status, answer.body))

    async def test_head(self) -> None:
        """HEAD tells the length and sends nothing."""
        answer = await self.get_file("HEAD")
        self.assertEqual((200, b""), (answer.status, answer.body))
        self.assertEqual(str(len(CONTENT)), answer.headers["content-length"])

    async def test_part(self) -> None:
        """A range is sent as 206 and says which part of how much it is."""
        answer = await self.get_file(range="bytes=1000-300999")
        self.assertEqual((206, CONTENT[1000:301000]), (answer.status, answer.body))
        self.assertEqual(f"bytes 1000-300999/{len(CONTENT)}", answer.headers["content-range"])
        self.assertEqual("300000", answer.headers["content-length"])

    async def test_part_outside(self) -> None:
        """A range after the end is refused with the real length."""
        answer = await self.get_file(range=f"bytes={len(CONTENT)}-")
        self.assertEqual(416, answer.status)
        self.assertEqual(f"bytes */{len(CONTENT)}", answer.headers["content-range"])

    async def test_conditions(self) -> None:
        """Who has the file already is told so; a range of another content is the whole."""
        answer = await self.get_file(if_none_match=f'"{self.sha256}"')
        self.assertEqual((304, b""), (answer.status, answer.body))
        answer = await self.get_file(range="bytes=5-", if_range='"other"')
        self.assertEqual((200, CONTENT), (answer.status, answer.body))
        answer = await self.get_file(range="bytes=5-", if_range=f'"{self.sha256}"')
        self.assertEqual(206, answer.status)

    async def test_empty_file(self) -> None:
        """A file of nothing is sent as such."""
        empty = self.store.add(io.BytesIO(), max_bytes=0).sha256
        answer = await self.get(self.port, f"/{empty}/empty")
        self.assertEqual(
            (200, b"", "0"), (answer.status, answer.body, answer.headers["content-length"])
        )

    async def test_everything_else_is_not_there(self) -> None:
        """No listing, no path, no other spelling of a digest, no unknown digest."""
        unknown = hashlib.sha256(b"unknown").hexdigest()
        for path in (
            *("/", "/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", f"/{self.sha256}"),
            *(f"/{self.sha256}/", f"/{self.sha256}/a/b", f"/{self.sha256.upper()}/a"),
            *(f"/{self.sha256[:-1]}/a", f"/{unknown}/a", f"/..%2f{self.sha256}/a", "/%ff/a"),
        ):
            answer = await self.get(self.port, path)
            self.assertEqual((404, b"There is no such file here.\n"), (answer.status, answer.body))

    async def test_other_methods(self) -> None:
        """Nothing can be written."""
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(405, (await self.get_file(method)).status)


class TestWhoMayRead(FilesResourceTestCase):
    async def test_without_credentials(self) -> None:
        """A private file asks for a user and a token."""
        answer = await self.get(self.port, f"/{self.private}/secret")
        self.assertEqual(401, answer.status)
        self.assertTrue(answer.headers["www-authenticate"].startswith("Basic realm="))
        self.assertNotIn(PRIVATE, answer.body)
        self.assertEqual([(self.private, "", "")], self.asked)

    async def test_with_credentials(self) -> None:
        """The right ones are let in, others are not."""
        for token, expected in (("tökén", 200), ("wrong", 401)):
            basic = base64.b64encode(f"buildd:{token}".encode()).decode()
            path = f"/{self.private}/secret"
            answer = await self.get(self.port, path, authorization=f"Basic {basic}")
            self.assertEqual(expected, answer.status)

    async def test_nonsense_for_credentials(self) -> None:
        """What is no credentials is as none."""
        for nonsense in ("Basic !!!", "Basic", "Bearer x", "Basic gIA6gIA="):
            path = f"/{self.private}/secret"
            answer = await self.get(self.port, path, authorization=nonsense)
            self.assertEqual(401, answer.status)

    async def test_unknown_files_are_asked_about_too(self) -> None:
        """The answer to a stranger does not tell which private files exist."""
        unknown = hashlib.sha256(b"unknown").hexdigest()
        await self.get(self.port, f"/{unknown}/a")
        self.assertEqual([(unknown, "", "")], self.asked)

    async def test_failure_of_one_request(self) -> None:
        """When it cannot be told who may read, that request is answered 500 and the next is not."""
        with mock.patch.object(self.resource, "_may_read", side_effect=ZeroDivisionError):
            self.assertEqual(500, (await self.get_file()).status)
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))
        self.assertEqual(200, (await self.get_file()).status)
        await self.wait_until(lambda: self.resource.downloads == 0)


class TestManyDownloads(FilesResourceTestCase):
    #: Of which one address may have three.
    max_downloads = 4

    def setUp(self) -> None:
        super().setUp()
        self.may: Deferred[None] = Deferred()
        self.begun = 0

        async def later(*_: str) -> bool:
            self.begun += 1
            await self.may
            return True

        self.useFixture(fixtures.MockPatchObject(self.resource, "_may_read", later))

    async def downloads(self, count: int) -> list[Deferred[Answer]]:
        """Downloads of one address that have come to the listener."""
        begun = [Deferred.fromCoroutine(self.get_file()) for _ in range(count)]
        await self.wait_until(lambda: self.resource.downloads == count)
        return begun

    async def test_in_line(self) -> None:
        """Downloads beyond the bound wait for those before, and are served then."""
        begun = await self.downloads(5)
        self.assertEqual(3, self.begun)
        self.may.callback(None)
        answers = await gatherResults(begun)
        self.assertEqual([200] * 5, [answer.status for answer in answers])
        await self.wait_until(lambda: self.resource.downloads == 0)

    async def test_bound(self) -> None:
        """Where the line is full, one is told to come back, and those before go on."""
        self.useFixture(fixtures.MockPatchObject(sending, "WAITING_PER_PLACE", 1))
        begun = await self.downloads(6)
        others = [Deferred.fromCoroutine(self.get_file(source="127.0.0.2")) for _ in range(2)]
        await self.wait_until(lambda: self.resource.downloads == 8)
        refused = await self.get_file(source="127.0.0.3")
        self.assertEqual((503, "10"), (refused.status, refused.headers["retry-after"]))
        self.may.callback(None)
        answers = await gatherResults(begun + others)
        self.assertEqual([200] * 8, [answer.status for answer in answers])
        await self.wait_until(lambda: self.resource.downloads == 0)
        self.assertEqual(200, (await self.get_file()).status)

    async def test_line_of_one_address(self) -> None:
        """One address has three quarters of the line at most; another one is not told to wait."""
        self.useFixture(fixtures.MockPatchObject(sending, "WAITING_PER_PLACE", 1))
        begun = await self.downloads(6)
        self.assertEqual(503, (await self.get_file()).status)
        other = Deferred.fromCoroutine(self.get_file(source="127.0.0.2"))
        await self.wait_until(lambda: self.begun == 4)
        self.may.callback(None)
        answers = await gatherResults([*begun, other])
        self.assertEqual([200] * 7, [answer.status for answer in answers])

    async def test_a_line_that_does_not_move(self) -> None:
        """Who has waited long enough is told to come back; a place that is freed is used again."""
        self.useFixture(fixtures.MockPatchObject(sending, "PATIENCE", 0.01))
        begun = await self.downloads(3)
        self.assertEqual(503, (await self.get_file()).status)
        self.may.callback(None)
        await gatherResults(begun)
        self.assertEqual(200, (await self.get_file()).status)

    async def test_hanging_up_in_line(self) -> None:
        """Who hangs up while waiting leaves the line."""
        begun = await self.downloads(3)
        client = await self.clients.run(ask_and_wait, self.port, f"/{self.sha256}/hello")
        await self.wait_until(lambda: self.resource.downloads == 4)
        client.close()
        await self.wait_until(lambda: self.resource.downloads == 3)
        self.may.callback(None)
        await gatherResults(begun)


class TestSlowClients(FilesResourceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.large = self.store.add(io.BytesIO(bytes(64 * 2**20)), max_bytes=2**30).sha256
        self.taken = 0
        run = self.workers.run

        async def counting(_: object, function: Callable[..., object], *args: object) -> object:
            result = await run(function, *args)
            self.taken += len(result) if isinstance(result, bytes) else 0
            return result

        self.useFixture(fixtures.MonkeyPatch("buildfarm.flow.threads.Workers.run", counting))

    def stalled(self) -> bool:
        """Whether a download waits for its client."""
        calls = self.reactor.getDelayedCalls()
        return any(getattr(call.func, "__self__", None).__class__ is Reply for call in calls)

    async def test_backpressure(self) -> None:
        """For a client that takes nothing little is read; the others are served."""
        client = await self.clients.run(ask_and_wait, self.port, f"/{self.large}/zeros")
        await self.wait_until(self.stalled)
        self.assertLess(self.taken, 32 * 2**20)
        self.assertEqual(200, (await self.get_file()).status)
        client.close()
        await self.wait_until(lambda: self.resource.downloads == 0)

    async def test_many_slow_downloads_of_one_client(self) -> None:
        """Who takes nothing of as many as it may begin keeps no other address from its files."""
        path = f"/{self.large}/zeros"
        watched = len(self.reactor.getReaders())
        slow = [await self.clients.run(ask_and_wait, self.port, path) for _ in range(5)]
        await self.wait_until(lambda: self.resource.downloads == 5)
        self.assertEqual(200, (await self.get_file(source="127.0.0.2")).status)
        for client in slow:
            client.close()
        await self.wait_until(lambda: self.resource.downloads == 0)
        await self.wait_until(lambda: len(self.reactor.getReaders()) <= watched)

    async def test_slow_client(self) -> None:
        """A client that takes its time gets all of it."""
        client = await self.clients.run(ask_and_wait, self.port, f"/{self.large}/zeros")
        await self.wait_until(self.stalled)
        received = await self.clients.run(take_all, client)
        self.assertTrue(received.endswith(bytes(64 * 2**20)))

    async def test_stalled_client_is_disconnected(self) -> None:
        """A client that takes nothing for too long loses its connection and frees its place."""
        with mock.patch.object(replies, "STALL_DEADLINE", 0.2):
            client = await self.clients.run(ask_and_wait, self.port, f"/{self.large}/zeros")
            await self.wait_until(self.stalled)
            await self.wait_until(lambda: self.resource.downloads == 0)
        client.close()

    async def test_file_that_shrinks(self) -> None:
        """When a file ends before its length the connection is cut: nobody takes it for whole."""
        client = await self.clients.run(ask_and_wait, self.port, f"/{self.large}/zeros")
        await self.wait_until(self.stalled)
        with self.store.path(self.large).open("r+b") as file:
            file.truncate(1000)
        with self.assertRaises(ConnectionResetError):
            await self.clients.run(take_all, client)
        await self.wait_until(lambda: self.resource.downloads == 0)
