"""The story of the farm: one row for everything that changed, by whom and why.

Rows are written in the transaction of what they tell, and never changed.

Layer 3. Tests: tests/unit/storage/test_events.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from storm.expr import Delete, Desc, LeftJoin, Select

from buildfarm.storage.acts import MANAGER, Committed
from buildfarm.storage.rows import EVENT
from buildfarm.storage.statements import Statement, inserting
from buildfarm.storage.tables import Builder, Event
from buildfarm.vocab.build import EventSnapshot

#: How many events one listing shows unless asked for more.
SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """One event to be written. Without a state before or after it only tells its reason."""

    reason: str
    before: Enum | None = None
    after: Enum | None = None
    builder_id: int | None = None
    build_id: int | None = None
    attempt: int | None = None


_INSERT = Statement(
    inserting(
        Event,
        "time",
        "actor",
        "builder_id",
        "build_id",
        "attempt",
        "before",
        "after",
        "reason",
    )
)


def record(store: Any, now: datetime, changes: Iterable[Change], actor: str = MANAGER) -> None:
    """Write one event for each of `changes`, in their order."""
    for change in changes:
        _INSERT.run(
            store,
            time=now,
            actor=actor,
            builder_id=change.builder_id,
            build_id=change.build_id,
            attempt=change.attempt,
            before=None if change.before is None else change.before.value,
            after=None if change.after is None else change.after.value,
            reason=change.reason,
        )


def events_of_build(store: Any, build_id: int, limit: int = SHOWN) -> tuple[EventSnapshot, ...]:
    """The latest events of one build, oldest first."""
    return _events(store, Event.build_id == build_id, limit)


def events_of_builder(store: Any, builder_id: int, limit: int = SHOWN) -> tuple[EventSnapshot, ...]:
    """The latest events of one builder, oldest first."""
    return _events(store, Event.builder_id == builder_id, limit)


def _events(store: Any, where: Any, limit: int) -> tuple[EventSnapshot, ...]:
    rows = store.execute(
        Select(
            EVENT.columns,
            where,
            [Event, LeftJoin(Builder, Builder.id == Event.builder_id)],
            order_by=Desc(Event.id),
            limit=limit,
        )
    ).get_all()
    return tuple(EVENT.read(row) for row in reversed(rows))


def forget_events(store: Any, before: datetime, limit: int) -> Committed[int]:
    """Remove the oldest events from before `before`, at most `limit`; how many there were."""
    oldest = Select(Event.id, Event.time < before, order_by=Event.id, limit=limit)
    result = store.execute(Delete(Event.id.is_in(oldest)))
    return Committed(result.rowcount)
