"""Commands by the hundred while the manager works: none is in another's way."""

import hashlib
import json
from statistics import median
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from buildfarm.farmtesting.processes import Process
from buildfarm.farmtesting.restartfarm import WatchedDaemon
from buildfarm.vocab.states import UploaderKind
from tests.functional.restarts.killing import RestartTestCase

PEOPLE = 4
ROUNDS = 10

#: Seconds after which a command has had its effect, as a rule: a machine may have a bad moment.
EFFECT = 2.0


class Person:
    """Gives ten commands a round, one after the other, and looks at what they do."""

    def __init__(self, test: RestartTestCase, number: int, spare: WatchedDaemon) -> None:
        self.test = test
        self.farm = test.farm
        self.name = f"person{number}"
        self.builder = f"spare{number}"
        self.spare = spare
        self.desk = self.farm.root / self.name
        self.desk.mkdir()
        self.commands = 0
        #: Seconds from the end of each command that changes something to its effect.
        self.effects: list[float] = []

    async def work(self) -> None:
        """All rounds."""
        for number in range(ROUNDS):
            await self.round(number)

    async def round(self, number: int) -> None:
        """Ten commands."""
        reason = f"{self.name}, round {number}"
        await self.command("builder", "set", self.builder, "--not-ok", "--failnotes", reason)
        builder = await self.farm.builder(self.builder)
        self.test.assertEqual((False, reason), (builder.builderok, builder.failnotes))
        listed = await self.command("builder", "list", "--json")
        self.test.assertEqual(False, self.one(listed, self.builder)["builderok"])

        (build,) = await self.submit(number)
        await self.command("build", "rescore", str(build["id"]), str(10 + number))
        shown = await self.command("build", "show", str(build["id"]), "--json")
        self.test.assertEqual(10 + number, shown["queue"]["score"])
        await self.command("build", "why", str(build["id"]))
        await self.command("build", "list")

        self.spare.calls.clear()
        await self.command("builder", "set", self.builder, "--ok")
        done = self.test.reactor.seconds()
        await self.test.wait_until(lambda: self.spare.calls, what=self.farm.story)
        self.effects.append(self.test.reactor.seconds() - done)
        await self.command("builder", "show", self.builder)
        await self.command("build", "cancel", str(build["id"]))

    async def submit(self, number: int) -> Any:
        """Queue a package that waits: for its architecture there is no builder."""
        source = f"{self.name}-{number}"
        tarball = self.desk / f"{source}_1.0.tar.xz"
        tarball.write_bytes(source.encode())
        digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
        dsc = self.desk / f"{source}_1.0.dsc"
        dsc.write_text(
            f"Source: {source}\nVersion: 1.0\nArchitecture: any\nBinary: {source}\n"
            f"Checksums-Sha256:\n {digest} {tarball.stat().st_size} {tarball.name}\n"
        )
        where = ("--archive", "main", "--suite", "bookworm", "--arch", "armhf")
        return await self.command("submit", str(dsc), *where, "--json")

    async def command(self, *arguments: str) -> Any:
        """What a command says, read as JSON if it is; it must succeed."""
        self.commands += 1
        output = self.desk / f"{self.commands:03}"
        command = self.farm.command(*arguments)
        process = Process.start(self.test.reactor, command, output, cwd=self.farm.root)
        status = await process.when_ended()
        said = output.read_text()
        self.test.assertEqual(0, status, f"{arguments}: {said}")
        return json.loads(said) if "--json" in arguments else said

    def one(self, listed: Any, name: str) -> Any:
        """The builder of that name in a list."""
        return next(builder for builder in listed if builder["name"] == name)


class CommandTests(RestartTestCase):
    async def test_four_people_at_once(self) -> None:
        """Four times a hundred commands under load: none fails, each has its effect in 2 s."""
        await self.farm.add_builders(2, seconds=0.3)
        spares = [await self.farm.add_spare(f"spare{number}") for number in range(PEOPLE)]
        await self.submit(40, UploaderKind.DIRECTORY)
        await self.submit(10, UploaderKind.REPREPRO)
        self.farm.start_manager()
        await self.farm.wait_until_ready()
        people = [Person(self, number, spare) for number, spare in enumerate(spares)]
        await gatherResults(
            [Deferred.fromCoroutine(person.work()) for person in people], consumeErrors=True
        )
        self.assertEqual([100] * PEOPLE, [person.commands for person in people])
        effects = [seconds for person in people for seconds in person.effects]
        self.assertLess(median(effects), EFFECT, effects)
        for trouble in ("locked", "Traceback"):
            self.assertNotIn(trouble, self.farm.log.read_text())
        await self.farm.stop_manager()
