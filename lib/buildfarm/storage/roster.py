"""The builders' rows: what operators say of them, and how clean they are.

Layer 3. Tests: tests/unit/storage/test_roster.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from storm.expr import And, Insert, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.condition import builder, change_of_service, set_clean_status
from buildfarm.storage.epochs import current_epoch
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.fields import Stored, as_is, columns_of, word_of
from buildfarm.storage.rows import BUILDER, texts_as_json
from buildfarm.storage.settlements import Held, held, lose_job
from buildfarm.storage.tables import IS_ON_BUILDER, Attempt, Builder
from buildfarm.verdicts.transitions import clean_may_follow
from buildfarm.vocab.announcements import Announcement, BuilderChanged
from buildfarm.vocab.builder import BuilderSnapshot, NewBuilder
from buildfarm.vocab.errors import Refused, StaleState
from buildfarm.vocab.names import is_name
from buildfarm.vocab.states import CleanStatus, ResetProtocol

#: Every verb of builders in one place; what the manager records of them has its own module.
__all__ = [
    "add_builder",
    "builder",
    "builder_named",
    "builders",
    "change_builder",
    "remove_builder",
    "set_clean_status",
]


def _sorted(names: Iterable[str]) -> str:
    """Names in an order of their own, so that equal sets are equal."""
    return texts_as_json(sorted(names))


#: What an operator may change. A name may not: it is who the builder is.
_SETTABLE: Stored = {
    "title": as_is,
    "url": as_is,
    "processors": _sorted,
    "virtualized": bool,
    "vm_host": as_is,
    "vm_reset_protocol": word_of(ResetProtocol),
    "open_resources": _sorted,
    "restricted_resources": _sorted,
    "builderok": bool,
    "failnotes": as_is,
    "manual": bool,
    "failure_count": int,
    "clean_status": word_of(CleanStatus),
}

#: Of these, what changes by itself too, so that a change of it is not another's.
_MOVING = frozenset({"failure_count", "clean_status"})


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
    described = asdict(new)
    del described["name"]
    row = {
        Builder.name: new.name,
        Builder.builderok: True,
        Builder.failnotes: None,
        Builder.active: True,
        Builder.failure_count: 0,
        Builder.version: None,
        Builder.clean_status: CleanStatus.DIRTY.value,
        Builder.date_clean_status_changed: now,
        Builder.reset_output: None,
        **columns_of(Builder, _SETTABLE, described, f"the builder {new.name}"),
    }
    if found is None:
        store.execute(Insert(row), noresult=True)
    else:
        store.execute(Update(row, Builder.id == found[0]), noresult=True)
    added = builder_named(store, new.name)
    _require_consistent(store, added)
    place = Place(builder_id=added.id)
    record(store, now, [Change(place, "the builder was added", None, CleanStatus.DIRTY)], actor)
    return Committed(added, (BuilderChanged(added.id),))


def change_builder(
    store: Any,
    name: str,
    changes: Mapping[str, object],
    actor: str,
    now: datetime,
    *,
    seen: BuilderSnapshot | None = None,
) -> Committed[BuilderSnapshot]:
    """Change fields of a builder, by the names of `BuilderSnapshot`.

    `builderok` True forgets the failures that took the builder out. `clean_status` is how the end
    of an asynchronous reset is reported. Raises Refused for an unknown builder or field, a removed
    builder, and values that do not go together; StaleState where another has written since it was
    as `seen`.
    """
    before = _active(store, name)
    if seen is not None and _written(before) != _written(seen):
        raise StaleState(f"The builder {name} was changed meanwhile.")
    row = columns_of(Builder, _SETTABLE, changes, f"the builder {name}")
    if not row:
        return Committed(before)
    change = Change(Place(builder_id=before.id), "changed: " + ", ".join(sorted(changes)))
    status = CleanStatus(row.get(Builder.clean_status, before.clean_status.value))
    if status is not before.clean_status:
        _require_may_become(store, before, status)
        row[Builder.date_clean_status_changed] = now
        change = replace(change, before=before.clean_status, after=status)
    if row.get(Builder.builderok):
        row = {Builder.failnotes: None, Builder.failure_count: 0, **row}
    store.execute(Update(row, Builder.id == before.id), noresult=True)
    after = builder(store, before.id)
    _require_consistent(store, after)
    record(store, now, [change, *change_of_service(before, after, change.reason)], actor)
    return Committed(after, (BuilderChanged(before.id),))


def remove_builder(
    store: Any, name: str, force: bool, actor: str, now: datetime
) -> Committed[BuilderSnapshot]:
    """Make a builder inactive; its row and its events stay.

    Raises Refused while a job runs on it, unless `force`: then the attempt is closed as LOST and
    the build waits again.
    """
    found = _active(store, name)
    job = _job(store, found)
    changes = [Change(Place(builder_id=found.id), "the builder was removed")]
    announcements: tuple[Announcement, ...] = (BuilderChanged(found.id),)
    if job is not None:
        if not force:
            raise Refused(
                f"The builder {name} cannot be removed: it is building build {job.build_id} "
                "(--force removes it all the same)."
            )
        more, requeued = lose_job(store, job, f"its builder was removed by {actor}", now)
        changes += more
        announcements += requeued
    store.execute(Update({Builder.active: False}, Builder.id == found.id), noresult=True)
    record(store, now, changes, actor)
    return Committed(builder(store, found.id), announcements)


def _written(found: BuilderSnapshot) -> list[object]:
    return [getattr(found, field) for field in _SETTABLE if field not in _MOVING]


def _active(store: Any, name: str) -> BuilderSnapshot:
    found = builder_named(store, name)
    if not found.active:
        raise Refused(f"The builder {name} was removed; add it again first.")
    return found


def _job(store: Any, found: BuilderSnapshot) -> Held | None:
    """The attempt that occupies this builder, if one does."""
    occupies = And(Attempt.builder_id == found.id, IS_ON_BUILDER)
    row = store.execute(Select(Attempt.id, occupies)).get_one()
    return None if row is None else held(store, current_epoch(store), row[0])


def _require_may_become(store: Any, found: BuilderSnapshot, status: CleanStatus) -> None:
    """Refuse a clean status that an operator may not declare now."""
    if not clean_may_follow(found.clean_status, status):
        raise Refused(
            f"The builder {found.name} is {found.clean_status.value} and cannot become "
            f"{status.value} at once."
        )
    job = _job(store, found)
    if job is not None:
        raise Refused(
            f"The builder {found.name} cannot become {status.value}: "
            f"it is building build {job.build_id}."
        )


def _require_consistent(store: Any, found: BuilderSnapshot) -> None:
    """Refuse what no scanner could work with; the act is then undone.

    Two builders at one URL would each find the other's builds on it, and be taken out for them.
    """
    for other in builders(store):
        if other.id != found.id and other.url.rstrip("/") == found.url.rstrip("/"):
            raise Refused(f"The builder {other.name} is at {found.url} already.")
    if not found.processors:
        raise Refused(f"The builder {found.name} needs at least one processor.")
    if found.virtualized and (found.vm_host is None or found.vm_reset_protocol is None):
        raise Refused(
            f"The virtual builder {found.name} needs a VM host and a reset protocol (1.1 or 2.0)."
        )
