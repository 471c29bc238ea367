"""A source package becomes builds that wait: all of them in one act, or none.

What an archive takes, per archive and suite: each version of a source once for each architecture,
and never an older version than one it has. A version counts as there unless all its builds were
cancelled or superseded, since only those can no more be published by themselves.

Layer 3. Tests: tests/unit/storage/test_submit.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from debian.debian_support import version_compare
from storm.expr import And, Join, Select, Update

from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.archives import archive_named
from buildfarm.storage.chroots import chroot_of
from buildfarm.storage.durations import estimate
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.queue import enqueue, leave_queue
from buildfarm.storage.requirements import requirement_id
from buildfarm.storage.rows import files_as_json, texts_as_json
from buildfarm.storage.statements import Parameter, Statement, inserting
from buildfarm.storage.tables import Build, Source
from buildfarm.vocab.announcements import Announcement, BuildEnded, WorkArrived
from buildfarm.vocab.archive import ArchiveSnapshot, split_suite
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import BuildState
from buildfarm.vocab.submission import SourcePackage, Submission, WantedBuild

#: The largest score, and the smallest with a minus: far from what the database can hold.
MAX_SCORE = 1_000_000_000

_WITHDRAWN = frozenset({BuildState.CANCELLED, BuildState.SUPERSEDED})
_RUNNING = frozenset({BuildState.BUILDING, BuildState.GATHERING, BuildState.CANCELLING})

_NEW_SOURCE = Statement(
    inserting(Source, "name", "version", "architecture", "binaries", "files", "dsc_sha256"),
    returning="id",
)

_NEW_BUILD = Statement(
    inserting(
        Build,
        "archive_id",
        "source_id",
        "distribution",
        "series",
        "suite",
        "pocket",
        "component",
        "source",
        "version",
        "architecture",
        "arch_indep",
        "virtualized",
        "state",
        "requester",
        "created",
        "attempt_count",
        "failure_count",
        "builders_cost",
        "given_back",
        "lost_count",
        "score",
    ),
    returning="id",
)

_SUPERSEDE = Statement(
    Update(
        {
            Build.state: BuildState.SUPERSEDED.value,
            Build.finished: Parameter("now"),
            Build.reason: Parameter("reason"),
        },
        And(Build.id == Parameter("build_id"), Build.state == BuildState.NEEDSBUILD.value),
    )
)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A build of the same source package that the archive has already."""

    build_id: int
    suite: str
    version: str
    architecture: str
    state: BuildState
    dsc_sha256: str


def submit(
    store: Any, submission: Submission, actor: str, now: datetime
) -> Committed[tuple[int, ...]]:
    """Queue a build for each that `submission` wants; their ids, in its order.

    Waiting builds of older versions in the same archive and suite become SUPERSEDED at once,
    running ones when they end. Raises Refused where anything is wrong with any of the builds.
    """
    archive = archive_named(store, submission.archive)
    _require_possible(store, archive, submission)
    source = submission.source
    place = f"{archive.name}/{submission.suite}"
    earlier = _earlier(store, archive, source.name)
    _require_same_contents(earlier, source, archive)
    here = [build for build in earlier if build.suite == submission.suite]
    _require_unbuilt(here, submission, place)
    _require_not_older(here, source, place)
    announcements = _supersede(store, here, source, actor, now)
    source_id = _source_id(store, source)
    requirements = []
    build_ids = []
    for wanted in submission.builds:
        requirement = requirement_id(store, wanted.architecture, archive.virtualized)
        build_id = _insert(store, archive, submission, wanted, source_id, now)
        duration = estimate(store, source.name, wanted.architecture)
        enqueue(store, build_id, requirement, submission.score, duration)
        requirements.append(requirement)
        build_ids.append(build_id)
    reason = f"submitted by {submission.requester}"
    changes = [Change(Place(one), reason, None, BuildState.NEEDSBUILD) for one in build_ids]
    record(store, now, changes, actor)
    return Committed(tuple(build_ids), (*announcements, WorkArrived(tuple(requirements))))


def require_score(score: int) -> None:
    """Raise Refused for a score that is out of bounds."""
    if abs(score) > MAX_SCORE:
        raise Refused(f"The score {score} is not between -{MAX_SCORE} and {MAX_SCORE}.")


def _require_possible(store: Any, archive: ArchiveSnapshot, submission: Submission) -> None:
    require_score(submission.score)
    if submission.suite not in archive.suites:
        raise Refused(
            f"The archive {archive.name} has no suite {submission.suite!r} "
            f"(it has: {', '.join(archive.suites)})."
        )
    if not submission.builds:
        raise Refused(
            f"{submission.source.name} {submission.source.version} is for none of the "
            f"architectures of {archive.name} ({', '.join(archive.architectures)})."
        )
    series, _ = split_suite(submission.suite)
    for wanted in submission.builds:
        if wanted.architecture not in archive.architectures:
            raise Refused(
                f"The archive {archive.name} has no architecture {wanted.architecture!r} "
                f"(it has: {', '.join(archive.architectures)})."
            )
        if chroot_of(store, archive.distribution, series, wanted.architecture) is None:
            place = f"{archive.distribution}/{series}/{wanted.architecture}"
            raise Refused(
                f"There is no chroot for {place}; set one with "
                f"`buildd-manager chroot set {place} FILE`."
            )


def _earlier(store: Any, archive: ArchiveSnapshot, source: str) -> list[_Earlier]:
    columns = (
        Build.id,
        Build.suite,
        Build.version,
        Build.architecture,
        Build.state,
        Source.dsc_sha256,
    )
    is_here = And(Build.archive_id == archive.id, Build.source == source)
    tables = [Build, Join(Source, Source.id == Build.source_id)]
    rows = store.execute(Select(columns, is_here, tables)).get_all()
    return [
        _Earlier(build_id, suite, version, architecture, BuildState(state), digest)
        for build_id, suite, version, architecture, state, digest in rows
    ]


def _require_same_contents(
    earlier: list[_Earlier], source: SourcePackage, archive: ArchiveSnapshot
) -> None:
    """Two suites share a pool, so one version has one content in the whole archive."""
    for build in earlier:
        if build.version == source.version and build.dsc_sha256 != source.files[0].sha256:
            raise Refused(
                f"{source.name} {source.version} was submitted to {archive.name} already, with "
                "other contents; give it a new version."
            )


def _require_unbuilt(here: list[_Earlier], submission: Submission, place: str) -> None:
    source = submission.source
    wanted = {build.architecture for build in submission.builds}
    for build in here:
        if build.version == source.version and build.architecture in wanted:
            raise Refused(
                f"{source.name} {source.version} for {build.architecture} was submitted to "
                f"{place} already: build {build.build_id}, {build.state.value}."
            )


def _require_not_older(here: list[_Earlier], source: SourcePackage, place: str) -> None:
    for build in here:
        newer = version_compare(build.version, source.version) > 0
        if newer and build.state not in _WITHDRAWN:
            raise Refused(
                f"{source.name} {source.version} is older than {build.version}, "
                f"which {place} has already."
            )


def _supersede(
    store: Any, here: list[_Earlier], source: SourcePackage, actor: str, now: datetime
) -> tuple[Announcement, ...]:
    older = [one for one in here if version_compare(one.version, source.version) < 0]
    reason = f"superseded by {source.version}"
    ended: list[Announcement] = []
    for build in older:
        if build.state in _RUNNING:
            newer = {Build.superseded_by: source.version}
            store.execute(Update(newer, Build.id == build.build_id), noresult=True)
        elif build.state is BuildState.NEEDSBUILD:
            result = _SUPERSEDE.run(store, build_id=build.build_id, now=now, reason=reason)
            require_one(result, f"build {build.build_id} was to be superseded")
            leave_queue(store, build.build_id)
            change = Change(Place(build.build_id), reason, build.state, BuildState.SUPERSEDED)
            record(store, now, [change], actor)
            ended.append(BuildEnded(build.build_id))
    return tuple(ended)


def _source_id(store: Any, source: SourcePackage) -> int:
    digest = source.files[0].sha256
    row = store.execute(Select(Source.id, Source.dsc_sha256 == digest)).get_one()
    if row is None:
        row = _NEW_SOURCE.one(
            store,
            name=source.name,
            version=source.version,
            architecture=texts_as_json(source.architecture),
            binaries=texts_as_json(source.binaries),
            files=files_as_json(source.files),
            dsc_sha256=digest,
        )
    else:
        # They are in the file store again, if they were given up.
        files = {Source.files: files_as_json(source.files)}
        store.execute(Update(files, Source.id == row[0]), noresult=True)
    return int(row[0])


def _insert(
    store: Any,
    archive: ArchiveSnapshot,
    submission: Submission,
    wanted: WantedBuild,
    source_id: int,
    now: datetime,
) -> int:
    series, pocket = split_suite(submission.suite)
    (build_id,) = _NEW_BUILD.one(
        store,
        archive_id=archive.id,
        source_id=source_id,
        distribution=archive.distribution,
        series=series,
        suite=submission.suite,
        pocket=pocket,
        component=archive.component,
        source=submission.source.name,
        version=submission.source.version,
        architecture=wanted.architecture,
        arch_indep=wanted.arch_indep,
        virtualized=archive.virtualized,
        state=BuildState.NEEDSBUILD.value,
        requester=submission.requester,
        created=now,
        attempt_count=0,
        failure_count=0,
        builders_cost=0,
        given_back=0,
        lost_count=0,
        score=submission.score,
    )
    return int(build_id)
