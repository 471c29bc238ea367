"""Samples of the farm: how long its queue was, and what it got done, for charts.

Layer 3. Tests: tests/unit/storage/test_samples.py.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from storm.expr import And, Count, Delete, Desc, Insert, Max, Select

from buildfarm.storage.acts import Committed
from buildfarm.storage.rows import time_of
from buildfarm.storage.tables import IS_ON_BUILDER, Attempt, Event, Queue
from buildfarm.storage.tables import Sample as Table
from buildfarm.vocab.glance import Sample
from buildfarm.vocab.states import BuildState, QueueState

#: For how long samples stay.
KEPT = timedelta(days=8)

_WAITING = (QueueState.WAITING.value, QueueState.SUSPENDED.value)

_FAILED = (
    BuildState.FAILEDTOBUILD,
    BuildState.MANUALDEPWAIT,
    BuildState.CHROOTWAIT,
    BuildState.FAILEDTOUPLOAD,
)

_COLUMNS = (
    Table.time,
    Table.event,
    Table.waiting,
    Table.running,
    Table.built,
    Table.failed,
)


def take_sample(store: Any, now: datetime) -> Committed[Sample | None]:
    """Write how the farm is at `now`, and remove samples that are too old.

    None where the last sample is not older than `now`: the clock was set back.
    """
    event = store.execute(Select(Max(Event.id), tables=Event)).get_one()[0] or 0
    newest = Select((Table.time, Table.event), tables=Table, order_by=Desc(Table.time), limit=1)
    last_time, last_event = store.execute(newest).get_one() or (None, event)
    if last_time is not None and time_of(last_time) >= now:
        return Committed(None)
    sample = Sample(
        time=now,
        event=event,
        waiting=_count(store, Queue, Queue.state.is_in(_WAITING)),
        running=_count(store, Attempt, IS_ON_BUILDER),
        built=_ended(store, last_event, event, [BuildState.FULLYBUILT]),
        failed=_ended(store, last_event, event, _FAILED),
    )
    values = {column: getattr(sample, column.name) for column in _COLUMNS}
    store.execute(Insert(values, table=Table), noresult=True)
    store.execute(Delete(Table.time < now - KEPT, Table), noresult=True)
    return Committed(sample)


def samples(store: Any, since: datetime) -> tuple[Sample, ...]:
    """The samples from `since` on, oldest first."""
    select = Select(_COLUMNS, Table.time >= since, Table, order_by=Table.time)
    return tuple(Sample(time_of(row[0]), *row[1:]) for row in store.execute(select).get_all())


def _count(store: Any, table: type, where: Any) -> int:
    return int(store.execute(Select(Count(), where, table)).get_one()[0])


def _ended(store: Any, after: int, until: int, states: Iterable[BuildState]) -> int:
    """How many builds have come to one of `states` between two events."""
    words = [state.value for state in states]
    return _count(store, Event, And(Event.id > after, Event.id <= until, Event.after.is_in(words)))
