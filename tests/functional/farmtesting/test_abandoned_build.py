"""What a genuine daemon does with a `build` whose caller has given up: it builds, later.

The reason why an unanswered `build` is never trusted afterwards (docs/decisions/010).
"""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred, ensureDeferred

from buildfarm.builders.client import BuilderClient
from buildfarm.farmtesting.daemoncase import DaemonCase, build_args
from buildfarm.farmtesting.launchpadbuildd import LaunchpadBuildd
from buildfarm.vocab.errors import BuilderFault, BuilderTimedOut
from buildfarm.vocab.observation import PresenceReply
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import DaemonStatus
from buildfarm.wire.builderrpc import decode_reply, encode_call
from tests.contract.sources import contract_sources

FIRST, SECOND = "PACKAGEBUILD-1-1-0badcafe", "PACKAGEBUILD-2-1-0badcafe"

#: Seconds that an impatient caller waits.
IMPATIENCE = 0.5

HEADERS = {"Content-Type": "text/xml"}


class TestAbandonedBuild(DaemonCase):
    def setUp(self) -> None:
        super().setUp()
        self.daemon = self.useFixture(LaunchpadBuildd(self.make_directory()))
        self.talk_to(self.daemon.url, contract_sources())

    async def give_inputs(self) -> tuple[str, dict[str, str]]:
        """Give the daemon what a build without end needs: chroot and filemap."""
        chroot = await self.give(self.sources.chroot)
        endless = self.sources.endless
        return chroot, {name: await self.give(content) for name, content in endless.items()}

    async def block_daemon(self) -> Deferred[PresenceReply]:
        """Keep the daemon in a download until `inputs.release()`; the reply to that."""
        blocking = self.make_client(self.daemon.url)
        sha1 = self.inputs.add(b"an input that takes its time")
        url = f"{self.inputs.url}/held/{sha1}"
        blocked = ensureDeferred(blocking.ensure_present(sha1, url, "", "", 60))
        await self.wait_until(
            lambda: f"/held/{sha1}" in [asked.path for asked in self.inputs.asked]
        )
        return blocked

    async def test_starts_after_idle(self) -> None:
        """With the daemon blocked, a `build` times out and its connection is closed; a `status`
        that is asked after that is answered IDLE; and then the build begins.
        """
        chroot, filemap = await self.give_inputs()
        kept = self.connect(60)
        await self.workers.run(ask, kept, "status")
        await self.workers.run(answer, kept)
        blocked = await self.block_daemon()

        impatient = self.connect(IMPATIENCE)
        args = build_args()
        await self.workers.run(
            ask, impatient, "build", FIRST, "binarypackage", chroot, filemap, args
        )
        with self.assertRaises(TimeoutError):
            await self.workers.run(answer, impatient)
        impatient.close()
        await self.workers.run(ask, kept, "status")
        self.inputs.release()

        self.assertEqual(
            {"builder_status": "BuilderStatus.IDLE"}, await self.workers.run(answer, kept)
        )
        said = await self.when(DaemonStatus.BUILDING)
        self.assertEqual(FIRST, said.build_id)
        self.assertTrue((await blocked).present)
        await self.end_build()

    async def test_client(self) -> None:
        """Our client says that its `build` may have arrived; and so it has."""
        chroot, filemap = await self.give_inputs()
        settings = ScanningSettings(build_timeout=IMPATIENCE)
        client = BuilderClient(self.reactor, self.daemon.url, settings, self.workers)
        self.addCleanup(client.close)
        await client.fetch_status()
        blocked = await self.block_daemon()
        with self.assertRaises(BuilderTimedOut) as raised:
            await client.build(FIRST, chroot, filemap, build_args())
        assert raised.exception is not None
        self.assertTrue(raised.exception.sent)
        self.inputs.release()
        await blocked
        self.assertEqual(FIRST, (await self.when(DaemonStatus.BUILDING)).build_id)
        await self.end_build()

    async def test_wrong_cookie(self) -> None:
        """A second `build` that comes while the first one runs faults, and from then on `status`
        names the second, whose package is not the one that is built.
        """
        chroot, filemap = await self.give_inputs()
        await self.client.build(FIRST, chroot, filemap, build_args())
        with self.assertRaises(BuilderFault):
            await self.client.build(SECOND, chroot, filemap, build_args())
        self.assertEqual(SECOND, (await self.when(DaemonStatus.BUILDING)).build_id)
        self.assertEqual([f"build-{FIRST}"], self.directories_of_builds())
        await self.end_build()

    async def end_build(self) -> None:
        """Abort, so that nothing is left running."""
        await self.client.abort()
        await self.when(DaemonStatus.WAITING)

    def directories_of_builds(self) -> list[str]:
        """What the daemon really builds."""
        return [path.name for path in Path(self.daemon.root).glob("build-*")]

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        """A connection of a client that waits `timeout` seconds."""
        address = urlsplit(self.daemon.url)
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=timeout
        )
        self.addCleanup(connection.close)
        return connection


def ask(connection: http.client.HTTPConnection, method: str, *params: object) -> None:
    """Send a call; what has returned is on its way."""
    connection.request("POST", "/rpc", encode_call(method, params), HEADERS)


def answer(connection: http.client.HTTPConnection) -> object:
    """The reply to it."""
    return decode_reply(connection.getresponse().read())
