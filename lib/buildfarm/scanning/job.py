"""A job in hand: one attempt on one builder, as its scanner follows it.

Layer 4. Tests: tests/unit/scanning.
"""

from dataclasses import dataclass, replace

from buildfarm.filestore.store import Hold
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import AttemptState


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says of a builder: its row, and the order of the attempt that it holds."""

    builder: BuilderSnapshot
    order: BuildOrder | None


@dataclass(slots=True)
class Job:
    """What a scanner knows of the attempt that its builder holds.

    `state` may be ahead of the database: CONFIRMED is written in batches. `since` is the reactor's
    time in seconds at which the builder took the job, or at which it was found after a restart;
    `tail_noted` when its log tail was last handed to the database. `watchers` counts the people
    who follow the log at this moment. `hold` keeps its log in the file store until the database
    names it; it ends with the job.
    """

    order: BuildOrder
    state: AttemptState
    since: float
    tail_noted: float
    logtail: str = ""
    watchers: int = 0
    hold: Hold | None = None

    @property
    def cookie(self) -> str:
        """What the builder calls this attempt."""
        return self.order.attempt.cookie

    @property
    def label(self) -> str:
        """How log lines name it: `build=7 attempt=2`."""
        attempt = self.order.attempt
        return f"build={attempt.build_id} attempt={attempt.number}"

    @property
    def cancelling(self) -> bool:
        """Whether a cancel was asked for."""
        return self.order.cancelling

    def cancel(self) -> None:
        """Note that a cancel was asked for while the attempt is under way."""
        self.order = replace(self.order, standing=replace(self.order.standing, cancelling=True))
