"""What a restored database names, and the file store does not have.

Layer 4. Blocks: for the command that restores, with no manager running.
Tests: tests/functional/commands/test_database.py.
"""

from contextlib import closing
from typing import Any

from buildfarm.filestore.store import FileStore
from buildfarm.storage import chroots, naming
from buildfarm.storage.database import Database


def missing_files(database: Database, files: FileStore) -> list[str]:
    """A sentence for each kind of file of which some are not in the store."""
    with closing(database.reader()) as store:
        found = [
            *(_chroot(place) for place in _missing_chroots(store, files)),
            *_counted(store, files, naming.named_by_sources, "of sources", _SOURCES),
            *_counted(store, files, naming.named_by_builds, "logs of builds", _LOGS),
        ]
        store.rollback()
    return found


_SOURCES = "builds of them cannot be dispatched; take `files/` from the same backup"
_LOGS = "`build log` cannot show them"


def _chroot(place: str) -> str:
    return f"the chroot of {place} is not in the file store; set it with `chroot set {place} FILE`"


def _missing_chroots(store: Any, files: FileStore) -> list[str]:
    return [
        f"{one.distribution}/{one.series}/{one.architecture}"
        for one in chroots.chroots(store)
        if not files.path(one.sha256).exists()
    ]


def _counted(
    store: Any, files: FileStore, query: naming.NamingQuery, what: str, follows: str
) -> list[str]:
    missing: set[str] = set()
    after: int | None = 0
    while after is not None:
        page = query(store, after)
        missing |= {digest for digest in page.digests if not files.path(digest).exists()}
        after = page.last
    if not missing:
        return []
    return [f"{len(missing)} files ({what}) are not in the file store: {follows}"]
