"""Virtual builders through the whole manager: a real command resets them before every build."""

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.farm import Farm, built_in
from buildfarm.farmtesting.resetwatch import ResetWatch
from buildfarm.flow.children import run_command
from buildfarm.flow.lockfiles import try_hold
from buildfarm.storage import roster
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.settings import ResetSettings
from buildfarm.vocab.states import BuildState, CleanStatus

#: Says what it is to reset, and keeps a journal of when it began and ended. Where there is a file
#: `hold` beside it, it takes until that is gone.
_COMMAND = """#!/bin/sh
cd "{directory}"
echo "begin $1" >> journal
echo "resetting $1 on $2"
while [ -e hold ]; do sleep 0.02; done
{more}
echo "end $1" >> journal
"""


#: What a reset command is told of a builder whose URL has an address and no name.
MACHINE = "127.0.0.1"


class ResetTestCase(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()

    async def make_farm(self, more: str = "", **settings: Any) -> Farm:
        """A farm, not running, whose command does `more` besides."""
        command = self.directory / "reset"
        command.write_text(_COMMAND.format(directory=self.directory, more=more))
        command.chmod(0o755)
        arguments = (str(command), "%(buildd_name)s", "%(vm_host)s")
        resets = ResetSettings(command=arguments, **settings)
        self.farm = await Farm.make(self, resets=resets)
        return self.farm

    def hold(self) -> None:
        """Have resets take until `let_go`, at the latest when the test ends."""
        (self.directory / "hold").touch()
        self.addCleanup(self.let_go)

    def let_go(self) -> None:
        """Let resets end."""
        (self.directory / "hold").unlink(missing_ok=True)

    def journal(self) -> list[str]:
        """What was begun and ended so far."""
        path = self.directory / "journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split()[0] for line in lines]

    def begun(self) -> int:
        """How many resets have begun."""
        return self.journal().count("begin")

    async def wait_for_status(self, status: CleanStatus, name: str = "vm1") -> BuilderSnapshot:
        """Return the builder once it has this clean status."""

        async def there() -> BuilderSnapshot | None:
            builder = await self.farm.builder(name)
            return builder if builder.clean_status is status else None

        found: BuilderSnapshot | None = await self.wait_until(there, what=f"{name} {status}")
        assert found is not None, "wait_until returns what is true"
        return found

    async def change(self, **changes: Any) -> None:
        """An operator, or a reset that has ended, changes vm1."""
        await self.farm.write(roster.change_builder, "vm1", changes, "test", utc_now())


class SynchronousTests(ResetTestCase):
    async def test_it_is_reset_before_every_build(self) -> None:
        """Before the first, and after each; what the command printed stays with the builder."""
        watch = self.watched_machine()
        self.farm = farm = await Farm.make(
            self, resets=ResetSettings(command=(str(watch.command), "%(buildd_name)s"))
        )
        await farm.start()
        resets: list[int] = []
        script = built_in(0.05)

        def noted(order: Order) -> Script:
            resets.append(watch.counts[MACHINE])
            return script(order)

        watch.machines[MACHINE].script = noted
        await farm.add_virtual_builder(watch.machines[MACHINE])
        ids = [await farm.submit(f"package{number}", archive="virtual") for number in range(2)]
        await farm.wait_until_built(ids)
        self.assertEqual([1, 2], resets)
        builder = await self.wait_for_status(CleanStatus.CLEAN)
        self.assertEqual(3, watch.counts[MACHINE])
        self.assertEqual(f"resetting {MACHINE}\n", builder.reset_output)
        self.assertEqual([], watch.offences)

    def watched_machine(self) -> ResetWatch:
        """A daemon that forgets everything with each reset."""
        watch = ResetWatch(self.reactor, self.directory)
        watch.machines[MACHINE] = FakeDaemon(self.reactor)
        watch.start()
        self.addCleanup(watch.stop)
        return watch

    async def test_one_found_cleaning_is_reset_again(self) -> None:
        """The manager that was resetting it is gone, and nobody knows how far it came."""
        farm = await self.make_farm()
        await farm.add_virtual_builder(farm.daemon())
        await self.change(clean_status="CLEANING")
        await farm.start()
        await self.wait_for_status(CleanStatus.CLEAN)
        self.assertEqual(["begin", "end"], self.journal())

    async def test_an_orphaned_reset_is_waited_for(self) -> None:
        """A reset that outlived its manager holds the builder's lock; the next begins after it."""
        farm = await self.make_farm()
        await farm.add_virtual_builder(farm.daemon())
        farm.settings.locks_dir.mkdir()
        orphan = try_hold(farm.settings.locks_dir / "reset-vm1")
        assert orphan is not None
        await farm.start()
        await farm.add_builder(farm.daemon(built_in(0.05)))
        await farm.wait_until_built([await farm.submit()])
        self.assertEqual([], self.journal())
        self.assertEqual(CleanStatus.DIRTY, (await farm.builder("vm1")).clean_status)
        orphan.release()
        await self.wait_for_status(CleanStatus.CLEAN)
        self.assertEqual(["begin", "end"], self.journal())

    async def test_a_stop_in_the_middle_of_a_reset(self) -> None:
        """The next manager resets it again, and no two resets of it overlap."""
        self.hold()
        farm = await self.make_farm()
        await farm.add_virtual_builder(farm.daemon())
        await farm.start()
        await self.wait_until(lambda: self.begun() == 1, what="the reset to begin")
        await farm.stop()
        self.let_go()
        await farm.start()
        await self.wait_for_status(CleanStatus.CLEAN)
        self.assertEqual(["begin", "end"], self.journal()[-2:])

    async def test_so_many_at_once_on_a_host(self) -> None:
        """Five machines of one host, two places: the others wait for their turn."""
        self.hold()
        farm = await self.make_farm(per_vm_host=2)
        names = [f"vm{number}" for number in range(1, 6)]
        for name in names:
            await farm.add_virtual_builder(farm.daemon(), name)
        await farm.start()
        await self.wait_until(lambda: self.begun() == 2, what="two resets to begin")
        self.let_go()
        for name in names:
            await self.wait_for_status(CleanStatus.CLEAN, name)
        at_once = most = 0
        for what in self.journal():
            at_once += 1 if what == "begin" else -1
            most = max(most, at_once)
        self.assertEqual((2, 5), (most, self.begun()))

    async def test_output_is_bounded(self) -> None:
        """The end is kept, since it tells how it ended."""
        more = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo the end"
        farm = await self.make_farm(more, max_output=1000)
        await farm.add_virtual_builder(farm.daemon())
        await farm.start()
        builder = await self.wait_for_status(CleanStatus.CLEAN)
        output = builder.reset_output or ""
        self.assertLess(len(output), 1200)
        self.assertTrue(output.endswith("the end\n"), output)

    async def test_a_command_that_fails_takes_the_builder_out(self) -> None:
        """After five in a row, with its output and the reason on the builder."""
        farm = await self.make_farm("echo no such host; exit 3")
        await farm.add_virtual_builder(farm.daemon())
        await farm.start()

        async def out() -> bool:
            return not (await farm.builder("vm1")).builderok

        await self.wait_until(out, what="the builder to be taken out")
        builder = await farm.builder("vm1")
        self.assertEqual(5, self.begun())
        self.assertIn("no such host", builder.reset_output or "")
        self.assertIn("reset command", builder.failnotes or "")


class AsynchronousTests(ResetTestCase):
    async def test_it_is_clean_when_somebody_says_so(self) -> None:
        """Until the report it is CLEANING and gets nothing; the report is acted on at once."""
        farm = await self.make_farm()
        await farm.start()
        await farm.add_virtual_builder(farm.daemon(built_in(0.05)), protocol="2.0")
        builder = await self.wait_for_status(CleanStatus.CLEANING)
        self.assertEqual(f"resetting {MACHINE} on host1\n", builder.reset_output)
        build_id = await farm.submit(archive="virtual")
        await farm.add_builder(farm.daemon(built_in(0.05)))
        await farm.wait_until_built([await farm.submit("other")])
        self.assertEqual(BuildState.NEEDSBUILD, (await farm.build(build_id)).state)
        await self.change(clean_status="CLEAN")
        await farm.wait_until_built([build_id])
        await self.wait_for_status(CleanStatus.CLEANING)
        self.assertEqual(2, self.begun())

    async def test_a_report_that_never_comes(self) -> None:
        """After the deadline it is reset again, and taken out when that does not help."""
        farm = await self.make_farm(cleaning_deadline=0.2)
        await farm.start()
        await farm.add_virtual_builder(farm.daemon(), protocol="2.0")

        async def out() -> bool:
            return not (await farm.builder("vm1")).builderok

        await self.wait_until(out, what="the builder to be taken out", deadline=40.0)
        builder = await farm.builder("vm1")
        self.assertEqual(5, self.begun())
        self.assertIn("nobody reported its end", builder.failnotes or "")


class ChildrenTests(ResetTestCase):
    async def test_many_children_that_end_disturb_nothing(self) -> None:
        """200 of them end while builds are transferred, recorded and published."""
        farm = await self.make_farm()
        await farm.start()
        daemons = [farm.daemon(built_in(0.05)) for _ in range(4)]
        for number, daemon in enumerate(daemons):
            await farm.add_builder(daemon, f"bob{number}")
        ids = [await farm.submit(f"package{number}") for number in range(20)]
        ended: list[Any] = []
        for _ in range(200):
            child = run_command(self.reactor, ["true"], deadline=20.0, max_output=100)
            Deferred.fromCoroutine(child).addCallback(ended.append)
        await farm.wait_until_built(ids)
        await self.wait_until(lambda: len(ended) == 200, what="all children to end")
        self.assertEqual(200, sum(result.succeeded for result in ended))
        for build_id in ids:
            [attempt] = await farm.attempts(build_id)
            self.assertEqual(0, attempt.tries)
        self.assertEqual(20, len(farm.published_cookies()))
        self.assertEqual([], children_of(os.getpid(), "true"))


def children_of(pid: int, name: str) -> list[str]:
    """The children of a process that run `name`, zombies included."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")
        except OSError:
            continue
        if fields[0].endswith(f"({name}") and int(fields[2].split()[1]) == pid:
            found.append(stat.parent.name)
    return found
