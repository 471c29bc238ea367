"""Private archives: their builds get sources and archive by a token; nobody else gets either."""

import base64
import gzip
import io
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from twisted.internet.threads import deferToThread

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.farm import Farm, a_build
from buildfarm.farmtesting.launchpadbuildd import LaunchpadBuildd
from buildfarm.farmtesting.refbuilders import RefBuilders
from buildfarm.filestore.store import FileStore
from buildfarm.filestore.tokens import Scope, Tokens, load_key
from buildfarm.intake.dsc import files_beside
from buildfarm.storage import builds, roster
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.build import AttemptSnapshot
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.states import BuildState, UploaderKind
from demo.make_chroot import make_chroot
from demo.make_source import make_source
from tests.functional.filestore.listeners import Answer, fetch
from tests.functional.uploads.apt import AptTestCase
from tests.functional.uploads.publishing import hello

PACKAGES = Path(__file__).parents[3] / "demo" / "packages"


class PrivateTestCase(AptTestCase):
    """A farm with a private archive `secret`, in which hello 1.0 is published."""

    uploader = UploaderKind.REPREPRO
    timeout = 120.0

    async def setUp(self) -> None:
        super().setUp()
        self.publish(self.spool(hello()))
        self.farm = await Farm.make(self)
        self.orders: list[Order] = []
        made: ArchiveSnapshot = self.archive
        await self.farm.add_archive(
            "secret", uploader=UploaderKind.REPREPRO, path=made.path, private=True
        )

    async def start_build(self, name: str = "bob", version: str = "2.0") -> AttemptSnapshot:
        """Have a builder of its own begin a build of hello for `secret`, which takes a minute."""

        def script(order: Order) -> Script:
            self.orders.append(order)
            return a_build(60, "hello", version)

        await self.farm.add_builder(self.farm.daemon(script), name)
        build_id = await self.farm.submit("hello", version, archive="secret")
        await self.farm.wait_for_build(build_id, BuildState.BUILDING)
        await self.wait_until(lambda: len(self.orders) > 0, what="the build to begin")
        (attempt,) = await self.farm.attempts(build_id)
        return attempt

    def token(self, attempt: AttemptSnapshot, scope: Scope = Scope.FILES) -> str:
        """What that attempt may show."""
        return Tokens(load_key(self.farm.settings.token_key)).token(attempt, scope)

    async def get(self, path: str, token: str = "") -> Answer:
        """Ask the files listener."""
        port = urlsplit(self.farm.settings.files.public_url).port
        shown = base64.b64encode(f"buildd:{token}".encode()).decode()
        headers = {"authorization": f"Basic {shown}"} if token else {}
        assert port is not None
        return await deferToThread(fetch, port, path, "GET", headers)

    def keep_source(self, version: str) -> str:
        """Store the source that `Farm.submit` names; its path on the listener."""
        content = f"hello_{version}".encode()
        store = FileStore(self.farm.settings.store_dir)
        return f"/{store.add(io.BytesIO(content), max_bytes=100).sha256}/hello_{version}.dsc"


class TestSources(PrivateTestCase):
    async def test_for_its_own_build_while_that_runs(self) -> None:
        """The source is for the token of its build: not before, not after, not for another."""
        await self.farm.start()
        path, other_path = self.keep_source("2.0"), self.keep_source("3.0")
        attempt = await self.start_build()
        other = await self.start_build("alice", "3.0")
        self.assertEqual(200, (await self.get(path, self.token(attempt))).status)
        self.assertEqual(200, (await self.get(other_path, self.token(other))).status)
        for token in ("", "wrong", self.token(other), self.token(attempt, Scope.ARCHIVE)):
            self.assertEqual(401, (await self.get(path, token)).status, token)
        await self.farm.write(builds.cancel, attempt.build_id, "test", utc_now())
        await self.farm.wait_for_build(attempt.build_id, BuildState.CANCELLED)
        self.assertEqual(401, (await self.get(path, self.token(attempt))).status)
        self.assertEqual(200, (await self.get(other_path, self.token(other))).status)

    async def test_after_a_restart(self) -> None:
        """A build that went on while there was no manager goes on reading by its token."""
        await self.farm.start()
        path = self.keep_source("2.0")
        attempt = await self.start_build()
        token = self.token(attempt)
        await self.farm.stop()
        await self.farm.start()
        self.assertEqual(200, (await self.get(path, token)).status)
        self.assertEqual(401, (await self.get(path)).status)


class TestArchive(PrivateTestCase):
    async def test_apt_reads_it_while_the_build_runs(self) -> None:
        """apt, with the line that the builder was given, gets indexes and packages; and later not.

        The line is in nothing that the manager keeps, and the archive is not on the web.
        """
        await self.farm.start()
        attempt = await self.start_build()
        (line,) = self.line_given()
        (self.apt / "sources.list").write_text(f"{line}\n")
        await deferToThread(self.apt_get, "update")
        await deferToThread(self.apt_get, "download", "hello")
        self.assertEqual(["hello"], [path.name[:5] for path in self.apt.glob("*.deb")])
        self.assertEqual(401, (await self.get("/archive/secret/dists/")).status)
        self.assertEqual(401, (await self.get("/archive/secret/", self.token(attempt))).status)
        database = (self.farm.settings.manager.state_dir / "buildd-manager.db").read_bytes()
        self.assertNotIn(self.token(attempt, Scope.ARCHIVE).encode(), database)
        await self.farm.write(builds.cancel, attempt.build_id, "test", utc_now())
        await self.farm.wait_for_build(attempt.build_id, BuildState.CANCELLED)
        failed = await deferToThread(self.try_apt)
        self.assertIn("401", failed)

    def line_given(self) -> list[str]:
        """The lines with credentials that the builder got."""
        lines = self.orders[0].args["archives"]
        assert isinstance(lines, list)
        return [str(line) for line in lines if "@" in str(line)]

    def try_apt(self) -> str:
        """What apt says when it may not read."""
        env = {"APT_CONFIG": str(self.apt / "apt.conf"), "LC_ALL": "C", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            ["apt-get", "update", "-o", "Acquire::Retries=0"],
            env=env,
            cwd=self.apt,
            text=True,
            capture_output=True,
            check=False,
        )
        return done.stdout + done.stderr


class TestDaemons(PrivateTestCase):
    """Real daemons download a private source; nothing that is kept of it has a token."""

    async def build_on(self, url: str) -> None:
        """Build a private package there."""
        await self.farm.start()
        place = {"distribution": "debian", "series": "bookworm", "architecture": "amd64"}
        chroot = make_chroot(self.make_directory() / "chroot.tar.gz")
        await self.farm.ask("chroot.set", place, chroot)
        new = NewBuilder(name="bob", url=url, processors=("amd64",))
        await self.farm.write(roster.add_builder, new, "test", utc_now())
        dsc = make_source(PACKAGES / "farm-greeting", self.make_directory())
        wanted = {"archive": "secret", "suite": "bookworm"}
        (build,) = await self.farm.ask("submit", wanted, dsc, *files_beside(dsc))
        await self.farm.wait_until_built([build["id"]], deadline=60)
        (attempt,) = await self.farm.attempts(build["id"])
        tokens = [self.token(attempt, scope).encode() for scope in Scope]
        for path in self.farm.settings.manager.state_dir.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                kept = content + (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else b"")
                self.assertFalse(any(token in kept for token in tokens), path)

    async def test_launchpad_buildd(self) -> None:
        """The genuine daemon asks with the token when it is asked for one."""
        daemon = self.useFixture(LaunchpadBuildd(self.make_directory()))
        await self.build_on(daemon.url)

    async def test_reference_builder(self) -> None:
        """So does the reference builder."""
        fixture = self.useFixture(RefBuilders(self.make_directory()))
        await self.build_on(fixture.builders[0].url)
