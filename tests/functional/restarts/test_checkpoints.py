"""The manager is killed at each numbered step: nothing is lost, and nothing happens twice.

At each step two managers in a row are killed; their children live on. The third brings every build
to its end.
"""

import io
import os
import re
import signal
from pathlib import Path

import buildfarm
from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.processes import Process
from buildfarm.filestore.store import FileStore
from buildfarm.storage import chroots
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.states import UploaderKind
from tests.functional.restarts.killing import RestartTestCase

_NAME = re.compile(r'"((?:dispatch|gather|clean|collect|upload)\.[a-z-]+)"')


class CheckpointTestCase(RestartTestCase):
    async def kill_at(self, step: str) -> None:
        """Two managers are killed at `step`; the third finishes what they began."""
        await self.farm.add_builders(2, seconds=0.3)
        await self.submit(2)
        for count in (2, 1):
            manager = self.farm.start_manager(step, count)
            status = await self.farm.wait_until_ended(manager)
            self.assertEqual(-signal.SIGKILL, status, self.farm.story())
        self.farm.start_manager()
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        await self.assert_promises()


class DispatchTests(CheckpointTestCase):
    async def test_claimed(self) -> None:
        """The attempt is in the database, and the builder knows nothing of it."""
        await self.kill_at("dispatch.claimed")

    async def test_files_present(self) -> None:
        """The builder has the files, and knows nothing of the build."""
        await self.kill_at("dispatch.files-present")

    async def test_sent(self) -> None:
        """The attempt is SENT, and `build` never came to be on the wire."""
        await self.kill_at("dispatch.sent")

    async def test_confirmed(self) -> None:
        """The build runs, and the database does not know that the builder said so."""
        await self.kill_at("dispatch.confirmed")


class GatherTests(CheckpointTestCase):
    async def test_downloaded(self) -> None:
        """The results are in the spool, and the database does not know."""
        await self.kill_at("gather.downloaded")

    async def test_settled(self) -> None:
        """The results are ours, and the builder still has them."""
        await self.kill_at("gather.settled")


class CleanTests(CheckpointTestCase):
    async def test_resetting(self) -> None:
        """The builder is CLEANING, and nobody cleans it."""
        await self.kill_at("clean.resetting")

    async def test_reset(self) -> None:
        """The machine was reset, and the database does not know."""
        await self.kill_at("clean.reset")

    async def test_done(self) -> None:
        """The builder has forgotten its results, and the database does not know."""
        await self.kill_at("clean.done")


class CollectTests(CheckpointTestCase):
    """Each manager sweeps while it builds; the file store has what nobody needs, and what is."""

    async def setUp(self) -> None:
        await super().setUp()
        self.files = FileStore(self.farm.settings.store_dir)
        self.unneeded = [self.add(f"unneeded {number}") for number in range(20)]
        needed = self.add("a chroot")
        await self.farm.write(
            chroots.set_chroot,
            ChrootSnapshot("debian", "bookworm", "armhf", chroots.TARBALL, 8, "a" * 40, needed),
            "test",
            utc_now(),
        )
        self.needed = needed

    def add(self, content: str) -> str:
        """Add a file, long ago; its digest."""
        digest = self.files.add(io.BytesIO(content.encode()), max_bytes=99).sha256
        os.utime(self.files.path(digest), (0, 0))
        return digest

    async def sweep(self) -> int:
        """Give the command; how it ends."""
        command = self.farm.command("sweep")
        log = self.farm.root / "swept"
        return await Process.start(self.reactor, command, log, cwd=self.farm.root).when_ended()

    async def kill_at(self, step: str) -> None:
        """Two managers are killed at `step` of their sweeps; the third finishes the work."""
        await self.farm.add_builders(2, seconds=0.3)
        await self.submit(1)
        for _ in range(2):
            manager = self.farm.start_manager(step)
            await self.farm.wait_until_ready()
            self.assertEqual(1, await self.sweep())
            status = await self.farm.wait_until_ended(manager)
            self.assertEqual(-signal.SIGKILL, status, self.farm.story())
        self.farm.start_manager()
        await self.farm.wait_until_ready()
        self.assertEqual(0, await self.sweep())
        self.assertEqual([], [one for one in self.unneeded if self.files.path(one).exists()])
        self.assertTrue(self.files.path(self.needed).exists())
        self.assertEqual([], [*(self.files.path("0" * 64).parent.parent / "unfinished").iterdir()])
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        await self.assert_promises()

    async def test_named(self) -> None:
        """The collector knows what is named, and has removed nothing."""
        await self.kill_at("collect.named")

    async def test_removed(self) -> None:
        """The collector is in the middle of it."""
        await self.kill_at("collect.removed")


class UploadTests(CheckpointTestCase):
    async def test_checked(self) -> None:
        """The results have passed the check, and no archive was touched."""
        await self.kill_at("upload.checked")

    async def test_published(self) -> None:
        """The results are in the archive, and the database does not know."""
        await self.kill_at("upload.published")

    async def test_recorded(self) -> None:
        """All is done, and the spool still has the results."""
        await self.kill_at("upload.recorded")


class DirectoryTests(CheckpointTestCase):
    async def test_prepared(self) -> None:
        """The database knows that the upload is prepared; it is not public."""
        await self.kill_at("upload.prepared")

    async def test_renamed(self) -> None:
        """The upload is public, and its reader may have taken it."""
        await self.kill_at("upload.renamed")


class RepreproTests(CheckpointTestCase):
    async def test_saved(self) -> None:
        """The archive's database is saved, and nothing was changed."""
        await self.kill_at("upload.saved")

    async def test_included(self) -> None:
        """The package is in the archive, and nothing was verified."""
        await self.kill_at("upload.included")

    async def test_verified(self) -> None:
        """The package is in the archive, and the ledger does not know."""
        await self.kill_at("upload.verified")

    async def test_committed(self) -> None:
        """The ledger knows, and the manager does not."""
        await self.kill_at("upload.committed")


class CommandTests(CheckpointTestCase):
    async def test_staged(self) -> None:
        """The program has not been run; it is then run at least once with each cookie."""
        told = self.farm.root / "told"
        program = self.farm.root / "program"
        program.write_text(f'#!/bin/sh\necho "$BUILDD_MANAGER_COOKIE" >> "{told}"\n')
        program.chmod(0o755)
        await self.farm.add_archive("told", UploaderKind.COMMAND, program)
        ids = [await self.farm.submit_into("told", f"p{number}") for number in range(4)]
        await self.kill_at("upload.staged")
        cookies = {(await self.farm.attempts(build_id))[-1].cookie for build_id in ids}
        self.assertEqual(cookies, set(told.read_text().split()))


class CoverageTests(RestartTestCase):
    def test_every_step_has_its_test(self) -> None:
        """A step that is added to the product needs a test here."""
        modules = [
            path
            for path in Path(buildfarm.__path__[0]).rglob("*.py")
            if path.parent.name not in ("farmtesting", "simulation")
        ]
        steps = {step for path in modules for step in _NAME.findall(path.read_text())}
        tested = set(re.findall(r'kill_at\("([^"]+)"\)', Path(__file__).read_text()))
        self.assertEqual(steps, tested)
