"""The verb of the whole database: backup.

Layer 5. `restore` and `init` are no verbs: they refuse while a daemon runs.
Tests: tests/functional/admin/test_verbs.py.
"""

import hashlib
import secrets
import shutil
from pathlib import Path
from typing import Any, BinaryIO

from buildfarm.admin.farm import Caller, Farm
from buildfarm.flow.durable import full_disk_named
from buildfarm.storage.copies import require_whole
from buildfarm.storage.database import Database

#: How copies begin that are on their way to their callers.
_COPY = "backup-"


async def backup(farm: Farm, caller: Caller) -> dict[str, Any]:
    """Copy the database, as it is committed now, into the empty file that the caller sent along.

    The caller made that file, so it may lie where the manager could not write. What is copied has
    passed the database's own check; the answer has its `size` and `sha256`.
    """
    database = Database(farm.settings.database_uri)
    offered = caller.the_file()
    return await farm.workers.run(
        _copy, database, farm.settings.manager.state_dir, offered.name, offered.stream
    )


def remove_unfinished(directory: Path) -> None:
    """Remove copies that a killed manager has left in its state directory."""
    for path in directory.glob(f"{_COPY}*"):
        path.unlink()


def _copy(database: Database, directory: Path, name: str, stream: BinaryIO) -> dict[str, Any]:
    unfinished = directory / f"{_COPY}{secrets.token_hex(8)}"
    try:
        database.backup(unfinished)
        require_whole(unfinished)
        with unfinished.open("rb") as copy:
            digest = hashlib.file_digest(copy, "sha256").hexdigest()
            copy.seek(0)
            with full_disk_named(Path(name)), open(stream.fileno(), "wb", closefd=False) as target:
                shutil.copyfileobj(copy, target)
                return {"size": target.tell(), "sha256": digest}
    finally:
        unfinished.unlink(missing_ok=True)
