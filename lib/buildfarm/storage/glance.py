"""The farm at a glance: every builder with what it holds, what waits, and the last day.

One query function, so that it is one transaction: what a page shows belongs together. However long
the queue is, what waits is summed from an index.

Layer 3. Tests: tests/unit/storage/test_glance.py.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from storm.expr import And, Count, Join, LeftJoin, Max, Select, Sum

from buildfarm.storage.rows import texts_of, time_of
from buildfarm.storage.samples import samples
from buildfarm.storage.statements import Statement
from buildfarm.storage.tables import (
    IS_ON_BUILDER,
    IS_OUT,
    Archive,
    Attempt,
    Build,
    Builder,
    Event,
    Queue,
    Requirement,
)
from buildfarm.vocab.glance import Backlog, Glance, GlancedBuilder, Job
from buildfarm.vocab.states import BuildState, CleanStatus, QueueState

#: How far the chart looks back.
CHARTED = timedelta(days=1)

#: Characters of a log's last line that are shown.
_LINE = 200

_BUILDERS = Statement(
    Select(
        (
            Builder.id,
            Builder.name,
            Builder.processors,
            Builder.virtualized,
            Builder.manual,
            Builder.builderok,
            Builder.failnotes,
            Builder.failure_count,
            Builder.clean_status,
            Builder.date_clean_status_changed,
        ),
        Builder.active == True,  # noqa: E712 - an SQL expression
        Builder,
        order_by=Builder.name,
    )
)

_JOBS = Statement(
    Select(
        (
            Attempt.builder_id,
            Attempt.claimed,
            Build.id,
            Build.state,
            Build.source,
            Build.version,
            Build.architecture,
            Build.suite,
            Archive.name,
            Archive.private,
            Queue.logtail,
        ),
        IS_ON_BUILDER,
        [
            Attempt,
            Join(Build, Build.id == Attempt.build_id),
            Join(Archive, Archive.id == Build.archive_id),
            LeftJoin(Queue, Queue.build_id == Attempt.build_id),
        ],
    )
)

_OUT = Statement(
    Select(
        (Event.builder_id, Max(Event.time)),
        And(IS_OUT, Event.builder_id == Builder.id, Builder.builderok == False),  # noqa: E712
        [Builder, Event],
        group_by=Event.builder_id,
    )
)


def _waiting_in(state: QueueState) -> Statement:
    return Statement(
        Select(
            (Queue.requirement_id, Count(), Sum(Queue.estimated_duration)),
            Queue.state == state.value,
            Queue,
            group_by=Queue.requirement_id,
        )
    )


_WAITING = (_waiting_in(QueueState.WAITING), _waiting_in(QueueState.SUSPENDED))

_KINDS = Statement(
    Select((Requirement.id, Requirement.processor, Requirement.virtualized), tables=[Requirement])
)

_LAST_EVENT = Statement(Select(Max(Event.id), tables=[Event]))


def glance(store: Any, seen: frozenset[str] | None, now: datetime) -> Glance:
    """The farm as somebody may see it who may see the private archives `seen`; None is all."""
    out = {builder_id: time_of(time) for builder_id, time in _OUT.rows(store)}
    jobs = {row[0]: _job(row, seen) for row in _JOBS.rows(store)}
    return Glance(
        time=now,
        event=_LAST_EVENT.one(store)[0] or 0,
        builders=tuple(
            _builder(row, out.get(row[0]), jobs.get(row[0])) for row in _BUILDERS.rows(store)
        ),
        backlogs=backlogs(store),
        samples=samples(store, now - CHARTED),
    )


def backlogs(store: Any) -> dict[tuple[str, bool], Backlog]:
    """What waits, also what may not go yet, for each processor and kind of builder."""
    kinds = {row[0]: (row[1], bool(row[2])) for row in _KINDS.rows(store)}
    found: dict[tuple[str, bool], Backlog] = {}
    for statement in _WAITING:
        for requirement_id, builds, seconds in statement.rows(store):
            kind = kinds[requirement_id]
            before = found.get(kind, Backlog())
            found[kind] = Backlog(before.builds + builds, before.seconds + float(seconds))
    return found


@lru_cache(maxsize=1000)
def _processors(stored: str) -> tuple[str, ...]:
    """Builders have a few kinds of processors."""
    return texts_of(stored)


def _builder(row: Any, out_since: datetime | None, job: Job | None) -> GlancedBuilder:
    return GlancedBuilder(
        id=row[0],
        name=row[1],
        processors=_processors(row[2]),
        virtualized=bool(row[3]),
        manual=bool(row[4]),
        builderok=bool(row[5]),
        failnotes=row[6],
        failure_count=row[7],
        clean_status=CleanStatus(row[8]),
        changed=time_of(row[9]),
        out_since=out_since,
        job=job,
    )


def _job(row: Any, seen: frozenset[str] | None) -> Job:
    _, claimed, build_id, state, source, version, architecture, suite, archive, private, tail = row
    since, of_state = time_of(claimed), BuildState(state)
    if private and seen is not None and archive not in seen:
        return Job(since, of_state)
    title = f"{source} {version} {architecture} in {archive}/{suite}"
    return Job(since, of_state, build_id, title, _last_line(tail or ""))


def _last_line(tail: str) -> str | None:
    """The last line that says something."""
    return tail.rstrip().rpartition("\n")[2].strip()[-_LINE:] or None
