"""Uploads that wait: the results of attempts that are GATHERED, until they are published or not.

Layer 3. Tests: tests/unit/storage/test_uploads.py.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from storm.expr import Add, And, Asc, Join, Min, Or, Select, Update

from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.outbox import ARRIVED, tell
from buildfarm.storage.rows import ARCHIVE, ATTEMPT, BUILD, Row, texts_of, time_of
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import AWAITS_UPLOAD, Archive, Attempt, Build, Builder, Source
from buildfarm.vocab.announcements import Announcement, BuildEnded, ResultsPublished
from buildfarm.vocab.cookie import Cookie
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.news import NEWS_OF_STATE
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState
from buildfarm.vocab.upload import UploadTask

_TABLES = [
    Attempt,
    Join(Builder, Builder.id == Attempt.builder_id),
    Join(Build, Build.id == Attempt.build_id),
    Join(Source, Source.id == Build.source_id),
    Join(Archive, Archive.id == Build.archive_id),
]

_IS_THIS = And(
    Attempt.id == Parameter("attempt_id"), AWAITS_UPLOAD, Attempt.epoch == Parameter("epoch")
)

_ITS_PLACE = "build_id, number, builder_id"

_PREPARED = Statement(Update({Attempt.prepared: True}, _IS_THIS), returning=_ITS_PLACE)

_POSTPONED = Statement(
    Update(
        {
            Attempt.tries: Add(Attempt.tries, 1),
            Attempt.last_error: Parameter("error"),
            Attempt.next_try: Parameter("next_try"),
        },
        _IS_THIS,
    ),
    returning=_ITS_PLACE,
)

_CLOSE = Statement(
    Update(
        {
            Attempt.state: AttemptState.CLOSED.value,
            Attempt.outcome: Parameter("outcome"),
            Attempt.closed: Parameter("now"),
            Attempt.next_try: None,
            Attempt.reason: Parameter("reason"),
        },
        _IS_THIS,
    ),
    returning=_ITS_PLACE,
)

_END_BUILD = Statement(
    Update(
        {
            Build.state: Parameter("after"),
            Build.finished: Parameter("now"),
            Build.reason: Parameter("reason"),
        },
        And(
            Build.id == Parameter("build_id"),
            Build.state == BuildState.UPLOADING.value,
            Build.attempt_count == Parameter("number"),
        ),
    )
)

_SPENT = Statement(
    Select(
        Attempt.id,
        And(
            Attempt.build_id == Parameter("build_id"),
            Attempt.number == Parameter("number"),
            Attempt.spool == Parameter("spool"),
            Attempt.state == AttemptState.CLOSED.value,
            # Else `builds.retry` may have the results uploaded again.
            Or(
                Build.state != BuildState.FAILEDTOUPLOAD.value,
                Build.attempt_count != Attempt.number,
                Attempt.files == "[]",
            ),
        ),
        [Attempt, Join(Build, Build.id == Attempt.build_id)],
    )
)

_KNOWN = Statement(
    Select(
        Attempt.id,
        And(
            Attempt.build_id == Parameter("build_id"),
            Attempt.number == Parameter("number"),
            Attempt.spool == Parameter("spool"),
        ),
    )
)

_NEXT = Statement(
    Select(
        Min(Attempt.next_try), And(AWAITS_UPLOAD, Attempt.next_try > Parameter("after")), Attempt
    )
)


@lru_cache
def _due(limit: int, besides: tuple[str, ...]) -> Statement:
    """Uploads that are due, without those into archives that the parameters `besides` name."""
    is_due = Or(Attempt.next_try == None, Attempt.next_try <= Parameter("now"))  # noqa: E711
    wanted = [Build.archive_id != Parameter(name) for name in besides]
    return Statement(
        Select(
            (*ATTEMPT.columns, *BUILD.columns, *ARCHIVE.columns, Source.binaries),
            And(AWAITS_UPLOAD, is_due, *wanted),
            _TABLES,
            order_by=(Asc(Attempt.gathered), Asc(Attempt.id)),
            limit=limit,
        )
    )


def uploads_due(
    store: Any, now: datetime, limit: int, besides: Collection[int] = ()
) -> tuple[UploadTask, ...]:
    """At most `limit` uploads that may be tried now, longest waiting first.

    `besides` are archives (by id) of which no more are wanted.
    """
    unwanted = {f"besides_{place}": archive_id for place, archive_id in enumerate(besides)}
    rows = _due(limit, tuple(unwanted)).rows(store, now=now, **unwanted)
    return tuple(_task(row) for row in rows)


def next_upload_time(store: Any, after: datetime) -> datetime | None:
    """When the next postponed upload may be tried; those due by `after` do not count."""
    time: datetime | None = time_of(_NEXT.one(store, after=after)[0])
    return time


def spent_spools(store: Any, spools: Iterable[str]) -> tuple[str, ...]:
    """Those of `spools`, named as `AttemptSnapshot.spool`, whose results nobody uploads any more.

    Their attempts have ended, and no retry takes them up. Names that this database does not know
    are not among them.
    """
    return tuple(spool for spool in spools if _found(store, _SPENT, spool))


def unknown_spools(store: Any, spools: Iterable[str]) -> tuple[str, ...]:
    """Those of `spools` that are named as an attempt's, but of none that this database has."""
    return tuple(
        spool
        for spool in spools
        if Cookie.parse(spool) is not None and not _found(store, _KNOWN, spool)
    )


def _found(store: Any, statement: Statement, spool: str) -> bool:
    cookie = Cookie.parse(spool)
    return cookie is not None and bool(
        statement.one(store, build_id=cookie.build_id, number=cookie.attempt, spool=spool)
    )


def _task(row: Row) -> UploadTask:
    attempt = ATTEMPT.read(row)
    build = BUILD.read(row, len(ATTEMPT.columns))
    archive = ARCHIVE.read(row, len(ATTEMPT.columns) + len(BUILD.columns))
    return UploadTask(
        build_id=build.id,
        title=build.title,
        source=build.source,
        version=build.version,
        architecture=build.architecture,
        arch_indep=build.arch_indep,
        suite=build.suite,
        component=build.component,
        binaries=texts_of(row[-1]),
        archive=archive,
        attempt=attempt,
    )


def mark_prepared(store: Any, epoch: Epoch, attempt_id: int, now: datetime) -> Committed[None]:
    """Record that the results are where one rename publishes them; asked twice, it stays so."""
    place = _place(_PREPARED.one(store, attempt_id=attempt_id, epoch=epoch.number), attempt_id)
    record(store, now, [Change(place, "the results are ready to be published")])
    return Committed(None)


def mark_published(store: Any, epoch: Epoch, attempt_id: int, now: datetime) -> Committed[None]:
    """Record that the archive has the results: FULLYBUILT."""
    outcome = AttemptOutcome.PUBLISHED, BuildState.FULLYBUILT
    return _end(store, epoch, attempt_id, *outcome, "the results were published", now)


def refuse_upload(
    store: Any, epoch: Epoch, attempt_id: int, reason: str, now: datetime
) -> Committed[None]:
    """Record that the archive, or the check before it, refuses the results: FAILEDTOUPLOAD."""
    outcome = AttemptOutcome.UPLOAD_REFUSED, BuildState.FAILEDTOUPLOAD
    return _end(store, epoch, attempt_id, *outcome, reason, now)


def forget_results(store: Any, before: datetime, limit: int) -> Committed[int]:
    """Give up results that were refused before `before`, at most `limit` attempts'; of how many.

    A retry can only build again after that; see `spent_spools`.
    """
    refused = And(
        Attempt.state == AttemptState.CLOSED.value,
        Attempt.outcome == AttemptOutcome.UPLOAD_REFUSED.value,
        Attempt.closed < before,
        Attempt.files != "[]",
    )
    some = Attempt.id.is_in(Select(Attempt.id, refused, limit=limit))
    return Committed(store.execute(Update({Attempt.files: "[]"}, some, Attempt)).rowcount)


def postpone_upload(
    store: Any, epoch: Epoch, attempt_id: int, error: str, next_try: datetime, now: datetime
) -> Committed[None]:
    """Record that a try failed and when the next one may begin."""
    row = _POSTPONED.one(
        store, error=error, next_try=next_try, attempt_id=attempt_id, epoch=epoch.number
    )
    reason = f"the upload failed and is tried again at {next_try:%Y-%m-%d %H:%M:%S}: {error}"
    record(store, now, [Change(_place(row, attempt_id), reason)])
    return Committed(None)


def _place(row: Row | None, attempt_id: int) -> Place:
    """Where the attempt of a guarded update belongs, as events name it."""
    if row is None:
        raise StaleState(
            f"The upload of attempt {attempt_id} has ended meanwhile, or a newer manager owns it."
        )
    return Place(*row)


def _end(
    store: Any,
    epoch: Epoch,
    attempt_id: int,
    outcome: AttemptOutcome,
    state: BuildState,
    reason: str,
    now: datetime,
) -> Committed[None]:
    row = _CLOSE.one(
        store,
        outcome=outcome.value,
        now=now,
        reason=reason,
        attempt_id=attempt_id,
        epoch=epoch.number,
    )
    place = _place(row, attempt_id)
    result = _END_BUILD.run(
        store,
        after=state.value,
        now=now,
        reason=reason,
        build_id=place.build_id,
        number=place.attempt,
    )
    require_one(result, f"build {place.build_id} was to become {state.value}")
    changes = [
        Change(place, reason, AttemptState.GATHERED, AttemptState.CLOSED),
        Change(place, reason, BuildState.UPLOADING, state),
    ]
    record(store, now, changes)
    announcements: tuple[Announcement, ...] = (BuildEnded(row[0]),)
    kind = NEWS_OF_STATE.get(state)
    if kind is None:
        return Committed(None, (*announcements, ResultsPublished(row[0])))
    tell(store, now, kind, place, reason, state)
    return Committed(None, announcements + ARRIVED)
