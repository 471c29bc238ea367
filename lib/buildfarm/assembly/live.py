"""What the verbs of the control socket may ask of the running scanners.

Layer 6. Implements `admin.farm.Live`. Tests: tests/unit/assembly/test_live.py.
"""

from contextlib import AbstractContextManager, nullcontext

from buildfarm.scanning.pauses import Pauses
from buildfarm.scanning.roster import Roster
from buildfarm.scanning.scanner import Scanner


class LiveFarm:
    """The scanners of this process, as far as people may look at them."""

    def __init__(self, roster: Roster, pauses: Pauses) -> None:
        self._roster = roster
        self._pauses = pauses

    async def fetch_log(
        self, build_id: int, start: int, limit: int, attempt: int | None = None
    ) -> bytes | None:
        """Part of a running build's log from its builder; None where it is on no builder.

        With `attempt`, of that attempt only. What a builder answers that has something else in hand
        by then is dropped: it may be the log of somebody else's build.
        """
        scanner = self._scanner_of(build_id)
        job = None if scanner is None else scanner.steps.job
        if scanner is None or job is None:
            return None
        if attempt is not None and job.order.attempt.number != attempt:
            return None
        part = await scanner.steps.client.fetch_log(start, limit)
        return part if scanner.steps.job is job else None

    def watching(self, build_id: int) -> AbstractContextManager[None]:
        """While entered, the builder of this build is asked as often as the bounds allow."""
        scanner = self._scanner_of(build_id)
        return nullcontext() if scanner is None else scanner.watching()

    def pauses(self) -> tuple[str, ...]:
        """Why dispatch pauses, as sentences."""
        return self._pauses.reasons()

    def troubles(self) -> dict[int, str]:
        """What each builder that fails at present does wrong, by builder id."""
        found = {one.steps.builder.id: one.trouble for one in self._roster.scanners}
        return {builder_id: trouble for builder_id, trouble in found.items() if trouble}

    def _scanner_of(self, build_id: int) -> Scanner | None:
        for scanner in self._roster.scanners:
            job = scanner.steps.job
            if job is not None and job.order.attempt.build_id == build_id:
                return scanner
        return None
