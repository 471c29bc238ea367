"""Notices that the machine's clock was set, and what in the database waits too long since.

Layer 4; docs/decisions/120. Deadlines go by the reactor's seconds, which do not jump; what is
written goes by wall time, which does. Tests: tests/unit/scanning/test_timekeeper.py.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from twisted.logger import Logger

from buildfarm.flow.lookout import Lookout
from buildfarm.flow.reactors import Clock
from buildfarm.storage.transactor import Transactor
from buildfarm.storage.waits import end_waits_beyond
from buildfarm.verdicts.outcomes import LONGEST_DELAY
from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.settings import Settings

#: Seconds between two looks, and by how much the clocks may come apart meanwhile: one that is kept
#: right is moved by far less.
INTERVAL = 1.0
TOLERANCE = 0.5

#: Seconds after which waits are looked at whatever the clock did: it may have been set twice
#: between two looks.
WAITS_INTERVAL = 60.0

#: No wait is meant to be longer than this many times the longest delay: delays are spread.
_AT_MOST = 2.0


class Timekeeper:
    """Compares wall time with the reactor's; `settings` may be replaced while it runs."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        settings: Settings,
        *,
        utc_now: Callable[[], datetime],
        storage: Transactor,
    ) -> None:
        self.settings = settings
        self._reactor = reactor
        self._utc_now = utc_now
        self._storage = storage
        self._wall, self._steady = utc_now(), reactor.seconds()
        self._set_at = self._steady
        # Also after a start: nobody knows what the clock was before.
        self._waits_checked: float | None = None
        self._lookout = Lookout(reactor, INTERVAL, self._look, "the clock")

    def start(self) -> None:
        """Look now and from now on."""
        self._lookout.start()

    def stop(self) -> None:
        """Look no more."""
        self._lookout.stop()

    def steady_for(self) -> float:
        """For how many seconds, at most since the start, the wall clock has not jumped."""
        self._compare()
        return self._reactor.seconds() - self._set_at

    def _compare(self) -> None:
        wall, steady = self._utc_now(), self._reactor.seconds()
        jump = (wall - self._wall).total_seconds() - (steady - self._steady)
        self._wall, self._steady = wall, steady
        if abs(jump) > TOLERANCE:
            self._set_at = steady
            self._waits_checked = None
            self.log.warn(
                "the clock of this machine was set {where} by {jump:.0f} s, or it slept",
                where="forwards" if jump > 0 else "back",
                jump=abs(jump),
            )

    async def _look(self) -> None:
        self._compare()
        if self._waits_checked is not None and self._steady < self._waits_checked + WAITS_INTERVAL:
            return
        longest = max(LONGEST_DELAY, self.settings.uploads.longest_retry)
        horizon = self._wall + timedelta(seconds=_AT_MOST * longest)
        try:
            ended = await self._storage.write(end_waits_beyond, horizon)
        except FarmError as error:
            self.log.warn("waits were not compared with the clock: {error}", error=error)
            return
        self._waits_checked = self._steady
        if ended:
            self.log.warn("{ended} waits for a time far off were ended", ended=ended)
