"""Everything below `/builds/`, built and wired here.

Layer 5. Tests: tests/functional/statuspage/test_builds.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.identity.gate import Gate
from buildfarm.statuspage.buildlogs import BuildLogs
from buildfarm.statuspage.buildpage import BuildPage
from buildfarm.statuspage.followed import FollowedBuilds
from buildfarm.statuspage.live import Live
from buildfarm.statuspage.logpages import LogPages
from buildfarm.statuspage.mirrors import Mirrors
from buildfarm.statuspage.resultfiles import ResultFiles
from buildfarm.statuspage.routes import Route
from buildfarm.statuspage.toldparts import ToldParts
from buildfarm.storage.transactor import Transactor


@dataclass(frozen=True, slots=True)
class Files:
    """Where files are: logs in `store`, results in `spool_dir`, logs that grow in `copies_dir`.

    A log that grows is copied up to `max_log_bytes`; `workers` are the file threads.
    """

    store: FileStore
    workers: Workers
    spool_dir: Path
    copies_dir: Path
    max_log_bytes: int


class Builds:
    """The pages of builds, their logs and results."""

    def __init__(
        self,
        reactor: Any,
        storage: Transactor,
        gate: Gate,
        utc_now: Callable[[], datetime],
        *,
        live: Live,
        files: Files,
    ) -> None:
        workers = files.workers
        self._mirrors = Mirrors(reactor, workers, files.copies_dir, files.max_log_bytes)
        logs = BuildLogs(files.store, workers, self._mirrors, live)
        parts = ToldParts(reactor, workers)
        followed = FollowedBuilds(reactor, storage)
        page = BuildPage(reactor, storage, live, utc_now, logs=logs, parts=parts, followed=followed)
        #: Has the page of a build read again what it shows.
        self.forget = page.forget
        self._log_pages = LogPages(
            reactor, storage, workers, gate=gate, logs=logs, parts=parts, followed=followed
        )
        results = ResultFiles(reactor, storage, workers, files.spool_dir)
        self.routes: tuple[Route, ...] = (*page.routes, *self._log_pages.routes, *results.routes)

    async def stop(self) -> None:
        """End what viewers follow."""
        self._log_pages.stop()
        await self._mirrors.stop()
