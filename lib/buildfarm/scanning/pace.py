"""The pace of scanning: `verdicts.polling` with what this farm and this machine are like now.

Layer 4. Tests: tests/unit/scanning/test_pace.py.
"""

from collections.abc import Callable

from buildfarm.verdicts import polling
from buildfarm.verdicts.polling import FarmLoad
from buildfarm.vocab.settings import ScanningSettings

#: Seconds of CPU that a scan takes before any was measured; also the least that is believed.
FIRST_COST = 0.0002

#: A scan's cost for each second that is measured: only what leads to the question happens in a
#: turn. Reading the reply and acting on it takes about twice as long.
_UNMEASURED = 3.0

#: How many scans the measured cost is an average over, so that it follows the farm.
_WINDOW = 1000


class Pace:
    """Says how long each scanner waits before its next cycle."""

    def __init__(self, settings: ScanningSettings, cpu_used: Callable[[], float]) -> None:
        """`cpu_used` is the CPU time that the scanners' turns have taken so far, in seconds."""
        self.settings = settings
        #: How many builders are scanned.
        self.builders = 0
        self._cpu_used = cpu_used
        #: How many scans were made.
        self.scans_made = 0
        self._urgent: set[int] = set()
        self._scans = 0
        self._cpu_before = 0.0
        self._cost = FIRST_COST

    @property
    def cost(self) -> float:
        """Seconds of CPU that a scan takes, as measured of late."""
        return self._cost

    def scanned(self) -> None:
        """One more scan was made."""
        self.scans_made += 1
        self._scans += 1
        if self._scans == _WINDOW:
            used = self._cpu_used()
            measured = _UNMEASURED * (used - self._cpu_before) / self._scans
            self._cost = max(FIRST_COST, measured)
            self._scans, self._cpu_before = 0, used

    def idle(self, builder_id: int) -> float:
        """Seconds until the next look at a builder with nothing to do."""
        self._urgent.discard(builder_id)
        return polling.while_idle(self.settings.idle_interval, self._load())

    def building(
        self, builder_id: int, elapsed: float, estimated: float, *, watched: bool
    ) -> float:
        """Seconds until the next look at a builder that has built for `elapsed` seconds."""
        if polling.is_urgent(elapsed, estimated, watched):
            self._urgent.add(builder_id)
        else:
            self._urgent.discard(builder_id)
        longest = self.settings.idle_interval
        return polling.while_building(elapsed, estimated, watched, longest, self._load())

    def ending(self, builder_id: int) -> float:
        """Seconds until the next look at a builder that aborts."""
        self._urgent.add(builder_id)
        return polling.while_ending(self._load())

    def failing(self, builder_id: int, failures_in_row: int) -> float:
        """Seconds until the next try after a failed cycle."""
        self._urgent.discard(builder_id)
        longest = self.settings.idle_interval
        return polling.while_failing(failures_in_row, longest, self._load())

    def _load(self) -> FarmLoad:
        urgent = len(self._urgent)
        builders = max(self.builders, urgent)
        return FarmLoad(builders, urgent, self._cost, self.settings.cpu_share)
