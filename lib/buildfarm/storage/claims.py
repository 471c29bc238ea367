"""Writing down that a build was given to a builder.

`attempts.claim` decides which; this is its last step, for one of them.

Layer 3. Tests: tests/unit/storage/test_claim.py.
"""

from datetime import datetime
from typing import Any

from storm.expr import Add, And, Update

from buildfarm.storage.acts import require_one
from buildfarm.storage.condition import change_condition
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.events import Change, Place
from buildfarm.storage.statements import Parameter, Statement, inserting
from buildfarm.storage.tables import Attempt, Build, Queue
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.cookie import Cookie
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus, QueueState

_TAKE_ENTRY = Statement(
    Update(
        {Queue.state: QueueState.RUNNING.value},
        And(Queue.build_id == Parameter("build_id"), Queue.state == QueueState.WAITING.value),
    )
)

_TAKE_BUILD = Statement(
    Update(
        {
            Build.state: BuildState.BUILDING.value,
            Build.started: Parameter("now"),
            Build.finished: None,
            Build.attempt_count: Add(Build.attempt_count, 1),
            Build.reason: None,
            Build.dependencies: None,
            Build.superseded_by: None,
        },
        And(Build.id == Parameter("build_id"), Build.state == BuildState.NEEDSBUILD.value),
    ),
    returning="attempt_count",
)

_NEW_ATTEMPT = Statement(
    inserting(
        Attempt,
        "build_id",
        "number",
        "builder_id",
        "cookie",
        "state",
        "epoch",
        "spool",
        "claimed",
        "prepared",
        "tries",
        "files",
    ),
    returning="id",
)


def take(
    store: Any, epoch: Epoch, builder: BuilderSnapshot, build_id: int, now: datetime
) -> tuple[int, BuilderSnapshot, list[Change]]:
    """Give the waiting build to the CLEAN `builder`.

    Returns the id of the new attempt, the builder as it is now, and the events of it. The queue
    entry runs, the build is BUILDING, the attempt CLAIMED, the builder DIRTY. Raises StaleState
    where the build does not wait any more.
    """
    result = _TAKE_ENTRY.run(store, build_id=build_id)
    require_one(result, f"build {build_id} was to leave the waiting ones")
    row = _TAKE_BUILD.one(store, build_id=build_id, now=now)
    if row is None:
        raise StaleState(f"Build {build_id} waits in the queue and is not NEEDSBUILD.")
    number = row[0]
    cookie = str(Cookie(build_id, number, epoch.database_id))
    (attempt_id,) = _NEW_ATTEMPT.one(
        store,
        build_id=build_id,
        number=number,
        builder_id=builder.id,
        cookie=cookie,
        state=AttemptState.CLAIMED.value,
        epoch=epoch.number,
        spool=cookie,
        claimed=now,
        prepared=False,
        tries=0,
        files="[]",
    )
    taken, given = change_condition(
        store, epoch, builder, f"given build {build_id}", now, clean_status=CleanStatus.DIRTY
    )
    place = Place(build_id, number, builder.id)
    reason = f"claimed for {builder.name}"
    claimed = Change(place, reason, None, AttemptState.CLAIMED)
    building = Change(place, reason, BuildState.NEEDSBUILD, BuildState.BUILDING)
    return attempt_id, taken, [claimed, building, given]
