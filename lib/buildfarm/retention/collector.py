"""Removes files from the file store that nothing names any more.

Layer 4; docs/decisions/150 says why no file is removed that is needed. In short: whoever is about
to commit a row that names a file holds it; what was held or added since the collection began stays;
and the database is asked after everybody has been told of what was committed until then.
Tests: tests/unit/retention/test_collector.py.

The reactor is never held up: rows are read in pages of a millisecond, and each directory of the
store is looked at in a file thread.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from buildfarm.filestore.store import PARTS, FileStore
from buildfarm.flow.threads import Workers
from buildfarm.storage import naming
from buildfarm.storage.transactor import Transactor


class Collector:
    """Collects in one file store; `files_in_use` are those that open attempts may still fetch."""

    def __init__(
        self,
        *,
        storage: Transactor,
        store: FileStore,
        workers: Workers,
        files_in_use: Callable[[], frozenset[str]],
        checkpoint: Callable[[str], None],
    ) -> None:
        self._storage = storage
        self._store = store
        self._workers = workers
        self._files_in_use = files_in_use
        self._checkpoint = checkpoint

    async def collect(self, before: datetime, goes_on: Callable[[], bool]) -> tuple[int, int]:
        """Remove unneeded files that were added before `before`; how many files and bytes.

        Ends early once `goes_on()` is false. One collection at a time.
        """
        oldest = before.replace(tzinfo=UTC).timestamp()
        files = size = 0
        self._store.begin_collection()
        try:
            named = await self._fetch_named()
            self._checkpoint("collect.named")
            for part in PARTS:
                if not goes_on():
                    break
                named |= self._files_in_use()
                more = await self._workers.run(self._store.remove_unneeded, part, named, oldest)
                if more[0]:
                    self._checkpoint("collect.removed")
                files, size = files + more[0], size + more[1]
        finally:
            self._store.end_collection()
        return files, size

    async def _fetch_named(self) -> set[str]:
        chroots = await self._storage.write(naming.named_chroots)
        named = set(chroots)
        for query in naming.NAMING_QUERIES:
            after: int | None = 0
            while after is not None:
                page = await self._storage.read(query, after)
                named |= page.digests
                after = page.last
        return named
