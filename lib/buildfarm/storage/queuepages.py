"""The queue in pages, in the order in which builds are dispatched.

Layer 3. Tests: tests/unit/storage/test_queuepages.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storm.expr import Alias, And, Asc, Column, Count, Eq, In, Join, Select, SQLRaw, Sum

from buildfarm.storage.glance import glanced_builders, last_event
from buildfarm.storage.requirements import requirements
from buildfarm.storage.rows import BUILD
from buildfarm.storage.tables import Archive, Build, Queue
from buildfarm.vocab.build import BuildSnapshot, Requirement
from buildfarm.vocab.glance import GlancedBuilder
from buildfarm.vocab.states import QueueState

#: As the index `queue_page` has it, which is for these pages alone.
_IN_ORDER = (SQLRaw("-queue.score"), Asc(Queue.build_id))


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
    total = _count(store, QueueState.WAITING, wanted)
    if start >= total:
        start = max(0, (total - 1) // size * size)
    return QueuePage(
        time=now,
        event=last_event(store),
        lines=_lines(store, seen, known, _waiting(wanted), start, size),
        before=_before(store, _waiting(wanted), start),
        total=total,
        later=_count(store, QueueState.SUSPENDED, wanted),
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


def _count(store: Any, state: QueueState, wanted: Sequence[int]) -> int:
    which = And(Queue.state == state.value, Queue.requirement_id.is_in(list(wanted)))
    return int(store.execute(Select(Count(), which, Queue)).get_one()[0])


def _lines(
    store: Any,
    seen: frozenset[str] | None,
    known: Sequence[Requirement],
    waiting: Any,
    start: int,
    size: int,
) -> tuple[QueuedBuild, ...]:
    entry = (Queue.build_id, Queue.requirement_id, Queue.score, Queue.estimated_duration)
    select = Select(entry, waiting, Queue, order_by=_IN_ORDER, offset=start, limit=size)
    rows = list(store.execute(select).get_all())
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


def _before(store: Any, waiting: Any, start: int) -> dict[int, float]:
    """The work of the first `start` lines."""
    if not start:
        return {}
    entry = (Queue.requirement_id, Queue.estimated_duration)
    first = Alias(Select(entry, waiting, Queue, order_by=_IN_ORDER, limit=start), "earlier")
    requirement_id = Column("requirement_id", first)
    duration = Column("estimated_duration", first)
    work = Select((requirement_id, Sum(duration)), tables=first, group_by=requirement_id)
    return {row[0]: float(row[1]) for row in store.execute(work).get_all()}
