"""Daemons for tests: there when a test needs them, gone without a trace afterwards."""

from pathlib import Path
from typing import Any

import fixtures

from buildfarm.farmtesting import launchpadbuildd
from buildfarm.farmtesting.daemoncase import DaemonCase
from buildfarm.farmtesting.launchpadbuildd import LaunchpadBuildd, host_architecture
from buildfarm.farmtesting.procfs import is_running
from buildfarm.farmtesting.refbuilders import RefBuilders
from buildfarm.farmtesting.strayprocesses import processes_in
from buildfarm.vocab.states import DaemonStatus
from tests.contract.sources import contract_sources


class TestLaunchpadBuildd(DaemonCase):
    async def test_several(self) -> None:
        """Several genuine daemons run at once, each on a port and in a directory of its own."""
        roots = [self.make_directory() for _ in range(3)]
        daemons = [self.useFixture(LaunchpadBuildd(root)) for root in roots]
        self.assertEqual(3, len({daemon.url for daemon in daemons}))
        for daemon in daemons:
            info = await self.make_client_of(daemon.url).fetch_info()
            self.assertEqual(host_architecture(), info.architecture)

    async def test_gone(self) -> None:
        """Clean-up ends the daemon and the build that it runs."""
        root = self.make_directory()
        daemon = LaunchpadBuildd(root)
        with daemon:
            self.talk_to(daemon.url, contract_sources())
            await self.build(self.sources.endless)
            await self.wait_until(lambda: processes_in(root), what="a build that runs")
            pid = daemon.pid
            self.assertTrue(is_running(pid))
        self.assertEqual([], processes_in(root))
        self.assertFalse(is_running(pid))

    async def test_nothing_outside(self) -> None:
        """A build writes nothing where a real daemon keeps its chroots' configuration."""
        daemon = self.useFixture(LaunchpadBuildd(self.make_directory()))
        self.talk_to(daemon.url, contract_sources())
        await self.build(self.sources.good, "PACKAGEBUILD-9-9-0badcafe")
        await self.when(DaemonStatus.WAITING)
        self.assertEqual([], schroots_of("PACKAGEBUILD-9-9-0badcafe"))

    def test_not_installed(self) -> None:
        """Without launchpad-buildd the test says how to get it."""
        nowhere = self.make_directory()
        self.useFixture(fixtures.MonkeyPatch(f"{launchpadbuildd.__name__}._ENVIRONMENT", nowhere))
        error = self.assertRaises(FileNotFoundError, LaunchpadBuildd(self.make_directory()).setUp)
        self.assertIn("make lpbuildd-venv", str(error))

    def make_client_of(self, url: str) -> Any:
        """A client of one of several daemons."""
        self.talk_to(url, contract_sources())
        return self.client


class TestRefBuilders(DaemonCase):
    async def test_several(self) -> None:
        """Several reference builders run at once, each on a port and in a directory of its own."""
        builders = self.useFixture(RefBuilders(self.make_directory(), 3)).builders
        self.assertEqual(3, len({builder.url for builder in builders}))
        for builder in builders:
            self.talk_to(builder.url, contract_sources())
            self.assertIs(DaemonStatus.IDLE, (await self.client.fetch_status()).status)

    async def test_gone(self) -> None:
        """Clean-up ends the builder and the build that it runs."""
        root = self.make_directory()
        builders = RefBuilders(root)
        with builders:
            (builder,) = builders.builders
            self.talk_to(builder.url, contract_sources())
            await self.build(self.sources.endless)
            await self.wait_until(lambda: processes_in(builder.workdir / "build"))
        self.assertEqual([], processes_in(root))
        self.assertFalse(is_running(builder.pid))


def schroots_of(build: str) -> list[Path]:
    """The host's configuration of chroots for this build."""
    return list(Path("/etc/schroot").glob(f"**/*{build}*"))
