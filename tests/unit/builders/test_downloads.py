"""Files from a builder, on a clock: bounded, paused for a slow disk, and whole or not there."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.builders.client import BuilderClient
from buildfarm.builders.downloads import RATE_WINDOW
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.hostile.behaviour import Behaviour, Judged
from buildfarm.farmtesting.hostile.builder import HostileDaemon, HostileServer
from buildfarm.farmtesting.hostile.table import BEHAVIOURS
from buildfarm.farmtesting.memory import MemoryEndpoint, daemon_endpoint, inline_workers
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import (
    BuilderNonsense,
    BuilderTimedOut,
    BuilderUnreachable,
    DiskFull,
    ResultsRefused,
)
from buildfarm.vocab.observation import Downloaded
from buildfarm.vocab.settings import ScanningSettings

SHA1 = "e76d4410e4fed880f6321e4fb594a148aa905cd4"
MIB = 1024 * 1024


class SteppedWorkers(Workers):
    """A disk that does nothing until `work` is called."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        reactor: Any = self
        crew: Any = self
        super().__init__(reactor, 1, 100, "stepped", crew)

    def do(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def callFromThread(self, function: Callable[[], None]) -> None:
        function()

    def work(self) -> None:
        """Do what is to be done now."""
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()


class DownloadCase(FarmTestCase):
    """A client, and a place for what it fetches."""

    def setUp(self) -> None:
        super().setUp()
        self.destination = self.make_directory() / "0001"

    def client_at(self, endpoint: MemoryEndpoint, workers: Workers | None = None) -> BuilderClient:
        client = BuilderClient(
            self.clock,
            "http://bob.example.com:8221",
            ScanningSettings(),
            workers or inline_workers(),
            endpoint,
        )
        self.addCleanup(client.close)
        return client

    def hostile(self, behaviour: Behaviour) -> BuilderClient:
        return self.client_at(self.hostile_endpoint(behaviour))

    def hostile_endpoint(self, behaviour: Behaviour) -> MemoryEndpoint:
        """Leads to a builder of this behaviour, which has the file that is asked for."""
        daemon = HostileDaemon(self.clock, behaviour)
        daemon._cache[SHA1] = b"x" * 100
        return MemoryEndpoint(lambda: HostileServer(daemon))

    def sending(self, send: Callable[[HostileServer], None]) -> Behaviour:
        """Answers every request by calling `send`."""
        return Behaviour(
            name="sending",
            does="answers in its own way",
            judged=Judged.BUILDER,
            speak=lambda server, asked, answer: send(server),
        )

    def begin(
        self, client: BuilderClient, limit: int = MIB, min_rate: int = 1000, file: str = SHA1
    ) -> Deferred[Downloaded]:
        return Deferred.fromCoroutine(client.download(file, self.destination, limit, min_rate))

    def assert_nothing_is_left(self) -> None:
        self.assertEqual([], list(self.destination.parent.iterdir()))


class TestDownload(DownloadCase):
    """A builder that behaves."""

    def setUp(self) -> None:
        super().setUp()
        self.daemon = FakeDaemon(self.clock)
        self.endpoint = daemon_endpoint(self.daemon)
        self.client = self.client_at(self.endpoint)

    def offer(self, content: bytes) -> str:
        """Have the daemon offer a file; its SHA-1."""
        args: dict[str, object] = dict.fromkeys(
            ("series", "suite", "ogrecomponent", "distribution", "archives"), ""
        )
        self.daemon.script = lambda order: Script(seconds=1.0, results={"a.deb": content})
        self.successResultOf(self.client.ensure_present(SHA1, "http://files/x", "", "", 5.0))
        cookie = f"COOKIE-{len(self.daemon.orders)}"
        self.successResultOf(self.client.build(cookie, SHA1, {}, args))
        self.clock.advance(1.0)
        return self.successResultOf(self.client.fetch_status()).filemap["a.deb"]

    def test_a_file_is_on_disk_with_its_size_and_digests(self) -> None:
        """Whatever its size: in several writes, one, or none."""
        for content in (bytes(range(256)) * 10_000, b"x", b""):
            digest = self.offer(content)
            fetched = self.successResultOf(self.begin(self.client, 10 * MIB, file=digest))
            self.assertEqual(
                Downloaded(len(content), digest, hashlib.sha256(content).hexdigest()), fetched
            )
            self.assertEqual(content, self.destination.read_bytes())
            self.successResultOf(self.client.clean())

    def test_the_log_is_a_file_too(self) -> None:
        """By a name of its own."""
        self.offer(b"x")
        fetched = self.successResultOf(self.begin(self.client, file="buildlog"))
        self.assertEqual(Script().log, self.destination.read_bytes())
        self.assertEqual(len(Script().log), fetched.size)

    def test_it_has_a_connection_of_its_own(self) -> None:
        """Kept for the next file; calls go on beside it."""
        digest = self.offer(b"x")
        before = len(self.endpoint.connections)
        for _ in range(3):
            self.successResultOf(self.begin(self.client, file=digest))
        self.assertEqual(before + 1, len(self.endpoint.connections))

    def test_a_file_that_is_not_there_is_nonsense(self) -> None:
        """The builder offered it."""
        failure = self.failureResultOf(self.begin(self.client), BuilderNonsense)
        self.assertEqual(
            f"http://bob.example.com:8221 answered for the file {SHA1} with HTTP 404",
            str(failure.value),
        )
        self.assert_nothing_is_left()

    def test_what_is_no_digest_is_not_asked_for(self) -> None:
        """It would end up in a request, or name another file."""
        for file in ("", "../../etc/passwd", "a b", "x\r\nX: y", "é" * 40, "buildlog.unsanitized"):
            self.failureResultOf(self.begin(self.client, file=file), BuilderNonsense)
        self.assertEqual([], self.endpoint.connections)

    def test_a_larger_file_than_allowed_is_refused(self) -> None:
        """One byte too many is enough; nothing is left of it."""
        digest = self.offer(b"x" * 1001)
        self.failureResultOf(self.begin(self.client, 1000, file=digest), ResultsRefused)
        self.assert_nothing_is_left()
        self.assertEqual(
            1001, self.successResultOf(self.begin(self.client, 1001, file=digest)).size
        )

    def test_a_full_disk_is_our_own_fault(self) -> None:
        """It is told apart from everything that a builder can do."""
        for size in (1, 2 * MIB):
            digest = self.offer(b"x" * size)
            self.destination.symlink_to("/dev/full")
            self.failureResultOf(self.begin(self.client, 4 * MIB, file=digest), DiskFull)
            self.assert_nothing_is_left()
            self.successResultOf(self.client.clean())

    def test_a_disk_that_fails_otherwise_is_reported_as_it_is(self) -> None:
        """Nor is that the builder's."""
        digest = self.offer(b"x")
        self.destination = self.destination / "nowhere"
        self.failureResultOf(self.begin(self.client, file=digest), FileNotFoundError)


class TestSlowness(DownloadCase):
    """What is slow, and whose fault it is."""

    def test_a_builder_that_trickles_is_given_up(self) -> None:
        """After the first window, not after the hours that the limit would allow."""
        download = self.begin(self.hostile(BEHAVIOURS["byte-a-second"]))
        self.clock.pump([1.0] * int(RATE_WINDOW - 1))
        self.assertNoResult(download)
        self.clock.advance(1.0)
        failure = self.failureResultOf(download, BuilderTimedOut)
        self.assertEqual(
            f"http://bob.example.com:8221 sends the file {SHA1} more slowly than 1000 bytes a "
            "second",
            str(failure.value),
        )
        self.assert_nothing_is_left()

    def test_a_builder_that_is_just_fast_enough_is_heard_to_the_end(self) -> None:
        """Each window is looked at by itself."""

        def slow_but_steady(server: HostileServer) -> None:
            server.write(b"HTTP/1.1 200 OK\r\nContent-Length: 120000\r\n\r\n")
            server.write_every(1.0, b"x" * 1000)

        download = self.begin(self.hostile(self.sending(slow_but_steady)))
        self.clock.pump([1.0] * 119)
        self.assertEqual(120_000, self.successResultOf(download).size)

    def test_a_builder_that_is_too_slow_in_the_end_is_given_up_then(self) -> None:
        """What it sent quickly at first does not count for later windows."""

        def stops(server: HostileServer) -> None:
            server.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"x" * 800_000)

        download = self.begin(self.hostile(self.sending(stops)))
        self.clock.advance(RATE_WINDOW)
        self.assertNoResult(download)
        self.clock.advance(RATE_WINDOW)
        self.failureResultOf(download, BuilderTimedOut)

    def test_reading_pauses_while_the_disk_is_slow(self) -> None:
        """What waits in memory is bounded, and the builder is not blamed."""
        workers = SteppedWorkers()
        sent: list[int] = []

        def eager(server: HostileServer) -> None:
            server.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (8 * MIB))
            for _ in range(128):
                server.write(b"x" * 65536)
                sent.append(65536)

        endpoint = self.hostile_endpoint(self.sending(eager))
        client = self.client_at(endpoint, workers)
        download = self.begin(client, limit=8 * MIB)
        client_end: Any = endpoint.connections[0]
        peer = client_end.transport.peer
        self.assertEqual(8 * MIB, sum(sent))
        self.assertGreaterEqual(sum(map(len, peer.waiting)), 6 * MIB)
        self.clock.advance(RATE_WINDOW)
        self.clock.advance(RATE_WINDOW)
        self.assertNoResult(download)
        while workers.jobs:
            workers.work()
        self.assertEqual(8 * MIB, self.successResultOf(download).size)


class TestBroken(DownloadCase):
    """A builder that does not send what it should."""

    def test_nothing_is_left_of_an_answer_that_is_none(self) -> None:
        """Half a file is no file."""
        for behaviour, error in [
            ("cut-at-every-byte", BuilderUnreachable),
            ("no-length", BuilderUnreachable),
            ("garbage", BuilderNonsense),
            ("redirects-files", BuilderNonsense),
            ("extra-replies", BuilderNonsense),
            ("file-without-end", ResultsRefused),
            ("endless-headers", BuilderNonsense),
            ("endless-trailers", BuilderNonsense),
        ]:
            download = self.begin(self.hostile(BEHAVIOURS[behaviour]))
            self.clock.pump([0.001] * 200)
            self.failureResultOf(download, error)
            self.assert_nothing_is_left()

    def test_nothing_is_left_of_a_download_that_was_cancelled(self) -> None:
        """Nor does its connection stay."""
        client = self.hostile(BEHAVIOURS["byte-a-second"])
        download = self.begin(client)
        self.clock.pump([1.0] * 5)
        download.cancel()
        self.failureResultOf(download)
        self.clock.advance(1.0)
        self.assert_nothing_is_left()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_file_of_an_earlier_try_is_replaced(self) -> None:
        """Whatever was in it."""
        self.destination.write_bytes(b"from a try before a crash")

        def small(server: HostileServer) -> None:
            server.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")

        self.successResultOf(self.begin(self.hostile(self.sending(small))))
        self.assertEqual(b"new", self.destination.read_bytes())
        self.assertEqual([Path("0001")], [Path(p.name) for p in self.destination.parent.iterdir()])
