"""Why builds are not dispatched at the moment, or not to some builders, if there is a reason.

Layer 4. A fault of the manager's own (disk full, database away) is nobody's failure: dispatch
pauses, gathering goes on, and `why` says so. What only needs to be known (the network takes many
builders away) is noted here too, and pauses nothing. Tests: tests/unit/scanning/test_pauses.py.
"""

from collections.abc import Callable
from datetime import datetime

from twisted.logger import Logger

#: The subjects of pauses: the manager's own faults.
DISK = "disk"
DATABASE = "database"


def _nothing() -> None:
    """Nobody waits for the end of pauses."""


class Pauses:
    """The reasons for which dispatch is paused, by subject; empty when it is not."""

    log = Logger()

    def __init__(self, utc_now: Callable[[], datetime]) -> None:
        self._utc_now = utc_now
        #: Called each time the last pause ends.
        self.when_resumed: Callable[[], None] = _nothing
        self._reasons: dict[str, tuple[datetime, str]] = {}
        self._pausing: set[str] = set()

    def __bool__(self) -> bool:
        """Whether dispatch is paused."""
        return bool(self._pausing)

    def pause(self, subject: str, reason: str) -> None:
        """Pause because of `reason`; logged where `subject` did not pause dispatch before."""
        if subject not in self._pausing:
            self.log.critical("dispatch pauses: {reason}", reason=reason)
        self._pausing.add(subject)
        self.note(subject, reason)

    def is_paused(self, subject: str) -> bool:
        """Whether this subject is a reason for which dispatch is paused."""
        return subject in self._pausing

    def note(self, subject: str, reason: str) -> bool:
        """Have `why` say `reason` without pausing; True where `subject` was not noted before."""
        new = subject not in self._reasons
        since = self._utc_now() if new else self._reasons[subject][0]
        self._reasons[subject] = (since, reason)
        return new

    def resume(self, subject: str) -> None:
        """Withdraw the reason of this subject; no matter where there was none."""
        self._reasons.pop(subject, None)
        if subject in self._pausing:
            self._pausing.discard(subject)
            if not self._pausing:
                self.log.info("dispatch goes on")
                self.when_resumed()

    def reasons(self) -> tuple[str, ...]:
        """Each reason as a sentence with the time since when it holds, oldest first."""
        return tuple(
            f"{reason} (since {since:%Y-%m-%d %H:%M:%S} UTC)"
            for since, reason in sorted(self._reasons.values())
        )
