"""Removes what is older than the operator wants to keep.

Layer 4; DESIGN section 7. Nothing that an open attempt names is removed. The database is asked in
small acts, so that no dispatch waits behind a year's events. Tests: tests/unit/retention.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.retention.collector import Collector
from buildfarm.retention.leftovers import remove_leftovers
from buildfarm.retention.removed import Removed
from buildfarm.storage import events, forgetting, outbox, tokens, uploads
from buildfarm.storage.acts import Committed
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
    """Sweeps now and then, beginning one `INTERVAL` after the start, and when it is asked to.

    `last` is what the latest sweep removed, if there was one.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        settings: RetentionSettings,
        *,
        storage: Transactor,
        workers: Workers,
        spool_dir: Path,
        collector: Collector,
        utc_now: Callable[[], datetime],
        steady_for: Callable[[], float],
    ) -> None:
        """`steady_for` says for how many seconds `utc_now` is known not to have jumped."""
        self.settings = settings
        self.last: Removed | None = None
        self._reactor = reactor
        self._storage = storage
        self._workers = workers
        self._spool_dir = spool_dir
        self._collector = collector
        self._utc_now = utc_now
        self._steady_for = steady_for
        self._loop = LoopingCall(self.soon)
        self._loop.clock = reactor  # type: ignore[assignment]
        self._turn = DeferredLock()
        self._under_way: set[Deferred[None]] = set()
        self._stopping = False

    def start(self) -> None:
        """Sweep from now on."""
        self._loop.start(INTERVAL, now=False)

    def soon(self) -> Deferred[None]:
        """Sweep now, or as soon as the sweep under way has ended; fires when that is done."""
        sweeping = Deferred.fromCoroutine(self._sweep_or_warn())
        self._under_way.add(sweeping)
        sweeping.addBoth(self._ended, sweeping)
        return sweeping

    async def stop(self, grace: float) -> None:
        """Sweep no more, and wait up to `grace` seconds for the step under way."""
        self._stopping = True
        if self._loop.running:
            self._loop.stop()
        for sweeping in list(self._under_way):
            sweeping.addTimeout(grace, self._reactor)  # type: ignore[arg-type]
            await sweeping

    async def run(self) -> Removed:
        """One whole sweep, for somebody who asks for it; what it removed.

        Raises FarmError and OSError in the middle of it.
        """
        return await self._run(by_age=True)

    async def _run(self, *, by_age: bool) -> Removed:
        await self._turn.acquire()
        removed = Removed(began=self._utc_now())
        try:
            if by_age:
                await self._forget_old(removed)
            await self._remove_unneeded(removed, by_age=by_age)
        finally:
            self._turn.release()
            self.last = removed
            self.log.info("removed: {removed}", removed=removed)
        return removed

    def _ended(self, result: None, sweeping: Deferred[None]) -> None:
        self._under_way.discard(sweeping)

    async def _sweep_or_warn(self) -> None:
        if self._stopping:
            return
        by_age = self._steady_for() >= TRUSTED_AFTER
        if not by_age:
            self.log.info("nothing is removed for its age so soon after the clock was set")
        try:
            await self._run(by_age=by_age)
        except (FarmError, OSError) as error:
            self.log.warn("not all that is old was removed: {error}", error=error)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the next sweep comes all the same
            self.log.failure("not all that is old was removed")

    async def _forget_old(self, removed: Removed) -> None:
        """Have the database give up what is too old."""
        keep = self.settings
        removed.events = await self._in_pieces(events.forget_events, keep.events)
        removed.results = await self._in_pieces(uploads.forget_results, keep.results)
        removed.news = await self._in_pieces(outbox.forget_news, keep.news)
        removed.logs = await self._found_by(
            forgetting.last_attempt, forgetting.old_logs, forgetting.forget_logs, keep.logs
        )
        removed.sources = await self._found_by(
            forgetting.last_source, forgetting.old_sources, forgetting.forget_sources, keep.sources
        )
        removed.tokens = await self._in_pieces(tokens.forget_tokens, keep.tokens)
        removed.tokens += await self._in_pieces(tokens.forget_unused, keep.unused_tokens)

    async def _remove_unneeded(self, removed: Removed, *, by_age: bool) -> None:
        """Remove from the disk what the database does not name."""
        old = self._before(self.settings.results) if by_age else None
        removed.spools = await remove_leftovers(self._storage, self._workers, self._spool_dir, old)
        removed.files, removed.bytes = await self._collector.collect(
            self._before(self.settings.files), lambda: not self._stopping
        )

    async def _in_pieces(self, act: Callable[..., Committed[int]], age: float) -> int:
        """Repeat `act` until it finds less than a piece; of how many rows that was."""
        before = self._before(age)
        done = 0
        while not self._stopping:
            more = await self._storage.write(act, before, PIECE)
            done += more
            if more < PIECE:
                break
        return done

    async def _found_by(
        self,
        last: Callable[[Any], int],
        find: Callable[[Any, datetime, int], Sequence[int]],
        act: Callable[..., Committed[int]],
        age: float,
    ) -> int:
        """Have `act` give up what `find` finds, which looks at a span of ids at a time."""
        before = self._before(age)
        done = 0
        for after in range(0, await self._storage.read(last), forgetting.SPAN):
            found = await self._storage.read(find, before, after)
            for start in range(0, len(found), PIECE):
                if self._stopping:
                    return done
                done += await self._storage.write(act, found[start : start + PIECE], before)
        return done

    def _before(self, age: float) -> datetime:
        return self._utc_now() - timedelta(seconds=age)
