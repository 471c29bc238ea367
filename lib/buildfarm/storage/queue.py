"""The queue: what waits, in which order, and what may not go yet.

An entry with a `not_before` is SUSPENDED until `release_due` makes it WAITING. So the index over
(state, requirement, score, build) holds exactly what can be dispatched, in dispatch order, and the
best build for a requirement is its first row, however long the queue is (DESIGN section 7).

Layer 3. Tests: tests/unit/storage/test_queue.py.
"""

from datetime import datetime
from functools import cache
from typing import Any

from storm.expr import And, Asc, Count, Delete, Desc, Exists, Join, Or, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.assignment import Candidate
from buildfarm.storage.rows import REQUIREMENT, Row, time_of
from buildfarm.storage.statements import Parameter, Statement, inserting
from buildfarm.storage.tables import Queue
from buildfarm.storage.tables import Requirement as RequirementTable
from buildfarm.vocab.announcements import WorkArrived
from buildfarm.vocab.build import QueueEntry, Requirement
from buildfarm.vocab.states import QueueState

_IS_WAITING = Queue.state == QueueState.WAITING.value

_DUE = Statement(Select(Queue.requirement_id, Queue.not_before <= Parameter("now"), Queue))

_RELEASE = Statement(
    Update(
        {Queue.state: QueueState.WAITING.value, Queue.not_before: None},
        Queue.not_before <= Parameter("now"),
        Queue,
    )
)

_ENQUEUE = Statement(
    inserting(Queue, "build_id", "requirement_id", "state", "score", "estimated_duration")
)

_LEAVE = Statement(Delete(Queue.build_id == Parameter("build_id")))

_ENTRY = (
    Queue.build_id,
    Queue.state,
    Queue.score,
    Queue.estimated_duration,
    Queue.not_before,
    Queue.logtail,
    *REQUIREMENT.columns,
)

_WITH_REQUIREMENT = [Queue, Join(RequirementTable, RequirementTable.id == Queue.requirement_id)]


@cache
def _top(limit: int) -> Statement:
    return Statement(
        Select(
            (Queue.build_id, Queue.score),
            And(_IS_WAITING, Queue.requirement_id == Parameter("requirement_id")),
            order_by=(Desc(Queue.score), Asc(Queue.build_id)),
            limit=limit,
        )
    )


def top(store: Any, requirement_id: int, count: int) -> list[Candidate]:
    """The first `count` builds, or a few more, that wait with this requirement."""
    # Powers of two, so that few statements serve every count.
    statement = _top(1 << (count - 1).bit_length())
    return [
        Candidate(build_id, requirement_id, score)
        for build_id, score in statement.rows(store, requirement_id=requirement_id)
    ]


def enqueue(
    store: Any, build_id: int, requirement_id: int, score: int, estimated_duration: float
) -> None:
    """Let a build wait that has no entry."""
    _ENQUEUE.run(
        store,
        build_id=build_id,
        requirement_id=requirement_id,
        state=QueueState.WAITING.value,
        score=score,
        estimated_duration=estimated_duration,
    )


def leave_queue(store: Any, build_id: int) -> None:
    """Remove the entry of a build, if it has one."""
    _LEAVE.run(store, build_id=build_id)


def release_due(store: Any, now: datetime) -> Committed[int]:
    """Let every delayed entry wait like any other whose time has come; how many there were.

    `attempts.claim` does this too. It is an act of its own so that an idle builder hears of them.
    """
    due = tuple(row[0] for row in _DUE.rows(store, now=now))
    if not due:
        return Committed(0)
    _RELEASE.run(store, now=now)
    return Committed(len(due), (WorkArrived(due),))


def release_is_due(store: Any, now: datetime) -> bool:
    """Whether `release_due` would find anything."""
    return _DUE.one(store, now=now) is not None


def waiting_requirements(store: Any) -> tuple[Requirement, ...]:
    """Every requirement with which a build waits that may go now."""
    waits = And(_IS_WAITING, Queue.requirement_id == RequirementTable.id)
    select = Select(
        REQUIREMENT.columns,
        Exists(Select(1, waits, Queue)),
        RequirementTable,
        order_by=RequirementTable.id,
    )
    return tuple(REQUIREMENT.read(row) for row in store.execute(select).get_all())


def queue_entry(store: Any, build_id: int) -> QueueEntry | None:
    """The place of a build in the queue; None where it neither waits nor runs."""
    row = store.execute(Select(_ENTRY, Queue.build_id == build_id, _WITH_REQUIREMENT)).get_one()
    return None if row is None else _read(row)


def queue_position(store: Any, build_id: int) -> int | None:
    """How many builds go before this one among those of its architecture and kind, plus one.

    They are the WAITING builds for the same processor, virtualized alike, whatever resources they
    ask for: what the same builders could take. None where the build may not go now.
    """
    entry = queue_entry(store, build_id)
    if entry is None or entry.state is not QueueState.WAITING:
        return None
    return int(store.execute(Select(Count(), _ahead_of(entry), Queue)).get_one()[0]) + 1


def builds_ahead(store: Any, entry: QueueEntry, limit: int) -> tuple[QueueEntry, ...]:
    """The builds that `queue_position` counts before `entry`, next to go first, at most `limit`."""
    select = Select(
        _ENTRY,
        _ahead_of(entry),
        _WITH_REQUIREMENT,
        order_by=(Desc(Queue.score), Asc(Queue.build_id)),
        limit=limit,
    )
    return tuple(_read(row) for row in store.execute(select).get_all())


def _ahead_of(entry: QueueEntry) -> Any:
    earlier = Or(
        Queue.score > entry.score,
        And(Queue.score == entry.score, Queue.build_id < entry.build_id),
    )
    rivals = Select(
        RequirementTable.id,
        And(
            RequirementTable.processor == entry.requirement.processor,
            RequirementTable.virtualized == entry.requirement.virtualized,
        ),
    )
    return And(_IS_WAITING, Queue.requirement_id.is_in(rivals), earlier)


def _read(row: Row) -> QueueEntry:
    return QueueEntry(
        build_id=row[0],
        requirement=REQUIREMENT.read(row, 6),
        state=QueueState(row[1]),
        score=row[2],
        estimated_duration=row[3],
        not_before=time_of(row[4]),
        logtail=row[5],
    )
