"""The scanners and all that they share, wired.

Layer 6; part of `assembly.service`. Tests: tests/functional/assembly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from buildfarm.assembly.ground import Ground
from buildfarm.builders.client import BuilderClient
from buildfarm.builders.resets import Resetter
from buildfarm.flow.fairqueue import FairQueue
from buildfarm.flow.wakeup import Wakeup
from buildfarm.scanning.cleaning import Cleaner
from buildfarm.scanning.crew import Crew
from buildfarm.scanning.databasewatch import DatabaseWatch
from buildfarm.scanning.diskwatch import DiskWatch
from buildfarm.scanning.dispatch import Dispatcher
from buildfarm.scanning.gather import Gatherer
from buildfarm.scanning.job import Standing
from buildfarm.scanning.judge import Judge
from buildfarm.scanning.pace import Pace
from buildfarm.scanning.pauses import Pauses
from buildfarm.scanning.progress import ProgressJournal
from buildfarm.scanning.roster import Roster
from buildfarm.scanning.scanner import Scanner
from buildfarm.scanning.steps import Steps
from buildfarm.scanning.timekeeper import Timekeeper
from buildfarm.storage import archives, attempts
from buildfarm.storage.database import Database
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.settings import Settings
from buildfarm.vocab.states import UploaderKind


@dataclass(frozen=True, slots=True)
class Scanners:
    """The roster with its scanners, and what starts and stops beside them."""

    roster: Roster
    pauses: Pauses
    crew: Crew
    resetter: Resetter
    watch: DiskWatch
    timekeeper: Timekeeper
    database_watch: DatabaseWatch
    turns: FairQueue
    make_scanner: Callable[[Standing], Scanner]

    async def start(self) -> None:
        """Watch disk, database and clock, write progress, scan every builder."""
        self.watch.start()
        self.timekeeper.start()
        self.database_watch.start()
        self.crew.progress.start()
        await self.roster.start(self.make_scanner)

    async def stop(self, grace: float) -> None:
        """End each scanner after its step or `grace` seconds, then write the last notes."""
        await self.roster.stop(grace)
        self.watch.stop()
        self.timekeeper.stop()
        self.database_watch.stop()
        await self.crew.progress.stop()

    def reload(self, settings: Settings) -> None:
        """Go on with these settings; what is under way keeps its own."""
        crew = self.crew
        crew.scanning = crew.pace.settings = settings.scanning
        crew.dispatcher.scanning = crew.judge.scanning = settings.scanning
        crew.resets = self.resetter.settings = settings.resets
        crew.gatherer.settings = settings.gather
        self.watch.settings = self.timekeeper.settings = settings


def wire_scanners(ground: Ground) -> Scanners:
    """Build the scanners' side of the manager; nothing of it runs yet."""
    settings = ground.settings
    turns = FairQueue(ground.reactor, cpu_clock=ground.surroundings.cpu_clock)
    pace = Pace(settings.scanning, lambda: turns.cpu_used)
    pauses = Pauses(ground.utc_now)
    roster = Roster(
        ground.reactor,
        storage=ground.storage,
        epoch=ground.epoch,
        utc_now=ground.utc_now,
        pauses=pauses,
        pace=pace,
        web_url=settings.web.public_url,
    )
    pauses.when_resumed = roster.everybody_seek
    roster.when_ordered = ground.passes.grant
    ground.passes.holds = roster.holds
    watch = DiskWatch(
        ground.reactor,
        settings,
        workers=ground.workers,
        pauses=pauses,
        fetch_archives=lambda: _archive_directories(ground),
    )
    timekeeper = Timekeeper(
        ground.reactor, settings, utc_now=ground.utc_now, storage=ground.storage
    )
    database_file = Database(settings.database_uri).path
    database_watch = DatabaseWatch(
        ground.reactor, database_file, workers=ground.workers, pauses=pauses
    )
    resetter = Resetter(ground.reactor, settings.resets, settings.locks_dir, ground.workers)
    crew = _crew(ground, roster, pauses, pace, resetter)
    make_scanner = _scanner_maker(ground, roster, crew, turns, resetter)
    return Scanners(
        roster, pauses, crew, resetter, watch, timekeeper, database_watch, turns, make_scanner
    )


async def _archive_directories(ground: Ground) -> tuple[Path, ...]:
    """Where the archives are that we keep; what a program publishes is its own affair."""
    found = await ground.storage.read(archives.archives)
    return tuple(Path(one.path) for one in found if one.uploader is not UploaderKind.COMMAND)


def _crew(ground: Ground, roster: Roster, pauses: Pauses, pace: Pace, resetter: Resetter) -> Crew:
    """Those who carry out the steps, shared by all scanners."""
    settings, storage, epoch = ground.settings, ground.storage, ground.epoch
    gatherer = Gatherer(
        ground.reactor, settings.gather, settings.spool_dir, ground.store, ground.workers
    )
    judge = Judge(
        ground.reactor,
        storage=storage,
        epoch=epoch,
        utc_now=ground.utc_now,
        scanning=settings.scanning,
        pauses=pauses,
        farm_size=lambda: len(roster.scanners),
        keep_tail=gatherer.keep_tail,
        checkpoint=ground.checkpoint,
    )
    dispatcher = Dispatcher(
        storage=storage,
        epoch=epoch,
        files=settings.files,
        tokens=ground.tokens,
        scanning=settings.scanning,
        utc_now=ground.utc_now,
        checkpoint=ground.checkpoint,
    )
    cleaner = Cleaner(
        storage=storage,
        epoch=epoch,
        resetter=resetter,
        utc_now=ground.utc_now,
        checkpoint=ground.checkpoint,
    )
    progress = ProgressJournal(
        ground.reactor,
        lambda notes: storage.write(attempts.record_progress, epoch, notes, ground.utc_now()),
    )
    return Crew(
        work=roster,
        judge=judge,
        pace=pace,
        dispatcher=dispatcher,
        gatherer=gatherer,
        cleaner=cleaner,
        progress=progress,
        scanning=settings.scanning,
        resets=settings.resets,
    )


def _scanner_maker(
    ground: Ground, roster: Roster, crew: Crew, turns: FairQueue, resetter: Resetter
) -> Callable[[Standing], Scanner]:
    """What makes the scanner of one builder."""

    def make_client(builder: BuilderSnapshot) -> BuilderClient:
        return BuilderClient(ground.reactor, builder.url, crew.scanning, ground.workers)

    def make_scanner(standing: Standing) -> Scanner:
        wakeup = Wakeup(ground.reactor)
        steps = Steps(
            ground.reactor,
            utc_now=ground.utc_now,
            standing=standing,
            make_client=make_client,
            crew=crew,
            wakeup=wakeup,
        )
        return Scanner(
            ground.reactor,
            steps=steps,
            wakeup=wakeup,
            judge=crew.judge,
            pace=crew.pace,
            turn=turns.turn,
            fetch_standing=roster.fetch_standing,
            earlier_reset_over=resetter.earlier_over,
        )

    return make_scanner
