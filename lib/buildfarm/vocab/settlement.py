"""A settlement: everything that one verdict changes, as a value.

The judge (pure) says what should follow from what happened; storage applies the whole of it in
one act with its events, or nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState, CleanStatus


@dataclass(frozen=True, slots=True)
class JobSettlement:
    """What becomes of an attempt and its build.

    `attempt_state` is CLOSED, or GATHERED for results that now wait for their upload. For
    `build_state` NEEDSBUILD the queue entry waits again, not before `not_before`; for every other
    state it is removed. `failure_count`, `builders_cost`, `given_back` and `lost_count` are the
    new values. `log` and `files` are what was gathered.
    """

    attempt_id: int
    attempt_state: AttemptState
    outcome: AttemptOutcome | None
    build_state: BuildState
    failure_count: int
    builders_cost: int
    given_back: int
    lost_count: int
    not_before: datetime | None = None
    log: StoredFile | None = None
    files: tuple[StoredFile, ...] = ()
    dependencies: str | None = None


@dataclass(frozen=True, slots=True)
class JobWarning:
    """What is held against a build whose attempt goes on; `failure_count` is the new value."""

    attempt_id: int
    build_id: int
    failure_count: int


@dataclass(frozen=True, slots=True)
class BuilderSettlement:
    """What becomes of a builder. None leaves a field as it is; `failure_count` is the new value."""

    builder_id: int
    failure_count: int
    clean_status: CleanStatus | None = None
    builderok: bool | None = None
    failnotes: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """One verdict, applied whole. `reason` is the sentence that explains it, with its evidence."""

    reason: str
    builder: BuilderSettlement | None = None
    job: JobSettlement | JobWarning | None = None
