"""A farm with a manager that loses what it stands on, and what must hold for it afterwards."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from fixtures import TempDir

from buildfarm.farmtesting.smalldisk import SmallDisk
from buildfarm.storage import builds
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.settings import Settings
from buildfarm.vocab.states import BuildState
from tests.functional.restarts.killing import RestartTestCase

MIB = 1024 * 1024


class FaultTestCase(RestartTestCase):
    """All that a farm of `restarts` promises, with faults other than a killed manager."""

    def configure(self, **sections: dict[str, Any]) -> Settings:
        """Change settings, by section and key, for the managers that are started from now on."""
        settings = self.farm.settings
        for section, values in sections.items():
            changed = replace(getattr(settings, section), **values)
            settings = replace(settings, **{section: changed})
        self.farm.configure(settings)
        return settings

    def small_disk(self, directory: Path, size: int) -> SmallDisk:
        """A small disk at `directory`, with what is there, until the test ends."""
        directory.mkdir(parents=True, exist_ok=True)
        kept = Path(self.make_directory_elsewhere(), "kept")
        shutil.copytree(directory, kept)
        disk = SmallDisk(directory, size)
        self.addCleanup(disk.unmount)
        shutil.copytree(kept, directory, dirs_exist_ok=True)
        return disk

    def make_directory_elsewhere(self) -> Path:
        """A directory on no small disk."""
        return Path(self.useFixture(TempDir()).path)

    async def pass_time(self, seconds: float) -> None:
        """Let the manager work for so long: only a fault that lasts shows what it does to it."""
        enough = self.reactor.seconds() + seconds
        await self.wait_until(lambda: self.reactor.seconds() > enough, deadline=seconds + 5.0)

    async def why(self) -> str:
        """What `build why` says of a build that waits."""
        waiting = await self.farm.read(builds.builds, [BuildState.NEEDSBUILD])
        told = await self.farm.ask("build.why", {"build_id": waiting[0].id})
        return json.dumps(told)

    async def wait_until_why_says(self, *words: str, deadline: float = 20.0) -> None:
        """Return when `why` gives a reason with these words."""
        await self.farm.wait_until_ready()
        said = ""

        async def says() -> bool:
            nonlocal said
            said = await self.why()
            return all(word in said for word in words)

        await self.wait_until(says, deadline, lambda: f"{words} in {said}\n{self.farm.story()}")

    async def finish(self) -> None:
        """Everything comes to its end, in one attempt each; the manager stops in order.

        No builder has a failure to its account, and nothing half done is left.
        """
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        await self.assert_promises()
        for build in await self.farm.read(builds.builds):
            self.assertEqual((1, 0), (build.attempt_count, build.failure_count), build.title)
        unfinished = self.farm.settings.store_dir / "unfinished"
        self.assertEqual([], list(unfinished.iterdir()))
        self.assertNotIn("Traceback", self.farm.log.read_text())

    async def in_state(self, state: BuildState) -> tuple[BuildSnapshot, ...]:
        """The builds in this state."""
        return await self.farm.read(builds.builds, [state])
