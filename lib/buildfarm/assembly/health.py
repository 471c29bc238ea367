"""What is looked at to tell whether the manager is well.

Layer 6. Judged by `verdicts.health`. Tests: tests/functional/assembly/test_health.py.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from buildfarm.assembly.ground import Ground
from buildfarm.assembly.scanners import Scanners
from buildfarm.flow.deadlines import with_deadline
from buildfarm.flow.fresh import Fresh
from buildfarm.flow.lateness import Lateness
from buildfarm.scanning.databasewatch import DATABASE_FILE
from buildfarm.scanning.diskwatch import SPOOL, free_bytes
from buildfarm.scanning.pauses import DATABASE
from buildfarm.storage.epochs import current_epoch
from buildfarm.verdicts.health import Vitals, judge_health
from buildfarm.vocab.errors import FarmError, FlowError
from buildfarm.vocab.health import Health
from buildfarm.vocab.settings import Settings

T = TypeVar("T")

#: Seconds for which one look is believed, and within which database and disks must answer it.
BELIEVED = 1.0
DEADLINE = 2.0


class HealthCheck:
    """Looks at database, disks and scan loops when it is asked, once a second at most."""

    def __init__(self, ground: Ground, scanners: Scanners, lateness: Lateness) -> None:
        self._ground = ground
        self._scanners = scanners
        self._lateness = lateness
        #: Set once all builders are scanned.
        self.started = False
        self._look = Fresh(ground.reactor, BELIEVED, self._fetch)

    async def fetch_health(self) -> Health:
        """What is wrong with the manager; never raises, and takes a few seconds at most."""
        return await self._look()

    async def _fetch(self) -> Health:
        ground, scanners = self._ground, self._scanners
        database = await self._in_time(ground.storage.read(current_epoch))
        short = await self._in_time(ground.workers.run(short_disks, scanners.watch.settings))
        pauses = scanners.pauses
        overdue = (one.overdue for one in scanners.roster.scanners)
        return judge_health(
            Vitals(
                started=self.started,
                database_answers=database is not None,
                database_is_paused=pauses.is_paused(DATABASE),
                database_file_is_there=not pauses.is_paused(DATABASE_FILE),
                committing_for=ground.storage.committing_for,
                disks_answer=short is not None,
                short_disks=short or (),
                spool_is_full=pauses.is_paused(SPOOL),
                overdue=tuple(seconds for seconds in overdue if seconds),
                lateness=self._lateness.worst,
            )
        )

    async def _in_time(self, asked: Coroutine[Deferred[Any], Any, T]) -> T | None:
        """What was asked for; None where it failed or did not come."""
        try:
            return await with_deadline(self._ground.reactor, DEADLINE, asked, _too_late)
        except (FarmError, OSError):
            return None


def short_disks(settings: Settings) -> tuple[str, ...]:
    """Blocks: the directories of the manager on whose disks too little is free. Raises OSError."""
    directories = {
        "state directory": settings.manager.state_dir,
        "file store": settings.store_dir,
        "spool": settings.spool_dir,
    }
    least = settings.manager.min_free_bytes
    return tuple(name for name, path in directories.items() if free_bytes(path) < least)


def _too_late() -> FlowError:
    return FlowError(f"There was no answer within {DEADLINE} s.")
