"""What hostile code can do in a confined child: nothing; and what each layer prevents by itself."""

import os
import signal
import subprocess
from pathlib import Path

import fixtures
from twisted.internet.protocol import Factory

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.forks import ForkServer
from buildfarm.flow.limits import ResourceLimits
from buildfarm.vocab.errors import ConversationEnded

SOON = 20.0

#: The one thing that a child is for.
ALLOWED = "read a file that is open"

READING = {"open for reading", "list a directory"}
WRITING = {
    *("open for writing", "append", "truncate", "create", "make a directory", "link", "rename"),
    *("remove", "change the mode"),
}
SOCKETS = {"make a socket", "connect"}
PROCESSES = {
    *("signal another process", "kill another process", "trace another process"),
    *("fork", "start a program"),
}


class ConfinementTestCase(FarmTestCase):
    """Children that try what they must not do, and something of each kind to do it to."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable("PYTHONPATH", str(Path(__file__).parent)))
        self.forks = ForkServer(("confinedjobs",))
        self.addCleanup(self.forks.stop)

    def outcomes(self, layer: str) -> dict[str, str]:
        """How each deed ends under one layer."""
        directory = self.make_directory()
        directory.chmod(0o755)
        for name in ("secret-key", "database"):
            (directory / name).write_text(name)
            (directory / name).chmod(0o600)
        victim = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(victim.wait)
        self.addCleanup(victim.kill)
        port = self.reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        argument = {
            "layer": layer,
            "readable": str(directory / "secret-key"),
            "writable": str(directory / "database"),
            "port": port.getHost().port,
            "victim": victim.pid,
        }
        with self.forks.start("confinedjobs:attempt", argument) as child:
            outcomes: dict[str, str] = child.receive(SOON)
        self.victim_lives = victim.poll() is None
        self.left = {path.name: path.read_text() for path in directory.glob("*") if path.is_file()}
        return outcomes

    def prevented(self, layer: str) -> set[str]:
        """What a child under this layer fails to do."""
        return {deed for deed, outcome in self.outcomes(layer).items() if outcome != "done"}


class TestConfinement(ConfinementTestCase):
    def test_nothing_but_computing(self) -> None:
        """A confined child reads what it has open and fails in everything else."""
        outcomes = self.outcomes("all")
        self.assertEqual("done", outcomes.pop(ALLOWED))
        self.assertLessEqual(set(outcomes.values()), {"PermissionError", "ValueError"}, outcomes)
        self.assertEqual({"secret-key": "secret-key", "database": "database"}, self.left)
        self.assertTrue(self.victim_lives)

    def test_the_deeds_are_real(self) -> None:
        """Unconfined, the child does what the tests let it try, so that they prove something."""
        self.assertLessEqual(self.prevented("none"), {"lift a limit", "mount", "become root"})


class TestLayers(ConfinementTestCase):
    """Each layer alone, so that one of them may have a fault."""

    def test_user(self) -> None:
        """A child of root is nobody: no file of ours, no process of ours, no way back."""
        if os.geteuid() != 0:
            return
        expected = {"open for reading", "mount", "become root", "kill another process", *WRITING}
        self.assertLessEqual(expected, self.prevented("user"))

    def test_limits(self) -> None:
        """No new descriptor, so no file and no socket."""
        prevented = self.prevented("limits")
        self.assertLessEqual({*READING, "open for writing", "create", "make a socket"}, prevented)

    def test_landlock(self) -> None:
        """No file by its name, no port, no process outside, though all else is free."""
        prevented = self.prevented("landlock")
        expected = {*READING, *WRITING, "connect", "start a program", "trace another process"}
        self.assertLessEqual(expected - {"change the mode"}, prevented)
        self.assertIn("make a socket", {*SOCKETS} - prevented)

    def test_filter(self) -> None:
        """No system call but those of computing, though the user is who it was."""
        prevented = self.prevented("filter")
        self.assertLessEqual(READING | WRITING | SOCKETS | PROCESSES, prevented)
        self.assertLessEqual({"map memory to execute", "lift a limit", "mount"}, prevented)
        self.assertNotIn(ALLOWED, prevented)


class TestLimits(ConfinementTestCase):
    def test_computing(self) -> None:
        """Computing beyond the limit ends the child."""
        with self.forks.start("confinedjobs:compute", ResourceLimits(cpu=1)) as child:
            self.assertEqual("greedy", child.receive(SOON))
            self.assertRaises(ConversationEnded, child.receive, SOON)
            self.assertEqual(-signal.SIGXCPU, child.wait(SOON))

    def test_memory(self) -> None:
        """Memory beyond the limit is refused."""
        with self.forks.start("confinedjobs:allocate", ResourceLimits(memory=512 << 20)) as child:
            self.assertEqual("too much", child.receive(SOON))
