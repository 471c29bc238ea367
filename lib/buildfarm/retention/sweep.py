"""Removes what is older than the operator wants to keep.

Layer 4; DESIGN section 7. Nothing that an open attempt names is removed. The database is asked in
small acts, so that no dispatch waits behind a year's events. Tests: tests/unit/retention.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.retention.leftovers import remove_leftovers
from buildfarm.storage import events, uploads
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.settings import RetentionSettings

#: Seconds between two sweeps.
INTERVAL = 3600.0

#: Seconds for which the wall clock must have gone steadily before anything is old by it: an hour
#: by which it is wrong for a minute must not cost a year's events.
TRUSTED_AFTER = 3000.0

#: Rows that one act removes or changes at most.
PIECE = 500


class Sweep:
    """Sweeps now and then, beginning one `INTERVAL` after the start."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        settings: RetentionSettings,
        *,
        storage: Transactor,
        workers: Workers,
        spool_dir: Path,
        utc_now: Callable[[], datetime],
        steady_for: Callable[[], float],
    ) -> None:
        """`steady_for` says for how many seconds `utc_now` is known not to have jumped."""
        self.settings = settings
        self._reactor = reactor
        self._storage = storage
        self._workers = workers
        self._spool_dir = spool_dir
        self._utc_now = utc_now
        self._steady_for = steady_for
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._sweep()))
        self._loop.clock = reactor  # type: ignore[assignment]
        self._ended: Deferred[Any] | None = None

    def start(self) -> None:
        """Sweep from now on."""
        self._ended = self._loop.start(INTERVAL, now=False)

    async def stop(self, grace: float) -> None:
        """Sweep no more, and wait up to `grace` seconds for the act under way."""
        if self._ended is None or not self._loop.running:
            return
        self._loop.stop()
        self._ended.addTimeout(grace, self._reactor)  # type: ignore[arg-type]
        with suppress(TimeoutError):
            await self._ended

    async def _sweep(self) -> None:
        if self._steady_for() < TRUSTED_AFTER:
            self.log.info("nothing is removed for its age so soon after the clock was set")
            return
        try:
            await self._in_pieces(events.forget_events, self.settings.events)
            await self._in_pieces(uploads.forget_results, self.settings.results)
            await remove_leftovers(self._storage, self._workers, self._spool_dir)
        except (FarmError, OSError) as error:
            self.log.warn("not all that is old was removed: {error}", error=error)

    async def _in_pieces(self, act: Callable[..., Any], age: float) -> None:
        before = self._utc_now() - timedelta(seconds=age)
        while self._loop.running:
            if await self._storage.write(act, before, PIECE) < PIECE:
                return
