"""One builder as its page shows it.

Layer 3. Tests: tests/unit/storage/test_builderpages.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from storm.expr import And, Desc, Join, Select

from buildfarm.storage.glance import glanced_builder, last_event
from buildfarm.storage.listings import visible
from buildfarm.storage.roster import builder_named
from buildfarm.storage.rows import BUILD, time_of
from buildfarm.storage.tables import Archive, Attempt, Build
from buildfarm.storage.timelines import builder_spans
from buildfarm.verdicts.spans import Span
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.glance import GlancedBuilder
from buildfarm.vocab.states import AttemptOutcome

#: How far back the timeline goes, and how many attempts are listed.
TIMELINE = timedelta(days=1)
LISTED = 30


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """A build that a builder was given, and what became of that; None while it has it."""

    build: BuildSnapshot
    number: int
    claimed: datetime
    ended: datetime | None
    outcome: AttemptOutcome | None


@dataclass(frozen=True, slots=True)
class BuilderPage:
    """Everything that one visitor may know of a builder at `time`.

    `glanced` is None for one that was removed.
    """

    time: datetime
    event: int
    builder: BuilderSnapshot
    glanced: GlancedBuilder | None
    spans: tuple[Span, ...]
    attempts: tuple[PastAttempt, ...]


def builder_page(store: Any, name: str, seen: frozenset[str] | None, now: datetime) -> BuilderPage:
    """The builder of this name, as who may see the private archives `seen` may. Raises Refused."""
    builder = builder_named(store, name)
    return BuilderPage(
        time=now,
        event=last_event(store),
        builder=builder,
        glanced=glanced_builder(store, seen, builder.id),
        spans=builder_spans(store, builder, now - TIMELINE, now, seen),
        attempts=_attempts(store, builder.id, seen),
    )


def _attempts(store: Any, builder_id: int, seen: frozenset[str] | None) -> tuple[PastAttempt, ...]:
    """The last builds that it was given, the latest first."""
    where = [Attempt.builder_id == builder_id]
    if seen is not None:
        where.append(visible(seen))
    select = Select(
        (
            Attempt.number,
            Attempt.claimed,
            Attempt.gathered,
            Attempt.closed,
            Attempt.outcome,
            *BUILD.columns,
        ),
        And(*where),
        [
            Attempt,
            Join(Build, Build.id == Attempt.build_id),
            Join(Archive, Archive.id == Build.archive_id),
        ],
        order_by=Desc(Attempt.id),
        limit=LISTED,
    )
    return tuple(
        PastAttempt(
            build=BUILD.read(row, 5),
            number=row[0],
            claimed=time_of(row[1]),
            ended=time_of(row[2]) or time_of(row[3]),
            outcome=None if row[4] is None else AttemptOutcome(row[4]),
        )
        for row in store.execute(select).get_all()
    )
