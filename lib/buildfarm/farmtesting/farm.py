"""A whole manager in the test's own process, with fake daemons for builders.

Beside the layers; for tests/functional/scanning and assembly. Everything but the builders is real:
sockets, database, file store, upload children. What a test asks is read from the database.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.threads import deferToThread

from buildfarm.admin.client import ask, connect
from buildfarm.admin.protocol import Request
from buildfarm.assembly.ground import no_checkpoint
from buildfarm.assembly.service import FarmService
from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.ports import free_port
from buildfarm.farmtesting.simulatedbuilder import SimulatedBuilder
from buildfarm.farmtesting.simulatedresults import package_results
from buildfarm.storage import archives, attempts, builds, chroots, events, roster
from buildfarm.storage.acts import Committed
from buildfarm.storage.database import Database
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.archive import ChrootSnapshot, NewArchive
from buildfarm.vocab.build import AttemptSnapshot, BuildSnapshot, EventSnapshot, StoredFile
from buildfarm.vocab.builder import BuilderSnapshot, NewBuilder
from buildfarm.vocab.settings import (
    FilesSettings,
    ManagerSettings,
    ResetSettings,
    ScanningSettings,
    Settings,
    UploadSettings,
    WebSettings,
)
from buildfarm.vocab.states import BuildState, ResetProtocol, UploaderKind
from buildfarm.vocab.submission import SourcePackage, Submission, WantedBuild

P = ParamSpec("P")
T = TypeVar("T")

#: Nothing waits long in a test: what takes minutes on a farm takes a second here.
QUICK = ScanningSettings(
    idle_interval=1.0,
    call_timeout=2.0,
    build_timeout=2.0,
    connect_timeout=1.0,
    failures_to_count=2,
    failure_span=0.2,
    abort_deadline=1.0,
    tail_interval=0.2,
    cpu_share=1.0,
)

CHROOT_SHA1 = "c" * 40


def a_build(seconds: float = 0.3, source: str = "", version: str = "1.0") -> Script:
    """A build that succeeds with one package."""
    return Script(seconds=seconds, results=package_results(source, version, source, "amd64", 1000))


def built_in(seconds: float) -> Callable[[Order], Script]:
    """A script: every build succeeds after `seconds` with the package that its name promises."""

    def script(order: Order) -> Script:
        dsc = next(name for name in order.filemap if name.endswith(".dsc"))
        source, _, version = dsc.removesuffix(".dsc").partition("_")
        return a_build(seconds, source, version)

    return script


class Farm:
    """The manager of one test, with its builders and an archive `main` of kind `directory`."""

    def __init__(self, test: FarmTestCase, root: Path, settings: Settings) -> None:
        self.test = test
        self.root = root
        self.settings = settings
        self.service: FarmService | None = None
        self.published = root / "main" / "incoming"
        place, kind = str(root / "main"), UploaderKind.DIRECTORY
        self.archive = NewArchive(
            "main", "debian", ("bookworm",), ("amd64",), "amd64", uploader=kind, path=place
        )
        self._announce: Callable[[Any], None] = lambda announcement: None

    @classmethod
    async def make(
        cls,
        test: FarmTestCase,
        scanning: ScanningSettings = QUICK,
        resets: ResetSettings | None = None,
        database: str = "",
    ) -> "Farm":
        """A farm in a directory of the test's, not running yet.

        `database` is the URI of another one than SQLite in that directory.
        """
        root = test.make_directory()
        port = free_port()
        settings = Settings(
            manager=ManagerSettings(state_dir=root / "state", database=database, min_free_bytes=1),
            files=FilesSettings(
                listen=f"tcp:{port}:interface=127.0.0.1", public_url=f"http://127.0.0.1:{port}"
            ),
            web=WebSettings(listen=f"tcp:{free_port()}:interface=127.0.0.1"),
            scanning=scanning,
            resets=resets or ResetSettings(),
            uploads=UploadSettings(first_retry=0.1, longest_retry=0.2),
        )
        settings.manager.state_dir.mkdir()
        for part in ("incoming", "outgoing"):
            (root / "main" / part).mkdir(parents=True)
        Database(settings.database_uri).init()
        farm = cls(test, root, settings)
        await farm._with_database(farm._furnish)
        return farm

    async def start(self, checkpoint: Callable[[str], None] = no_checkpoint) -> None:
        """Start a manager; the one before, if there was one, has been stopped."""
        service = FarmService(self.test.reactor, self.settings, checkpoint=checkpoint)
        self.service = service
        service.startService()
        self.test.addCleanup(self.stop)
        await service.when_running()

    async def stop(self) -> None:
        """Stop the manager in order; builders go on."""
        service, self.service = self.service, None
        if service is not None:
            await service.stopService()

    # What there is to build, and where.

    def daemon(self, script: Callable[[Order], Script] | None = None) -> FakeDaemon:
        """A daemon on the reactor's clock; builds take 0.3 s unless scripted."""
        return FakeDaemon(self.test.reactor, script or built_in(0.3))

    async def add_builder(
        self, daemon: FakeDaemon, name: str = "bob", **described: Any
    ) -> SimulatedBuilder:
        """Have `daemon` listen, and tell the manager of it."""
        simulated = SimulatedBuilder(daemon)
        url = simulated.listen(self.test.reactor)
        self.test.addCleanup(simulated.stop)
        new = NewBuilder(name=name, url=url, processors=("amd64",), **described)
        await self.write(roster.add_builder, new, "test", utc_now())
        return simulated

    async def add_virtual_builder(
        self, daemon: FakeDaemon, name: str = "vm1", protocol: str = "1.1"
    ) -> SimulatedBuilder:
        """A builder that is reset by the command of the settings."""
        return await self.add_builder(
            daemon,
            name,
            virtualized=True,
            vm_host="host1",
            vm_reset_protocol=ResetProtocol(protocol),
        )

    async def add_archive(self, name: str, **described: Any) -> None:
        """Tell the manager of an archive that is as `main` is, but for what is described."""
        new = replace(self.archive, name=name, **described)
        await self.write(archives.add_archive, new, "test", utc_now())

    async def submit(
        self,
        source: str = "hello",
        version: str = "1.0",
        score: int = 0,
        archive: str = "main",
        suite: str = "bookworm",
    ) -> int:
        """Queue a source package; the id of its one build. What `virtual` builds needs a VM."""
        digest = hashlib.sha256(f"{source}_{version}".encode()).hexdigest()
        dsc = StoredFile(f"{source}_{version}.dsc", 100, digest[:40], digest)
        submission = Submission(
            source=SourcePackage(source, version, ("any",), (source,), (dsc,)),
            archive=archive,
            suite=suite,
            builds=(WantedBuild("amd64", arch_indep=False),),
            score=score,
            requester="test",
        )
        (build_id,) = await self.write(builds.submit, submission, "test", utc_now())
        return build_id

    @property
    def web_port(self) -> int:
        """Where people are served."""
        return int(self.settings.web.listen.split(":")[1])

    async def ask(self, verb: str, params: dict[str, Any], *files: Path) -> Any:
        """What the control socket answers, as to a command that sends `files` along."""
        request = Request(verb, params, "test", tuple(path.name for path in files))

        def asking() -> Any:
            with ExitStack() as stack:
                opened = [stack.enter_context(path.open("rb")) for path in files]
                connection = connect(self.settings.control_socket)
                return ask(connection, request, opened, lambda part: None)

        return await deferToThread(asking)

    # What is true now.

    async def build(self, build_id: int) -> BuildSnapshot:
        """One build as the database has it."""
        return await self.read(builds.build, build_id)

    async def builder(self, name: str = "bob") -> BuilderSnapshot:
        """One builder as the database has it."""
        return await self.read(roster.builder_named, name)

    async def attempts(self, build_id: int) -> tuple[AttemptSnapshot, ...]:
        """The attempts of one build."""
        return await self.read(attempts.attempts_of, build_id)

    async def events(self, build_id: int) -> tuple[EventSnapshot, ...]:
        """The events of one build, oldest first."""
        return tuple(reversed(await self.read(events.events_of_build, build_id, 1000)))

    async def wait_for_build(
        self, build_id: int, *states: BuildState, deadline: float = 20.0
    ) -> BuildSnapshot:
        """Return the build once it is in one of `states`."""

        async def there() -> BuildSnapshot | None:
            found = await self.build(build_id)
            return found if found.state in states else None

        what = f"build {build_id} to become {' or '.join(state.value for state in states)}"
        found: BuildSnapshot | None = await self.test.wait_until(there, deadline, what)
        assert found is not None, "wait_until returns what is true"
        return found

    async def wait_until_built(
        self, build_ids: Iterable[int], deadline: float = 20.0
    ) -> list[BuildSnapshot]:
        """Return the builds once all of them are FULLYBUILT."""
        return [
            await self.wait_for_build(build_id, BuildState.FULLYBUILT, deadline=deadline)
            for build_id in build_ids
        ]

    def published_cookies(self) -> list[str]:
        """The attempts whose results the archive got."""
        return sorted(path.name for path in self.published.iterdir())

    async def read(
        self, query: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer of `query`."""

        async def ask(storage: Transactor) -> T:
            return await storage.read(query, *args, **kwargs)

        return await self._with_database(ask)

    async def write(
        self, act: Callable[Concatenate[Any, P], Committed[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `act` committed; the running manager hears of it as if it had done it itself."""

        async def ask(storage: Transactor) -> T:
            return await storage.write(act, *args, **kwargs)

        return await self._with_database(ask)

    async def _with_database(self, work: Callable[[Transactor], Awaitable[T]]) -> T:
        if self.service is not None and self.service.storage is not None:
            return await work(self.service.storage)
        database = Database(self.settings.database_uri)
        storage = Transactor(self.test.reactor, database, lambda announcement: None, 1)
        try:
            return await work(storage)
        finally:
            await storage.stop(5.0)

    async def _furnish(self, storage: Transactor) -> None:
        now = utc_now()
        await storage.write(archives.add_archive, self.archive, "test", now)
        virtual = replace(self.archive, name="virtual", virtualized=True)
        await storage.write(archives.add_archive, virtual, "test", now)
        chroot = ChrootSnapshot(
            "debian", "bookworm", "amd64", chroots.TARBALL, 100, CHROOT_SHA1, "c" * 64
        )
        await storage.write(chroots.set_chroot, chroot, "test", now)
