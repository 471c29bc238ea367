"""The verb of the whole database: backup.

Layer 5. `restore` and `init` are no verbs: they refuse while a daemon runs.
Tests: tests/functional/admin/test_verbs.py.
"""

import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

from buildfarm.admin.farm import Caller, Farm
from buildfarm.flow.durable import full_disk_named
from buildfarm.storage.database import Database


async def backup(farm: Farm, caller: Caller) -> dict[str, int]:
    """Copy the database, as it is committed now, into the empty file that the caller sent along.

    The caller made that file, so it may lie where the manager could not write.
    """
    database = Database(farm.settings.database_uri)
    offered = caller.the_file()
    size = await farm.workers.run(
        _copy, database, farm.settings.manager.state_dir, offered.name, offered.stream
    )
    return {"size": size}


def _copy(database: Database, directory: Path, name: str, stream: BinaryIO) -> int:
    unfinished = directory / f"backup-{secrets.token_hex(8)}"
    try:
        database.backup(unfinished)
        with (
            full_disk_named(Path(name)),
            unfinished.open("rb") as copy,
            open(stream.fileno(), "wb", closefd=False) as target,
        ):
            shutil.copyfileobj(copy, target)
            return target.tell()
    finally:
        unfinished.unlink(missing_ok=True)
