"""What follows from a look for what builds wait for: it is recorded, and they are tried again.

Layer 3. Tests: tests/unit/storage/test_depwaits.py.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from storm.expr import And, Delete, Desc, Insert, Select

from buildfarm.storage import depwaits
from buildfarm.storage.acts import Committed
from buildfarm.storage.builds import retry
from buildfarm.storage.newstables import DepWait, DepWaitCheck
from buildfarm.storage.tables import Build
from buildfarm.vocab import depwait
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import BuildState

#: Who tries builds again by themselves, as events name it.
ACTOR = "dep-wait"


def settle_checks(
    store: Any,
    checks: Sequence[tuple[depwait.Check, str]],
    first_retry: float,
    now: datetime,
) -> Committed[tuple[int, ...]]:
    """Record each check, and retry the builds of which all is there; the ids of those.

    Each check comes with the dependencies that it is about. A build that has moved on meanwhile, or
    was checked for the same state before, is passed over. The next try of a build waits
    `first_retry` seconds, and twice as long each time it comes back for the same.
    """
    retried: list[int] = []
    announcements: list[Announcement] = []
    for check, dependencies in checks:
        if not _is_due(store, check, dependencies):
            continue
        last = depwaits.dep_wait(store, check.build_id)
        tries = last.tries if last is not None and last.dependencies == dependencies else 0
        finding = check.finding
        if check.found:
            reason = f"retried by itself: {finding}"
            try:
                tried = retry(store, check.build_id, False, ACTOR, now, reason)
            except Refused as error:
                finding = f"{finding} {error}"
            else:
                retried.append(check.build_id)
                announcements += tried.announcements
                tries += 1
        _write(store, check, dependencies, finding, tries, first_retry, now)
    return Committed(tuple(retried), tuple(announcements))


def _is_due(store: Any, check: depwait.Check, dependencies: str) -> bool:
    still = And(
        Build.id == check.build_id,
        Build.state == BuildState.MANUALDEPWAIT.value,
        Build.dependencies == dependencies,
    )
    made = And(DepWaitCheck.build_id == check.build_id, DepWaitCheck.state == check.state)
    return (
        store.execute(Select(Build.id, still)).get_one() is not None
        and store.execute(Select(DepWaitCheck.id, made)).get_one() is None
    )


def _write(
    store: Any,
    check: depwait.Check,
    dependencies: str,
    finding: str,
    tries: int,
    first_retry: float,
    now: datetime,
) -> None:
    made = {
        DepWaitCheck.build_id: check.build_id,
        DepWaitCheck.time: now,
        DepWaitCheck.state: check.state,
        DepWaitCheck.looked_at: json.dumps(check.looked_at),
        DepWaitCheck.finding: finding,
        DepWaitCheck.found: check.found,
    }
    store.execute(Insert(made), noresult=True)
    its = DepWaitCheck.build_id == check.build_id
    old = Select(
        DepWaitCheck.id, its, order_by=Desc(DepWaitCheck.id), limit=1, offset=depwaits.KEPT
    )
    row = store.execute(old).get_one()
    if row is not None:
        store.execute(Delete(And(its, DepWaitCheck.id <= row[0]), DepWaitCheck), noresult=True)
    depwaits.forget(store, check.build_id)
    delay = timedelta(seconds=first_retry * 2.0 ** min(tries, 20) / 2) if tries else None
    latest = {
        DepWait.build_id: check.build_id,
        DepWait.dependencies: dependencies,
        DepWait.tries: tries,
        DepWait.not_before: None if delay is None else now + delay,
        DepWait.checked: now,
        DepWait.state: check.state,
        DepWait.finding: finding,
    }
    store.execute(Insert(latest), noresult=True)
