"""Commands while a daemon runs: it does the work, and they only ask."""

import subprocess
import sys
from contextlib import suppress

from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread

from buildfarm.admin.client import ask, connect
from buildfarm.admin.protocol import Request
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.simulatedbuilder import SimulatedBuilder
from buildfarm.vocab.states import BuildOutcome
from tests.functional.commands.cases import COMMAND, PACKAGE, CommandTestCase

#: Imported by no command that only asks: each takes longer than the answer.
_SLOW = ("twisted", "storm", "pydantic", "debian", "rich")

_LOOK = """
import sys
sys.argv = ["buildd-manager", *sys.argv[1:]]
from buildfarm.commands.main import main
try:
    main()
finally:
    loaded = {name.partition(".")[0] for name in sys.modules}
    print(*sorted(loaded & set(%r)), file=sys.stderr)
"""


class TestWithDaemon(CommandTestCase):
    async def setUp(self) -> None:
        super().setUp()
        await self.run_command("init")
        self.process = await self.daemon()

    async def test_daemon_does_the_work(self) -> None:
        """What one command changes, the daemon knows and another command sees."""
        await self.run_command(
            "builder", "add", "bob", "http://127.0.0.1:9", "--processor", "amd64"
        )
        (builder,) = await self.told_json("builder", "list")
        self.assertEqual("bob", builder["name"])
        await self.wait_until(lambda: "builder=bob" in self.log(), what="a scan of the new builder")
        self.assertEqual(
            "There is a builder bob already.",
            await self.refusal(
                "builder", "add", "bob", "http://127.0.0.1:9", "--processor", "amd64"
            ),
        )

    async def test_quick_start(self) -> None:
        """A command that asks a daemon imports nothing that takes long."""
        for arguments in (("builder", "list"), ("build", "list", "--json"), ("chroot", "list")):
            ended = await deferToThread(
                subprocess.run,
                [sys.executable, "-c", _LOOK % (_SLOW,), *arguments],
                env=self.environment,
                capture_output=True,
                text=True,
                check=True,
            )
            self.assertEqual("", ended.stderr.strip(), arguments)

    async def test_second_daemon(self) -> None:
        """A second daemon is refused at once, and the first goes on."""
        ended = await self.run_command("run", status=1)
        self.assertIn(
            f"Another manager works in {self.state} (process {self.process.pid}); stop it first.",
            ended.stderr,
        )
        self.assertEqual([], await self.told_json("builder", "list"))

    async def test_stopped_in_order(self) -> None:
        """SIGTERM ends the daemon with status 0; its socket goes, and commands work without it."""
        self.assertEqual(0, await self.stop(self.process))
        self.assertFalse(self.socket.exists())
        self.assertEqual([], await self.told_json("builder", "list"))

    async def test_killed(self) -> None:
        """A killed daemon's socket keeps neither commands nor the next daemon from working."""
        self.process.kill()
        await deferToThread(self.process.wait, 20)
        self.assertTrue(self.socket.exists())
        self.assertEqual([], await self.told_json("builder", "list"))
        await self.daemon()
        self.assertEqual([], await self.told_json("builder", "list"))

    async def test_nonsense_does_no_harm(self) -> None:
        """A daemon that was sent nonsense answers the next command."""

        def send(content: bytes) -> None:
            # The daemon may refuse it before all of it was sent.
            with connect(self.socket) as connection, suppress(ConnectionError):
                connection.sendall(content)

        for content in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100_000, b"{}\n", b""):
            await deferToThread(send, content)
        self.assertEqual([], await self.told_json("builder", "list"))
        self.assertNotIn("Traceback", self.log())

    async def test_many_at_once(self) -> None:
        """Processes that change things at once all succeed, and each change counts."""

        def changes(process: int) -> None:
            for n in range(5):
                name = f"b{process}-{n}"
                url = f"http://127.0.{process}.{n + 1}:9"
                arguments = ["builder", "add", name, url, "--processor", "amd64"]
                subprocess.run(
                    [COMMAND, *arguments, "--manual"],
                    env=self.environment,
                    check=True,
                    capture_output=True,
                )

        await gatherResults([deferToThread(changes, process) for process in range(4)])
        self.assertEqual(20, len(await self.told_json("builder", "list")))

    async def test_reader_that_has_seen_enough(self) -> None:
        """Output into a pipe that nobody reads any more is no fault of the manager's."""
        command = f"{COMMAND} builder list --json | true"
        done = await deferToThread(
            subprocess.run,
            ["bash", "-c", command],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        self.assertEqual("", done.stderr)

    async def test_actor(self) -> None:
        """Events name who gave the command."""

        def asking() -> None:
            params = {"name": "bob", "url": "http://127.0.0.1:9", "processors": ["amd64"]}
            request = Request("builder.add", params, "alice")
            ask(connect(self.socket), request, (), lambda part: None)

        await deferToThread(asking)
        shown = await self.told_json("builder", "show", "bob")
        self.assertEqual("alice", shown["events"][0]["actor"])


class TestBuilding(CommandTestCase):
    """The whole way of a build, seen from the command line."""

    async def setUp(self) -> None:
        super().setUp()
        await self.run_command("init")
        await self.daemon()
        self.seconds = 2.0
        self.builder = SimulatedBuilder(FakeDaemon(self.reactor, self.script))
        url = self.builder.listen(self.reactor)
        self.addCleanup(self.builder.stop)
        await self.run_command("builder", "add", "bob", url, "--processor", "amd64")
        await self.run_command(
            *("archive", "add", "main", "--suite", "bookworm", "--uploader", "directory")
        )
        (self.directory / "chroot-autobuild").mkdir()
        await self.run_tool("tar", "-czf", "chroot.tar.gz", "chroot-autobuild")
        await self.run_command("chroot", "set", "debian/bookworm/amd64", "chroot.tar.gz")
        await self.run_tool("dpkg-source", "--build", str(PACKAGE))
        (dsc,) = self.directory.glob("*.dsc")
        await self.run_command("submit", dsc, "--archive", "main", "--suite", "bookworm")

    def script(self, order: Order) -> Script:
        """A package that takes a while and fails."""
        log = "".join(f"line {n} of the log\n" for n in range(1000)).encode()
        return Script(outcome=BuildOutcome.PACKAGEFAIL, seconds=self.seconds, log=log)

    async def run_tool(self, *command: str) -> None:
        """Run a tool of the system in the test's directory."""
        await deferToThread(
            subprocess.run, command, cwd=self.directory, check=True, capture_output=True
        )

    async def test_log_is_followed_to_the_end(self) -> None:
        """`build log --follow` prints the log while it grows and ends with the build."""
        printed = await self.told("build", "log", "1", "--follow")
        self.assertEqual([f"line {n} of the log" for n in range(1000)], printed.splitlines())
        (build,) = await self.told_json("build", "list")
        self.assertEqual(("FAILEDTOBUILD", "bob"), (build["state"], build["builder"]))
        self.assertEqual(printed, await self.told("build", "log", "1"))

    async def test_cancelled_while_it_builds(self) -> None:
        """`build cancel` aborts a running build, and `build retry` lets it wait again."""
        self.seconds = 600.0
        await self.wait_for("BUILDING")
        await self.run_command("build", "cancel", "1")
        await self.wait_for("CANCELLED")
        self.seconds = 0.1
        await self.run_command("build", "retry", "1")
        await self.wait_for("FAILEDTOBUILD")
        story = await self.told("build", "why", "1")
        self.assertIn("FAILEDTOBUILD", story)

    async def wait_for(self, state: str) -> None:
        """Wait until the build is in this state."""

        async def is_there() -> bool:
            return (await self.told_json("build", "show", "1"))["state"] == state

        await self.wait_until(is_there, deadline=30.0, what=f"{state}: {self.log()}")
