"""What the database knows of builds, queue entries and attempts, frozen at one moment."""

from dataclasses import dataclass
from datetime import datetime

from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildState,
    QueueState,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a build asks of a builder; equal requirements share one row, so `id` is its key."""

    id: int
    processor: str
    virtualized: bool
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file by content. `name` is what the package calls it, never a path.

    `size` is in bytes, digests are lower-case hexadecimal.
    """

    name: str
    size: int
    sha1: str
    sha256: str


@dataclass(frozen=True, slots=True)
class BuildSnapshot:
    """One build's row. Times are naive UTC, durations seconds.

    `attempt_count` is the number of the latest attempt, 0 before the first. `failure_count` counts
    consecutive failures blamed on the job; `builders_cost` how many builders it has taken down.
    `given_back` counts GIVENBACK answers, `lost_count` the attempts in a row that a builder lost
    or failed without the job being blamed. A person's retry begins all four at 0 again.
    """

    id: int
    archive: str
    distribution: str
    series: str
    suite: str
    pocket: str
    component: str
    source: str
    version: str
    architecture: str
    arch_indep: bool
    virtualized: bool
    state: BuildState
    requester: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    attempt_count: int
    failure_count: int
    builders_cost: int
    given_back: int
    lost_count: int
    reason: str | None
    dependencies: str | None
    log_digest: str | None

    @property
    def title(self) -> str:
        """`hello 2.10-3 amd64 in main/bookworm`: how messages name a build."""
        return f"{self.source} {self.version} {self.architecture} in {self.archive}/{self.suite}"


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A build's place in the queue. A higher score goes first; durations are seconds."""

    build_id: int
    requirement: Requirement
    state: QueueState
    score: int
    estimated_duration: float
    not_before: datetime | None
    logtail: str | None


@dataclass(frozen=True, slots=True)
class AttemptSnapshot:
    """One attempt's row. `spool` is the name of its directory below the spool, never a path.

    `tries`, `next_try` and `last_error` are those of its upload. `log_digest` names its log in the
    file store.
    """

    id: int
    build_id: int
    number: int
    builder_id: int
    builder_name: str
    cookie: str
    state: AttemptState
    epoch: int
    spool: str
    outcome: AttemptOutcome | None
    reason: str | None
    claimed: datetime
    sent: datetime | None
    confirmed: datetime | None
    gathered: datetime | None
    closed: datetime | None
    prepared: bool
    tries: int
    next_try: datetime | None
    last_error: str | None
    files: tuple[StoredFile, ...] = ()
    log_digest: str | None = None


@dataclass(frozen=True, slots=True)
class JobStanding:
    """What counts for or against the build of one attempt when that attempt is judged.

    The counters are `BuildSnapshot`'s before the verdict. `cancelling`: a cancel was asked for
    while it ran; `superseded`: a newer version was submitted after this attempt was claimed. Both
    may be out of date by the time a verdict is committed, so storage applies
    `verdicts.settling.as_asked` once more, in the act.
    """

    attempt_id: int
    build_id: int
    failure_count: int = 0
    builders_cost: int = 0
    given_back: int = 0
    lost_count: int = 0
    cancelling: bool = False
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """Everything a dispatcher needs to hand a claimed build to its builder.

    `chroot` and `files` are in the file store; `args` are launchpad-buildd's `binarypackage`
    arguments. `estimated_duration` is in seconds. `standing` is what the judge needs when this
    attempt ends; its `cancelling` may be true for an attempt found again after a restart.
    `private`: its sources are for this build only. `private_archive` is the archive that it is for,
    if apt can read that and not everybody may; `args` then lack its line, which has a token in it.
    """

    attempt: AttemptSnapshot
    title: str
    chroot: StoredFile
    files: tuple[StoredFile, ...]
    args: dict[str, object]
    estimated_duration: float
    standing: JobStanding
    private: bool = False
    private_archive: ArchiveSnapshot | None = None

    @property
    def cancelling(self) -> bool:
        """Whether a cancel was asked for after the claim."""
        return self.standing.cancelling


@dataclass(frozen=True, slots=True)
class Holding:
    """What a builder has in hand, for people: a build, its archive, since when and for how long.

    `estimated_duration` is in seconds. `private`: not everybody may know of it.
    """

    build_id: int
    title: str
    archive: str
    private: bool
    estimated_duration: float
    since: datetime


@dataclass(frozen=True, slots=True)
class EventSnapshot:
    """One row of the story: who or what moved from which state to which, and why."""

    id: int
    time: datetime
    actor: str
    builder: str | None
    build_id: int | None
    attempt: int | None
    before: str | None
    after: str | None
    reason: str
