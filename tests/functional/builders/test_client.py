"""The client over real sockets: a whole build, and builders that hang, lie, flood or die."""

import hashlib

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from buildfarm.builders.client import BuilderClient
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemoncase import build_args
from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.hostile.builder import HostileBuilder
from buildfarm.farmtesting.hostile.markup import MARKUP
from buildfarm.farmtesting.hostile.table import BEHAVIOURS
from buildfarm.farmtesting.hostile.transport import TRANSPORT
from buildfarm.farmtesting.simulatedbuilder import SimulatedBuilder
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import (
    BuilderError,
    BuilderNonsense,
    BuilderTimedOut,
    BuilderUnreachable,
)
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import DaemonStatus

SHA1 = "e76d4410e4fed880f6321e4fb594a148aa905cd4"
MIB = 1024 * 1024


@implementer(IHostnameResolver)
class NobodyKnown:
    """A name server that knows no name."""

    def resolveHostName(
        self, receiver: IResolutionReceiver, name: str, *args: object, **kwargs: object
    ) -> IResolutionReceiver:
        receiver.resolutionBegan(None)
        receiver.resolutionComplete()
        return receiver


class SocketCase(FarmTestCase):
    """Clients with real threads."""

    def setUp(self) -> None:
        super().setUp()
        self.workers = Workers(self.reactor, size=4, bound=100, name="file")
        self.addCleanup(lambda: ensureDeferred(self.workers.stop(20)))

    def client_at(self, url: str, call_timeout: float = 20.0) -> BuilderClient:
        settings = ScanningSettings(call_timeout=call_timeout, connect_timeout=5.0)
        client = BuilderClient(self.reactor, url, settings, self.workers)
        self.addCleanup(client.close)
        return client

    def hostile(self, behaviour: str) -> str:
        """The URL of a builder that behaves so."""
        builder = HostileBuilder(self.reactor, BEHAVIOURS[behaviour])
        self.addCleanup(builder.stop)
        return builder.listen()


class TestSimulatedBuilder(SocketCase):
    """A builder that behaves."""

    def setUp(self) -> None:
        super().setUp()
        self.content = b"0123456789abcdef" * (MIB // 2)
        script = Script(seconds=0.0, results={"a.deb": self.content, "b.deb": b"b"})
        self.daemon = FakeDaemon(self.reactor, lambda order: script)
        self.builder = SimulatedBuilder(self.daemon)
        self.client = self.client_at(self.builder.listen(self.reactor))
        self.addCleanup(self.builder.stop)

    async def build(self) -> dict[str, str]:
        """Have it build; the filemap of the results."""
        await self.client.ensure_present(SHA1, "http://files/x", "", "", 20.0)
        await self.client.fetch_status()
        reply = await self.client.build("COOKIE", SHA1, {"x.dsc": SHA1}, build_args())
        self.assertTrue(reply.confirms("COOKIE"))
        said = await self.client.fetch_status()
        self.assertIs(DaemonStatus.WAITING, said.status)
        return said.filemap

    async def test_a_build_is_fetched_whole_and_cleaned(self) -> None:
        """Large and small files, log, and a status meanwhile."""
        filemap = await self.build()
        directory = self.make_directory()
        large = Deferred.fromCoroutine(
            self.client.download(filemap["a.deb"], directory / "1", 10 * MIB, 1000)
        )
        said = await self.client.fetch_status()
        self.assertIs(DaemonStatus.WAITING, said.status)
        fetched = await large
        self.assertEqual(hashlib.sha256(self.content).hexdigest(), fetched.sha256)
        self.assertEqual(len(self.content), fetched.size)
        for file in (filemap["b.deb"], "buildlog"):
            fetched = await self.client.download(file, directory / "2", MIB, 1000)
            self.assertEqual(fetched.size, len((directory / "2").read_bytes()))
        self.assertIs(DaemonStatus.IDLE, await self.client.clean())

    async def test_a_daemon_that_was_restarted_is_found_again(self) -> None:
        """The kept connection is gone, which no call that only looks notices."""
        await self.client.fetch_status()
        self.builder.disconnect()
        self.assertIs(DaemonStatus.IDLE, (await self.client.fetch_status()).status)

    async def test_build_is_not_sent_to_a_daemon_that_was_restarted(self) -> None:
        """Whether the loss was noticed before or only by sending; the daemon has nothing of it."""
        await self.client.fetch_status()
        self.builder.disconnect()
        with self.assertRaises(BuilderUnreachable):
            await self.client.build("COOKIE", SHA1, {}, build_args())
        self.assertEqual([], self.daemon.orders)

    async def test_many_builders_are_asked_at_once(self) -> None:
        """Each over its own connection, at its own loopback address."""
        clients = []
        for number in range(1, 101):
            builder = SimulatedBuilder(FakeDaemon(self.reactor))
            url = builder.listen(self.reactor, f"127.1.0.{number}")
            self.addCleanup(builder.stop)
            clients.append(self.client_at(url))
        for _ in range(3):
            said = await gatherResults(
                [Deferred.fromCoroutine(client.fetch_status()) for client in clients]
            )
            self.assertEqual([DaemonStatus.IDLE] * 100, [each.status for each in said])


#: What `status` ends in at builders that are hostile from its first answer on; BuilderNonsense at
#: all others of these families.
ENDS_IN = {
    "never-answers": BuilderTimedOut,
    "byte-a-second": BuilderTimedOut,
    "announces-more": BuilderTimedOut,
    "cut-at-every-byte": BuilderUnreachable,
    "no-length": BuilderUnreachable,
}

#: They are honest about their status.
HONEST = {"redirects-files", "clock-far-off"}

HOSTILE = [one.name for one in (*TRANSPORT, *MARKUP) if one.name not in HONEST]


class TestHostileBuilders(SocketCase):
    """Builders that misbehave, each in its own way."""

    async def outcome_with(self, behaviour: str) -> BuilderError:
        """How a status ends at a builder that behaves so."""
        url = self.hostile(behaviour)
        # Only those that are to run into the time-out have a short one.
        timeout = 0.5 if ENDS_IN.get(behaviour) is BuilderTimedOut else 30.0
        try:
            await self.client_at(url, call_timeout=timeout).fetch_status()
        except BuilderError as error:
            self.assertIn(url, str(error))
            return error
        raise self.failureException(f"{behaviour} was believed")

    async def test_each_ends_in_its_own_error(self) -> None:
        """And leaves no connection, no timer behind, which the base class sees to."""
        outcomes = await gatherResults(
            [Deferred.fromCoroutine(self.outcome_with(name)) for name in HOSTILE]
        )
        self.assertEqual(
            {name: ENDS_IN.get(name, BuilderNonsense) for name in HOSTILE},
            {name: type(outcome) for name, outcome in zip(HOSTILE, outcomes, strict=True)},
        )

    async def test_they_delay_nobody_else(self) -> None:
        """A builder that behaves is asked again and again while all the others misbehave."""
        builder = SimulatedBuilder(FakeDaemon(self.reactor))
        client = self.client_at(builder.listen(self.reactor))
        self.addCleanup(builder.stop)
        others = gatherResults(
            [Deferred.fromCoroutine(self.outcome_with(name)) for name in HOSTILE]
        )
        asked = 0
        while not others.called:
            await client.fetch_status()
            asked += 1
        await others
        self.assertGreater(asked, len(HOSTILE))

    async def test_nobody_listening(self) -> None:
        """Nothing was sent."""
        builder = SimulatedBuilder(FakeDaemon(self.reactor))
        url = builder.listen(self.reactor)
        await builder.stop()
        with self.assertRaises(BuilderUnreachable) as refused:
            await self.client_at(url).fetch_status()
        self.assertFalse(refused.exception.sent)

    async def test_a_name_that_nobody_has(self) -> None:
        """Is a builder that cannot be reached."""
        before = self.reactor.installNameResolver(NobodyKnown())
        self.addCleanup(self.reactor.installNameResolver, before)
        client = self.client_at("http://bob.example.com:8221")
        with self.assertRaises(BuilderUnreachable) as unreachable:
            await client.fetch_status()
        self.assertIn("http://bob.example.com:8221", str(unreachable.exception))

    async def test_an_endless_file_is_cut_off_at_its_limit(self) -> None:
        """And nothing is left of it."""
        url = self.hostile("file-without-end")
        directory = self.make_directory()
        with self.assertRaises(BuilderError):
            await self.client_at(url).download(SHA1, directory / "1", 5 * MIB, 1000)
        self.assertEqual([], list(directory.iterdir()))
