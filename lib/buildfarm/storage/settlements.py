"""What a verdict changes of an attempt, its build and its queue entry.

`attempts.settle` applies a whole settlement; `roster.remove_builder` and a restored database close
attempts by the same way.

Layer 3. Tests: tests/unit/storage/test_settle.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storm.expr import And, Join, LeftJoin, Select, Update

from buildfarm.storage.acts import require_one
from buildfarm.storage.depwaits import came_back
from buildfarm.storage.epochs import Epoch, current_epoch
from buildfarm.storage.events import Change, Place
from buildfarm.storage.outbox import ARRIVED, tell
from buildfarm.storage.queue import leave_queue
from buildfarm.storage.rows import files_as_json
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import IS_ON_BUILDER, Attempt, Build, Queue
from buildfarm.verdicts.settling import as_asked
from buildfarm.verdicts.transitions import attempt_may_follow, may_follow
from buildfarm.vocab.announcements import Announcement, BuildEnded, UploadWaiting, WorkArrived
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.news import NEWS_OF_STATE
from buildfarm.vocab.settlement import JobSettlement, JobWarning, Settlement
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState, QueueState

_HELD = Statement(
    Select(
        (
            Attempt.id,
            Attempt.build_id,
            Attempt.number,
            Attempt.builder_id,
            Attempt.state,
            Build.state,
            Build.failure_count,
            Build.builders_cost,
            Build.given_back,
            Build.lost_count,
            Build.superseded_by,
            Queue.requirement_id,
        ),
        And(
            Attempt.id == Parameter("attempt_id"),
            Attempt.epoch == Parameter("epoch"),
            IS_ON_BUILDER,
        ),
        [
            Attempt,
            Join(Build, Build.id == Attempt.build_id),
            LeftJoin(Queue, Queue.build_id == Attempt.build_id),
        ],
    )
)

_END_ATTEMPT = Statement(
    Update(
        {
            Attempt.state: Parameter("after"),
            Attempt.outcome: Parameter("outcome"),
            Attempt.reason: Parameter("reason"),
            Attempt.gathered: Parameter("gathered"),
            Attempt.closed: Parameter("closed"),
            Attempt.files: Parameter("files"),
            Attempt.log_digest: Parameter("log_digest"),
        },
        And(
            Attempt.id == Parameter("attempt_id"),
            Attempt.state == Parameter("before"),
            Attempt.epoch == Parameter("epoch"),
        ),
    )
)

_END_BUILD = Statement(
    Update(
        {
            Build.state: Parameter("after"),
            Build.finished: Parameter("finished"),
            Build.failure_count: Parameter("failure_count"),
            Build.builders_cost: Parameter("builders_cost"),
            Build.given_back: Parameter("given_back"),
            Build.lost_count: Parameter("lost_count"),
            Build.reason: Parameter("reason"),
            Build.dependencies: Parameter("dependencies"),
            Build.log_digest: Parameter("log_digest"),
        },
        And(
            Build.id == Parameter("build_id"),
            Build.state == Parameter("before"),
            Build.attempt_count == Parameter("number"),
        ),
    )
)

_WAIT_AGAIN = Statement(
    Update(
        {
            Queue.state: Parameter("state"),
            Queue.not_before: Parameter("not_before"),
            Queue.logtail: None,
        },
        Queue.build_id == Parameter("build_id"),
    )
)

_WARN = Statement(
    Update(
        {Build.failure_count: Parameter("failure_count")},
        And(Build.id == Parameter("build_id"), Build.attempt_count == Parameter("number")),
    )
)


@dataclass(frozen=True, slots=True)
class Held:
    """An attempt that occupies its builder, with what the database says of its build now."""

    attempt_id: int
    build_id: int
    number: int
    builder_id: int
    attempt_state: AttemptState
    build_state: BuildState
    failure_count: int
    builders_cost: int
    given_back: int
    lost_count: int
    superseded: bool
    requirement_id: int

    @property
    def place(self) -> Place:
        """What events about it are about."""
        return Place(self.build_id, self.number, self.builder_id)

    @property
    def cancelling(self) -> bool:
        """Whether a cancel was asked for."""
        return self.build_state is BuildState.CANCELLING


def held(store: Any, epoch: Epoch, attempt_id: int) -> Held:
    """The attempt, which must occupy its builder and belong to `epoch`; else StaleState."""
    row = _HELD.one(store, attempt_id=attempt_id, epoch=epoch.number)
    if row is None:
        raise StaleState(
            f"Attempt {attempt_id} does not occupy its builder any more, or a newer manager "
            "owns it."
        )
    values = list(row)
    values[4:6] = AttemptState(row[4]), BuildState(row[5])
    values[10] = row[10] is not None
    return Held(*values)


def end_job(
    store: Any, epoch: Epoch, found: Held, job: JobSettlement, reason: str, now: datetime
) -> tuple[list[Change], tuple[Announcement, ...]]:
    """Write what `job` says of the attempt `found`; the events and announcements of it.

    Raises StaleState for a transition that is not allowed from where the build is now.
    """
    _require_allowed(found, job)
    gathered = job.attempt_state is AttemptState.GATHERED
    log_digest = None if job.log is None else job.log.sha256
    result = _END_ATTEMPT.run(
        store,
        after=job.attempt_state.value,
        outcome=None if job.outcome is None else job.outcome.value,
        reason=reason,
        gathered=now if gathered else None,
        closed=None if gathered else now,
        files=files_as_json(job.files),
        log_digest=log_digest,
        attempt_id=found.attempt_id,
        before=found.attempt_state.value,
        epoch=epoch.number,
    )
    require_one(result, f"attempt {found.number} of build {found.build_id} was to end")
    waits = job.build_state is BuildState.NEEDSBUILD
    result = _END_BUILD.run(
        store,
        after=job.build_state.value,
        finished=None if waits or gathered else now,
        failure_count=job.failure_count,
        builders_cost=job.builders_cost,
        given_back=job.given_back,
        lost_count=job.lost_count,
        reason=reason,
        dependencies=job.dependencies,
        log_digest=log_digest,
        build_id=found.build_id,
        before=found.build_state.value,
        number=found.number,
    )
    require_one(result, f"build {found.build_id} was to become {job.build_state.value}")
    announcement = (
        _requeue(store, found, job.not_before, now) if waits else _ended(store, found, job)
    )
    changes = [
        Change(found.place, reason, found.attempt_state, job.attempt_state),
        Change(found.place, reason, found.build_state, job.build_state),
    ]
    return changes, announcement + _told(store, found.place, job, reason, now)


def lose_job(
    store: Any, found: Held, reason: str, now: datetime
) -> tuple[list[Change], tuple[Announcement, ...]]:
    """Close an attempt as LOST, held against nobody; its build waits again, unless cancelled."""
    lost = JobSettlement(
        attempt_id=found.attempt_id,
        attempt_state=AttemptState.CLOSED,
        outcome=AttemptOutcome.LOST,
        build_state=BuildState.NEEDSBUILD,
        failure_count=found.failure_count,
        builders_cost=found.builders_cost,
        given_back=found.given_back,
        lost_count=found.lost_count,
    )
    settled = as_asked(Settlement(reason, job=lost), found.cancelling, found.superseded)
    assert isinstance(settled.job, JobSettlement)
    return end_job(store, current_epoch(store), found, settled.job, settled.reason, now)


def warn_job(store: Any, epoch: Epoch, warning: JobWarning, reason: str) -> list[Change]:
    """Write what is held against a build whose attempt goes on; the event of it."""
    found = held(store, epoch, warning.attempt_id)
    result = _WARN.run(
        store,
        failure_count=warning.failure_count,
        build_id=found.build_id,
        number=found.number,
    )
    require_one(result, f"build {found.build_id} was to be warned")
    return [Change(found.place, reason)]


def _require_allowed(found: Held, job: JobSettlement) -> None:
    if not may_follow(found.build_state, job.build_state):
        raise StaleState(
            f"Build {found.build_id} is {found.build_state.value}; "
            f"{job.build_state.value} does not follow."
        )
    if not attempt_may_follow(found.attempt_state, job.attempt_state):
        raise StaleState(
            f"Attempt {found.number} of build {found.build_id} is {found.attempt_state.value}; "
            f"{job.attempt_state.value} does not follow."
        )


def _told(
    store: Any, place: Place, job: JobSettlement, reason: str, now: datetime
) -> tuple[Announcement, ...]:
    """A notice of an end that is news, but for a dep-wait that comes back as it was."""
    kind = NEWS_OF_STATE.get(job.build_state)
    assert place.build_id is not None
    if kind is None or (job.dependencies and came_back(store, place.build_id, job.dependencies)):
        return ()
    tell(store, now, kind, place, reason, job.build_state)
    return ARRIVED


def _requeue(
    store: Any, found: Held, not_before: datetime | None, now: datetime
) -> tuple[Announcement, ...]:
    delayed = not_before is not None and not_before > now
    _WAIT_AGAIN.run(
        store,
        state=(QueueState.SUSPENDED if delayed else QueueState.WAITING).value,
        not_before=not_before if delayed else None,
        build_id=found.build_id,
    )
    return () if delayed else (WorkArrived((found.requirement_id,)),)


def _ended(store: Any, found: Held, job: JobSettlement) -> tuple[Announcement, ...]:
    leave_queue(store, found.build_id)
    if job.build_state is BuildState.UPLOADING:
        return (UploadWaiting(found.build_id),)
    return (BuildEnded(found.build_id),)
