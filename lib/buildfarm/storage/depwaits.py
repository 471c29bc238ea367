"""What is known of builds in MANUALDEPWAIT: the latest check of each, and the ones before.

Layer 3. Tests: tests/unit/storage/test_depwaits.py.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from storm.expr import And, Asc, Count, Delete, Desc, Join, LeftJoin, Or, Select

from buildfarm.storage.newstables import DepWait, DepWaitCheck
from buildfarm.storage.rows import ARCHIVE, BUILD, files_of, time_of
from buildfarm.storage.tables import Archive, Attempt, Build, Source
from buildfarm.vocab import depwait
from buildfarm.vocab.states import AttemptOutcome, BuildState

#: Checks that one listing shows, and that are kept of each build.
KEPT = 20

_COLUMNS = (
    DepWait.build_id,
    DepWait.dependencies,
    DepWait.tries,
    DepWait.not_before,
    DepWait.checked,
    DepWait.state,
    DepWait.finding,
)


def came_back(store: Any, build_id: int, dependencies: str) -> bool:
    """Whether the build was tried again by itself for these very dependencies."""
    same = And(DepWait.build_id == build_id, DepWait.dependencies == dependencies)
    row = store.execute(Select(DepWait.tries, same)).get_one()
    return row is not None and row[0] > 0


def forget(store: Any, build_id: int) -> None:
    """Begin anew with a build: somebody has had it tried again."""
    store.execute(Delete(DepWait.build_id == build_id, DepWait), noresult=True)


def dep_wait(store: Any, build_id: int) -> depwait.DepWait | None:
    """The latest check of a build; None where there was none since it was retried last."""
    row = store.execute(Select(_COLUMNS, DepWait.build_id == build_id)).get_one()
    return None if row is None else _read(row)


def checks_of(store: Any, build_id: int) -> tuple[tuple[datetime, depwait.Check], ...]:
    """The latest checks of a build, each with its time, oldest first."""
    select = Select(
        (
            DepWaitCheck.time,
            DepWaitCheck.state,
            DepWaitCheck.looked_at,
            DepWaitCheck.finding,
            DepWaitCheck.found,
        ),
        DepWaitCheck.build_id == build_id,
        order_by=Desc(DepWaitCheck.id),
        limit=KEPT,
    )
    found = []
    for time, state, looked_at, finding, there in store.execute(select).get_all():
        looked = tuple((place, known) for place, known in json.loads(looked_at))
        found.append((time_of(time), depwait.Check(build_id, state, looked, finding, bool(there))))
    return tuple(reversed(found))


def waiting(
    store: Any, now: datetime, max_tries: int, archive_id: int | None, after: int, limit: int
) -> tuple[depwait.Waiting, ...]:
    """Builds in MANUALDEPWAIT that may be tried again, in the order of their ids, from `after` on.

    Those of one archive if it is given. Not among them are those that name nothing, those that were
    tried `max_tries` times for the same, and those whose next try has to wait.
    """
    fresh = Or(DepWait.build_id == None, DepWait.dependencies != Build.dependencies)  # noqa: E711
    rested = Or(DepWait.not_before == None, DepWait.not_before <= now)  # noqa: E711
    where = [
        Build.state == BuildState.MANUALDEPWAIT.value,
        Build.id > after,
        Build.dependencies != None,  # noqa: E711
        Or(fresh, And(rested, DepWait.tries < max_tries)),
    ]
    if archive_id is not None:
        where.append(Build.archive_id == archive_id)
    select = Select(
        (*BUILD.columns, *ARCHIVE.columns, *_COLUMNS),
        And(*where),
        [
            Build,
            Join(Archive, Archive.id == Build.archive_id),
            LeftJoin(DepWait, DepWait.build_id == Build.id),
        ],
        order_by=Asc(Build.id),
        limit=limit,
    )
    return tuple(_waiting(row) for row in store.execute(select).get_all())


def published(
    store: Any, archive_id: int, suite: str, names: frozenset[str]
) -> tuple[int, tuple[tuple[str, str, tuple[str, ...]], ...]]:
    """How many builds of a suite are published, and which of them may have made one of `names`.

    Of each: its source's version, its architecture, and the names of its result files.
    """
    built = And(
        Build.archive_id == archive_id,
        Build.suite == suite,
        Build.state == BuildState.FULLYBUILT.value,
    )
    (count,) = store.execute(Select(Count(), built, [Build])).get_one()
    found = []
    for name in sorted(names):
        select = Select(
            (Build.version, Build.architecture, Attempt.files),
            And(
                built,
                Source.binaries.contains_string(f'"{name}"'),
                Attempt.outcome == AttemptOutcome.PUBLISHED.value,
            ),
            [
                Build,
                Join(Source, Source.id == Build.source_id),
                Join(Attempt, Attempt.build_id == Build.id),
            ],
            order_by=Desc(Build.id),
            limit=KEPT,
        )
        for version, architecture, files in store.execute(select).get_all():
            found.append((version, architecture, tuple(one.name for one in files_of(files))))
    return int(count), tuple(found)


def archives_of(store: Any, build_ids: Iterable[int]) -> tuple[int, ...]:
    """The ids of the archives of some builds, each once; builds that are not there have none."""
    asked = (store.execute(Select(Build.archive_id, Build.id == one)) for one in build_ids)
    rows = (found.get_one() for found in asked)
    return tuple(sorted({int(row[0]) for row in rows if row is not None}))


def _waiting(row: Any) -> depwait.Waiting:
    build = BUILD.read(row)
    archive = ARCHIVE.read(row, len(BUILD.columns))
    rest = row[len(BUILD.columns) + len(ARCHIVE.columns) :]
    last = None if rest[0] is None else _read(rest)
    assert build.dependencies is not None
    if last is not None and last.dependencies != build.dependencies:
        last = None
    return depwait.Waiting(
        build.id, build.title, build.suite, build.architecture, build.dependencies, archive, last
    )


def _read(row: Any) -> depwait.DepWait:
    build_id, dependencies, tries, not_before, checked, state, finding = row
    return depwait.DepWait(
        build_id, dependencies, tries, time_of(not_before), time_of(checked), state, finding
    )
