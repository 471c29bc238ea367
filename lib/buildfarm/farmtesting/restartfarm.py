"""A farm whose manager is a process that can be killed, while its builders live on.

Beside the layers; for tests/functional/restarts. The builders are fake daemons in the test's
process. Builds of the archives `main` and `virtual` are published by the `directory` uploader,
those of `apt` and `apt-virtual` by reprepro; the virtual ones are built by virtual builders, which
a command resets. Tests read the database, and write to it what has to be there before a start.
"""

import hashlib
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from buildfarm.assembly.lock import daemon_answers
from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.configfile import as_toml
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.farm import CHROOT_SHA1, Farm
from buildfarm.farmtesting.packages import changes, deb
from buildfarm.farmtesting.processes import Process
from buildfarm.farmtesting.resetwatch import ResetWatch
from buildfarm.farmtesting.strayprocesses import kill_processes_in, processes_in
from buildfarm.storage import builds, chroots
from buildfarm.storage.database import Database
from buildfarm.storage.transactor import Transactor
from buildfarm.uploads.creation import create_archive
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.settings import FilesSettings, Settings
from buildfarm.vocab.states import BuildState, ResetProtocol, UploaderKind
from buildfarm.vocab.submission import SourcePackage, Submission, WantedBuild
from buildfarm.wire.builderrpc import Call, Fault, Value

#: The archives of each uploader: one for real builders, one for virtual ones.
ARCHIVES = {
    UploaderKind.DIRECTORY: ("main", "virtual"),
    UploaderKind.REPREPRO: ("apt", "apt-virtual"),
}

_MODULE = (sys.executable, "-m")


class WatchedDaemon(FakeDaemon):
    """A daemon that notes what a manager must never do to it, as sentences in `offences`."""

    def __init__(self, farm: "RestartFarm", name: str, script: Callable[[Order], Script]) -> None:
        super().__init__(farm.test.reactor, script)
        self.offences: list[str] = []
        self._name = name
        self._resets = farm.resets

    async def call(self, call: Call) -> Value | Fault:
        """As any daemon, and look at each `build`."""
        resetting = self._resets.under_way(self._name)
        answer = await super().call(call)
        if call.method == "build":
            cookie = str(call.params[0])
            if isinstance(answer, Fault):
                self.offences.append(f"{self._name} was sent {cookie} while it was not IDLE")
            if resetting:
                self.offences.append(f"{self._name} was sent {cookie} during its reset")
        return answer


class RestartFarm(Farm):
    """`made` are the results of each build that was begun, by cookie and name of the file."""

    def __init__(self, test: FarmTestCase, root: Path, settings: Settings) -> None:
        self.resets = ResetWatch(test.reactor, root)
        command = (str(self.resets.command), "%(vm_host)s")
        settings = replace(
            settings,
            resets=replace(settings.resets, command=command),
            files=FilesSettings(listen="tcp:0:interface=127.0.0.1"),  # nothing is downloaded
        )
        super().__init__(test, root, settings)
        self.archive = replace(self.archive, architectures=("amd64", "armhf"))
        self.config = root / "manager.toml"
        self.configure(self.settings)
        self.log = root / "manager.log"
        self.daemons: dict[str, WatchedDaemon] = {}
        self.made: dict[str, Mapping[str, bytes]] = {}
        self.manager: Process | None = None
        self._storage = self._opened()
        test.addCleanup(kill_processes_in, root)
        self.resets.start()
        test.addCleanup(self.resets.stop)

    # The manager.

    def configure(self, settings: Settings) -> None:
        """Have the managers that are started from now on use these settings."""
        self.settings = settings
        self.config.write_text(as_toml(settings))

    def start_manager(
        self,
        step: str | None = None,
        count: int = 1,
        number: signal.Signals = signal.SIGKILL,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start a manager that sends itself a signal at the `count`-th `step`, if one is named."""
        if step is None:
            arguments = self.command("run")
        else:
            arguments = [*_MODULE, "buildfarm.farmtesting.managerprocess", str(self.config)]
            arguments += [step, str(count), number.name]
        return self._start(arguments, env)

    def start_shifted_manager(self, clock: Path) -> Process:
        """Start a manager whose wall clock is off by as many seconds as the file `clock` says."""
        module = "buildfarm.farmtesting.shiftedmanager"
        return self._start([*_MODULE, module, str(self.config), str(clock)], None)

    def _start(self, arguments: list[str], env: Mapping[str, str] | None) -> Process:
        manager = Process.start(self.test.reactor, arguments, self.log, cwd=self.root, env=env)
        self.manager = manager
        self.test.addCleanup(self.kill, manager)
        return manager

    def command(self, *arguments: str) -> list[str]:
        """A command of `buildd-manager` for this farm."""
        return [*_MODULE, "buildfarm.commands.main", "--config", str(self.config), *arguments]

    async def wait_until_ready(self) -> None:
        """Return when the manager takes commands."""
        await self.test.wait_until(lambda: daemon_answers(self.settings), 20.0, self.story)

    async def wait_until_ended(self, manager: Process, deadline: float = 30.0) -> int:
        """Return how the process ended, when it has."""
        await self.test.wait_until(
            lambda: manager.status is not None, deadline, lambda: f"its end\n{self.story()}"
        )
        assert manager.status is not None, "wait_until returns when that is so"
        return manager.status

    async def kill(self, manager: Process) -> None:
        """Kill the manager, if it still runs, and nothing else; return when it is gone."""
        manager.send(signal.SIGKILL)
        await manager.when_ended()

    async def stop_manager(self) -> None:
        """Stop the manager in order, once it runs; neither it nor a child of it may be left."""
        assert self.manager is not None, "no manager was started"
        await self.wait_until_ready()
        self.manager.send(signal.SIGTERM)
        status = await self.wait_until_ended(self.manager)
        self.test.assertEqual(0, status, self.story())
        await self.test.wait_until(
            lambda: not processes_in(self.root), what=lambda: f"{processes_in(self.root)} to end"
        )

    def story(self) -> str:
        """The end of what the managers have logged."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-60:])

    def _opened(self) -> Transactor:
        database = Database(self.settings.database_uri)
        storage = Transactor(self.test.reactor, database, lambda announcement: None, 1)
        self.test.addCleanup(storage.stop, 5.0)
        return storage

    async def close_database(self) -> None:
        """Before another takes its place."""
        await self._storage.stop(5.0)

    def open_database(self) -> None:
        """After another has taken its place."""
        self._storage = self._opened()

    # What there is to build, and where.

    async def add_builders(self, count: int, seconds: float) -> None:
        """`count` real and as many virtual builders, on which a build takes so many seconds."""
        for number in range(count):
            await self.add_builder(self.watched(f"real{number}", seconds), f"real{number}")
            name = f"vm{number}"
            await self.add_virtual_machine(name, seconds)

    async def add_virtual_machine(self, name: str, seconds: float) -> WatchedDaemon:
        """A virtual builder, alone on its host, that the command of this farm resets."""
        daemon = self.watched(name, seconds)
        self.resets.machines[name] = daemon
        await self.add_builder(
            daemon,
            name,
            virtualized=True,
            vm_host=name,
            vm_reset_protocol=ResetProtocol.SYNCHRONOUS,
        )
        return daemon

    async def add_spare(self, name: str) -> WatchedDaemon:
        """A builder to which nothing is dispatched: it is only scanned."""
        daemon = self.watched(name, 1.0)
        await self.add_builder(daemon, name, manual=True)
        return daemon

    def watched(self, name: str, seconds: float) -> WatchedDaemon:
        """The daemon of a builder."""
        daemon = self.daemons[name] = WatchedDaemon(self, name, self.building(seconds))
        return daemon

    def building(self, seconds: float) -> Callable[[Order], Script]:
        """Builds that take so long; no two of them have the same results."""

        def script(order: Order) -> Script:
            dsc = next(name for name in order.filemap if name.endswith(".dsc"))
            source, version = dsc.removesuffix(".dsc").split("_")
            content = {f"./usr/share/{source}/cookie": order.build_id.encode()}
            name = f"{source}_{version}_amd64"
            files = {f"{name}.deb": deb(source, version, files=content)}
            stated = changes(files, Source=source, Version=version, Binary=source)
            self.made[order.build_id] = {**files, f"{name}.changes": stated}
            return Script(seconds=seconds, results=self.made[order.build_id])

        return script

    async def add_archive(self, name: str, **described: Any) -> None:
        """An archive, and what its uploader needs."""
        create_archive(replace(self.archive, name=name, **described), self.settings.locks_dir)
        await super().add_archive(name, **described)

    async def submit_into(self, archive: str, source: str) -> int:
        """Queue a source package for an archive; the id of its one build."""
        digest = hashlib.sha256(f"{archive}/{source}".encode()).hexdigest()
        dsc = StoredFile(f"{source}_1.0.dsc", 100, digest[:40], digest)
        submission = Submission(
            source=SourcePackage(source, "1.0", ("any",), (source,), (dsc,)),
            archive=archive,
            suite="bookworm",
            builds=(WantedBuild("amd64", arch_indep=False),),
            score=0,
            requester="test",
        )
        (build_id,) = await self.write(builds.submit, submission, "test", utc_now())
        return int(build_id)

    async def wait_until_all_built(self, deadline: float = 60.0) -> None:
        """Return once every build is FULLYBUILT."""
        left: list[str] = []

        async def all_built() -> bool:
            left[:] = [
                f"{build.title}: {build.state.value} {build.reason or ''}"
                for build in await self.read(builds.builds)
                if build.state is not BuildState.FULLYBUILT
            ]
            return not left

        def what() -> str:
            return "\n".join(["every build to be FULLYBUILT, but", *left, self.story()])

        await self.test.wait_until(all_built, deadline, what)

    # How it is made.

    async def _with_database(self, work: Callable[[Transactor], Any]) -> Any:
        return await work(self._storage)

    async def _furnish(self, storage: Transactor) -> None:
        for uploader, names in ARCHIVES.items():
            for name in names:
                await self.add_archive(
                    name,
                    uploader=uploader,
                    path=str(self.root / name),
                    virtualized=name.endswith("virtual"),
                )
        for architecture in ("amd64", "armhf"):
            chroot = ChrootSnapshot(
                "debian", "bookworm", architecture, chroots.TARBALL, 100, CHROOT_SHA1, "c" * 64
            )
            await storage.write(chroots.set_chroot, chroot, "test", utc_now())
