"""Logs and sources that are too old to be kept: found by a query, given up by an act.

A build is current while no newer version of its package was submitted for the same suite and
architecture. Its sources stay while it may still be built, and so does its last log. What is given
up is no more named by any row; the files themselves go with the next collection.

Layer 3. Tests: tests/unit/storage/test_forgetting.py.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from storm.expr import And, Exists, Max, Not, Or, Select, Update
from storm.info import ClassAlias

from buildfarm.storage.acts import Committed
from buildfarm.storage.tables import Attempt, Build, Source
from buildfarm.vocab.states import AttemptState, BuildState

#: How many ids one query looks at.
SPAN = 5000

#: The files of a source package that was given up.
NO_FILES = "[]"

_Newer = ClassAlias(Build, "newer")

_IS_CURRENT = Not(
    Exists(
        Select(
            1,
            And(
                _Newer.archive_id == Build.archive_id,
                _Newer.source == Build.source,
                _Newer.suite == Build.suite,
                _Newer.architecture == Build.architecture,
                _Newer.id > Build.id,
            ),
            [_Newer],
        )
    )
)

_IS_LAST_LOG_OF_A_CURRENT_BUILD = Exists(
    Select(
        1,
        And(
            Build.id == Attempt.build_id,
            Build.log_digest == Attempt.log_digest,
            _IS_CURRENT,
        ),
        [Build],
    )
)


def _old_log(before: datetime) -> Any:
    return And(
        Attempt.state == AttemptState.CLOSED.value,
        Attempt.closed < before,
        Attempt.log_digest != None,  # noqa: E711
        Not(_IS_LAST_LOG_OF_A_CURRENT_BUILD),
    )


def _old_source(before: datetime) -> Any:
    needed = Or(
        Build.finished == None,  # noqa: E711
        Build.finished >= before,
        And(Build.state != BuildState.FULLYBUILT.value, _IS_CURRENT),
    )
    its_builds = And(Build.source == Source.name, Build.source_id == Source.id)
    return And(Source.files != NO_FILES, Not(Exists(Select(1, And(its_builds, needed), [Build]))))


def old_logs(store: Any, before: datetime, after: int) -> tuple[int, ...]:
    """Attempts with ids in the `SPAN` after `after` whose logs need not be kept."""
    return _found(store, Attempt, _old_log(before), after)


def old_sources(store: Any, before: datetime, after: int) -> tuple[int, ...]:
    """Source packages with ids in the `SPAN` after `after` that nobody will build again."""
    return _found(store, Source, _old_source(before), after)


def last_attempt(store: Any) -> int:
    """The largest id of an attempt, 0 where there is none."""
    return _last(store, Attempt)


def last_source(store: Any) -> int:
    """The largest id of a source package, 0 where there is none."""
    return _last(store, Source)


def forget_logs(store: Any, ids: Sequence[int], before: datetime) -> Committed[int]:
    """Give up the logs of these attempts, as far as they are still too old; of how many."""
    condition = And(Attempt.id.is_in(ids), _old_log(before))
    rows = store.execute(
        Select((Attempt.id, Attempt.build_id, Attempt.log_digest), condition)
    ).get_all()
    for attempt_id, build_id, digest in rows:
        store.execute(Update({Attempt.log_digest: None}, Attempt.id == attempt_id), noresult=True)
        shown = And(Build.id == build_id, Build.log_digest == digest)
        store.execute(Update({Build.log_digest: None}, shown), noresult=True)
    return Committed(len(rows))


def forget_sources(store: Any, ids: Sequence[int], before: datetime) -> Committed[int]:
    """Give up the files of these source packages, as far as that is still right; of how many."""
    some = Select(Source.id, And(Source.id.is_in(ids), _old_source(before)))
    found = [row[0] for row in store.execute(some).get_all()]
    if found:
        given_up = Update({Source.files: NO_FILES}, Source.id.is_in(found))
        store.execute(given_up, noresult=True)
    return Committed(len(found))


def _found(store: Any, table: Any, condition: Any, after: int) -> tuple[int, ...]:
    span = And(table.id > after, table.id <= after + SPAN)
    return tuple(row[0] for row in store.execute(Select(table.id, And(span, condition))).get_all())


def _last(store: Any, table: Any) -> int:
    (last,) = store.execute(Select(Max(table.id), tables=[table])).get_one()
    return last or 0
