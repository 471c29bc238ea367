"""What an explanation follows from: all that the database says of one build at one moment.

Layer 4. Tests: tests/unit/explaining/test_facts.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from buildfarm.storage import attempts, builds, events, orders, queue, roster
from buildfarm.storage.depwaits import dep_wait
from buildfarm.verdicts.estimates import MOST_SIMULATED
from buildfarm.verdicts.permissions import OWN_TROUBLE
from buildfarm.vocab.build import (
    AttemptSnapshot,
    BuildSnapshot,
    EventSnapshot,
    Holding,
    QueueEntry,
)
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.depwait import DepWait
from buildfarm.vocab.states import BuildState

#: The latest events of a build that its story tells.
_TOLD = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """One build, its attempts and events, oldest first; for a waiting one the farm as well.

    `entry` is its place in the queue, None unless it waits. `position` counts from 1, None while
    it may not go yet. `ahead` are the first of the builds before it. `builders` are those in use;
    `held` has what each of them runs, by builder id. `dep_wait` is the latest look for what it
    waits for.
    """

    build: BuildSnapshot
    attempts: tuple[AttemptSnapshot, ...] = ()
    events: tuple[EventSnapshot, ...] = ()
    entry: QueueEntry | None = None
    position: int | None = None
    ahead: tuple[QueueEntry, ...] = ()
    builders: tuple[BuilderSnapshot, ...] = ()
    held: Mapping[int, Holding] = field(default_factory=dict)
    dep_wait: DepWait | None = None


def facts_of(store: Any, build_id: int) -> Facts:
    """A query: the facts of one moment. Raises Refused where there is no such build."""
    build = builds.build(store, build_id)
    tried = attempts.attempts_of(store, build_id)
    happened = events.events_of_build(store, build_id, _TOLD)
    entry = queue.queue_entry(store, build_id)
    if build.state is not BuildState.NEEDSBUILD or entry is None:
        looked = dep_wait(store, build_id) if build.state is BuildState.MANUALDEPWAIT else None
        return Facts(build, tried, happened, dep_wait=looked)
    return Facts(
        build,
        tried,
        happened,
        entry,
        position=queue.queue_position(store, build_id),
        ahead=queue.builds_ahead(store, entry, MOST_SIMULATED),
        builders=roster.builders(store),
        held=orders.holdings(store),
    )


def told_to(seen: frozenset[str] | None, facts: Facts) -> Facts:
    """`facts` as people may know them who see the private archives `seen`; None means all of them.

    What is noted during attempts, and why results could not be published yet, may name paths and
    archives: it is for moderators. Others learn that the farm has trouble of its own.
    """
    if seen is None:
        return facts
    return replace(
        facts,
        attempts=tuple(_discreet(one) for one in facts.attempts),
        events=tuple(
            event for event in facts.events if event.attempt is None or event.after is not None
        ),
    )


def _discreet(attempt: AttemptSnapshot) -> AttemptSnapshot:
    return attempt if attempt.last_error is None else replace(attempt, last_error=OWN_TROUBLE)
