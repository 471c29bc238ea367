"""The scanners and all that they share, wired.

Layer 6; part of `assembly.service`. Tests: tests/functional/assembly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from buildfarm.builders.client import BuilderClient
from buildfarm.builders.resets import Resetter
from buildfarm.filestore.store import FileStore
from buildfarm.flow.fairqueue import FairQueue
from buildfarm.flow.threads import Workers
from buildfarm.flow.wakeup import Wakeup
from buildfarm.scanning.cleaning import Cleaner
from buildfarm.scanning.crew import Crew
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
from buildfarm.storage import attempts
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.settings import Settings


@dataclass(frozen=True, slots=True)
class Scanners:
    """The roster with its scanners, and what starts and stops beside them."""

    roster: Roster
    pauses: Pauses
    crew: Crew
    resetter: Resetter
    watch: DiskWatch
    make_scanner: Callable[[Standing], Scanner]

    async def start(self) -> None:
        """Watch the disk, write progress, scan every builder."""
        self.watch.start()
        self.crew.progress.start()
        await self.roster.start(self.make_scanner)

    async def stop(self, grace: float) -> None:
        """End each scanner after its step or `grace` seconds, then write the last notes."""
        await self.roster.stop(grace)
        self.watch.stop()
        await self.crew.progress.stop()

    def reload(self, settings: Settings) -> None:
        """Go on with these settings; what is under way keeps its own."""
        crew = self.crew
        crew.scanning = crew.pace.settings = settings.scanning
        crew.dispatcher.scanning = crew.judge.scanning = settings.scanning
        crew.resets = self.resetter.settings = settings.resets
        crew.gatherer.settings = settings.gather
        self.watch.min_free = settings.manager.min_free_bytes


def wire_scanners(
    reactor: Any,
    settings: Settings,
    *,
    storage: Transactor,
    epoch: Epoch,
    store: FileStore,
    workers: Workers,
    utc_now: Callable[[], datetime],
    checkpoint: Callable[[str], None],
) -> Scanners:
    """Build the scanners' side of the manager; nothing of it runs yet."""
    turns = FairQueue(reactor)
    pace = Pace(settings.scanning, lambda: turns.total_cpu_used)
    pauses = Pauses(utc_now)
    roster = Roster(
        reactor,
        storage=storage,
        epoch=epoch,
        utc_now=utc_now,
        pauses=pauses,
        pace=pace,
        web_url=settings.web.public_url,
    )
    pauses.when_resumed = roster.everybody_seek
    watch = DiskWatch(
        reactor,
        workers=workers,
        pauses=pauses,
        path=settings.manager.state_dir,
        min_free=settings.manager.min_free_bytes,
    )
    gatherer = Gatherer(settings.gather, settings.spool_dir, store, workers)
    judge = Judge(
        reactor,
        storage=storage,
        epoch=epoch,
        utc_now=utc_now,
        scanning=settings.scanning,
        pauses=pauses,
        farm_size=lambda: len(roster.scanners),
        keep_tail=gatherer.keep_tail,
        checkpoint=checkpoint,
    )
    dispatcher = Dispatcher(
        storage=storage,
        epoch=epoch,
        files=settings.files,
        scanning=settings.scanning,
        utc_now=utc_now,
        checkpoint=checkpoint,
    )
    resetter = Resetter(reactor, settings.resets, settings.locks_dir, workers)
    cleaner = Cleaner(
        storage=storage, epoch=epoch, resetter=resetter, utc_now=utc_now, checkpoint=checkpoint
    )
    progress = ProgressJournal(
        reactor, lambda notes: storage.write(attempts.record_progress, epoch, notes, utc_now())
    )
    crew = Crew(
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

    def make_client(builder: BuilderSnapshot) -> BuilderClient:
        return BuilderClient(reactor, builder.url, settings.scanning, workers)

    def make_scanner(standing: Standing) -> Scanner:
        wakeup = Wakeup(reactor)
        steps = Steps(
            reactor,
            utc_now=utc_now,
            standing=standing,
            make_client=make_client,
            crew=crew,
            wakeup=wakeup,
        )
        return Scanner(
            reactor,
            steps=steps,
            wakeup=wakeup,
            judge=judge,
            pace=pace,
            turn=turns.turn,
            fetch_standing=roster.fetch_standing,
        )

    return Scanners(roster, pauses, crew, resetter, watch, make_scanner)
