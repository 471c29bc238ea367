"""What a daemon leaves on the disk is for its user, its group may read some, others nothing."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.packages import changes, deb
from buildfarm.storage import builds
from buildfarm.vocab.states import BuildOutcome, BuildState, UploaderKind
from tests.functional.restarts.killing import RestartTestCase

#: Files that are for the manager alone, by how their names end.
SECRET = (".db", ".db-wal", ".db-shm", ".sock", ".key", ".lock")

ENDINGS = {"p0": BuildState.FULLYBUILT, "bad": BuildState.FAILEDTOBUILD}
ENDINGS["evil"] = BuildState.FAILEDTOUPLOAD


class TestModes(RestartTestCase):
    async def setUp(self) -> None:
        # The daemon is started by whoever thinks nothing of modes; it has its own idea of them.
        self.addCleanup(os.umask, os.umask(0o027))
        await super().setUp()

    async def test_after_all_that_can_happen(self) -> None:
        """Builds that are published, failed and were refused, a kill in mid-upload, a restart."""
        self.farm.building = self.scripted(self.farm.building)  # type: ignore[method-assign]
        await self.farm.add_builders(1, seconds=0.1)
        await self.submit(1, UploaderKind.DIRECTORY, UploaderKind.REPREPRO)
        for source in ("bad", "evil"):
            await self.farm.submit_into("main", source)
        os.umask(0)
        await self.farm.wait_until_ended(self.farm.start_manager("upload.included"))
        self.farm.start_manager()
        await self.wait_until(self.all_ended, 60, self.farm.story)
        state = self.farm.settings.manager.state_dir
        self.assertTrue(stat.S_ISSOCK((state / "control.sock").lstat().st_mode))
        wrong = [fault for path in (state, *state.rglob("*")) if (fault := fault_of(path))]
        self.assertEqual([], wrong)
        seen = {path.name for path in state.rglob("*")}
        self.assertLessEqual({"token.key", "buildd-manager.db", "spool", "locks", "files"}, seen)
        self.assertTrue([*(state / "spool").iterdir()], "results that were refused are kept")
        await self.farm.stop_manager()

    def scripted(
        self, usual: Callable[[float], Callable[[Order], Script]]
    ) -> Callable[[float], Callable[[Order], Script]]:
        """Builds of `bad` fail, those of `evil` bring another package, all others are as usual."""

        def building(seconds: float) -> Callable[[Order], Script]:
            def script(order: Order) -> Script:
                (dsc,) = order.filemap
                if dsc.startswith("bad"):
                    return Script(BuildOutcome.PACKAGEFAIL, seconds)
                if dsc.startswith("evil"):
                    files = {"bash_1.0_amd64.deb": deb("bash", source="evil")}
                    stated = changes(files, Source="evil", Version="1.0", Binary="evil")
                    return Script(seconds=seconds, results={**files, "evil.changes": stated})
                return usual(seconds)(order)

            return script

        return building

    async def all_ended(self) -> bool:
        """Every build is what it should become."""
        found = await self.farm.read(builds.builds)
        return all(ENDINGS[build.source] is build.state for build in found)


def fault_of(path: Path) -> str | None:
    """What is wrong with mode or owner of one file; None for nothing, or a file that just went."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    mode = stat.S_IMODE(status.st_mode)
    secret = path.name.endswith(SECRET) or "locks" in path.parts[-2:-1]
    forbidden = 0o177 if secret and not stat.S_ISDIR(status.st_mode) else 0o027
    if status.st_uid != os.geteuid():
        return f"{path} belongs to user {status.st_uid}"
    return f"{path}: {mode:04o}" if mode & forbidden else None
