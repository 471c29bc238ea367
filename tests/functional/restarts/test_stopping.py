"""The manager is asked to stop under load: it does so in time, and builds go on."""

import signal

from buildfarm.farmtesting.heldprogram import HeldProgram
from buildfarm.farmtesting.processes import Process
from buildfarm.vocab.states import UploaderKind
from tests.functional.restarts.killing import RestartTestCase

#: Seconds within which the manager ends after SIGTERM (DESIGN section 5, rule 12).
STOPS_WITHIN = 10.0


class StopTests(RestartTestCase):
    async def assert_ends_well(self, manager: Process) -> None:
        """It ends in time with exit status 0."""
        status = await self.farm.wait_until_ended(manager, STOPS_WITHIN)
        self.assertEqual(0, status, self.farm.story())

    async def finish(self) -> None:
        """The manager that runs brings everything to its end."""
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        await self.assert_promises()

    async def test_running_builds_go_on(self) -> None:
        """No build is begun twice: the next manager gathers what the last one had begun."""
        await self.farm.add_builders(3, seconds=2.0)
        await self.submit(4)
        manager = self.farm.start_manager()
        daemons = self.farm.daemons.values()
        await self.wait_until(
            lambda: all(daemon.orders for daemon in daemons), what=self.farm.story
        )
        manager.send(signal.SIGTERM)
        await self.assert_ends_well(manager)
        self.farm.start_manager()
        await self.finish()
        begun = [order.build_id for daemon in daemons for order in daemon.orders]
        self.assertEqual(16, len(begun))

    async def test_in_the_midst_of_an_upload(self) -> None:
        """An upload that can end does, and what has not begun waits for the next manager."""
        await self.farm.add_builders(2, seconds=0.2)
        await self.submit(3)
        for step in ("upload.included", "upload.prepared"):
            await self.assert_ends_well(self.farm.start_manager(step, number=signal.SIGTERM))
        self.farm.start_manager()
        await self.finish()

    async def test_in_the_midst_of_an_upload_that_hangs(self) -> None:
        """It is not waited for, and the next manager publishes once what it had begun."""
        reprepro = HeldProgram(self.farm.root, "reprepro", "includedeb")
        reprepro.hold()
        await self.farm.add_builders(1, seconds=0.2)
        await self.submit(2, UploaderKind.REPREPRO)
        manager = self.farm.start_manager(env=reprepro.environment)
        await self.wait_until(lambda: reprepro.waits, what=self.farm.story)
        manager.send(signal.SIGTERM)
        await self.assert_ends_well(manager)
        await self.start_next_manager()
        reprepro.release()
        await self.finish()

    async def test_in_the_midst_of_a_reset(self) -> None:
        """The reset goes on, and the next manager waits for it before it resets again."""
        self.farm.resets.seconds = 1000.0
        await self.farm.add_builders(1, seconds=0.2)
        await self.submit(1)
        manager = self.farm.start_manager()
        await self.wait_until(lambda: self.farm.resets.under_way("vm0"), what=self.farm.story)
        manager.send(signal.SIGTERM)
        await self.assert_ends_well(manager)
        self.assertEqual(1, len(self.farm.resets.under_way("vm0")))
        await self.start_next_manager()
        self.farm.resets.seconds = 0.1
        await self.finish()

    async def test_while_it_starts(self) -> None:
        """Asked to stop before it has begun to work, it ends as well."""
        await self.farm.add_builders(1, seconds=0.2)
        manager = self.farm.start_manager("clean.resetting", number=signal.SIGTERM)
        await self.assert_ends_well(manager)


class SecondManagerTests(RestartTestCase):
    async def test_it_is_refused(self) -> None:
        """Exit status 1 and one sentence; the first goes on as if nothing had happened."""
        await self.farm.add_builders(1, seconds=0.2)
        await self.submit(1)
        first = self.farm.start_manager()
        await self.farm.wait_until_ready()
        output = self.farm.root / "second.log"
        command = self.farm.command("run")
        second = Process.start(self.reactor, command, output, cwd=self.farm.root)
        self.addCleanup(self.farm.kill, second)
        self.assertEqual(1, await self.farm.wait_until_ended(second))
        refusals = [line for line in output.read_text().splitlines() if " critical " in line]
        self.assertEqual(1, len(refusals))
        self.assertIn(f"(process {first.pid}); stop it first.", refusals[0])
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
