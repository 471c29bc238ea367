"""Lists for people, in parts: builds and builders, as far as a visitor may see them.

Layer 3. Tests: tests/unit/storage/test_listings.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from storm.expr import And, Count, Desc, Exists, Join, Or, Select, Undef

from buildfarm.storage.rows import BUILD, BUILDER
from buildfarm.storage.tables import (
    IS_ON_BUILDER,
    Archive,
    Attempt,
    Build,
    Builder,
    Queue,
)
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import BuildState

T = TypeVar("T")

_LISTED = (*BUILD.columns, Archive.private)

_WITH_ARCHIVE = [Build, Join(Archive, Archive.id == Build.archive_id)]


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Some of a list, and how long the list is."""

    items: tuple[T, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ListedBuild:
    """A build with its score while it is queued, and the builder that it was given to last."""

    build: BuildSnapshot
    score: int | None = None
    builder: str | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class ListedBuilder:
    """A builder, and the build that it holds if that may be told; `hides` one that may not."""

    builder: BuilderSnapshot
    build: BuildSnapshot | None = None
    hides: bool = False


@dataclass(frozen=True, slots=True)
class BuildFilter:
    """Which builds: those that fit everything that is given.

    `seen` are the private archives whose builds may be listed; None means all of them. `builder_id`
    are builds that were ever given to that builder.
    """

    seen: frozenset[str] | None = frozenset()
    archive: str | None = None
    suite: str | None = None
    pocket: str | None = None
    source: str | None = None
    version: str | None = None
    states: frozenset[BuildState] | None = None
    builder_id: int | None = None


def builds_part(store: Any, wanted: BuildFilter, start: int, size: int) -> Part[ListedBuild]:
    """`size` builds from `start` on, the newest first."""
    where = _conditions(wanted)
    condition = And(*where) if where else Undef
    select = Select(
        _LISTED, condition, _WITH_ARCHIVE, order_by=Desc(Build.id), offset=start, limit=size
    )
    found = listed_rows(store, list(store.execute(select).get_all()))
    if found and len(found) < size:
        return Part(found, start + len(found))
    counted = store.execute(Select(Count(), condition, _WITH_ARCHIVE)).get_one()
    return Part(found, int(counted[0]))


def listed_build(store: Any, build_id: int) -> ListedBuild | None:
    """One build, whoever may see it; None where there is none."""
    rows = list(store.execute(Select(_LISTED, Build.id == build_id, _WITH_ARCHIVE)).get_all())
    return listed_rows(store, rows)[0] if rows else None


def listed_builds(store: Any, build_ids: Iterable[int]) -> dict[int, ListedBuild]:
    """Those of these builds that there are, by id, whoever may see them."""
    wanted = Build.id.is_in(sorted(build_ids))
    rows = list(store.execute(Select(_LISTED, wanted, _WITH_ARCHIVE)).get_all())
    return {one.build.id: one for one in listed_rows(store, rows)}


def builders_part(
    store: Any, seen: frozenset[str] | None, start: int, size: int
) -> Part[ListedBuilder]:
    """`size` builders that were not removed, from `start` on, by name."""
    active = Builder.active == True  # noqa: E712 - an SQL expression
    select = Select(BUILDER.columns, active, order_by=Builder.name, offset=start, limit=size)
    found = [BUILDER.read(row) for row in store.execute(select).get_all()]
    total = int(store.execute(Select(Count(), active, Builder)).get_one()[0])
    return Part(_with_builds(store, found, seen), total)


def listed_builder(store: Any, name: str, seen: frozenset[str] | None) -> ListedBuilder | None:
    """The builder of this name, removed or not; None where there never was one."""
    row = store.execute(Select(BUILDER.columns, Builder.name == name)).get_one()
    return None if row is None else _with_builds(store, [BUILDER.read(row)], seen)[0]


def listed_rows(store: Any, rows: list[Any]) -> tuple[ListedBuild, ...]:
    """Builds with their scores and builders: two queries more, however many they are.

    `rows` have `BUILD.columns`, and at their end whether the archive is private.
    """
    found = [(BUILD.read(row), bool(row[-1])) for row in rows]
    ids = [build.id for build, _ in found]
    if not ids:
        return ()
    queued = Select((Queue.build_id, Queue.score), Queue.build_id.is_in(ids), Queue)
    scores = dict(store.execute(queued).get_all())
    given = Select(
        (Attempt.build_id, Builder.name),
        Attempt.build_id.is_in(ids),
        [Attempt, Join(Builder, Builder.id == Attempt.builder_id)],
        order_by=Attempt.number,
    )
    builders = dict(store.execute(given).get_all())
    return tuple(
        ListedBuild(build, scores.get(build.id), builders.get(build.id), private)
        for build, private in found
    )


def _with_builds(
    store: Any, found: list[BuilderSnapshot], seen: frozenset[str] | None
) -> tuple[ListedBuilder, ...]:
    ids = [builder.id for builder in found]
    if not ids:
        return ()
    select = Select(
        (*_LISTED, Attempt.builder_id),
        And(IS_ON_BUILDER, Attempt.builder_id.is_in(ids)),
        [*_WITH_ARCHIVE, Join(Attempt, Attempt.build_id == Build.id)],
    )
    told: dict[int, BuildSnapshot] = {}
    hiding: set[int] = set()
    for *row, private, builder_id in store.execute(select).get_all():
        build = BUILD.read(row)
        if private and seen is not None and build.archive not in seen:
            hiding.add(builder_id)
        else:
            told[builder_id] = build
    return tuple(
        ListedBuilder(builder, told.get(builder.id), builder.id in hiding) for builder in found
    )


def _conditions(wanted: BuildFilter) -> list[Any]:
    where: list[Any] = []
    if wanted.seen is not None:
        where.append(visible(wanted.seen))
    if wanted.archive is not None:
        where.append(Archive.name == wanted.archive)
    for column in ("suite", "pocket", "source", "version"):
        value = getattr(wanted, column)
        if value is not None:
            where.append(getattr(Build, column) == value)
    if wanted.states is not None:
        where.append(Build.state.is_in(sorted(state.value for state in wanted.states)))
    if wanted.builder_id is not None:
        given = And(Attempt.build_id == Build.id, Attempt.builder_id == wanted.builder_id)
        where.append(Exists(Select(1, given, Attempt)))
    return where


def visible(names: Iterable[str]) -> Any:
    """That an archive is public, or one of these."""
    public = Archive.private == False  # noqa: E712 - an SQL expression
    some = sorted(names)
    return Or(public, Archive.name.is_in(some)) if some else public
