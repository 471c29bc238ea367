"""What has ended in a span of time, for reports: builds and attempts, in the order of their ids.

A reader asks for what comes `after` the last id that it has, so that the millionth part costs what
the first one did, and nothing is told twice or left out because something was added meanwhile.

Layer 3. Tests: tests/unit/storage/test_histories.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storm.expr import And, Join, Select

from buildfarm.storage.listings import ListedBuild, listed_rows, visible
from buildfarm.storage.rows import ATTEMPT, BUILD
from buildfarm.storage.tables import Archive, Attempt, Build, Builder
from buildfarm.vocab.build import AttemptSnapshot, BuildSnapshot

_BUILDS = [Build, Join(Archive, Archive.id == Build.archive_id)]
_ATTEMPTS = [
    Attempt,
    Join(Build, Build.id == Attempt.build_id),
    Join(Archive, Archive.id == Build.archive_id),
    Join(Builder, Builder.id == Attempt.builder_id),
]


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended from `since` on and before `until`, naive UTC, with an id above `after`.

    `seen` are the private archives whose builds may be told; None means all of them.
    """

    seen: frozenset[str] | None = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0


@dataclass(frozen=True, slots=True)
class ListedAttempt:
    """An attempt and its build. `private`: not everybody may know of it."""

    attempt: AttemptSnapshot
    build: BuildSnapshot
    private: bool = False


def ended_builds(store: Any, wanted: Ended, size: int, start: int = 0) -> tuple[ListedBuild, ...]:
    """At most `size` builds from `start` on; one that was tried again ended when it ended last."""
    condition = _conditions(wanted, Build.id, Build.finished)
    columns = (*BUILD.columns, Archive.private)
    select = Select(columns, condition, _BUILDS, order_by=Build.id, limit=size, offset=start)
    return listed_rows(store, list(store.execute(select).get_all()))


def ended_attempts(
    store: Any, wanted: Ended, size: int, start: int = 0
) -> tuple[ListedAttempt, ...]:
    """At most `size` attempts from `start` on."""
    condition = _conditions(wanted, Attempt.id, Attempt.closed)
    return _attempts(store, condition, Attempt.id, limit=size, offset=start)


def attempts_of_build(store: Any, build_id: int) -> tuple[ListedAttempt, ...]:
    """All attempts of one build, whoever may see it, as far as they have come."""
    return _attempts(store, Attempt.build_id == build_id, Attempt.number)


def _attempts(store: Any, condition: Any, order: Any, **bounds: int) -> tuple[ListedAttempt, ...]:
    columns = (*ATTEMPT.columns, *BUILD.columns, Archive.private)
    select = Select(columns, condition, _ATTEMPTS, order_by=order, **bounds)
    return tuple(
        ListedAttempt(ATTEMPT.read(row), BUILD.read(row, start=len(ATTEMPT.columns)), bool(row[-1]))
        for row in store.execute(select).get_all()
    )


def _conditions(wanted: Ended, identity: Any, ended: Any) -> Any:
    where = [identity > wanted.after, ended != None]  # noqa: E711 - an SQL expression
    if wanted.since is not None:
        where.append(ended >= wanted.since)
    if wanted.until is not None:
        where.append(ended < wanted.until)
    if wanted.seen is not None:
        where.append(visible(wanted.seen))
    return And(*where)
