"""Which version of the schema a database has, and how it gets the next one.

A version is a patch in `storage.patches`. Those that are missing are applied in one transaction and
recorded in the table `patch`: an upgrade is there whole or not at all, on either kind of database.

Layer 3. Tests: tests/unit/storage/test_schema.py.
"""

from typing import Any

from storm.exceptions import StormError
from storm.schema.patch import PatchSet

from buildfarm.storage import patches
from buildfarm.vocab.errors import Refused, StorageError

#: The steps to the version that this code reads and writes, and that version.
PATCHES = PatchSet(patches)
CURRENT: int = max(PATCHES.get_patch_versions())


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


def upgrade(store: Any, to: int | None = None) -> None:
    """Apply the patches that the database lacks, up to the version `to`; the caller commits.

    Without `to` it becomes CURRENT. Raises StorageError where a patch fails; the caller then gives
    the transaction up.
    """
    store.execute(
        "CREATE TABLE IF NOT EXISTS patch (version INTEGER NOT NULL PRIMARY KEY)", noresult=True
    )
    last = CURRENT if to is None else to
    applied = {row[0] for row in store.execute("SELECT version FROM patch").get_all()}
    for step in sorted(PATCHES.get_patch_versions()):
        if step in applied or step > last:
            continue
        try:
            PATCHES.get_patch_module(step).apply(store)
        except Exception as error:
            raise StorageError(
                f"The step to schema version {step} failed and the database is as it was: {error}."
            ) from error
        store.execute("INSERT INTO patch (version) VALUES (?)", (step,), noresult=True)
