"""Fetching what a builder has made: log and results, into the spool of the attempt.

Layer 4; DESIGN section 3, step 7. Tests: tests/unit/scanning/test_gather.py.

A builder runs strangers' code, so what it offers is refused whole when it breaks a limit, before
or while it is fetched. Files are kept under numbers; the names that the builder gave them are
data, and the check before the upload is the first to compare them with anything.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from twisted.logger import Logger

from buildfarm.builders.client import BuilderClient
from buildfarm.filestore.logs import store_log
from buildfarm.filestore.store import FileStore, Hold
from buildfarm.flow.durable import flush_directory, full_disk_named, remove_tree
from buildfarm.flow.places import Places
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.scanning.job import Job
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import BuilderError, DiskFull, ResultsCorrupt, ResultsRefused
from buildfarm.vocab.names import is_file_name
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.settings import GatherSettings
from buildfarm.vocab.states import BuildOutcome
from buildfarm.vocab.text import one_line
from buildfarm.vocab.upload import spool_name

#: Seconds after which a gather goes on without one of the `settings.concurrent` places: builders
#: that send as slowly as they may must not keep the others waiting (docs/decisions/141).
PLACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is on our disk of one attempt, flushed. `log` is in the file store, compressed.

    `refusal` says why the results were not taken, where they break a limit.
    """

    log: StoredFile | None
    files: tuple[StoredFile, ...]
    refusal: str | None = None


def _make_empty(spool: Path) -> None:
    """Make `spool` an empty directory; what an interrupted gather left there is fetched again."""
    with full_disk_named(spool):
        remove_tree(spool)
        spool.mkdir(parents=True, mode=0o750)


def _keep(spool: Path) -> None:
    """Make the names in `spool`, and its own, survive a loss of power; files are flushed."""
    with full_disk_named(spool):
        flush_directory(spool)
        flush_directory(spool.parent)


class Gatherer:
    """Gathers from many builders at once, as many as `settings.concurrent`, and the slow ones."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        settings: GatherSettings,
        spool_dir: Path,
        store: FileStore,
        workers: Workers,
    ) -> None:
        self.settings = settings
        self._spool_dir = spool_dir
        self._store = store
        self._workers = workers
        self._places = Places(reactor, settings.concurrent, PLACE_SECONDS)

    @property
    def waiting(self) -> int:
        """How many builders wait for their results to be gathered."""
        return self._places.waiting

    async def gather(self, client: BuilderClient, job: Job, said: Observation) -> Gathered:
        """Fetch the log, and the results of a build that is OK and wanted.

        Raises BuilderError where they cannot be fetched or are not what was announced, DiskFull
        where they cannot be kept.
        """
        spool = self._spool_dir / job.order.attempt.spool
        place = await self._places.acquire()
        try:
            await self._workers.run(_make_empty, spool)
            log = await self._fetch_log(client, job, spool)
            wanted = said.outcome is BuildOutcome.OK and not job.cancelling
            files: tuple[StoredFile, ...] = ()
            refusal = None
            try:
                if wanted:
                    files = await self._fetch_results(client, said.filemap, spool)
            except ResultsRefused as error:
                refusal = str(error)
            await self._workers.run(_keep if files else remove_tree, spool)
            return Gathered(log, files, refusal)
        except (BuilderError, DiskFull):
            await self._workers.run(remove_tree, spool)  # the next try begins anew
            raise
        finally:
            place.release()

    async def _fetch_log(self, client: BuilderClient, job: Job, spool: Path) -> StoredFile | None:
        """The build log into the file store; where it cannot be fetched, the last tail."""
        path = spool / "buildlog"
        limit = self.settings.max_log_bytes
        try:
            # Not flushed: it is the compressed one that is kept.
            await client.download("buildlog", path, limit, self.settings.min_rate, flushed=False)
        except BuilderError as error:
            self.log.warn(
                "log of {cookie} was not fetched, its last tail is stored: {error}",
                cookie=job.cookie,
                error=error,
            )
            return await self.keep_tail(job)
        return await self._workers.run(self._keep_log, path, self._hold_of(job))

    async def keep_tail(self, job: Job) -> StoredFile | None:
        """Store the last log tail of a job whose log cannot be fetched; None where that fails."""
        tail = io.BytesIO(job.logtail.encode("utf-8", "replace"))
        limit = self.settings.max_log_bytes
        try:
            return await self._workers.run(store_log, self._hold_of(job), tail, max_bytes=limit)
        except (DiskFull, OSError) as error:
            self.log.warn("log tail of {cookie}: {error}", cookie=job.cookie, error=error)
            return None

    def _hold_of(self, job: Job) -> Hold:
        if job.hold is None:
            job.hold = self._store.holding()
        return job.hold

    def _keep_log(self, path: Path, hold: Hold) -> StoredFile:
        with path.open("rb") as log:
            stored = store_log(hold, log, max_bytes=self.settings.max_log_bytes)
        path.unlink()
        return stored

    async def _fetch_results(
        self, client: BuilderClient, filemap: dict[str, str], spool: Path
    ) -> tuple[StoredFile, ...]:
        self._check_names(filemap)
        files: list[StoredFile] = []
        left = self.settings.max_total_bytes
        for number, name in enumerate(sorted(filemap), 1):
            limit = min(self.settings.max_file_bytes, left)
            path = spool / spool_name(number)
            fetched = await client.download(filemap[name], path, limit, self.settings.min_rate)
            if fetched.sha1 != filemap[name]:
                raise ResultsCorrupt(
                    f"the builder offered {one_line(name)} as {filemap[name]} and sent "
                    f"{fetched.sha1}: the file changed or was never what it said"
                )
            left -= fetched.size
            files.append(StoredFile(name, fetched.size, fetched.sha1, fetched.sha256))
        return tuple(files)

    def _check_names(self, filemap: dict[str, str]) -> None:
        if len(filemap) > self.settings.max_files:
            raise ResultsRefused(
                f"the build made {len(filemap)} files; the limit is {self.settings.max_files}, "
                "see [gather] max_files"
            )
        for name in filemap:
            if not is_file_name(name):
                raise ResultsRefused(f"the build made a file named {one_line(name)!r}")
