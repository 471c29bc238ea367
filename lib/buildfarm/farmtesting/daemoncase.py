"""A test that talks to one build daemon, whatever kind it is.

Beside the layers; the base of `daemoncontract`, which has the statements.
"""

import hashlib
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from twisted.internet.defer import ensureDeferred

from buildfarm.builders.client import BuilderClient
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.inputserver import InputServer
from buildfarm.flow.threads import Workers
from buildfarm.vocab.observation import BuildReply, Observation
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import DaemonStatus
from buildfarm.wire.builderrpc import Fault, Value, decode_reply, encode_call

#: Bytes, and bytes a second, of a download.
_LIMIT, _MIN_RATE = 10 * 1024**2, 1024

#: Seconds that a build of the contract may take.
BUILD_DEADLINE = 60.0


@dataclass(frozen=True)
class Sources:
    """What daemons under contract get to build: source packages as contents by name.

    `good` builds, for all architectures; `broken` does not; `waiting` needs
    `libfarm-not-packaged-dev (>= 2.0)`, which nobody has; `endless` writes its log until it is
    aborted.
    """

    chroot: bytes
    good: Mapping[str, bytes]
    broken: Mapping[str, bytes]
    waiting: Mapping[str, bytes]
    endless: Mapping[str, bytes]


class DaemonCase(FarmTestCase):
    """`client` talks to the daemon that the subclass names by `talk_to`, in its set-up."""

    timeout = 120.0

    def talk_to(self, url: str, sources: Sources) -> None:
        """Test the daemon at `url`."""
        self.sources = sources
        self.inputs = self.useFixture(InputServer(self.reactor))
        self.workers = Workers(self.reactor, size=4, bound=100, name="file")
        self.addCleanup(lambda: ensureDeferred(self.workers.stop(10)))
        self.client = self.make_client(url)

    def make_client(self, url: str) -> BuilderClient:
        """A client with connections of its own."""
        client = BuilderClient(self.reactor, url, ScanningSettings(), self.workers)
        self.addCleanup(client.close)
        return client

    async def give(self, content: bytes) -> str:
        """Have the daemon fetch `content`; its SHA-1."""
        sha1 = self.inputs.add(content)
        reply = await self.client.ensure_present(sha1, f"{self.inputs.url}/{sha1}", "", "", 30)
        self.assertTrue(reply.present, reply)
        return sha1

    async def build(
        self,
        source: Mapping[str, bytes],
        cookie: str = "PACKAGEBUILD-1-1-0badcafe",
        chroot: bytes | None = None,
        **args: object,
    ) -> BuildReply:
        """Give the daemon all that `source` needs, and have it build."""
        chroot_sha1 = await self.give(self.sources.chroot if chroot is None else chroot)
        filemap = {name: await self.give(content) for name, content in source.items()}
        return await self.client.build(cookie, chroot_sha1, filemap, build_args(**args))

    async def when(self, status: DaemonStatus) -> Observation:
        """What the daemon says once it is in this state."""
        last: Observation | None = None

        async def said() -> Observation | None:
            nonlocal last
            last = await self.client.fetch_status()
            return last if last.status is status else None

        def told() -> str:
            return f"a daemon that is {status.name}; it said {last}"

        found = await self.wait_until(said, BUILD_DEADLINE, told)
        assert found is not None
        return found

    async def fetch(self, file: str) -> bytes:
        """A file of the daemon, checked against its digest where that is its name."""
        path = self.make_directory() / "file"
        got = await self.client.download(file, path, _LIMIT, _MIN_RATE)
        if file != "buildlog":
            self.assertEqual(file, got.sha1)
        return path.read_bytes()

    async def call(self, method: str, *params: object) -> Value | Fault:
        """The answer to a call that no client of ours would send."""
        answers = await self.post("/rpc", encode_call(method, params))
        return decode_reply(answers[0][1])

    async def post(self, path: str, *bodies: bytes) -> list[tuple[int, bytes]]:
        """The answers to requests that are sent after each other on one connection."""
        requests = [("POST", path, body) for body in bodies]
        return await self.workers.run(_exchange, self.client.url, requests)

    async def get(self, *paths: str) -> list[tuple[int, bytes]]:
        """The same for files."""
        requests = [("GET", path, b"") for path in paths]
        return await self.workers.run(_exchange, self.client.url, requests)


def build_args(**changed: object) -> dict[str, object]:
    """Arguments of a build, as the manager sends them."""
    return {
        "series": "bookworm",
        "suite": "bookworm-farm",
        "arch_indep": True,
        "archive_private": False,
        "archive_purpose": "PRIMARY",
        "archives": [],
        "trusted_keys": [],
        "build_debug_symbols": False,
        "build_url": "http://farm.invalid/build/1",
        "fast_cleanup": False,
        "ogrecomponent": "main",
        "distribution": "debian",
        "image_type": "chroot",
        "builder_constraints": [],
        **changed,
    }


def sha1_of(content: bytes) -> str:
    """The name that a daemon gives to `content`."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def read_source(dsc: Path) -> dict[str, bytes]:
    """A source package's files by name: all that is in the directory of its `.dsc`."""
    return {path.name: path.read_bytes() for path in sorted(dsc.parent.iterdir())}


def _exchange(url: str, requests: list[tuple[str, str, bytes]]) -> list[tuple[int, bytes]]:
    """Send requests on one connection, in a thread; it must stay open from one to the next."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    answers = []
    connection.connect()
    kept = connection.sock
    try:
        for method, path, body in requests:
            assert connection.sock is kept, "the daemon closed the connection"
            connection.request(method, path, body, {"Content-Type": "text/xml"} if body else {})
            response = connection.getresponse()
            answers.append((response.status, response.read()))
    finally:
        connection.close()
    return answers
