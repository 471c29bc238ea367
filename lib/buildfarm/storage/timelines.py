"""What a builder did, read from its events.

Layer 3. Tests: tests/unit/storage/test_timelines.py.
"""

from datetime import datetime
from typing import Any

from storm.expr import And, Desc, Join, LeftJoin, Select

from buildfarm.storage.rows import time_of
from buildfarm.storage.tables import IS_ON_BUILDER, Archive, Attempt, Build, Event
from buildfarm.verdicts.spans import TELLING, Move, Span, Standing, spans
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import BuildState, Service

#: Events that are read at most: a builder that builds all day writes some thousands.
MOST_MOVES = 10_000


def builder_spans(
    store: Any,
    builder: BuilderSnapshot,
    since: datetime,
    now: datetime,
    seen: frozenset[str] | None = frozenset(),
) -> tuple[Span, ...]:
    """What `builder`, as it is now, has done since `since`.

    `seen` are the private archives whose builds may be told of; None means all of them. Where there
    are more events than are read, the spans begin with the first that is.
    """
    moves = _moves(store, builder.id, since, seen)
    if len(moves) == MOST_MOVES:
        since = moves[0].time
    return spans(moves, _standing(store, builder, seen), since, now)


def _moves(store: Any, builder_id: int, since: datetime, seen: frozenset[str] | None) -> list[Move]:
    recent = Select(Event.id, Event.time >= since, Event, order_by=Event.time, limit=1)
    first = store.execute(recent).get_one()
    if first is None:
        return []
    told = And(
        Event.builder_id == builder_id, Event.id >= first[0], Event.after.is_in(list(TELLING))
    )
    select = Select(
        (Event.time, Event.before, Event.after, Event.build_id, Archive.private, Archive.name),
        told,
        [
            Event,
            LeftJoin(Build, Build.id == Event.build_id),
            LeftJoin(Archive, Archive.id == Build.archive_id),
        ],
        order_by=Desc(Event.id),
        limit=MOST_MOVES,
    )
    rows = store.execute(select).get_all()
    return [
        Move(time_of(time), before, after, build_id if _may_tell(private, name, seen) else None)
        for time, before, after, build_id, private, name in reversed(rows)
    ]


def _standing(store: Any, builder: BuilderSnapshot, seen: frozenset[str] | None) -> Standing:
    service = Service.IN if builder.builderok else Service.OUT
    held = store.execute(
        Select(
            (Build.id, Build.state, Archive.private, Archive.name),
            And(Attempt.builder_id == builder.id, IS_ON_BUILDER),
            [
                Attempt,
                Join(Build, Build.id == Attempt.build_id),
                Join(Archive, Archive.id == Build.archive_id),
            ],
        )
    ).get_one()
    if held is None:
        return Standing(builder.clean_status, service)
    build_id, state, private, name = held
    return Standing(
        builder.clean_status,
        service,
        occupied=True,
        gathering=state == BuildState.GATHERING.value,
        build_id=build_id if _may_tell(private, name, seen) else None,
    )


def _may_tell(private: object, archive: str | None, seen: frozenset[str] | None) -> bool:
    return not private or seen is None or archive in seen
