"""The verb of the whole database: backup.

Layer 5. `restore` and `init` are no verbs: they refuse while a daemon runs.
Tests: tests/functional/admin/test_verbs.py.
"""

from pathlib import Path

from buildfarm.admin.farm import Caller, Farm
from buildfarm.storage.database import Database
from buildfarm.vocab.errors import Refused


async def backup(farm: Farm, caller: Caller, *, target: str) -> dict[str, str]:
    """Copy the database, as it is committed at this moment, into a new file."""
    path = Path(target)
    if not path.is_absolute():
        raise Refused(f"{target} is not an absolute path.")
    database = Database(farm.settings.database_uri)
    await farm.workers.run(database.backup, path)
    return {"target": target}
