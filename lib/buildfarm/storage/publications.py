"""Source packages as they stand in archives: what Launchpad calls source publications.

There is no table of them: the builds of one source, version, archive and suite are one publication,
whose number is the least of theirs.

Layer 3. Tests: tests/unit/storage/test_publications.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storm.expr import Alias, And, Count, Desc, Join, Max, Min, Select, Undef

from buildfarm.storage.listings import visible
from buildfarm.storage.rows import time_of
from buildfarm.storage.tables import Archive, Build


@dataclass(frozen=True, slots=True)
class Publication:
    """One source package in one suite of one archive. `created` is when it was submitted last."""

    id: int
    distribution: str
    archive: str
    private: bool
    series: str
    suite: str
    pocket: str
    component: str
    source: str
    version: str
    created: datetime


@dataclass(frozen=True, slots=True)
class PublicationFilter:
    """Which publications: those that fit everything that is given; see `listings.BuildFilter`."""

    seen: frozenset[str] | None = frozenset()
    archive: str | None = None
    source: str | None = None
    source_part: str | None = None
    version: str | None = None
    series: str | None = None
    pocket: str | None = None


_KEY = (
    Build.distribution,
    Archive.name,
    Archive.private,
    Build.series,
    Build.suite,
    Build.pocket,
    Build.component,
    Build.source,
    Build.version,
)

_TABLES = [Build, Join(Archive, Archive.id == Build.archive_id)]


def publications(
    store: Any, wanted: PublicationFilter, start: int, size: int
) -> tuple[tuple[Publication, ...], int]:
    """`size` publications from `start` on, the newest first; and how many fit in all."""
    where = _conditions(wanted)
    condition = And(*where) if where else Undef
    groups = Select(
        (Min(Build.id), *_KEY, Max(Build.created)),
        condition,
        _TABLES,
        group_by=_KEY,
        order_by=Desc(Min(Build.id)),
        offset=start,
        limit=size,
    )
    found = tuple(_read(row) for row in store.execute(groups).get_all())
    if found and len(found) < size:
        return found, start + len(found)
    every = Alias(Select(Min(Build.id), condition, _TABLES, group_by=_KEY), "every_one")
    return found, int(store.execute(Select(Count(), tables=[every])).get_one()[0])


def publication(store: Any, publication_id: int) -> Publication | None:
    """The publication of this number; None where there is none."""
    found = publication_of_build(store, publication_id)
    return found if found is not None and found.id == publication_id else None


def publication_of_build(store: Any, build_id: int) -> Publication | None:
    """The publication that a build is of; None where there is no such build."""
    key = store.execute(Select(_KEY, Build.id == build_id, _TABLES)).get_one()
    if key is None:
        return None
    same = And(*(column == value for column, value in zip(_KEY, key, strict=True)))
    row = store.execute(
        Select((Min(Build.id), *_KEY, Max(Build.created)), same, _TABLES, group_by=_KEY)
    ).get_one()
    return _read(row)


def _conditions(wanted: PublicationFilter) -> list[Any]:
    where: list[Any] = []
    if wanted.seen is not None:
        where.append(visible(wanted.seen))
    if wanted.archive is not None:
        where.append(Archive.name == wanted.archive)
    if wanted.source_part is not None:
        where.append(Build.source.contains_string(wanted.source_part))
    for column in ("source", "version", "series", "pocket"):
        value = getattr(wanted, column)
        if value is not None:
            where.append(getattr(Build, column) == value)
    return where


def _read(row: Any) -> Publication:
    values = list(row)
    values[3], values[-1] = bool(values[3]), time_of(values[-1])
    return Publication(*values)
