"""`doctor`: what it finds at good, bad and busy builders, and that it disturbs none."""

import signal

from twisted.internet.threads import deferToThread

from buildfarm.commands.examining import examine
from buildfarm.farmtesting.daemonscript import FetchFailed
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.launchpadbuildd import LaunchpadBuildd
from buildfarm.farmtesting.simulatedbuilder import SimulatedBuilder
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import DaemonStatus
from buildfarm.wire.builderrpc import Fault, status_value
from tests.functional.commands.cases import CommandTestCase


class TestDoctor(CommandTestCase):
    def builder(self, daemon: FakeDaemon) -> str:
        """The URL of a builder with this daemon."""
        self.simulated = SimulatedBuilder(daemon)
        url = self.simulated.listen(self.reactor)
        self.addCleanup(self.simulated.stop)
        return url

    async def examine(self, url: str, listen: str | None = "127.0.0.1") -> dict[str, str]:
        """The grade of each check, and the overall one as `grade`."""
        self.found = await examine(self.reactor, url, listen=listen, call_timeout=2.0)
        grades = {one["check"]: one["grade"] for one in self.found["findings"]}
        return {**grades, "grade": self.found["grade"]}

    def sentence(self, check: str) -> str:
        """What was found by this check."""
        return next(one["sentence"] for one in self.found["findings"] if one["check"] == check)

    async def test_genuine_daemon(self) -> None:
        """launchpad-buildd is fit for the farm in every respect, and fetches a file from us."""
        builder = self.useFixture(LaunchpadBuildd(self.make_directory()))
        checks = ("info", "status", "echo", "latency", "keep-alive", "ensurepresent", "grade")
        self.assertEqual(dict.fromkeys(checks, "ok"), await self.examine(builder.url))
        self.assertEqual(
            "a file of 4096 bytes: Download, then Cache", self.sentence("ensurepresent")
        )

    async def test_nobody_there(self) -> None:
        """A builder that cannot be reached fails, and nothing more is tried."""
        self.assertEqual(
            {"info": "fail", "grade": "fail"}, await self.examine("http://127.0.0.1:9")
        )

    async def test_busy_builder_is_left_alone(self) -> None:
        """A builder that builds is asked, but made to fetch nothing; that is a warning."""
        daemon = FakeDaemon(self.reactor)
        working = Observation(DaemonStatus.BUILDING, "PACKAGEBUILD-1-1-00000000")
        daemon.lies["status"] = status_value(working)
        grades = await self.examine(self.builder(daemon))
        warned = ["status", "ensurepresent", "grade"]
        self.assertEqual(warned, [check for check, grade in grades.items() if grade == "warn"])
        self.assertEqual("BUILDING: it holds PACKAGEBUILD-1-1-00000000", self.sentence("status"))
        self.assertEqual(
            "not tried, since it could disturb a build", self.sentence("ensurepresent")
        )
        self.assertEqual({"info", "status", "echo"}, {call.method for call in daemon.calls})

    async def test_no_way_back(self) -> None:
        """A builder that cannot fetch from us fails: it could fetch no chroot either."""

        async def fetch(url: str, user: str, password: str) -> bytes:
            raise FetchFailed("timed out")

        grades = await self.examine(self.builder(FakeDaemon(self.reactor, fetch=fetch)))
        self.assertEqual(("fail", "fail"), (grades["ensurepresent"], grades["grade"]))
        self.assertIn("Error accessing Librarian: timed out;", self.sentence("ensurepresent"))

    async def test_wrong_answers(self) -> None:
        """Another protocol, no package builds, a lying echo and a fault are failures."""
        for method, lie, check, sentence in (
            (
                "info",
                ["2.0", "amd64", ["binarypackage"]],
                "info",
                "protocol 2.0, amd64; 1.0 is needed",
            ),
            (
                "info",
                ["1.0", "amd64", ["oci"]],
                "info",
                "protocol 1.0, amd64; it builds no binarypackage",
            ),
            ("echo", ["else"], "echo", "something else than what was sent came back"),
            ("echo", Fault(8002, "error"), "echo", "fault 8002: error"),
            ("status", "IDLE", "status", "nonsense"),
        ):
            daemon = FakeDaemon(self.reactor)
            daemon.lies[method] = lie
            grades = await self.examine(self.builder(daemon))
            self.assertEqual(("fail", "fail"), (grades[check], grades["grade"]), method)
            self.assertIn(sentence, self.sentence(check))

    async def test_slow_builder(self) -> None:
        """A builder that never answers fails within the time-out of one call."""
        daemon = FakeDaemon(self.reactor)
        daemon.hang()
        self.addCleanup(daemon.wake)
        self.assertEqual(
            {"info": "fail", "grade": "fail"}, await self.examine(self.builder(daemon))
        )

    async def test_refused(self) -> None:
        """A URL or an address that cannot be is refused."""
        for url, listen in (
            ("ftp://x", None),
            ("http://127.0.0.1:9", "a:b"),
            ("http://127.0.0.1:9", "192.0.2.1"),
        ):
            try:
                await self.examine(url, listen)
            except Refused:
                continue
            self.fail(f"{url} {listen}")

    async def test_command(self) -> None:
        """The command prints the findings and ends with 1 where one is a failure."""
        builder = self.useFixture(LaunchpadBuildd(self.make_directory()))
        printed = await self.told("doctor", builder.url, "--listen", "127.0.0.1")
        self.assertIn(f"{builder.url} is fit for the farm.", printed)
        ended = await self.run_command("doctor", "http://127.0.0.1:9", status=1)
        self.assertIn("http://127.0.0.1:9 is not fit for the farm.", ended.stdout)
        found = await self.told_json("doctor", builder.url, "--listen", "127.0.0.1")
        self.assertEqual("ok", found["grade"])

    async def test_interrupted(self) -> None:
        """Ctrl-C ends the examination at once, without a traceback."""
        daemon = FakeDaemon(self.reactor)
        daemon.hang()
        self.addCleanup(daemon.wake)
        process = self.start_command("doctor", self.builder(daemon), "--timeout", "60")
        await self.wait_until(lambda: self.simulated._connections, what="a call")
        process.send_signal(signal.SIGINT)
        output, errors = await deferToThread(process.communicate, timeout=20)
        self.assertEqual((130, b"", b""), (process.returncode, output, errors.strip()))
