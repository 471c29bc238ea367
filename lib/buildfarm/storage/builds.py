"""Builds: what is known of them, and what people may ask of them.

Layer 3. Tests: tests/unit/storage/test_builds.py.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from storm.expr import And, Desc, Join, Select, Update

from buildfarm.storage import depwaits
from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.durations import estimate
from buildfarm.storage.epochs import current_epoch
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.forgetting import NO_FILES
from buildfarm.storage.queue import enqueue, leave_queue
from buildfarm.storage.requirements import requirement_id
from buildfarm.storage.rows import BUILD
from buildfarm.storage.submissions import require_score, submit
from buildfarm.storage.tables import IS_ON_BUILDER, Archive, Attempt, Build, Queue, Source
from buildfarm.verdicts.transitions import (
    cancel_refusal,
    cancelled,
    rescore_refusal,
    retried,
    retry_refusal,
)
from buildfarm.vocab.announcements import (
    Announcement,
    BuildEnded,
    CancelRequested,
    UploadWaiting,
    WorkArrived,
)
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState, QueueState

#: Every verb of builds in one place; some have modules of their own.
__all__ = [
    "build",
    "builds",
    "cancel",
    "rescore",
    "retry",
    "submit",
]

#: How many builds one listing shows unless asked for more.
SHOWN = 100

_TABLES = [Build, Join(Archive, Archive.id == Build.archive_id)]


def build(store: Any, build_id: int) -> BuildSnapshot:
    """The build of this id. Raises Refused where there is none."""
    row = store.execute(Select(BUILD.columns, Build.id == build_id, _TABLES)).get_one()
    if row is None:
        raise Refused(f"There is no build {build_id}.")
    return BUILD.read(row)


def builds(
    store: Any,
    states: Iterable[BuildState] | None = None,
    archive: str | None = None,
    source: str | None = None,
    limit: int = SHOWN,
) -> tuple[BuildSnapshot, ...]:
    """The newest builds, newest first; of these states, this archive, this source if given."""
    where: list[Any] = []
    if states is not None:
        where.append(Build.state.is_in([state.value for state in states]))
    if archive is not None:
        where.append(Archive.name == archive)
    if source is not None:
        where.append(Build.source == source)
    select = Select(BUILD.columns, And(*where), _TABLES, order_by=Desc(Build.id), limit=limit)
    if not where:
        select = Select(BUILD.columns, tables=_TABLES, order_by=Desc(Build.id), limit=limit)
    return tuple(BUILD.read(row) for row in store.execute(select).get_all())


def cancel(store: Any, build_id: int, actor: str, now: datetime) -> Committed[BuildSnapshot]:
    """Cancel a build: at once while it waits, by an abort on its builder while it runs.

    Raises Refused where it is too late.
    """
    before = build(store, build_id)
    _require(before, "cancelled", cancel_refusal(before.state))
    after = cancelled(before.state)
    reason = f"cancelled by {actor}"
    if after is BuildState.CANCELLED:
        _move(store, before, after, finished=now, reason=reason)
        leave_queue(store, build_id)
        announcement: Announcement = BuildEnded(build_id)
    else:
        _move(store, before, after)
        entry = {Queue.state: QueueState.CANCELLING.value}
        store.execute(Update(entry, Queue.build_id == build_id), noresult=True)
        on_builder = And(Attempt.build_id == build_id, IS_ON_BUILDER)
        (builder_id,) = store.execute(Select(Attempt.builder_id, on_builder)).get_one()
        announcement = CancelRequested(build_id, builder_id)
    record(store, now, [Change(Place(build_id), reason, before.state, after)], actor)
    return Committed(build(store, build_id), (announcement,))


def retry(
    store: Any,
    build_id: int,
    rebuild: bool,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> Committed[BuildSnapshot]:
    """Build again, or upload again what the last attempt of a FAILEDTOUPLOAD build left.

    `rebuild` builds again in any case. What earlier attempts counted against the build is
    forgotten. The event names `reason`, or the actor. Raises Refused for a build that has not
    failed, or that left no results.
    """
    before = build(store, build_id)
    _require(before, "retried", retry_refusal(before.state))
    after = retried(before.state, rebuild)
    forgotten = {"failure_count": 0, "builders_cost": 0, "given_back": 0, "lost_count": 0}
    values = {**forgotten, "finished": None, "reason": None, "superseded_by": None}
    if after is BuildState.UPLOADING:
        _move(store, before, after, **values)
        _reopen(store, before)
        announcement: Announcement = UploadWaiting(build_id)
    else:
        _require_sources(store, before)
        _move(store, before, after, dependencies=None, **values)
        requirement = requirement_id(store, before.architecture, before.virtualized)
        duration = estimate(store, before.source, before.architecture)
        (score,) = store.execute(Select(Build.score, Build.id == build_id)).get_one()
        enqueue(store, build_id, requirement, score, duration)
        announcement = WorkArrived((requirement,))
    depwaits.forget(store, build_id)
    change = Change(Place(build_id), reason or f"retried by {actor}", before.state, after)
    record(store, now, [change], actor)
    return Committed(build(store, build_id), (announcement,))


def rescore(
    store: Any, build_id: int, score: int, actor: str, now: datetime
) -> Committed[BuildSnapshot]:
    """Give a waiting build another score; a higher one goes first. Refused for any other."""
    before = build(store, build_id)
    _require(before, "rescored", rescore_refusal(before.state))
    require_score(score)
    store.execute(Update({Build.score: score}, Build.id == build_id), noresult=True)
    result = store.execute(Update({Queue.score: score}, Queue.build_id == build_id))
    require_one(result, f"build {build_id} was to be rescored")
    change = Change(Place(build_id), f"given the score {score} by {actor}")
    record(store, now, [change], actor)
    return Committed(before)


def _require(found: BuildSnapshot, verb: str, refusal: str | None) -> None:
    if refusal is not None:
        raise Refused(f"Build {found.id} cannot be {verb}: {refusal}.")


def _require_sources(store: Any, found: BuildSnapshot) -> None:
    its_source = And(Build.id == found.id, Source.id == Build.source_id)
    (files,) = store.execute(Select(Source.files, its_source)).get_one()
    if files == NO_FILES:
        raise Refused(
            f"Build {found.id} cannot be built again: its sources were kept for as long as "
            "[retention] sources says; submit a newer version."
        )


def _move(store: Any, before: BuildSnapshot, after: BuildState, **values: object) -> None:
    row = {getattr(Build, name): value for name, value in values.items()}
    unchanged = And(
        Build.id == before.id,
        Build.state == before.state.value,
        Build.attempt_count == before.attempt_count,
    )
    result = store.execute(Update({Build.state: after.value, **row}, unchanged))
    require_one(result, f"build {before.id} was to become {after.value}")


def _reopen(store: Any, found: BuildSnapshot) -> None:
    """Let the results of the last attempt wait for their upload again."""
    last = And(
        Attempt.build_id == found.id,
        Attempt.number == found.attempt_count,
        Attempt.state == AttemptState.CLOSED.value,
        Attempt.outcome == AttemptOutcome.UPLOAD_REFUSED.value,
        Attempt.files != "[]",
    )
    waiting = {
        Attempt.state: AttemptState.GATHERED.value,
        Attempt.epoch: current_epoch(store).number,
        Attempt.outcome: None,
        Attempt.closed: None,
        Attempt.prepared: False,
        Attempt.tries: 0,
        Attempt.next_try: None,
    }
    if store.execute(Update(waiting, last)).rowcount != 1:
        raise Refused(
            f"Build {found.id} has no results to upload: it left none, or they were kept for as "
            "long as [retention] results says; retry it with --rebuild."
        )
