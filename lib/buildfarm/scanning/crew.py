"""What all scanners share: those who carry out the steps, and the farm around one builder.

Layer 4; built once, in `assembly.service`.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from buildfarm.scanning.cleaning import Cleaner
from buildfarm.scanning.dispatch import Dispatcher
from buildfarm.scanning.gather import Gatherer
from buildfarm.scanning.judge import Judge
from buildfarm.scanning.pace import Pace
from buildfarm.scanning.progress import ProgressJournal
from buildfarm.storage.attempts import Claim
from buildfarm.vocab.progress import ClaimRequest
from buildfarm.vocab.settings import ResetSettings, ScanningSettings


class WorkSource(Protocol):
    """Where a scanner asks for work: the roster, which asks for many builders in one act."""

    def claim(self, request: ClaimRequest) -> Awaitable[Claim]:
        """The builder as it is now, and the best waiting build for it, claimed, or None."""

    def is_idle(self, builder_id: int) -> None:
        """This builder is clean, has nothing to do, and is to be told when work arrives."""

    def is_removed(self, builder_id: int) -> None:
        """This builder was removed and holds nothing: it needs no scanner any more."""


@dataclass(slots=True)
class Crew:
    """The collaborators of every scanner; the settings are replaced when they are read again."""

    work: WorkSource
    judge: Judge
    pace: Pace
    dispatcher: Dispatcher
    gatherer: Gatherer
    cleaner: Cleaner
    progress: ProgressJournal
    scanning: ScanningSettings
    resets: ResetSettings
