"""Notes on running builds, gathered in memory and written in batches.

Layer 4. That a build was confirmed, that it is being gathered and what its log tail says are
true without the database: an attempt found SENT with our cookie is adopted all the same. So they
cost no act of their own; all builders' notes share one.
Tests: tests/unit/scanning/test_progress.py.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from buildfarm.flow.lookout import Lookout
from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.progress import ProgressNote

#: Seconds between two batches, so that a listing shows a confirmed build soon enough.
INTERVAL = 1.0


class ProgressJournal:
    """The notes that wait for the next batch, at most one per attempt."""

    log = Logger()

    def __init__(
        self, reactor: IReactorTime, write: Callable[[Sequence[ProgressNote]], Awaitable[object]]
    ) -> None:
        """`write` commits one batch; notes of attempts that have moved on are skipped by it."""
        self._write = write
        self._waiting: dict[int, ProgressNote] = {}
        self._lookout = Lookout(reactor, INTERVAL, self._flush_in_loop, "progress of builds")

    @property
    def waiting(self) -> int:
        """How many notes wait for the next batch."""
        return len(self._waiting)

    def note(self, note: ProgressNote) -> None:
        """Add `note` to the next batch, over what is waiting for the same attempt."""
        earlier = self._waiting.get(note.attempt_id)
        if earlier is not None:
            note = replace(
                note,
                confirmed=note.confirmed or earlier.confirmed,
                gathering=note.gathering or earlier.gathering,
                logtail=earlier.logtail if note.logtail is None else note.logtail,
            )
        self._waiting[note.attempt_id] = note

    def forget(self, attempt_id: int) -> None:
        """Drop what waits for an attempt that has ended."""
        self._waiting.pop(attempt_id, None)

    async def flush(self) -> None:
        """Write what waits now; notes stay where the database cannot be written."""
        batch, self._waiting = self._waiting, {}
        if not batch:
            return
        try:
            await self._write(tuple(batch.values()))
        except FarmError:
            newer, self._waiting = self._waiting, batch
            for note in newer.values():
                self.note(note)
            raise

    async def _flush_in_loop(self) -> None:
        try:
            await self.flush()
        except FarmError as error:
            self.log.warn("progress of running builds was not written: {error}", error=error)

    def start(self) -> None:
        """Write batches from now on."""
        self._lookout.start(now=False)

    async def stop(self) -> None:
        """Write what waits and end."""
        self._lookout.stop()
        await self._flush_in_loop()
