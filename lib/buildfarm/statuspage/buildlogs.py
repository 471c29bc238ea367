"""Where the log of a build is now: on its builder, in the file store, or nowhere.

Layer 5. Tests: tests/unit/statuspage/test_buildlogs.py, tests/functional/statuspage/test_logs.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from buildfarm.filestore.logs import StoredLog
from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.statuspage.live import Live
from buildfarm.statuspage.logparts import Log
from buildfarm.statuspage.mirrors import Mirrors
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import FileMissing
from buildfarm.vocab.states import BuildState

#: States in which the log is on a builder.
RUNS = frozenset({BuildState.BUILDING, BuildState.GATHERING, BuildState.CANCELLING})

#: States that end by themselves; in all others nothing of a build changes until somebody asks.
PASSING = RUNS | {BuildState.NEEDSBUILD, BuildState.UPLOADING}


class BuildLogs:
    """The logs of all builds, as far as there are any."""

    def __init__(self, store: FileStore, workers: Workers, mirrors: Mirrors, live: Live) -> None:
        self._store = store
        self._workers = workers
        self._mirrors = mirrors
        self._live = live

    @asynccontextmanager
    async def opened(self, build: BuildSnapshot) -> AsyncIterator[Log | None]:
        """The log, while this is entered; None where there is none.

        That of a running build is a `Mirror`, which grows. Raises TooManyLogs.
        """
        if build.state in RUNS:
            number = build.attempt_count
            fetch = partial(self._fetch, build.id, number)
            with self._mirrors.of(build.id, number, fetch) as mirror:
                yield mirror
        elif build.log_digest is None:
            yield None
        else:
            async with self._stored(build.log_digest) as stored:
                yield stored

    @asynccontextmanager
    async def _stored(self, digest: str) -> AsyncIterator[Log | None]:
        try:
            file = await self._workers.run(self._store.open, digest)
        except FileMissing:
            yield None
            return
        try:
            yield await self._workers.run(StoredLog, file)
        finally:
            file.close()  # at once: of a file that was only read, and the threads may have stopped

    async def _fetch(self, build_id: int, attempt: int, start: int, limit: int) -> bytes | None:
        return await self._live.fetch_log(build_id, start, limit, attempt)
