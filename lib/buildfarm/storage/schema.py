"""Which version of the schema a database has, and how it gets the next one.

A version is a patch in `storage.patches`; Storm's patch applier runs those that are missing, each
in a transaction of its own, and records them in the table `patch`.

Layer 3. Tests: tests/unit/storage/test_schema.py.
"""

from typing import Any

from storm.exceptions import StormError
from storm.schema.patch import PatchApplier, PatchSet

from buildfarm.storage import patches
from buildfarm.vocab.errors import Refused

#: The version that this code reads and writes.
CURRENT: int = max(PatchSet(patches).get_patch_versions())


def version(store: Any) -> int:
    """The version of the database behind `store`; 0 where it has no schema at all."""
    try:
        row = store.execute("SELECT MAX(version) FROM patch").get_one()
    except StormError:
        row = None
    finally:
        store.rollback()
    return 0 if row is None or row[0] is None else int(row[0])


def require_known(found: int) -> None:
    """Refuse a database that a newer release has written."""
    if found > CURRENT:
        raise Refused(
            f"The database has schema version {found} and this release knows {CURRENT}: "
            "it was written by a newer release; install that one, or restore a backup."
        )


def require_current(found: int) -> None:
    """Refuse a database that cannot be worked with as it is."""
    require_known(found)
    if found == 0:
        raise Refused("The database is not initialised; run `buildd-manager init`.")
    if found < CURRENT:
        raise Refused(
            f"The database has schema version {found} and this release needs {CURRENT}; "
            "run `buildd-manager init`, which backs it up and upgrades it."
        )


def upgrade(store: Any) -> None:
    """Apply every patch that the database behind `store` lacks."""
    if version(store) == 0:
        store.execute(
            "CREATE TABLE IF NOT EXISTS patch (version INTEGER NOT NULL PRIMARY KEY)",
            noresult=True,
        )
        store.commit()
    PatchApplier(store, PatchSet(patches)).apply_all()
