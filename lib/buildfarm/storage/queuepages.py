"""The queue in pages, in the order in which builds are dispatched.

Layer 3. Tests: tests/unit/storage/test_queuepages.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storm.expr import Alias, And, Asc, Column, Count, Desc, Eq, In, Join, Select, SQLRaw, Sum

from buildfarm.storage.glance import glanced_builders, last_event
from buildfarm.storage.requirements import requirements
from buildfarm.storage.rows import BUILD
from buildfarm.storage.tables import Archive, Build, Queue
from buildfarm.vocab.build import BuildSnapshot, Requirement
from buildfarm.vocab.glance import GlancedBuilder
from buildfarm.vocab.states import QueueState

#: As the index `queue_page` has it, which is for these pages alone; and from its other end.
_IN_ORDER = (SQLRaw("-queue.score"), Asc(Queue.build_id))
_FROM_END = (SQLRaw("-queue.score DESC"), Desc(Queue.build_id))


@dataclass(frozen=True, slots=True)
class QueuedBuild:
    """One line, with its duration in seconds; `build` is None where it may not be told of."""

    requirement: Requirement
    score: int
    estimated_duration: float
    build: BuildSnapshot | None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Some lines of the queue at `time`.

    `before` is the work of the lines before the first of these, in seconds by requirement id;
    `total` is how many lines there are, `later` how many builds besides may not go yet.
    """

    time: datetime
    event: int
    lines: tuple[QueuedBuild, ...]
    before: dict[int, float]
    total: int
    later: int
    builders: tuple[GlancedBuilder, ...]
    requirements: tuple[Requirement, ...]


def queue_page(
    store: Any,
    seen: frozenset[str] | None,
    now: datetime,
    processor: str,
    start: int,
    size: int,
) -> QueuePage:
    """`size` lines from `start` on; of one processor, unless `processor` is empty.

    Beyond the end it is the last page.
    """
    known = requirements(store)
    wanted = [one.id for one in known if processor in ("", one.processor)]
    work = _work(store, QueueState.WAITING, wanted)
    total = sum(builds for builds, _ in work.values())
    if start >= total:
        start = max(0, (total - 1) // size * size)
    return QueuePage(
        time=now,
        event=last_event(store),
        lines=_lines(store, seen, known, _entries(store, _waiting(wanted), start, size, total)),
        before=_before(store, _waiting(wanted), start, work),
        total=total,
        later=sum(builds for builds, _ in _work(store, QueueState.SUSPENDED, wanted).values()),
        builders=glanced_builders(store, seen),
        requirements=known,
    )


def _waiting(wanted: Sequence[int]) -> Any:
    """That an entry waits with one of these requirements.

    Said in a way that no index answers, so that entries are read in their order, by `queue_page`.
    """
    state = SQLRaw("queue.state || ''")
    requirement = SQLRaw("(queue.requirement_id + 0)")
    return And(Eq(state, QueueState.WAITING.value), In(requirement, list(wanted) or [0]))


def _work(store: Any, state: QueueState, wanted: Sequence[int]) -> dict[int, tuple[int, float]]:
    """How many builds are in this state, and for how many seconds, by requirement id."""
    which = And(Queue.state == state.value, Queue.requirement_id.is_in(list(wanted)))
    columns = (Queue.requirement_id, Count(), Sum(Queue.estimated_duration))
    rows = store.execute(Select(columns, which, Queue, group_by=Queue.requirement_id)).get_all()
    return {row[0]: (int(row[1]), float(row[2])) for row in rows}


def _entries(store: Any, waiting: Any, start: int, size: int, total: int) -> list[Any]:
    """Rows of `size` entries from `start` on, read from the end of the queue that is nearer."""
    entry = (Queue.build_id, Queue.requirement_id, Queue.score, Queue.estimated_duration)
    size = min(size, total - start)
    order, offset = _IN_ORDER, start
    backwards = 2 * start > total
    if backwards:
        order, offset = _FROM_END, total - start - size
    select = Select(entry, waiting, Queue, order_by=order, offset=offset, limit=size)
    rows = list(store.execute(select).get_all())
    return rows[::-1] if backwards else rows


def _lines(
    store: Any, seen: frozenset[str] | None, known: Sequence[Requirement], rows: list[Any]
) -> tuple[QueuedBuild, ...]:
    these = Build.id.is_in([row[0] for row in rows])
    tables = [Build, Join(Archive, Archive.id == Build.archive_id)]
    builds = {}
    for row in store.execute(Select((*BUILD.columns, Archive.private), these, tables)).get_all():
        build = BUILD.read(row)
        if not row[-1] or seen is None or build.archive in seen:
            builds[build.id] = build
    by_id = {one.id: one for one in known}
    return tuple(
        QueuedBuild(by_id[requirement_id], score, duration, builds.get(build_id))
        for build_id, requirement_id, score, duration in rows
    )


def _before(
    store: Any, waiting: Any, start: int, work: Mapping[int, tuple[int, float]]
) -> dict[int, float]:
    """The work of the first `start` lines: theirs, or all of it without that of the others."""
    if not start:
        return {}
    total = sum(builds for builds, _ in work.values())
    if 2 * start <= total:
        return _summed(store, waiting, _IN_ORDER, start)
    others = _summed(store, waiting, _FROM_END, total - start)
    return {one: max(0.0, seconds - others.get(one, 0.0)) for one, (_, seconds) in work.items()}


def _summed(store: Any, waiting: Any, order: Any, lines: int) -> dict[int, float]:
    """The work of so many lines from one end, by requirement id."""
    entry = (Queue.requirement_id, Queue.estimated_duration)
    some = Alias(Select(entry, waiting, Queue, order_by=order, limit=lines), "some")
    requirement_id = Column("requirement_id", some)
    duration = Column("estimated_duration", some)
    summed = Select((requirement_id, Sum(duration)), tables=some, group_by=requirement_id)
    return {row[0]: float(row[1]) for row in store.execute(summed).get_all()}
