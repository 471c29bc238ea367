"""The farm at one moment, as lists and overviews show it: less of each thing than there is."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from buildfarm.vocab.states import BuildState, CleanStatus


class Doing(Enum):
    """What a builder does, as people see it; in the order in which they want to."""

    RESET_FAILING = "reset failing"
    FAILING = "failing"
    DISABLED = "disabled"
    BUILDING = "building"
    GATHERING = "gathering"
    CLEANING = "cleaning"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Job:
    """The build that a builder has. `since` is when it was given it, `log_line` the log's last.

    `estimated_duration` is in seconds. For one that may not be told of, `build_id`, `title` and
    `log_line` are None.
    """

    since: datetime
    state: BuildState
    estimated_duration: float | None = None
    build_id: int | None = None
    title: str | None = None
    log_line: str | None = None


@dataclass(frozen=True, slots=True)
class GlancedBuilder:
    """A builder in a list. `out_since` is when it was taken out of service, if that is known."""

    id: int
    name: str
    processors: tuple[str, ...]
    virtualized: bool
    manual: bool
    builderok: bool
    failnotes: str | None
    failure_count: int
    clean_status: CleanStatus
    changed: datetime
    out_since: datetime | None = None
    job: Job | None = None

    @property
    def takes_work(self) -> bool:
        """Whether builds are dispatched to it by itself, now or once it is free."""
        return self.builderok and not self.manual


@dataclass(frozen=True, slots=True)
class Backlog:
    """Builds that wait, and the seconds that they will take together."""

    builds: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The farm at `time`: how many builds waited and ran, and how many ended since the last one.

    `event` is the id of the last event that is counted; `built` were published, `failed` ended any
    other way but by a person's wish.
    """

    time: datetime
    event: int
    waiting: int
    running: int
    built: int
    failed: int


@dataclass(frozen=True, slots=True)
class Glance:
    """The whole farm. `backlogs` are by processor and whether virtual builders are wanted.

    `event` is the id of the last event that it takes into account.
    """

    time: datetime
    event: int
    builders: tuple[GlancedBuilder, ...]
    backlogs: dict[tuple[str, bool], Backlog]
