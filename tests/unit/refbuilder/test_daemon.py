"""What each call does in each state."""

from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.memory import inline_workers
from buildfarm.refbuilder.daemon import Daemon
from buildfarm.refbuilder.filecache import FileCache
from buildfarm.refbuilder.job import CallRefused, Ending, Job
from buildfarm.refbuilder.workplace import Workplace
from buildfarm.vocab.states import BuildOutcome

CHROOT, DSC, MISSING = "c" * 40, "d" * 40, "e" * 40
ARGS: dict[str, Any] = {
    "distribution": "debian",
    "series": "bookworm",
    "suite": "bookworm",
    "ogrecomponent": "main",
}
FILEMAP: dict[str, Any] = {"hello_1.0.dsc": DSC}
BUILDING = ["BuilderStatus.BUILDING", "B-1"]


class FakeFetcher:
    """Knows every file, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, ...]] = []

    def ensure_present(self, *args: str | None) -> tuple[bool, str]:
        """Pretend."""
        self.asked.append(args)
        return True, "Download"


class FakeBackend:
    """Builds that end when the test says so."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.aborts = 0
        self.ended: Deferred[Ending] = Deferred()

    async def build(self, job: Job) -> Ending:
        """Wait for the test."""
        self.jobs.append(job)
        self.ended = Deferred()
        return await self.ended

    async def abort(self) -> None:
        """Count."""
        self.aborts += 1


class TestDaemon(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.place = Workplace(self.make_directory())
        cache = FileCache(self.place)
        cache.open()
        for sha1 in (CHROOT, DSC):
            (self.place.inputs / sha1).touch()
        self.fetcher = FakeFetcher()
        fetcher: Any = self.fetcher
        self.backend = FakeBackend()
        self.daemon = Daemon("amd64", cache, fetcher, self.backend, inline_workers())

    def build(self, build_id: Any = "B-1", **args: Any) -> Any:
        """Ask for a build with everything that it needs."""
        return self.daemon.build(build_id, "binarypackage", CHROOT, FILEMAP, {**ARGS, **args})

    def end(self, outcome: BuildOutcome, **fields: Any) -> None:
        """Let the build end."""
        self.backend.ended.callback(Ending(outcome, **fields))

    def clean(self) -> Any:
        """The reply to `clean`."""
        return self.successResultOf(self.daemon.clean())

    def assert_state(self, name: str) -> None:
        """The daemon says that it is in this state."""
        self.assertEqual(f"BuilderStatus.{name}", self.daemon.status()["builder_status"])

    def test_idle(self) -> None:
        """A new daemon is idle, and says nothing more of itself."""
        self.assertEqual({"builder_status": "BuilderStatus.IDLE"}, self.daemon.status())

    def test_info(self) -> None:
        """It names its protocol, its architecture and what it builds."""
        self.assertEqual(["1.0", "amd64", ["binarypackage"]], self.daemon.info())

    def test_building(self) -> None:
        """A build has begun when it is confirmed: its log is there, and its tail grows."""
        self.assertEqual(BUILDING, self.build())
        self.assertEqual("hello_1.0.dsc", self.backend.jobs[0].dsc)
        status: Any = {"builder_status": BUILDING[0], "build_id": "B-1", "logtail": b""}
        self.assertEqual(status, self.daemon.status())
        self.place.log.write_bytes(b"x" * 3000 + b"end")
        self.assertEqual(b"x" * 2045 + b"end", self.daemon.status()["logtail"])

    def test_missing_input(self) -> None:
        """A chroot or file that is not there is named, and nothing begins."""
        reply: Any = self.daemon.build("B-1", "binarypackage", MISSING, FILEMAP, ARGS)
        self.assertEqual("BuilderStatus.UNKNOWNSUM", reply[0])
        self.assertIn(f"CHROOTSUM -> {MISSING}", reply[1])
        for sha1 in (MISSING, "../daemon.lock", 7):
            filemap = {**FILEMAP, "x.tar.xz": sha1}
            reply = self.daemon.build("B-1", "binarypackage", CHROOT, filemap, ARGS)
            self.assertIn(f"FILESUM -> {sha1}", reply[1])
        self.assert_state("IDLE")

    def test_unknown_type(self) -> None:
        """Only binary packages are built."""
        reply = self.daemon.build("B-1", "livefs", CHROOT, FILEMAP, ARGS)
        self.assertEqual("BuilderStatus.UNKNOWNBUILDER", reply[0])

    def test_refused_before_it_begins(self) -> None:
        """Where arguments are wrong, the daemon is as idle as before: it does not wedge."""
        self.assertRaises(CallRefused, self.build, "")
        self.assertRaises(CallRefused, self.build, suite="-x")
        self.assertRaises(
            CallRefused, self.daemon.build, "B-1", "binarypackage", CHROOT, FILEMAP, {}
        )
        self.assertRaises(CallRefused, self.daemon.build, "B-1", "binarypackage", CHROOT, 7, ARGS)
        self.assert_state("IDLE")
        self.assertEqual(BUILDING, self.build())

    def test_second_build(self) -> None:
        """A build while another runs or waits is refused and changes nothing."""
        self.build()
        self.place.log.write_bytes(b"line\n")
        self.assertRaises(CallRefused, self.build, "B-2")
        status = self.daemon.status()
        self.assertEqual(("B-1", b"line\n"), (status["build_id"], status["logtail"]))
        self.end(BuildOutcome.OK)
        self.assertRaises(CallRefused, self.build, "B-2")
        self.assertEqual("B-1", self.daemon.status()["build_id"])

    def test_endings(self) -> None:
        """Endings of the package name files and dependencies, those of the builder do not."""
        for outcome in BuildOutcome:
            self.build()
            self.end(outcome, filemap={"a.deb": CHROOT}, dependencies="x")
            status = self.daemon.status()
            self.assertEqual("BuilderStatus.WAITING", status["builder_status"])
            self.assertEqual(outcome.value, status["build_status"])
            named = {"filemap", "dependencies"} & status.keys()
            self.assertEqual(
                outcome in (BuildOutcome.OK, BuildOutcome.PACKAGEFAIL, BuildOutcome.DEPFAIL),
                named == {"filemap", "dependencies"},
            )
            self.assertNotIn("logtail", status)
            self.assertEqual("BuilderStatus.IDLE", self.clean())

    def test_clean(self) -> None:
        """Cleaning makes the daemon idle again, without log and results."""
        self.build()
        self.end(BuildOutcome.PACKAGEFAIL)
        self.assertEqual("BuilderStatus.IDLE", self.clean())
        self.assertEqual({"builder_status": "BuilderStatus.IDLE"}, self.daemon.status())
        self.assertFalse(self.place.log.exists())

    def test_clean_refused(self) -> None:
        """There is nothing to clean unless a build waits for it."""
        self.failureResultOf(self.daemon.clean(), CallRefused)
        self.build()
        self.failureResultOf(self.daemon.clean(), CallRefused)
        self.daemon.abort()
        self.failureResultOf(self.daemon.clean(), CallRefused)

    def test_abort(self) -> None:
        """An aborted build ends as ABORTED, whatever it has come to meanwhile."""
        self.build()
        self.assertEqual("BuilderStatus.ABORTING", self.daemon.abort())
        self.assertEqual(
            {"builder_status": "BuilderStatus.ABORTING", "build_id": "B-1"}, self.daemon.status()
        )
        self.end(BuildOutcome.OK, filemap={"a.deb": CHROOT})
        self.assertEqual("BuildStatus.ABORTED", self.daemon.status()["build_status"])

    def test_abort_again(self) -> None:
        """Asking twice is answered twice, and carried out once."""
        self.build()
        self.daemon.abort()
        self.assertEqual("BuilderStatus.ABORTING", self.daemon.abort())
        self.assertEqual(1, self.backend.aborts)

    def test_abort_refused(self) -> None:
        """There is nothing to abort unless something builds."""
        self.assertRaises(CallRefused, self.daemon.abort)
        self.build()
        self.end(BuildOutcome.OK)
        self.assertRaises(CallRefused, self.daemon.abort)

    def test_backend_fails(self) -> None:
        """A backend that breaks is the builder's failure, with the traceback in its log."""
        self.build()
        self.backend.ended.errback(OSError("disk"))
        self.assertEqual("BuildStatus.BUILDERFAIL", self.daemon.status()["build_status"])
        self.assertEqual(1, len(self.flush_logged_errors(OSError)))

    def test_ensurepresent(self) -> None:
        """A missing user is none, as an empty one is."""
        for user in ("", None):
            reply = self.successResultOf(self.daemon.ensurepresent(DSC, "http://x/", user, user))
            self.assertEqual([True, "Download"], reply)
        self.assertEqual([(DSC, "http://x/", "", "")] * 2, self.fetcher.asked)

    def test_ensurepresent_refused(self) -> None:
        """Arguments of another type are refused."""
        self.failureResultOf(self.daemon.ensurepresent(7, "http://x/", "", ""), CallRefused)
        self.failureResultOf(self.daemon.ensurepresent(DSC, [], "", ""), CallRefused)
