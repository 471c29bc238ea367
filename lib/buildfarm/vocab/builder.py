"""What the database knows of a builder, frozen at one moment."""

from dataclasses import dataclass
from datetime import datetime

from buildfarm.vocab.states import CleanStatus, ResetProtocol


@dataclass(frozen=True, slots=True)
class BuilderSnapshot:
    """One builder's row. Fields are DESIGN section 2's; times are naive UTC.

    `processors` are architecture tags such as `amd64`, `resources` are names; all sorted.
    `reset_output` is the end of what the last reset command printed, escaped nowhere: it is data.
    """

    id: int
    name: str
    title: str
    url: str
    processors: tuple[str, ...]
    virtualized: bool
    vm_host: str | None
    vm_reset_protocol: ResetProtocol | None
    open_resources: tuple[str, ...]
    restricted_resources: tuple[str, ...]
    builderok: bool
    failnotes: str | None
    manual: bool
    active: bool
    failure_count: int
    version: str | None
    clean_status: CleanStatus
    date_clean_status_changed: datetime
    reset_output: str | None = None

    @property
    def dispatchable(self) -> bool:
        """Whether this builder may be given a build at all, now or once it is clean."""
        return self.active and self.builderok and not self.manual


@dataclass(frozen=True, slots=True)
class NewBuilder:
    """A builder as an operator describes it, before it has a row."""

    name: str
    url: str
    processors: tuple[str, ...]
    title: str = ""
    virtualized: bool = False
    vm_host: str | None = None
    vm_reset_protocol: ResetProtocol | None = None
    open_resources: tuple[str, ...] = ()
    restricted_resources: tuple[str, ...] = ()
    manual: bool = False
