"""Part of the builders is cut off and comes back: no builder is blamed, no attempt is wasted."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.processes import Process
from buildfarm.storage import builds, roster
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.states import BuildState
from tests.functional.faults.cases import FaultTestCase

BUILDERS = 10
CUT = 3

#: Seconds for which they are cut off: several times what makes a failure count in this farm.
AWAY = 6.0

#: Seconds that a build takes: it begins before the cut, and ends during it.
BUILD = 3.0

_numbers = itertools.count(1)


class NetworkTests(FaultTestCase):
    async def test_stopped_machines(self) -> None:
        """They take connections and answer nothing."""
        await self.add_far_builders("127.0.0.1", [])
        await self.cut_and_heal(
            lambda: self.far.send(signal.SIGSTOP), lambda: self.far.send(signal.SIGCONT)
        )

    async def test_a_broken_cable(self) -> None:
        """Whatever is sent to them is lost, and nothing says so."""
        network = Cable(next(_numbers))
        self.addCleanup(network.end)
        await self.add_far_builders(network.far_address, network.behind)
        await self.cut_and_heal(lambda: network.set("down"), lambda: network.set("up"))

    async def add_far_builders(self, address: str, behind: list[str]) -> None:
        """`CUT` builders in a process that the command `behind` starts; the others are near."""
        output = self.farm.root / "far"
        module = [*behind, sys.executable, "-m", "buildfarm.farmtesting.daemonprocess"]
        arguments = [*module, address, str(CUT), str(BUILD)]
        self.far = Process.start(self.reactor, arguments, output, cwd=Path("/"))
        self.addCleanup(self.farm.kill, self.far)
        await self.wait_until(
            lambda: output.exists() and len(output.read_text().splitlines()) == CUT,
            what=output.read_text,
        )
        for number, url in enumerate(output.read_text().splitlines()):
            new = NewBuilder(name=f"far{number}", url=url, processors=("amd64",))
            await self.farm.write(roster.add_builder, new, "test", utc_now())
        for number in range(BUILDERS - CUT):
            name = f"near{number}"
            await self.farm.add_builder(self.farm.watched(name, BUILD), name)

    async def cut_and_heal(self, cut: Callable[[], object], heal: Callable[[], object]) -> None:
        """Cut the far builders off while all build; all builds end, in one attempt each."""
        for number in range(3 * BUILDERS):
            await self.farm.submit_into("main", f"p{number}")
        self.farm.start_manager()
        await self.wait_until(self.all_confirmed, what=self.farm.story)
        cut()
        await self.pass_time(AWAY)
        self.assertIn("3 builders became unreachable within a minute", await self.why())
        heal()
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        for build in await self.farm.read(builds.builds):
            self.assertEqual((1, 0), (build.attempt_count, build.failure_count), build.title)
        for builder in await self.farm.read(roster.builders):
            self.assertEqual((True, 0), (builder.builderok, builder.failure_count), builder.name)
        log = self.farm.log.read_text()
        self.assertEqual(1, log.count("builders became unreachable within a minute"), log)

    async def all_confirmed(self) -> bool:
        """Whether every builder builds, and has said so."""
        found = await self.in_state(BuildState.BUILDING)
        tried = [(await self.farm.attempts(build.id))[-1] for build in found]
        return sum(attempt.confirmed is not None for attempt in tried) == BUILDERS


class Cable:
    """A network of this machine and another one, which is a process in a namespace of its own."""

    def __init__(self, number: int) -> None:
        self._machine = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE
        )
        assert self._machine.stdout is not None
        self._machine.stdout.readline()
        self._machine.stdout.close()
        self.behind = ["nsenter", "--target", str(self._machine.pid), "--net"]
        near, net = f"bf{os.getpid() % 1_000_000}-{number}", f"198.18.{os.getpid() % 250}"
        self.far_address, near_address = f"{net}.{4 * number + 2}", f"{net}.{4 * number + 1}"
        for command in (
            f"ip link add {near} type veth peer name eth0 netns {self._machine.pid}",
            f"ip addr add {near_address}/30 dev {near}",
            f"ip link set {near} up",
        ):
            subprocess.run(command.split(), check=True)
        far = f"ip addr add {self.far_address}/30 dev eth0"
        subprocess.run([*self.behind, *far.split()], check=True)
        self.set("up")

    def set(self, state: str) -> None:
        """Have the other machine's end of it `up` or `down`."""
        command = f"ip link set eth0 {state}"
        subprocess.run([*self.behind, *command.split()], check=True)

    def end(self) -> None:
        """End the other machine; the network goes with its last process."""
        self._machine.kill()
        self._machine.wait()
