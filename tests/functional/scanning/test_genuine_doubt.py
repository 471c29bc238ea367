"""The abandoned `build` of a genuine launchpad-buildd, under the whole manager.

What the daemon does is stated in tests/functional/farmtesting/test_abandoned_build.py; here, that
the manager publishes nothing under the wrong build and wedges nothing (docs/decisions/010).
"""

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.assembly.walltime import utc_now
from buildfarm.builders.client import BuilderClient
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import Farm
from buildfarm.farmtesting.inputserver import InputServer
from buildfarm.farmtesting.launchpadbuildd import LaunchpadBuildd
from buildfarm.farmtesting.memory import inline_workers
from buildfarm.intake.dsc import files_beside
from buildfarm.storage import roster
from buildfarm.vocab.build import AttemptSnapshot
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import AttemptOutcome, CleanStatus
from demo.make_chroot import make_chroot
from demo.make_source import make_source

PACKAGES = Path(__file__).parents[3] / "demo" / "packages"


class TestGenuineDoubt(FarmTestCase):
    timeout = 120.0

    async def setUp(self) -> None:
        super().setUp()
        self.daemon = self.useFixture(LaunchpadBuildd(self.make_directory()))
        self.inputs = self.useFixture(InputServer(self.reactor))
        self.farm = await Farm.make(self)
        await self.farm.start()
        place = {"distribution": "debian", "series": "bookworm", "architecture": "amd64"}
        chroot = make_chroot(self.make_directory() / "chroot.tar.gz")
        await self.farm.ask("chroot.set", place, chroot)

    async def submit_source(self, package: str) -> int:
        """Submit a package of the tree's own; the id of its build."""
        dsc = make_source(PACKAGES / package, self.make_directory())
        wanted = {"archive": "main", "suite": "bookworm"}
        (build,) = await self.farm.ask("submit", wanted, dsc, *files_beside(dsc))
        return int(build["id"])

    async def test_an_abandoned_build_is_never_published(self) -> None:
        """Blocked while `build` arrives, the daemon begins it after it was given up; what it makes
        is thrown away, the build is made again under a new cookie, and the builder goes on.
        """
        new = NewBuilder(name="bob", url=self.daemon.url, processors=("amd64",))
        await self.farm.write(roster.add_builder, new, "test", utc_now())
        await self.wait_until(self.is_clean, what="the builder to be clean")
        self.block_when_sent()
        build_id = await self.submit_source("farm-greeting")
        given_up = await self.wait_until(
            lambda: self.closed_attempt(build_id), what="`build` to be given up"
        )
        self.assertEqual(AttemptOutcome.UNCONFIRMED, given_up.outcome)
        self.inputs.release()
        await self.farm.wait_until_built([build_id], deadline=60)
        following = await self.submit_source("farm-tools")
        await self.farm.wait_until_built([following], deadline=60)
        published = self.farm.published_cookies()
        self.assertEqual(2, len(published))
        self.assertNotIn(given_up.cookie, published)
        self.assertIn(given_up.cookie, self.daemon_log())

    def daemon_log(self) -> str:
        return Path(self.daemon.logfile).read_text()

    def block_when_sent(self) -> None:
        """Have the daemon download for long from the moment at which an attempt is marked SENT."""
        assert self.farm.service is not None, "the farm runs"
        storage: Any = self.farm.service.storage
        write = storage.write
        blocked: list[bool] = []

        async def blocking(act: Any, *arguments: Any, **named: Any) -> Any:
            done = await write(act, *arguments, **named)
            if act.__name__ == "mark_sent" and not blocked:
                blocked.append(True)
                await self.block()
            return done

        self.patch(storage, "write", blocking)

    async def block(self) -> None:
        """Return once the daemon is in a download that ends with `inputs.release()`."""
        client = BuilderClient(self.reactor, self.daemon.url, ScanningSettings(), inline_workers())
        self.addCleanup(client.close)
        sha1 = self.inputs.add(b"an input that takes its time")
        downloading = Deferred.fromCoroutine(
            client.ensure_present(sha1, f"{self.inputs.url}/held/{sha1}", "", "", 60)
        )
        downloading.addErrback(lambda failure: None)
        await self.wait_until(lambda: self.inputs.asked, what="the download to begin")

    async def is_clean(self) -> bool:
        return (await self.farm.builder()).clean_status is CleanStatus.CLEAN

    async def closed_attempt(self, build_id: int) -> AttemptSnapshot | None:
        attempts = await self.farm.attempts(build_id)
        return attempts[0] if attempts and attempts[0].outcome is not None else None
