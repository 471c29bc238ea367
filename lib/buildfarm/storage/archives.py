"""The archives that builds are published into.

Layer 3. Tests: tests/unit/storage/test_archives.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import PurePath
from typing import Any

from storm.expr import Insert, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.fields import Stored, as_is, columns_of, word_of
from buildfarm.storage.rows import ARCHIVE, texts_as_json
from buildfarm.storage.tables import Archive
from buildfarm.vocab.archive import ArchiveSnapshot, NewArchive
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.names import is_name
from buildfarm.vocab.states import UploaderKind

#: What may change. A name may not: it is part of what was published.
_SETTABLE: Stored = {
    "distribution": as_is,
    "suites": texts_as_json,
    "architectures": texts_as_json,
    "nominated_architecture": as_is,
    "component": as_is,
    "bases": texts_as_json,
    "trusted_keys": texts_as_json,
    "uploader": word_of(UploaderKind),
    "path": as_is,
    "key_id": as_is,
    "private": bool,
    "virtualized": bool,
}


def archives(store: Any) -> tuple[ArchiveSnapshot, ...]:
    """Every archive by name."""
    select = Select(ARCHIVE.columns, tables=[Archive], order_by=Archive.name)
    return tuple(ARCHIVE.read(row) for row in store.execute(select).get_all())


def archive_named(store: Any, name: str) -> ArchiveSnapshot:
    """The archive of this name. Raises Refused where there is none."""
    row = store.execute(Select(ARCHIVE.columns, Archive.name == name)).get_one()
    if row is None:
        known = ", ".join(archive.name for archive in archives(store)) or "none"
        raise Refused(f"There is no archive {name!r} (known: {known}).")
    return ARCHIVE.read(row)


def add_archive(
    store: Any, new: NewArchive, actor: str, now: datetime
) -> Committed[ArchiveSnapshot]:
    """Add an archive, whose path has no links in it.

    Raises Refused for a taken name, bad names, a place that is another archive's and an impossible
    combination.
    """
    if store.execute(Select(Archive.id, Archive.name == new.name)).get_one() is not None:
        raise Refused(f"There is an archive {new.name} already.")
    described = asdict(new)
    del described["name"]
    row = columns_of(Archive, _SETTABLE, described, f"the archive {new.name}")
    store.execute(Insert({Archive.name: new.name, **row}), noresult=True)
    added = archive_named(store, new.name)
    _require_consistent(added)
    _require_own_place(added, archives(store))
    record(store, now, [Change(Place(), f"the archive {new.name} was added")], actor)
    return Committed(added)


def change_archive(
    store: Any, name: str, changes: Mapping[str, object], actor: str, now: datetime
) -> Committed[ArchiveSnapshot]:
    """Change fields of an archive, by the names of `ArchiveSnapshot`; its name stays.

    Builds that wait keep the requirement that they were submitted with. Raises Refused for an
    unknown archive or field and an impossible combination.
    """
    before = archive_named(store, name)
    row = columns_of(Archive, _SETTABLE, changes, f"the archive {name}")
    if not row:
        return Committed(before)
    store.execute(Update(row, Archive.id == before.id), noresult=True)
    after = archive_named(store, name)
    _require_consistent(after)
    change = Change(Place(), f"the archive {name} was changed: " + ", ".join(sorted(changes)))
    record(store, now, [change], actor)
    return Committed(after)


def _require_own_place(new: ArchiveSnapshot, present: Iterable[ArchiveSnapshot]) -> None:
    """Refuse to have reprepro keep two archives in one place: each would undo the other's.

    What several archives put into one `incoming`, or hand to one command, does not collide.
    """
    place = PurePath(new.path)
    for other in present:
        taken = PurePath(other.path)
        kept = UploaderKind.REPREPRO in (new.uploader, other.uploader)
        meet = place.is_relative_to(taken) or taken.is_relative_to(place)
        if kept and meet and other.id != new.id:
            raise Refused(f"{new.path} cannot be used: {other.path} is the archive {other.name}'s.")


def _require_consistent(archive: ArchiveSnapshot) -> None:
    """Refuse what nothing could be built for; the act is then undone."""
    names = (
        archive.name,
        archive.distribution,
        archive.component,
        *archive.suites,
        *archive.architectures,
    )
    for name in names:
        if not is_name(name):
            raise Refused(f"{name!r} is no name: use a-z, 0-9, '.', '+' and '-'.")
    if not archive.suites:
        raise Refused(f"The archive {archive.name} needs at least one suite.")
    if archive.nominated_architecture not in archive.architectures:
        raise Refused(
            f"The archive {archive.name} nominates {archive.nominated_architecture!r} for packages "
            f"of all architectures, and has only {', '.join(archive.architectures) or 'none'}."
        )
