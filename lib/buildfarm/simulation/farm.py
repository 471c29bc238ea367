"""A simulated farm: everything that a plan needs, built and wired, and the people who use it.

Beside the layers. Tests: tests/unit/simulation.
"""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.filestore.store import FileStore
from buildfarm.simulation.archives import make_archive
from buildfarm.simulation.disk import Disk
from buildfarm.simulation.machines import PORT, LedgerDaemon, Machine, Resets, Run, make_fetch
from buildfarm.simulation.manager import Manager
from buildfarm.simulation.memorydatabase import MemoryDatabase
from buildfarm.simulation.network import Link, Network
from buildfarm.simulation.plan import ARCHITECTURES, ARCHIVES, Builder, Plan
from buildfarm.simulation.processes import Processes
from buildfarm.simulation.scripts import script_for
from buildfarm.simulation.uploadchildren import Luck, UploadChildren
from buildfarm.simulation.world import World
from buildfarm.storage import archives, chroots, roster
from buildfarm.storage.acts import Committed
from buildfarm.vocab.archive import ChrootSnapshot, NewArchive
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.errors import FarmError, Refused, StaleState
from buildfarm.vocab.settings import (
    GatherSettings,
    ManagerSettings,
    ResetSettings,
    ScanningSettings,
    Settings,
    UploadSettings,
)
from buildfarm.vocab.states import CleanStatus, ResetProtocol

#: Wall time when a world begins.
BEGINNING = datetime(2026, 1, 1)

_MIB = 1024 * 1024

#: What answers a request for good.
REFUSALS = (Refused, StaleState)

#: Seconds until somebody tries again whom nobody could serve.
_AGAIN = 5.0


def settings_for(root: Path) -> Settings:
    """The settings of every simulated manager: the usual ones, but for what would take hours.

    The scans' share of the processor is small, so that a simulated farm is asked less often.
    """
    return Settings(
        manager=ManagerSettings(state_dir=root / "state", min_free_bytes=1, database_threads=2),
        scanning=ScanningSettings(cpu_share=0.01, build_deadline=900.0, call_timeout=20.0),
        gather=GatherSettings(
            max_file_bytes=_MIB, max_total_bytes=2 * _MIB, max_log_bytes=_MIB, max_files=20
        ),
        resets=ResetSettings(
            command=("reset", "%(vm_host)s", "%(buildd_name)s"),
            deadline=120.0,
            cleaning_deadline=300.0,
        ),
        uploads=UploadSettings(threads=4, deadline=120.0, longest_retry=60.0),
    )


class Farm:
    """The machines, archives, database and files of one world, and the manager of the moment."""

    def __init__(self, plan: Plan, root: Path) -> None:
        self.plan = plan
        self.root = str(root)
        self.world = World(plan.seed)
        self.settings = settings_for(root)
        for directory in (self.settings.spool_dir, self.settings.locks_dir):
            directory.mkdir(parents=True)
        self.ledger: list[Run] = []
        self.network = Network(self.world)
        self.machines = [
            self._machine(number, builder) for number, builder in enumerate(plan.builders)
        ]
        self.resets = Resets(self.world, self.machines)
        self.resets.ended = self._reset_ended
        self.processes = Processes(self.world, self.resets.decide)
        self.archives = {name: make_archive(name, kind, root / name) for name, kind, _ in ARCHIVES}
        self.luck = Luck(self.world.stream("upload children"))
        self.database = MemoryDatabase(f"{self._chance.randrange(1 << 32):08x}")
        self.disk = Disk()
        self.store = FileStore(self.settings.store_dir)
        #: When the wall clock was looked at, and what it said: its times are not the world's.
        self.moments = {BEGINNING: 0.0}
        #: Seconds by which the wall clock is off.
        self.skew = 0.0
        #: Asked at each checkpoint whether the manager is killed there.
        self.at_step: Callable[[str], bool] = lambda name: False
        self.manager: Manager | None = None
        #: Managers that were killed; what is left of them is kept until the world ends.
        self.dead: list[Manager] = []
        self._furnish()

    @property
    def _chance(self) -> Random:
        return self.world.stream("farm")

    def utc_now(self) -> datetime:
        """What the wall clock says."""
        seconds = self.world.seconds()
        now = BEGINNING + timedelta(seconds=seconds + self.skew)
        self.moments[now] = seconds
        return now

    # The manager's process.

    def start_manager(self) -> None:
        """Start a manager, unless one runs."""
        if self.manager is not None and self.manager.alive:
            return
        if self.manager is not None:
            self.dead.append(self.manager)
        self.world.note("manager", "starts")
        manager = self.manager = Manager(
            self.world,
            self.settings,
            len(self.dead) + 1,
            network=self.network,
            processes=self.processes,
            database=self.database,
            disk=self.disk,
            children=UploadChildren(self.world, self.archives, self.luck),
            utc_now=self.utc_now,
            at_step=self.at_step,
        )

        def failed(failure: Any) -> None:
            if manager.alive:
                self.world.note("manager", f"cannot start: {failure.getErrorMessage()}")
                manager.kill()
                self.world.callLater(_AGAIN, self.start_manager)

        manager.start(failed)

    def kill_manager(self) -> None:
        """Kill the manager that runs, if one does."""
        if self.manager is not None and self.manager.alive:
            self.world.note("manager", "is killed")
            self.manager.kill()

    def stop_manager(self) -> None:
        """Stop the manager that runs, in order."""
        manager = self.manager
        if manager is None or not manager.alive:
            return
        self.world.note("manager", "is stopped")

        def stopped(_: object) -> None:
            if manager.alive:
                self.world.note("manager", "has stopped")
                manager.kill()

        manager.stop().addBoth(stopped)

    def manager_lives(self) -> bool:
        """Whether a manager runs, so that builders can download from it."""
        return self.manager is not None and self.manager.alive

    # What people do.

    def ask(
        self,
        what: str,
        act: Callable[..., Committed[Any]],
        *args: Any,
        done: Callable[[Any], None] = lambda value: None,
    ) -> None:
        """Have the manager carry out `act(store, *args, "people", now)`, once there is one.

        Whoever asks while it is down, or its database fails, asks again; a refusal is an answer.
        """
        manager = self.manager
        storage = None if manager is None else manager.storage
        if storage is None:
            self._ask_again(what, act, args, done)
            return

        async def asking() -> None:
            try:
                value = await storage.write(act, *args, "people", self.utc_now())
            except FarmError as error:
                if isinstance(error, REFUSALS):
                    self.world.note("people", f"{what}: {error}")
                else:
                    self._ask_again(what, act, args, done)
            else:
                self.world.note("people", what)
                done(value)

        Deferred.fromCoroutine(asking())

    def _ask_again(
        self,
        what: str,
        act: Callable[..., Committed[Any]],
        args: tuple[Any, ...],
        done: Callable[[Any], None],
    ) -> None:
        self.world.callLater(_AGAIN, lambda: self.ask(what, act, *args, done=done))

    def add_again(self, name: str) -> None:
        """Add a builder that was removed."""
        index = [builder.name for builder in self.plan.builders].index(name)
        new = _new(self.plan.builders[index], self.machines[index])
        self.ask(f"add {name}", roster.add_builder, new)

    def _reset_ended(self, machine: Machine) -> None:
        """The reset infrastructure reports a 2.0 builder clean."""
        builder = next(one for one in self.plan.builders if one.name == machine.name)
        if builder.protocol == ResetProtocol.ASYNCHRONOUS.value:
            changes = {"clean_status": CleanStatus.CLEAN}
            what = f"{machine.name} is reported clean"
            self.world.callLater(
                5.0, lambda: self.ask(what, roster.change_builder, machine.name, changes)
            )

    # How it is made.

    def _machine(self, number: int, builder: Builder) -> Machine:
        address = f"10.1.0.{number + 1}"
        link = Link(self.world, builder.name)
        fetch = make_fetch(self.world, link, self.settings.store_dir, self.manager_lives)

        def script(order: Order) -> Script:
            return script_for(self.world, order)

        def make_daemon() -> LedgerDaemon:
            return LedgerDaemon(self.world, builder.name, script, fetch, self.ledger)

        machine = Machine(builder.name, address, link, fetch, make_daemon)
        self.network.listen(address, PORT, link, machine.accept)
        return machine

    def _furnish(self) -> None:
        """Archives, chroots and builders, in the database before any manager starts."""
        store = self.database.writer()
        for name, kind, virtualized in ARCHIVES:
            archive = NewArchive(
                name=name,
                distribution="debian",
                suites=("bookworm",),
                architectures=ARCHITECTURES,
                nominated_architecture=ARCHITECTURES[0],
                uploader=kind,
                path=str(self.archives[name].root),
                virtualized=virtualized,
            )
            archives.add_archive(store, archive, "people", BEGINNING)
        for tag in ARCHITECTURES:
            tarball = self.keep(f"chroot-{tag}.tar.xz", f"a chroot of {tag}".encode())
            chroot = ChrootSnapshot(
                "debian",
                "bookworm",
                tag,
                chroots.TARBALL,
                tarball.size,
                tarball.sha1,
                tarball.sha256,
            )
            chroots.set_chroot(store, chroot, "people", BEGINNING)
        for builder, machine in zip(self.plan.builders, self.machines, strict=True):
            roster.add_builder(store, _new(builder, machine), "people", BEGINNING)
        store.commit()
        store.close()

    def keep(self, name: str, content: bytes) -> StoredFile:
        """Put a file into the file store."""
        return self.store.add(io.BytesIO(content), max_bytes=len(content), name=name)


def _new(builder: Builder, machine: Machine) -> NewBuilder:
    protocol = None if builder.protocol is None else ResetProtocol(builder.protocol)
    return NewBuilder(
        name=builder.name,
        url=machine.url,
        processors=builder.architectures,
        virtualized=protocol is not None,
        vm_host=None if protocol is None else "host1",
        vm_reset_protocol=protocol,
    )
