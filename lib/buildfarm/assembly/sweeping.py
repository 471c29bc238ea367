"""What is left over or old, and goes: at the start, and by the sweep with its collector, wired.

The sweep is for the daemon, and for a command that works without one.

Layer 6. Tests: tests/functional/commands/test_sweep.py.
"""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from buildfarm.admin.backups import remove_unfinished
from buildfarm.assembly.ground import Ground, no_checkpoint
from buildfarm.assembly.scanners import Scanners
from buildfarm.assembly.walltime import utc_now as wall_time
from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.retention.collector import Collector
from buildfarm.retention.leftovers import remove_leftovers
from buildfarm.retention.sweep import Sweep
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.settings import Settings


async def clear_away(ground: Ground) -> None:
    """Remove what a manager that was killed has left: nothing of it is under way any more."""
    settings, run = ground.settings, ground.workers.run
    await run(ground.store.remove_unfinished)
    await run(remove_unfinished, settings.manager.state_dir)
    await remove_leftovers(ground.storage, ground.workers, settings.spool_dir)


def wire_sweep(ground: Ground, scanners: Scanners) -> Sweep:
    """The daemon's sweep, not started: what scanners have in hand stays."""
    return make_sweep(
        ground.reactor,
        ground.settings,
        ground.storage,
        ground.store,
        ground.workers,
        files_in_use=scanners.roster.files_in_use,
        utc_now=ground.utc_now,
        steady_for=scanners.timekeeper.steady_for,
        checkpoint=ground.checkpoint,
    )


def _always() -> float:
    return math.inf


def _none_in_use() -> frozenset[str]:
    return frozenset()


def make_sweep(
    reactor: Any,
    settings: Settings,
    storage: Transactor,
    store: FileStore,
    workers: Workers,
    *,
    files_in_use: Callable[[], frozenset[str]] = _none_in_use,
    utc_now: Callable[[], datetime] = wall_time,
    steady_for: Callable[[], float] = _always,
    checkpoint: Callable[[str], None] = no_checkpoint,
) -> Sweep:
    """A sweep of what `settings` name, not started.

    See `Collector` for `files_in_use` and `Sweep` for `steady_for`: without a daemon nothing is
    under way, and whoever gives the command knows what time it is.
    """
    collector = Collector(
        storage=storage,
        store=store,
        workers=workers,
        files_in_use=files_in_use,
        checkpoint=checkpoint,
    )
    return Sweep(
        reactor,
        settings.retention,
        storage=storage,
        workers=workers,
        spool_dir=settings.spool_dir,
        collector=collector,
        utc_now=utc_now,
        steady_for=steady_for,
    )
