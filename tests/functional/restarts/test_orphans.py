"""Children that outlive their manager: the next one waits for them, or kills them."""

import os
import signal
from dataclasses import replace

from buildfarm.farmtesting.heldprogram import HeldProgram
from buildfarm.farmtesting.procfs import is_running
from buildfarm.flow.lockfiles import holder
from buildfarm.uploads.locks import archive_lock
from buildfarm.vocab.states import ResetProtocol, UploaderKind
from tests.functional.restarts.killing import RestartTestCase


class OrphanTestCase(RestartTestCase):
    async def finish(self) -> None:
        """The manager that runs brings everything to its end, as if nothing had happened."""
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        await self.assert_promises()

    async def wait_until_gone(self, pid: int) -> None:
        """Return when the process has ended."""
        await self.wait_until(lambda: not is_running(pid), what=f"the end of {pid}")


class OrphanedUploadTests(OrphanTestCase):
    async def orphan(self, archive: str) -> int:
        """The id of the child that works on an archive."""
        lock = archive_lock(self.farm.settings.locks_dir, archive)
        found = await self.wait_until(lambda: holder(lock), what=f"an upload into {archive}")
        assert found is not None, "wait_until returns what is true"
        return found

    async def orphan_reprepro(self) -> HeldProgram:
        """A manager is killed while reprepro adds a package to each archive."""
        reprepro = HeldProgram(self.farm.root, "reprepro", "includedeb")
        reprepro.hold()
        await self.farm.add_builders(1, seconds=0.2)
        await self.submit(2, UploaderKind.REPREPRO)
        manager = self.farm.start_manager(env=reprepro.environment)
        await self.wait_until(lambda: reprepro.waits, what=self.farm.story)
        await self.farm.kill(manager)
        return reprepro

    async def test_reprepro_ends_by_itself(self) -> None:
        """The next manager leaves an archive alone while another's reprepro is at work on it."""
        reprepro = await self.orphan_reprepro()
        await self.start_next_manager()
        reprepro.release()
        await self.finish()

    async def test_reprepro_hangs(self) -> None:
        """It is killed, with its child, and what it had begun is taken back."""
        await self.orphan_reprepro()
        self.farm.start_manager()
        await self.finish()

    async def test_a_stopped_child(self) -> None:
        """A child that does nothing any more, just before its upload becomes public, is killed."""
        await self.farm.add_builders(1, seconds=0.2)
        await self.submit(2, UploaderKind.DIRECTORY)
        manager = self.farm.start_manager("upload.prepared", number=signal.SIGSTOP)
        await self.wait_until(lambda: self.prepared("main") or self.prepared("virtual"))
        archive = "main" if self.prepared("main") else "virtual"
        child = await self.orphan(archive)
        os.kill(child, signal.SIGSTOP)
        await self.farm.kill(manager)
        self.farm.start_manager()
        await self.finish()
        await self.wait_until_gone(child)

    def prepared(self, archive: str) -> bool:
        """Whether an upload into an archive has been made ready."""
        return any((self.farm.root / archive / "outgoing").iterdir())


class OrphanedResetTests(OrphanTestCase):
    async def orphan_reset(self) -> int:
        """A manager is killed while a builder is reset; the id of that reset's process."""
        await self.farm.add_virtual_machine("vm0", seconds=0.2)
        await self.farm.submit_into("virtual", "hello")
        manager = self.farm.start_manager()
        await self.wait_until(lambda: self.farm.resets.under_way("vm0"), what=self.farm.story)
        await self.farm.kill(manager)
        (reset,) = self.farm.resets.under_way("vm0")
        return reset

    async def test_it_ends_by_itself(self) -> None:
        """The next manager waits for it, and then resets the builder itself."""
        self.farm.resets.seconds = 1000.0
        await self.orphan_reset()
        await self.start_next_manager()
        self.farm.resets.seconds = 0.1
        await self.finish()
        self.assertGreaterEqual(self.farm.resets.counts["vm0"], 2)

    async def test_it_hangs(self) -> None:
        """After the deadline of resets it is killed; the builder is not used before."""
        self.farm.resets.seconds = 1000.0
        reset = await self.orphan_reset()
        self.farm.start_manager()
        await self.wait_until_gone(reset)
        self.farm.resets.seconds = 0.1
        await self.finish()


_STUBBORN = """#!/bin/sh
# Resets nothing: it ignores SIGTERM, and leaves the lock to what has left its group as well.
[ -e "{mood}" ] || exec "{command}" "$@"
trap '' TERM
(setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &)
: > "{mood}.$1"
while :; do sleep 1000; done
"""


class StubbornResetTests(OrphanTestCase):
    async def test_resets_that_ignore_being_asked_to_end(self) -> None:
        """Of both protocols: killed with all that holds their lock, before the builder is reset."""
        mood, command = self.farm.root / "mood", self.farm.root / "stubborn"
        mood.touch()
        command.write_text(_STUBBORN.format(mood=mood, command=self.farm.resets.command))
        command.chmod(0o755)
        settings = self.farm.settings
        resets = replace(settings.resets, command=(str(command), "%(vm_host)s"), deadline=1.0)
        self.farm.configure(replace(settings, resets=resets))
        await self.farm.add_virtual_machine("vm0", seconds=0.2)
        await self.farm.add_builder(
            self.farm.watched("vm1", 0.2),
            "vm1",
            virtualized=True,
            vm_host="vm1",
            vm_reset_protocol=ResetProtocol.ASYNCHRONOUS,
        )
        self.farm.resets.machines["vm1"] = self.farm.daemons["vm1"]
        await self.farm.submit_into("virtual", "hello")
        manager = self.farm.start_manager()
        locks = [self.farm.settings.locks_dir / f"reset-vm{number}" for number in range(2)]
        begun = [self.farm.root / f"mood.vm{number}" for number in range(2)]
        await self.wait_until(lambda: all(path.exists() for path in begun), what=self.farm.story)
        await self.farm.kill(manager)
        stubborn = [holder(lock) for lock in locks]
        mood.unlink()
        self.farm.start_manager()
        await self.farm.wait_until_all_built()
        for pid in stubborn:
            assert pid is not None, "the lock was held"
            self.assertFalse(is_running(pid))
        await self.wait_until(lambda: self.farm.resets.counts.get("vm1"), what=self.farm.story)
        await self.farm.stop_manager()
        self.assertEqual([], self.farm.resets.offences)
