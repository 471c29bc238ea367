"""A backup on its way to be the farm's database again.

Layer 3. A backup is an SQLite file, whichever database it is of, so that it can be restored on
either. Tests: tests/unit/storage/test_restore.py.
"""

from datetime import datetime
from pathlib import Path

from buildfarm.storage import copies, schema
from buildfarm.storage.renewal import new_database_id, renew
from buildfarm.storage.sqlite import open_file
from buildfarm.vocab.errors import Refused


def renewed_copy(source: Path, target: Path, now: datetime) -> int:
    """Make `target` of the backup `source`, upgraded and renewed; how many attempts were given up.

    What is at `target` is an attempt of before that was broken off. Raises Refused for a file that
    is damaged, not ours or of a newer release.
    """
    if not source.exists():
        raise Refused(f"There is no backup {source}.")
    copies.inspect(source)
    copies.require_whole(source)
    copies.discard(target)
    copies.copy(source, target)
    store = open_file(target, writes=True)
    try:
        schema.upgrade(store)
        lost: int = renew(store, new_database_id(), now).value
        store.commit()
    finally:
        store.close()
    return lost
