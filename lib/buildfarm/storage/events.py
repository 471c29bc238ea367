"""The story of the farm: one row for everything that changed, by whom and why.

Rows are written in the transaction of what they tell, and never changed.

Layer 3. Tests: tests/unit/storage/test_events.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

from storm.expr import Delete, Desc, Insert, LeftJoin, Select

from buildfarm.storage.acts import MANAGER, Committed
from buildfarm.storage.rows import EVENT, columns
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import Builder, Event
from buildfarm.vocab.build import EventSnapshot
from buildfarm.vocab.secrets import without_secrets

#: How many events one listing shows unless asked for more.
SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """What an event is about; `attempt` is the number of an attempt of that build."""

    build_id: int | None = None
    attempt: int | None = None
    builder_id: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One event to be written. Without a state before or after it only tells its reason."""

    place: Place
    reason: str
    before: Enum | None = None
    after: Enum | None = None


#: Events that one statement writes at most: its parameters are bounded.
_TOGETHER = 50

_FIELDS = ("time", "actor", "builder_id", "build_id", "attempt", "before", "after", "reason")


@cache
def _insert(count: int) -> Statement:
    rows = [tuple(Parameter(f"{field}{row}") for field in _FIELDS) for row in range(count)]
    return Statement(Insert(columns(Event, *_FIELDS), Event, values=rows))


def record(store: Any, now: datetime, changes: Sequence[Change], actor: str = MANAGER) -> None:
    """Write one event for each of `changes`, in their order."""
    for start in range(0, len(changes), _TOGETHER):
        values: dict[str, object] = {}
        some = changes[start : start + _TOGETHER]
        for row, change in enumerate(some):
            values[f"time{row}"] = now
            values[f"actor{row}"] = actor
            values[f"builder_id{row}"] = change.place.builder_id
            values[f"build_id{row}"] = change.place.build_id
            values[f"attempt{row}"] = change.place.attempt
            values[f"before{row}"] = None if change.before is None else change.before.value
            values[f"after{row}"] = None if change.after is None else change.after.value
            values[f"reason{row}"] = without_secrets(change.reason)
        _insert(len(some)).run(store, **values)


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
