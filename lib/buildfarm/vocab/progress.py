"""Notes on running builds that are written in batches, not one act each."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProgressNote:
    """What has become known of one open attempt since the last batch; None says nothing new."""

    attempt_id: int
    build_id: int
    confirmed: datetime | None = None
    gathering: bool = False
    logtail: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A builder that asks for work.

    `becomes_clean`: its cleaning has just ended, so it is recorded CLEAN in the same act, with
    what its reset command printed, if there was one, in `reset_output`.
    """

    builder_id: int
    becomes_clean: bool = False
    reset_output: str | None = None
