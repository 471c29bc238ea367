"""The condition of a builder: how clean it is, whether it works, and what it has failed.

Operators describe builders in `storage.roster`; this is what the manager itself records of them.

Layer 3. Tests: tests/unit/storage/test_condition.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from storm.expr import Alias, And, Select, Update

from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.epochs import IS_CURRENT, Epoch
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.rows import BUILDER
from buildfarm.storage.statements import Parameter, Statement, parameters, several
from buildfarm.storage.tables import IS_ON_BUILDER, Attempt, Builder
from buildfarm.verdicts.transitions import clean_may_follow
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.settlement import BuilderSettlement
from buildfarm.vocab.states import CleanStatus, Service

_BUILDER = Statement(Select(BUILDER.columns, Builder.id == Parameter("builder_id")))

_CONDITION = (
    "builderok",
    "clean_status",
    "date_clean_status_changed",
    "failnotes",
    "failure_count",
    "reset_output",
    "version",
)

_WRITE = Statement(
    Update(
        {getattr(Builder, name): Parameter(name) for name in _CONDITION},
        And(
            Builder.id == Parameter("builder_id"),
            Builder.clean_status == Parameter("before"),
            IS_CURRENT,
        ),
    )
)


def builder(store: Any, builder_id: int) -> BuilderSnapshot:
    """The builder of this id. Raises StaleState where there is none."""
    row = _BUILDER.one(store, builder_id=builder_id)
    if row is None:
        raise StaleState(f"There is no builder with id {builder_id}.")
    return BUILDER.read(row)


@cache
def _with_occupants(count: int) -> Statement:
    holds = And(Attempt.builder_id == Builder.id, IS_ON_BUILDER)
    occupant = Alias(Select(Attempt.id, holds, Attempt))
    these = Builder.id.is_in(parameters("id", count))
    return Statement(Select((*BUILDER.columns, occupant), these, Builder))


def with_occupants(
    store: Any, builder_ids: Sequence[int]
) -> dict[int, tuple[BuilderSnapshot, int | None]]:
    """Each of these builders, in their order, with the id of the attempt that occupies it, or None.

    Raises StaleState where there is no such builder.
    """
    count, values = several("id", builder_ids)
    rows = _with_occupants(count).rows(store, **values)
    found = {row[0]: (BUILDER.read(row), row[-1]) for row in rows}
    for builder_id in builder_ids:
        if builder_id not in found:
            raise StaleState(f"There is no builder with id {builder_id}.")
    return {builder_id: found[builder_id] for builder_id in builder_ids}


def change_condition(
    store: Any,
    epoch: Epoch,
    before: BuilderSnapshot,
    reason: str,
    now: datetime,
    **values: Any,
) -> tuple[BuilderSnapshot, Change]:
    """Give `before`, read in this act, new values in its condition, but for those that are None.

    Returns the builder as it is now, and the event, which the caller records. Raises StaleState
    for a clean status that may not follow, or after another epoch has begun.
    """
    after = replace(before, **{name: new for name, new in values.items() if new is not None})
    change = Change(Place(builder_id=before.id), reason)
    if after.clean_status is not before.clean_status:
        if not clean_may_follow(before.clean_status, after.clean_status):
            raise StaleState(
                f"The builder {before.name} is {before.clean_status.value}; "
                f"{after.clean_status.value} does not follow."
            )
        after = replace(after, date_clean_status_changed=now)
        change = replace(change, before=before.clean_status, after=after.clean_status)
    written = {name: getattr(after, name) for name in _CONDITION}
    written["clean_status"] = after.clean_status.value
    result = _WRITE.run(
        store,
        builder_id=before.id,
        before=before.clean_status.value,
        epoch=epoch.number,
        **written,
    )
    require_one(result, f"the builder {before.name} was to change")
    return after, change


def set_clean_status(
    store: Any,
    epoch: Epoch,
    builder_id: int,
    expected: CleanStatus,
    new: CleanStatus,
    reason: str,
    now: datetime,
    reset_output: str | None = None,
    version: str | None = None,
) -> Committed[BuilderSnapshot]:
    """Record how clean a builder is, and what its reset printed or its daemon's version is.

    `expected` may equal `new`, to record only that. None leaves `reset_output` and `version` as
    they are. Raises StaleState where the builder is not `expected` any more, and as
    `change_condition`.
    """
    before = builder(store, builder_id)
    if before.clean_status is not expected:
        raise StaleState(
            f"The builder {before.name} is {before.clean_status.value} and not {expected.value} "
            "any more."
        )
    after, change = change_condition(
        store,
        epoch,
        before,
        reason,
        now,
        clean_status=new,
        reset_output=reset_output,
        version=version,
    )
    record(store, now, [change])
    return Committed(after)


def settle_builder(
    store: Any, epoch: Epoch, verdict: BuilderSettlement, reason: str, now: datetime
) -> tuple[BuilderSnapshot, Change]:
    """Write what a verdict says of a builder; as `change_condition`.

    That it is taken out of service is an event besides, recorded here.
    """
    before = builder(store, verdict.builder_id)
    after, change = change_condition(
        store,
        epoch,
        before,
        reason,
        now,
        failure_count=verdict.failure_count,
        clean_status=verdict.clean_status,
        builderok=verdict.builderok,
        failnotes=verdict.failnotes,
    )
    record(store, now, change_of_service(before, after, reason))
    return after, change


def change_of_service(
    before: BuilderSnapshot, after: BuilderSnapshot, reason: str
) -> tuple[Change, ...]:
    """The event that a builder was taken out of service, or back; none where neither happened."""
    if before.builderok == after.builderok:
        return ()
    moved = (Service.OUT, Service.IN) if after.builderok else (Service.IN, Service.OUT)
    return (Change(Place(builder_id=before.id), reason, *moved),)
