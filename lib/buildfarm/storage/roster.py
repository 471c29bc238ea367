"""The builders' rows: what operators say of them, and how clean they are.

Layer 3. Tests: tests/unit/storage/test_roster.py.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from storm.expr import And, Insert, Select, Update

from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.epochs import IS_CURRENT, Epoch
from buildfarm.storage.events import Change, record
from buildfarm.storage.rows import BUILDER, texts_as_json
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import Attempt, Builder
from buildfarm.verdicts.transitions import clean_may_follow
from buildfarm.vocab.announcements import BuilderChanged
from buildfarm.vocab.builder import BuilderSnapshot, NewBuilder
from buildfarm.vocab.errors import Refused, StaleState
from buildfarm.vocab.names import is_name
from buildfarm.vocab.settlement import BuilderSettlement
from buildfarm.vocab.states import ON_BUILDER, CleanStatus, ResetProtocol

_BUILDER = Statement(Select(BUILDER.columns, Builder.id == Parameter("builder_id")))

_SET_CLEAN_STATUS = Statement(
    Update(
        {
            Builder.clean_status: Parameter("new"),
            Builder.date_clean_status_changed: Parameter("since"),
            Builder.reset_output: Parameter("reset_output"),
            Builder.version: Parameter("version"),
        },
        And(
            Builder.id == Parameter("builder_id"),
            Builder.clean_status == Parameter("expected"),
            IS_CURRENT,
        ),
    )
)

_SETTLE = Statement(
    Update(
        {
            Builder.failure_count: Parameter("failure_count"),
            Builder.clean_status: Parameter("clean_status"),
            Builder.date_clean_status_changed: Parameter("since"),
            Builder.builderok: Parameter("builderok"),
            Builder.failnotes: Parameter("failnotes"),
        },
        And(
            Builder.id == Parameter("builder_id"),
            Builder.clean_status == Parameter("before"),
            IS_CURRENT,
        ),
    )
)

#: What `change_builder` may change, and how each is stored.
_CHANGEABLE: Mapping[str, Any] = {
    "title": str,
    "url": str,
    "processors": texts_as_json,
    "virtualized": bool,
    "vm_host": lambda value: value,
    "vm_reset_protocol": lambda value: None if value is None else ResetProtocol(value).value,
    "open_resources": texts_as_json,
    "restricted_resources": texts_as_json,
    "builderok": bool,
    "failnotes": lambda value: value,
    "manual": bool,
    "failure_count": int,
    "clean_status": lambda value: CleanStatus(value).value,
}


def builders(store: Any, include_inactive: bool = False) -> tuple[BuilderSnapshot, ...]:
    """Every builder by name; the removed ones only if asked for."""
    select = Select(BUILDER.columns, tables=[Builder], order_by=Builder.name)
    if not include_inactive:
        select.where = Builder.active == True  # noqa: E712 - an SQL expression
    return tuple(BUILDER.read(row) for row in store.execute(select).get_all())


def builder_named(store: Any, name: str) -> BuilderSnapshot:
    """The builder of this name, removed or not. Raises Refused where there never was one."""
    row = store.execute(Select(BUILDER.columns, Builder.name == name)).get_one()
    if row is None:
        raise Refused(f"There is no builder {name!r}.")
    return BUILDER.read(row)


def builder(store: Any, builder_id: int) -> BuilderSnapshot:
    """The builder of this id. Raises StaleState where there is none."""
    row = _BUILDER.one(store, builder_id=builder_id)
    if row is None:
        raise StaleState(f"There is no builder with id {builder_id}.")
    return BUILDER.read(row)


def add_builder(
    store: Any, new: NewBuilder, actor: str, now: datetime
) -> Committed[BuilderSnapshot]:
    """Add a builder, DIRTY; one that was removed comes back under its name, with its history.

    Raises Refused for a name that is taken or is none, and for a virtual builder that nothing
    can reset.
    """
    if not is_name(new.name):
        raise Refused(f"{new.name!r} is no name for a builder: use a-z, 0-9, '.', '+' and '-'.")
    found = store.execute(Select((Builder.id, Builder.active), Builder.name == new.name)).get_one()
    if found is not None and found[1]:
        raise Refused(f"There is a builder {new.name} already.")
    values = {
        **asdict(new),
        "processors": texts_as_json(sorted(new.processors)),
        "open_resources": texts_as_json(sorted(new.open_resources)),
        "restricted_resources": texts_as_json(sorted(new.restricted_resources)),
        "vm_reset_protocol": new.vm_reset_protocol and new.vm_reset_protocol.value,
        "builderok": True,
        "failnotes": None,
        "active": True,
        "failure_count": 0,
        "version": None,
        "clean_status": CleanStatus.DIRTY.value,
        "date_clean_status_changed": now,
        "reset_output": None,
    }
    row = {getattr(Builder, name): value for name, value in values.items()}
    if found is None:
        store.execute(Insert(row), noresult=True)
    else:
        store.execute(Update(row, Builder.id == found[0]), noresult=True)
    added = builder_named(store, new.name)
    _require_consistent(added)
    record(
        store,
        now,
        [Change("the builder was added", None, CleanStatus.DIRTY, builder_id=added.id)],
        actor,
    )
    return Committed(added, (BuilderChanged(added.id),))


def change_builder(
    store: Any, name: str, changes: Mapping[str, object], actor: str, now: datetime
) -> Committed[BuilderSnapshot]:
    """Change fields of a builder, by the names of `BuilderSnapshot`.

    `builderok` True forgets the failures that took the builder out. `clean_status` is how the end
    of an asynchronous reset is reported. Raises Refused for an unknown builder or field, a removed
    builder, and values that do not go together.
    """
    before = _active(store, name)
    for field in changes:
        if field not in _CHANGEABLE:
            raise Refused(f"{field!r} of a builder cannot be set.")
    try:
        values = {field: _CHANGEABLE[field](value) for field, value in changes.items()}
    except ValueError as error:
        raise Refused(f"The builder {name} cannot be changed: {error}.") from error
    status = CleanStatus(values.get("clean_status", before.clean_status.value))
    if status is not before.clean_status:
        _require_unoccupied(store, before, f"cannot be called {status.value}")
        values["date_clean_status_changed"] = now
    if values.get("builderok"):
        values.setdefault("failnotes", None)
        values.setdefault("failure_count", 0)
    if not values:
        return Committed(before)
    row = {getattr(Builder, field): value for field, value in values.items()}
    store.execute(Update(row, Builder.id == before.id), noresult=True)
    after = builder(store, before.id)
    _require_consistent(after)
    moved = status is not before.clean_status
    change = Change(
        "changed: " + ", ".join(sorted(changes)),
        before.clean_status if moved else None,
        status if moved else None,
        builder_id=before.id,
    )
    record(store, now, [change], actor)
    return Committed(after, (BuilderChanged(before.id),))


def remove_builder(
    store: Any, name: str, force: bool, actor: str, now: datetime
) -> Committed[BuilderSnapshot]:
    """Make a builder inactive; its row and its events stay.

    Raises Refused while a job runs on it, unless `force`: then its scanner, which hears of it,
    gives the job up.
    """
    found = _active(store, name)
    if not force:
        _require_unoccupied(store, found, "cannot be removed (--force removes it all the same)")
    store.execute(Update({Builder.active: False}, Builder.id == found.id), noresult=True)
    record(store, now, [Change("the builder was removed", builder_id=found.id)], actor)
    return Committed(builder(store, found.id), (BuilderChanged(found.id),))


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
    they are. Raises StaleState where the builder is not `expected` any more, or another epoch
    has begun.
    """
    before = builder(store, builder_id)
    if new is not expected and not clean_may_follow(expected, new):
        raise StaleState(f"{before.name} cannot go from {expected.value} to {new.value}.")
    moved = new is not expected
    result = _SET_CLEAN_STATUS.run(
        store,
        new=new.value,
        since=now if moved else before.date_clean_status_changed,
        reset_output=before.reset_output if reset_output is None else reset_output,
        version=before.version if version is None else version,
        builder_id=builder_id,
        expected=expected.value,
        epoch=epoch.number,
    )
    require_one(result, f"{before.name} was to go from {expected.value} to {new.value}")
    states = (expected, new) if moved else (None, None)
    record(store, now, [Change(reason, *states, builder_id=builder_id)])
    return Committed(builder(store, builder_id))


def settle_builder(
    store: Any, epoch: Epoch, verdict: BuilderSettlement, reason: str, now: datetime
) -> tuple[BuilderSnapshot, list[Change]]:
    """Write what a verdict says of a builder; the builder as it is now, and the events of it."""
    before = builder(store, verdict.builder_id)
    status = verdict.clean_status or before.clean_status
    moved = status is not before.clean_status
    if moved and not clean_may_follow(before.clean_status, status):
        raise StaleState(
            f"{before.name} is {before.clean_status.value}; {status.value} does not follow."
        )
    builderok = before.builderok if verdict.builderok is None else verdict.builderok
    result = _SETTLE.run(
        store,
        failure_count=verdict.failure_count,
        clean_status=status.value,
        since=now if moved else before.date_clean_status_changed,
        builderok=builderok,
        failnotes=before.failnotes if verdict.failnotes is None else verdict.failnotes,
        builder_id=before.id,
        before=before.clean_status.value,
        epoch=epoch.number,
    )
    require_one(result, f"{before.name} was to be settled")
    changes = []
    if moved:
        changes.append(Change(reason, before.clean_status, status, builder_id=before.id))
    elif builderok != before.builderok or verdict.failure_count > before.failure_count:
        changes.append(Change(reason, builder_id=before.id))
    return builder(store, before.id), changes


def _active(store: Any, name: str) -> BuilderSnapshot:
    found = builder_named(store, name)
    if not found.active:
        raise Refused(f"The builder {name} was removed; add it again first.")
    return found


def _require_unoccupied(store: Any, found: BuilderSnapshot, refusal: str) -> None:
    occupied = And(
        Attempt.builder_id == found.id,
        Attempt.state.is_in([state.value for state in ON_BUILDER]),
    )
    attempt = store.execute(Select(Attempt.build_id, occupied)).get_one()
    if attempt is not None:
        raise Refused(f"The builder {found.name} {refusal}: it is building build {attempt[0]}.")


def _require_consistent(found: BuilderSnapshot) -> None:
    """Refuse what no scanner could work with; the act is then undone."""
    if not found.processors:
        raise Refused(f"The builder {found.name} needs at least one processor.")
    if found.virtualized and (found.vm_host is None or found.vm_reset_protocol is None):
        raise Refused(
            f"The virtual builder {found.name} needs a VM host and a reset protocol (1.1 or 2.0)."
        )
