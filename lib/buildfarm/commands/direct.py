"""A verb carried out by the command itself, while no daemon runs.

Layer 7. The manager's lock is held meanwhile, so that no daemon can start in the middle of it.
Tests: tests/functional/commands/test_without_daemon.py.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from buildfarm.admin import verbs
from buildfarm.admin.farm import Caller, Farm, OfferedFile
from buildfarm.admin.protocol import Request
from buildfarm.assembly.lock import LockTaken, hold_lock
from buildfarm.assembly.settings import load
from buildfarm.assembly.sweeping import make_sweep
from buildfarm.assembly.walltime import utc_now
from buildfarm.commands.reactor import run_in_reactor
from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.storage.database import Database
from buildfarm.storage.epochs import current_epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.settings import Settings

__all__ = ["LockTaken", "do_directly"]

#: Seconds for threads to end once the verb has ended.
_GRACE = 5.0


def do_directly(
    config: Path,
    request: Request,
    files: Sequence[BinaryIO],
    on_part: Callable[[Any], None],
) -> Any:
    """Run the verb of `request` under the manager's lock; its result as JSON can hold it.

    Raises LockTaken where another process works there, and whatever the verb raises.
    """
    settings = load(config)
    database = Database(settings.database_uri, exclusive=True)
    database.check()
    offered = tuple(map(OfferedFile, request.files, files))

    async def send(part: Any) -> None:
        on_part(part)

    caller = Caller(request.actor, offered, send)
    with hold_lock(settings):
        return run_in_reactor(lambda reactor: _call(reactor, settings, database, caller, request))


async def _call(
    reactor: Any, settings: Settings, database: Database, caller: Caller, request: Request
) -> Any:
    storage = Transactor(reactor, database, _tell_nobody, readers=1)
    workers = Workers(reactor, 2, 16, "files")
    try:
        store = FileStore(settings.store_dir)
        farm = Farm(
            reactor=reactor,
            settings=settings,
            transactor=storage,
            epoch=await storage.read(current_epoch),
            filestore=store,
            workers=workers,
            sweep=make_sweep(reactor, settings, storage, store, workers),
            utc_now=utc_now,
        )
        return await verbs.call(farm, caller, request.verb, request.params)
    finally:
        await workers.stop(_GRACE)
        await storage.stop(_GRACE)


def _tell_nobody(announcement: Announcement) -> None:
    """No scanner runs that would want to know; the next daemon reads the database."""
