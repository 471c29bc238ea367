"""The farm at a glance: every builder with what it holds, what waits, and the last day.

One query function, so that it is one transaction: what a page shows belongs together. However long
the queue is, what waits is summed from an index.

Layer 3. Tests: tests/unit/storage/test_glance.py.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from storm.expr import And, Count, Join, LeftJoin, Max, Select, Sum

from buildfarm.storage.rows import texts_of, time_of
from buildfarm.storage.statements import Parameter, Statement
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

#: Characters of a log's last line that are shown.
_LINE = 200

_IS_ACTIVE = Builder.active == True  # noqa: E712 - an SQL expression
_IS_IT = Builder.id == Parameter("builder_id")
_IS_ITS = Attempt.builder_id == Parameter("builder_id")


def _builders(*where: Any) -> Statement:
    columns = (
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
    )
    return Statement(Select(columns, And(_IS_ACTIVE, *where), Builder, order_by=Builder.name))


def _jobs(*where: Any) -> Statement:
    columns = (
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
        Queue.estimated_duration,
        Queue.logtail,
    )
    tables = [
        Attempt,
        Join(Build, Build.id == Attempt.build_id),
        Join(Archive, Archive.id == Build.archive_id),
        LeftJoin(Queue, Queue.build_id == Attempt.build_id),
    ]
    return Statement(Select(columns, And(IS_ON_BUILDER, *where), tables))


def _out(*where: Any) -> Statement:
    is_out = And(IS_OUT, Event.builder_id == Builder.id, Builder.builderok == False, *where)  # noqa: E712
    columns = (Event.builder_id, Max(Event.time))
    return Statement(Select(columns, is_out, [Builder, Event], group_by=Event.builder_id))


_ALL = _builders(), _jobs(), _out()
_ONE = _builders(_IS_IT), _jobs(_IS_ITS), _out(_IS_IT)


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
    return Glance(
        time=now,
        event=last_event(store),
        builders=glanced_builders(store, seen),
        backlogs=backlogs(store),
    )


def last_event(store: Any) -> int:
    """The id of the last event; 0 before the first."""
    return _LAST_EVENT.one(store)[0] or 0


def glanced_builders(store: Any, seen: frozenset[str] | None) -> tuple[GlancedBuilder, ...]:
    """Every builder that was not removed, by name, with what it has."""
    return _glanced(store, seen, _ALL)


def glanced_builder(
    store: Any, seen: frozenset[str] | None, builder_id: int
) -> GlancedBuilder | None:
    """One of them; None where it was removed."""
    return next(iter(_glanced(store, seen, _ONE, builder_id=builder_id)), None)


def _glanced(
    store: Any,
    seen: frozenset[str] | None,
    statements: tuple[Statement, Statement, Statement],
    **values: int,
) -> tuple[GlancedBuilder, ...]:
    of_builders, of_jobs, of_out = statements
    out = {builder_id: time_of(time) for builder_id, time in of_out.rows(store, **values)}
    jobs = {row[0]: _job(row, seen) for row in of_jobs.rows(store, **values)}
    rows = of_builders.rows(store, **values)
    return tuple(_builder(row, out.get(row[0]), jobs.get(row[0])) for row in rows)


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
    _, claimed, build_id, state, source, version, architecture, suite = row[:8]
    archive, private, estimated, tail = row[8:]
    since, of_state = time_of(claimed), BuildState(state)
    if private and seen is not None and archive not in seen:
        return Job(since, of_state, estimated)
    title = f"{source} {version} {architecture} in {archive}/{suite}"
    return Job(since, of_state, estimated, build_id, title, _last_line(tail or ""))


def _last_line(tail: str) -> str | None:
    """The last line that says something."""
    return tail.rstrip().rpartition("\n")[2].strip()[-_LINE:] or None
