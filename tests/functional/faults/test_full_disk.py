"""Our own disk is full: nobody is blamed, nothing is lost, and all goes on when there is room."""

import re
from pathlib import Path

from buildfarm.farmtesting.smalldisk import SmallDisk
from buildfarm.vocab.states import BuildState, UploaderKind
from tests.functional.faults.cases import MIB, FaultTestCase

#: Seconds for which a disk stays full: several tries of everything.
FULL = 2.0

_LOG_LINE = re.compile(r"[0-9-]{10}T[0-9:.]{12}Z (info|warn|error|critical) \S+: .*|    .*")


class WholeDiskTests(FaultTestCase):
    disk: SmallDisk

    def make_directory(self) -> Path:
        """All that this farm has, its log included, is on one small disk."""
        directory = super().make_directory()
        self.disk = self.small_disk(directory / "disk", 48 * MIB)
        return self.disk.directory

    async def test_it_is_full_for_a_while(self) -> None:
        """Database, spool, file store, archives and log: all of them stop, and all go on."""
        await self.farm.add_builders(2, seconds=0.3)
        await self.submit(5)
        self.farm.start_manager()
        await self.wait_until(lambda: len(self.farm.made) >= 5, what=self.farm.story)
        self.disk.fill()
        await self.wait_until_why_says("the disk of", "free some space")
        begun = len(self.farm.made)
        await self.pass_time(FULL)
        self.assertLessEqual(len(self.farm.made), begun + 4, "dispatch went on")
        self.disk.free()
        await self.finish()
        for line in self.farm.log.read_text().splitlines():
            self.assertRegex(line, _LOG_LINE)

    async def test_it_is_full_when_the_manager_starts(self) -> None:
        """It starts, or says why not; the one that is started when there is room does all."""
        await self.farm.add_builders(1, seconds=0.1)
        await self.submit(1)
        self.disk.fill()
        manager = self.farm.start_manager()
        await self.pass_time(FULL)
        self.assertIn(manager.status, (None, 1))
        await self.farm.kill(manager)
        self.disk.free()
        self.farm.start_manager()
        await self.finish()


class OneDiskTests(FaultTestCase):
    async def test_the_spool(self) -> None:
        """What is built is gathered when there is room, and nothing is begun before."""
        disk = self.small_disk(self.farm.settings.spool_dir, 4 * MIB)
        await self.farm.add_builders(2, seconds=0.3)
        await self.submit(3)
        self.farm.start_manager()
        await self.wait_until(lambda: len(self.farm.made) >= 4, what=self.farm.story)
        disk.fill()
        await self.wait_until_why_says("the disk of", "spool", "free some space")
        begun = len(self.farm.made)
        await self.pass_time(FULL)
        self.assertLessEqual(len(self.farm.made), begun + 4, "dispatch went on")
        disk.free()
        await self.finish()

    async def test_archives(self) -> None:
        """Uploads into them wait, and the build says so; the rest of the farm goes on."""
        full = {
            name: self.small_disk(self.farm.root / name, 4 * MIB) for name in ("virtual", "apt")
        }
        for disk in full.values():
            disk.fill()
        await self.farm.add_builders(2, seconds=0.1)
        await self.submit(2)
        self.farm.start_manager()

        async def others_built() -> bool:
            return {build.archive for build in await self.in_state(BuildState.FULLYBUILT)} == {
                "main",
                "apt-virtual",
            } and len(await self.in_state(BuildState.UPLOADING)) == 4

        await self.wait_until(others_built, what=self.farm.story)
        await self.pass_time(FULL)
        for build in await self.in_state(BuildState.UPLOADING):
            told = await self.farm.ask("build.why", {"build_id": build.id})
            self.assertRegex(str(told), "(?i)no (room|space) left")
        for disk in full.values():
            disk.free()
        await self.finish()


class RepreproDiskTests(FaultTestCase):
    async def test_it_fills_up_in_the_midst_of_an_upload(self) -> None:
        """At whatever byte the disk was full, the archive is whole before and after."""
        disk = self.small_disk(self.farm.root / "apt", 4 * MIB)
        await self.farm.add_builders(1, seconds=0.1)
        await self.submit(1, UploaderKind.REPREPRO, prefix="first")
        self.farm.start_manager()
        await self.farm.wait_until_all_built()
        await self.submit(1, UploaderKind.REPREPRO, prefix="second")
        for left in range(0, 512 * 1024, 64 * 1024):
            disk.free()
            disk.fill(left)
            await self.pass_time(0.25)
        disk.free()
        await self.finish()
