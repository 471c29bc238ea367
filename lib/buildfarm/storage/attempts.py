"""Attempts: one dispatch of a build to one builder, from its claim to its end on the builder.

Of the five write acts of a build, three are here: `claim` (which also records that the builder
has become clean), `mark_sent` and `settle`; the other two are the upload's. What else becomes
known while a build runs is written in batches by `record_progress`.

Layer 3. Tests: tests/unit/storage/test_claim.py, test_settle.py, test_attempts.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storm.expr import And, Join, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.assignment import Candidate, assigned
from buildfarm.storage.claims import take
from buildfarm.storage.condition import (
    builder,
    change_condition,
    settle_builder,
    with_occupants,
)
from buildfarm.storage.epochs import Epoch, require_current
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.orders import orders_of
from buildfarm.storage.outbox import ARRIVED, tell
from buildfarm.storage.queue import from_top, release_due, tops
from buildfarm.storage.rows import ATTEMPT
from buildfarm.storage.settlements import end_job, held, warn_job
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import Attempt, Build, Builder, Queue
from buildfarm.verdicts.candidates import fits, kind_of
from buildfarm.verdicts.settling import as_asked
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.build import AttemptSnapshot, BuildOrder
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.news import NewsKind
from buildfarm.vocab.progress import ClaimRequest, ProgressNote
from buildfarm.vocab.settlement import JobSettlement, JobWarning, Settlement
from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus

_SENT = Statement(
    Update(
        {Attempt.state: AttemptState.SENT.value, Attempt.sent: Parameter("now")},
        And(
            Attempt.id == Parameter("attempt_id"),
            Attempt.state == AttemptState.CLAIMED.value,
            Attempt.epoch == Parameter("epoch"),
        ),
    ),
    returning="build_id, number, builder_id",
)

_PLACE = Statement(
    Select(
        (Attempt.build_id, Attempt.number, Attempt.builder_id),
        And(
            Attempt.id == Parameter("attempt_id"),
            Attempt.epoch == Parameter("epoch"),
            Attempt.state.is_in((AttemptState.SENT.value, AttemptState.CONFIRMED.value)),
        ),
    )
)

_CONFIRMED = Statement(
    Update(
        {Attempt.state: AttemptState.CONFIRMED.value, Attempt.confirmed: Parameter("confirmed")},
        And(
            Attempt.id == Parameter("attempt_id"),
            Attempt.state == AttemptState.SENT.value,
            Attempt.epoch == Parameter("epoch"),
        ),
    )
)

_GATHERING = Statement(
    Update(
        {Build.state: BuildState.GATHERING.value},
        And(
            Build.id == Parameter("build_id"),
            Build.state == BuildState.BUILDING.value,
            Build.attempt_count == Parameter("number"),
        ),
    )
)

_LOGTAIL = Statement(
    Update({Queue.logtail: Parameter("logtail")}, Queue.build_id == Parameter("build_id"))
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a builder that asked for work got: the builder as it is now, and an order or None."""

    builder: BuilderSnapshot
    order: BuildOrder | None


def claim(
    store: Any, epoch: Epoch, requests: Sequence[ClaimRequest], now: datetime, web_url: str = ""
) -> Committed[tuple[Claim, ...]]:
    """Give each builder that asks the best waiting build that it fits, each build to one of them.

    One claim for each request, in their order. A builder that is not CLEAN (after what its request
    says has been recorded), not dispatchable or holds an attempt gets no order. With an order the
    builder is DIRTY, the build BUILDING, the attempt CLAIMED. `web_url` as in `open_orders`.
    Raises StaleState after another epoch has begun.
    """
    require_current(store, epoch)
    released = release_due(store, now)
    changes: list[Change] = []
    asking, free = _asking(store, epoch, requests, now, changes)
    chosen = _chosen(store, free)
    taken: list[tuple[BuilderSnapshot, int | None]] = []
    for one in asking:
        candidate = chosen.pop(one.id, None)
        if candidate is None:
            taken.append((one, None))
            continue
        attempt_id, given, more = take(store, epoch, one, candidate.build_id, now)
        taken.append((given, attempt_id))
        changes += more
    record(store, now, changes)
    orders = orders_of(store, [one for _, one in taken if one is not None], web_url)
    claims = [Claim(one, None if held is None else orders[held]) for one, held in taken]
    return Committed(tuple(claims), released.announcements)


def _chosen(store: Any, free: Sequence[BuilderSnapshot]) -> dict[int, Candidate]:
    """The build for each of these builders that gets one, by builder id."""
    waiting = tops(store) if free else []
    of_kind: dict[tuple[Any, ...], frozenset[int]] = {}
    fitting = {}
    for one in free:
        kind = kind_of(one)
        if kind not in of_kind:
            of_kind[kind] = frozenset(asked.id for asked, _ in waiting if fits(one, asked))
        fitting[one.id] = of_kind[kind]
    wanted = frozenset().union(*of_kind.values())
    return assigned(fitting, [from_top(store, top) for asked, top in waiting if asked.id in wanted])


def _asking(
    store: Any,
    epoch: Epoch,
    requests: Sequence[ClaimRequest],
    now: datetime,
    changes: list[Change],
) -> tuple[list[BuilderSnapshot], list[BuilderSnapshot]]:
    """The builders that ask, in their order, and those of them that can be given a build.

    Each is CLEAN if its request says so and it holds nothing; what that changes is added to
    `changes`.
    """
    known = with_occupants(store, [request.builder_id for request in requests])
    for request in requests:
        one, occupant = known[request.builder_id]
        unclean = one.clean_status is not CleanStatus.CLEAN
        if request.becomes_clean and unclean and occupant is None:
            clean = {"clean_status": CleanStatus.CLEAN, "reset_output": request.reset_output}
            cleaned, change = change_condition(store, epoch, one, "it was cleaned", now, **clean)
            known[one.id] = cleaned, None
            changes.append(change)
    free = [
        one
        for one, occupant in known.values()
        if occupant is None and one.dispatchable and one.clean_status is CleanStatus.CLEAN
    ]
    return [known[request.builder_id][0] for request in requests], free


def mark_sent(store: Any, epoch: Epoch, attempt_id: int, now: datetime) -> Committed[None]:
    """Record that `build` is about to go on the wire. StaleState unless the attempt is CLAIMED."""
    row = _SENT.one(store, now=now, attempt_id=attempt_id, epoch=epoch.number)
    if row is None:
        raise StaleState(f"Attempt {attempt_id} is not CLAIMED any more: it must not be sent.")
    reason = "`build` is sent to the builder"
    record(store, now, [Change(Place(*row), reason, AttemptState.CLAIMED, AttemptState.SENT)])
    return Committed(None)


def record_progress(
    store: Any, epoch: Epoch, notes: Sequence[ProgressNote], now: datetime
) -> Committed[None]:
    """Write what has become known of running builds; skips attempts that have moved on."""
    changes: list[Change] = []
    for note in notes:
        row = _PLACE.one(store, attempt_id=note.attempt_id, epoch=epoch.number)
        if row is not None:
            changes += _noted(store, epoch, note, Place(*row))
    record(store, now, changes)
    return Committed(None)


def _noted(store: Any, epoch: Epoch, note: ProgressNote, place: Place) -> list[Change]:
    changes = []
    if note.confirmed is not None:
        result = _CONFIRMED.run(
            store, confirmed=note.confirmed, attempt_id=note.attempt_id, epoch=epoch.number
        )
        if result.rowcount:
            reason = "the builder confirmed the build"
            changes.append(Change(place, reason, AttemptState.SENT, AttemptState.CONFIRMED))
    if note.gathering:
        result = _GATHERING.run(store, build_id=place.build_id, number=place.attempt)
        if result.rowcount:
            reason = "log and results are being fetched"
            changes.append(Change(place, reason, BuildState.BUILDING, BuildState.GATHERING))
    if note.logtail is not None:
        _LOGTAIL.run(store, logtail=note.logtail, build_id=place.build_id)
    return changes


def settle(
    store: Any, epoch: Epoch, settlement: Settlement, now: datetime
) -> Committed[BuilderSnapshot | None]:
    """Apply a verdict whole, with its events; the builder as it is now, if it concerns one.

    What the database knows of a cancel or a newer version by now is taken into account. Raises
    StaleState where the attempt has moved on, another epoch has begun or a transition is not
    allowed.
    """
    require_current(store, epoch)
    changes: list[Change] = []
    announcements: tuple[Announcement, ...] = ()
    match settlement.job:
        case JobSettlement() as job:
            found = held(store, epoch, job.attempt_id)
            settlement = as_asked(settlement, found.cancelling, found.superseded)
            assert isinstance(settlement.job, JobSettlement)
            changes, announcements = end_job(
                store, epoch, found, settlement.job, settlement.reason, now
            )
        case JobWarning() as warning:
            changes = warn_job(store, epoch, warning, settlement.reason)
    settled = None
    if settlement.builder is not None:
        announcements += _told_of_builder(store, settlement, now)
        settled, change = settle_builder(store, epoch, settlement.builder, settlement.reason, now)
        changes.append(change)
    record(store, now, changes)
    return Committed(settled, announcements)


def _told_of_builder(store: Any, settlement: Settlement, now: datetime) -> tuple[Announcement, ...]:
    """A notice of a builder that is about to be taken out, with the build that it had."""
    verdict, job = settlement.builder, settlement.job
    if verdict is None or verdict.builderok is not False:
        return ()
    if not builder(store, verdict.builder_id).builderok:
        return ()
    build_id = None
    if job is not None:
        its = Select(Attempt.build_id, Attempt.id == job.attempt_id)
        (build_id,) = store.execute(its).get_one()
    reason = verdict.failnotes or settlement.reason
    tell(store, now, NewsKind.BUILDER_FAILED, Place(build_id, None, verdict.builder_id), reason)
    return ARRIVED


def attempts_of(store: Any, build_id: int) -> tuple[AttemptSnapshot, ...]:
    """Every attempt of a build, in their order."""
    rows = store.execute(
        Select(
            ATTEMPT.columns,
            Attempt.build_id == build_id,
            [Attempt, Join(Builder, Builder.id == Attempt.builder_id)],
            order_by=Attempt.number,
        )
    ).get_all()
    return tuple(ATTEMPT.read(row) for row in rows)
