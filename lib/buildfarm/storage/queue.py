"""The queue: what waits, in which order, and what may not go yet.

An entry with a `not_before` is SUSPENDED until `release_due` makes it WAITING. So the index over
(state, requirement, score, build) holds exactly what can be dispatched, in dispatch order, and the
best build for a requirement is its first row, however long the queue is (DESIGN section 7). Every
query here reads rows of that index from their beginning, in their order, as many as it needs: there
is one way to do that, so no database needs statistics to find it.

Layer 3. Tests: tests/unit/storage/test_queue.py.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain, islice, repeat, takewhile
from operator import attrgetter
from typing import Any

from storm.expr import Alias, And, Asc, Count, Delete, Desc, Exists, Join, Or, Select, Update

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

_IN_ORDER = (Desc(Queue.score), Asc(Queue.build_id))


def _first(column: Any) -> Alias:
    """A column of the first build that waits with the requirement of the row around this."""
    is_its = And(_IS_WAITING, Queue.requirement_id == RequirementTable.id)
    return Alias(Select(column, is_its, Queue, order_by=_IN_ORDER, limit=1))


_FIRST = (_first(Queue.build_id), _first(Queue.score))

_TOPS = Statement(Select((*REQUIREMENT.columns, *_FIRST), tables=[RequirementTable]))

#: How many builds of a requirement are read at a time, after the first.
_PAGES = (8, 64, 512)


def _counting(*where: Any) -> Statement:
    is_its = Queue.requirement_id == Parameter("requirement_id")
    return Statement(Select(Count(), And(_IS_WAITING, is_its, *where), Queue))


# Apart, since each is one stretch of the index.
_BETTER = _counting(Queue.score > Parameter("score"))
_OLDER = _counting(Queue.score == Parameter("score"), Queue.build_id < Parameter("build_id"))


@cache
def _page(limit: int) -> Statement:
    score, build_id = Parameter("score"), Parameter("build_id")
    is_after = And(Queue.score <= score, Or(Queue.score < score, Queue.build_id > build_id))
    return Statement(
        Select(
            (Queue.build_id, Queue.score),
            And(_IS_WAITING, Queue.requirement_id == Parameter("requirement_id"), is_after),
            order_by=_IN_ORDER,
            limit=limit,
        )
    )


@lru_cache(maxsize=10_000)
def _requirement(row: tuple[Any, ...]) -> Requirement:
    """A claim reads all of them, which never change."""
    return REQUIREMENT.read(row)


def tops(store: Any) -> list[tuple[Requirement, Candidate]]:
    """Each requirement with which builds wait that may go now, with the first of them."""
    width = len(REQUIREMENT.columns)
    return [
        (_requirement(row[:width]), Candidate(row[width], row[0], row[width + 1]))
        for row in _TOPS.rows(store)
        if row[width] is not None
    ]


def from_top(store: Any, top: Candidate) -> Iterator[Candidate]:
    """The builds that wait with the requirement of `top`, in dispatch order, from it on.

    They are read a few at a time, more and more, as they are asked for.
    """
    yield top
    last = top
    for limit in chain(_PAGES, repeat(_PAGES[-1])):
        found = _page(limit).rows(
            store, requirement_id=top.requirement_id, score=last.score, build_id=last.build_id
        )
        page = [Candidate(build_id, top.requirement_id, score) for build_id, score in found]
        yield from page
        if len(page) < limit:
            return
        last = page[-1]


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
    rivals = [requirement.id for requirement, _ in tops(store) if _is_rival(requirement, entry)]
    return 1 + sum(_count_ahead(store, requirement_id, entry) for requirement_id in rivals)


def builds_ahead(store: Any, entry: QueueEntry, limit: int) -> tuple[QueueEntry, ...]:
    """The builds that `queue_position` counts before `entry`, next to go first, at most `limit`."""
    rivals = [
        from_top(store, top) for requirement, top in tops(store) if _is_rival(requirement, entry)
    ]
    place = (-entry.score, entry.build_id)
    in_order = heapq.merge(*rivals, key=attrgetter("place"))
    ahead = takewhile(lambda one: one.place < place, in_order)
    ids = [one.build_id for one in islice(ahead, limit)]
    rows = store.execute(Select(_ENTRY, Queue.build_id.is_in(ids), _WITH_REQUIREMENT)).get_all()
    entries = {row[0]: _read(row) for row in rows}
    return tuple(entries[build_id] for build_id in ids)


def _is_rival(requirement: Requirement, entry: QueueEntry) -> bool:
    mine = entry.requirement
    return (requirement.processor, requirement.virtualized) == (mine.processor, mine.virtualized)


def _count_ahead(store: Any, requirement_id: int, entry: QueueEntry) -> int:
    where = {"requirement_id": requirement_id, "score": entry.score}
    better = _BETTER.one(store, **where)[0]
    return int(better + _OLDER.one(store, **where, build_id=entry.build_id)[0])


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
