"""One process of the manager in a simulated farm, from its start until it is stopped or killed.

Beside the layers. Tests: tests/unit/simulation.

The service is the real one (`assembly.service.FarmService`), wired as always; its surroundings are
simulated. A kill leaves what a kill leaves: the committed database, the files, the builders, and
children that do not know yet.
"""

import os
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from twisted.internet.defer import Deferred

from buildfarm.assembly.service import FarmService
from buildfarm.assembly.surroundings import Surroundings
from buildfarm.depwait.indexes import Index
from buildfarm.depwait.reading import Look
from buildfarm.simulation.disk import Disk
from buildfarm.simulation.memorydatabase import MemoryDatabase
from buildfarm.simulation.network import Network
from buildfarm.simulation.processes import Processes
from buildfarm.simulation.reactor import SimulatedReactor
from buildfarm.simulation.threads import (
    BlockingCrew,
    FileCrew,
    SimulatedCrew,
    current_thread,
    in_simulated_thread,
    wait_in_thread,
)
from buildfarm.simulation.uploadchildren import UploadChildren
from buildfarm.simulation.world import World
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.settings import Settings

#: Seconds that a job of each pool takes on average.
_SECONDS = {
    "database writer": 0.002,
    "database reader": 0.0005,
    "files": 0.001,
    "uploads": 0.0005,
    "mail": 0.05,
}


class Manager:
    """One life of the manager. `at_step` is asked at each checkpoint whether to be killed there."""

    def __init__(
        self,
        world: World,
        settings: Settings,
        number: int,
        *,
        network: Network,
        processes: Processes,
        database: MemoryDatabase,
        disk: Disk,
        children: UploadChildren,
        utc_now: Callable[[], datetime],
        at_step: Callable[[str], bool],
    ) -> None:
        self._world = world
        self._settings = settings
        self._processes = processes
        self._disk = disk
        self._children = children
        self._at_step = at_step
        self._chance = world.stream(f"manager {number}")
        self._crews: list[SimulatedCrew] = []
        self._reactor = SimulatedReactor(world, network, processes, str(number))
        surroundings = Surroundings(
            open_database=lambda uri: database,  # type: ignore[arg-type,return-value]
            make_crew=self._make_crew,
            wait_in_thread=wait_in_thread,
            start_forks=lambda preloaded: children,  # type: ignore[arg-type,return-value]
            cpu_clock=lambda: 0.0,
            spread=self._chance.random,
            look_at=_look_at_nothing,
        )
        self._service = FarmService(
            self._reactor,
            settings,
            now=utc_now,
            checkpoint=self._checkpoint,
            surroundings=surroundings,
        )

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._reactor.alive

    @property
    def storage(self) -> Transactor | None:
        """The way to the database for what people ask, while it is open."""
        return self._service.storage if self.alive else None

    def start(self, failed: Callable[[Any], None]) -> None:
        """Start; `failed` is called where that does not work out."""
        self._service.startService()
        self._service.when_running().addErrback(failed)

    def stop(self) -> Deferred[None]:
        """Stop in order, as at SIGTERM."""
        return self._service.stopService()

    def kill(self) -> None:
        """End at once, in the middle of everything."""
        self._reactor.kill()
        for crew in self._crews:
            crew.kill()
        self._children.kill()
        self._processes.parent_killed()
        _close_locks(self._settings, self._processes.locks_held)

    def _make_crew(self, size: int, name: str) -> SimulatedCrew:
        mean = _SECONDS[name]

        def seconds() -> float:
            return self._chance.expovariate(1 / mean)

        crew: SimulatedCrew
        if name == "uploads":
            crew = BlockingCrew(self._world, size, seconds)
        elif name == "files":
            crew = FileCrew(self._world, size, seconds, self._disk)
        else:
            crew = SimulatedCrew(self._world, size, seconds)
        self._crews.append(crew)
        return crew

    def _checkpoint(self, name: str) -> None:
        if not (self.alive and self._at_step(name)):
            return
        self._world.note("manager", f"is killed at {name}")
        if in_simulated_thread():
            self._world.callLater(0, self.kill)
            _wait_for_the_end()
        self.kill()


async def _look_at_nothing(
    indexes: Sequence[Index], names: Collection[str], fresh_for: float, *, every: bool
) -> tuple[Look, ...]:
    """There are no package indexes in a simulated world."""
    return ()


def _wait_for_the_end() -> NoReturn:
    while True:
        current_thread().wait_for(Deferred())


def _close_locks(settings: Settings, kept: frozenset[int]) -> None:
    """What the kernel does for a killed process: its locks are let go, but not its children's."""
    top = str(settings.manager.state_dir)
    for entry in Path("/proc/self/fd").iterdir():
        descriptor = int(entry.name)
        try:
            path = str(entry.readlink())
        except OSError:  # the directory itself
            continue
        ours = path.startswith(f"{top}/locks/") or path == f"{top}/manager.lock"
        if ours and descriptor not in kept:
            os.close(descriptor)
