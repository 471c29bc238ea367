"""Build orders: everything about one attempt that its builder must be told.

Layer 3. Tests: tests/unit/storage/test_orders.py.
"""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from typing import Any

from storm.expr import And, Coalesce, Join, Select

from buildfarm.storage.chroots import TARBALL, tarball
from buildfarm.storage.rows import ARCHIVE, ATTEMPT, BUILD, CHROOT, Row, files_of, texts_of, time_of
from buildfarm.storage.statements import Parameter, Statement, parameters, several
from buildfarm.storage.tables import (
    IS_ON_BUILDER,
    Archive,
    Attempt,
    Build,
    Builder,
    Chroot,
    Queue,
    Requirement,
    Source,
)
from buildfarm.vocab.archive import ArchiveSnapshot, source_line
from buildfarm.vocab.build import BuildOrder, BuildSnapshot, Holding, JobStanding
from buildfarm.vocab.states import BuildState, UploaderKind

_MORE = (
    Source.files,
    Queue.estimated_duration,
    Requirement.resources,
    Builder.virtualized,
    Build.superseded_by,
)

_TABLES = [
    Attempt,
    Join(Builder, Builder.id == Attempt.builder_id),
    Join(Build, Build.id == Attempt.build_id),
    Join(Source, Source.id == Build.source_id),
    Join(Archive, Archive.id == Build.archive_id),
    Join(Queue, Queue.build_id == Build.id),
    Join(Requirement, Requirement.id == Queue.requirement_id),
    Join(
        Chroot,
        And(
            Chroot.distribution == Build.distribution,
            Chroot.series == Build.series,
            Chroot.architecture == Build.architecture,
            Chroot.image_type == TARBALL,
        ),
    ),
]


def _orders(*where: Any) -> Statement:
    columns = (*ATTEMPT.columns, *BUILD.columns, *ARCHIVE.columns, *CHROOT.columns, *_MORE)
    return Statement(Select(columns, And(IS_ON_BUILDER, *where), _TABLES))


_HOLDINGS = Statement(
    Select(
        (
            Attempt.builder_id,
            Build.id,
            Build.source,
            Build.version,
            Build.architecture,
            Archive.name,
            Build.suite,
            Archive.private,
            Queue.estimated_duration,
            Coalesce(Attempt.sent, Attempt.claimed),
        ),
        IS_ON_BUILDER,
        [
            Attempt,
            Join(Build, Build.id == Attempt.build_id),
            Join(Archive, Archive.id == Build.archive_id),
            Join(Queue, Queue.build_id == Build.id),
        ],
    )
)

_ORDER_OF_BUILDER = _orders(Attempt.builder_id == Parameter("builder_id"))
_OPEN_ORDERS = _orders()


@cache
def _orders_of(count: int) -> Statement:
    return _orders(Attempt.id.is_in(parameters("id", count)))


def orders_of(store: Any, attempt_ids: Sequence[int], web_url: str) -> dict[int, BuildOrder]:
    """The orders of attempts that occupy builders, by attempt id; see `open_orders`."""
    if not attempt_ids:
        return {}
    count, values = several("id", attempt_ids)
    orders = [_read(row, web_url) for row in _orders_of(count).rows(store, **values)]
    return {order.attempt.id: order for order in orders}


def order_of_builder(store: Any, builder_id: int, web_url: str = "") -> BuildOrder | None:
    """What this builder holds, or None."""
    row = _ORDER_OF_BUILDER.one(store, builder_id=builder_id)
    return None if row is None else _read(row, web_url)


def open_orders(store: Any, web_url: str = "") -> dict[int, BuildOrder]:
    """What each builder holds, by builder id.

    `web_url` is where people and builds reach the manager (`[web] public_url`): it makes the
    build's own page, and the line of the archive that the build is for. Empty: neither is told.
    """
    orders = [_read(row, web_url) for row in _OPEN_ORDERS.rows(store)]
    return {order.attempt.builder_id: order for order in orders}


def holdings(store: Any) -> dict[int, Holding]:
    """What each builder holds, by builder id, for people who ask what it is doing."""
    return {row[0]: _holding(*row[1:]) for row in _HOLDINGS.rows(store)}


def _holding(
    build_id: int,
    source: str,
    version: str,
    architecture: str,
    archive: str,
    suite: str,
    private: int,
    estimated_duration: float,
    since: Any,
) -> Holding:
    title = f"{source} {version} {architecture} in {archive}/{suite}"
    return Holding(build_id, title, archive, bool(private), estimated_duration, time_of(since))


def _read(row: Row, web_url: str) -> BuildOrder:
    start = 0
    snapshots: list[Any] = []
    for shape in (ATTEMPT, BUILD, ARCHIVE, CHROOT):
        snapshots.append(shape.read(row, start))
        start += len(shape.columns)
    attempt, build, archive, chroot = snapshots
    files, estimated_duration, resources, virtualized, superseded_by = row[start:]
    return BuildOrder(
        attempt=attempt,
        title=build.title,
        chroot=tarball(chroot),
        files=files_of(files),
        args={
            **_args(build, archive, web_url),
            "fast_cleanup": bool(virtualized),
            "image_type": chroot.image_type,
            "builder_constraints": list(texts_of(resources)),
        },
        estimated_duration=estimated_duration,
        standing=JobStanding(
            attempt_id=attempt.id,
            build_id=build.id,
            failure_count=build.failure_count,
            builders_cost=build.builders_cost,
            given_back=build.given_back,
            lost_count=build.lost_count,
            cancelling=build.state is BuildState.CANCELLING,
            superseded=superseded_by is not None,
        ),
        private=archive.private,
        private_archive=archive if archive.private and _is_readable(archive) else None,
    )


def _args(build: BuildSnapshot, archive: ArchiveSnapshot, web_url: str) -> dict[str, object]:
    """launchpad-buildd's arguments of a `binarypackage`, but for those of builder and chroot.

    Every one that it knows is sent: a missing one can leave the daemon BUILDING for ever.
    """
    return {
        "series": build.series,
        "suite": build.suite,
        "arch_tag": build.architecture,
        "arch_indep": build.arch_indep,
        "archive_private": archive.private,
        "archive_purpose": "PRIMARY",
        "archives": [*archive.bases, *own_lines(archive, build.suite, web_url)],
        "trusted_keys": [b64encode(key.encode()).decode() for key in archive.trusted_keys],
        "build_debug_symbols": False,
        "build_url": f"{web_url}/builds/{build.id}" if web_url else "",
        "ogrecomponent": build.component,
        "distribution": build.distribution,
    }


def own_lines(archive: ArchiveSnapshot, suite: str, web_url: str) -> list[str]:
    """The `deb` line by which builds read what was built before, if everybody may read that.

    The line of a private archive is made when it is sent: it has a token in it.
    """
    if archive.private or not _is_readable(archive) or not web_url:
        return []
    return [source_line(archive, suite, f"{web_url}/archive/{archive.name}")]


def _is_readable(archive: ArchiveSnapshot) -> bool:
    """Only `reprepro` makes an archive that apt can read."""
    return archive.uploader is UploaderKind.REPREPRO
