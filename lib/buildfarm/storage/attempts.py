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

from buildfarm.storage import claims, orders, roster
from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.assignment import assigned
from buildfarm.storage.epochs import Epoch, require_current
from buildfarm.storage.events import Change, record
from buildfarm.storage.queue import release_due, top
from buildfarm.storage.requirements import requirements
from buildfarm.storage.rows import ATTEMPT
from buildfarm.storage.settlements import end_job, held, warn_job
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import IS_ON_BUILDER, Attempt, Build, Builder, Queue
from buildfarm.verdicts.candidates import fits
from buildfarm.verdicts.settling import as_asked
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.build import AttemptSnapshot, BuildOrder
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.progress import ClaimRequest, ProgressNote
from buildfarm.vocab.settlement import JobSettlement, JobWarning, Settlement
from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus

_OCCUPANT = Statement(
    Select(Attempt.id, And(Attempt.builder_id == Parameter("builder_id"), IS_ON_BUILDER))
)

_SENT = Statement(
    Update(
        {Attempt.state: AttemptState.SENT.value, Attempt.sent: Parameter("now")},
        And(
            Attempt.id == Parameter("attempt_id"),
            Attempt.state == AttemptState.CLAIMED.value,
            Attempt.epoch == Parameter("epoch"),
        ),
    )
)

_PLACE = Statement(
    Select(
        (Attempt.build_id, Attempt.number, Attempt.builder_id),
        Attempt.id == Parameter("attempt_id"),
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
    asking = {request.builder_id: _asking(store, epoch, request, now) for request in requests}
    known = requirements(store)
    fitting = {
        builder.id: [one.id for one in known if fits(builder, one)]
        for builder in asking.values()
        if builder.dispatchable and builder.clean_status is CleanStatus.CLEAN
    }
    wanted = {requirement for fitted in fitting.values() for requirement in fitted}
    candidates = [one for requirement in wanted for one in top(store, requirement, len(fitting))]
    chosen = assigned(fitting, candidates)
    answers = tuple(
        _take(store, epoch, builder, chosen[builder.id].build_id, now, web_url)
        if builder.id in chosen
        else Claim(builder, None)
        for builder in asking.values()
    )
    return Committed(answers, released.announcements)


def _asking(store: Any, epoch: Epoch, request: ClaimRequest, now: datetime) -> BuilderSnapshot:
    """The builder of `request`, recorded CLEAN if the request says so and it holds nothing."""
    builder = roster.builder(store, request.builder_id)
    unclean = builder.clean_status is not CleanStatus.CLEAN
    if not request.becomes_clean or not unclean or _occupied(store, builder.id):
        return builder
    return roster.set_clean_status(
        store,
        epoch,
        builder.id,
        builder.clean_status,
        CleanStatus.CLEAN,
        "it was cleaned",
        now,
        reset_output=request.reset_output,
    ).value


def _occupied(store: Any, builder_id: int) -> bool:
    return _OCCUPANT.one(store, builder_id=builder_id) is not None


def _take(
    store: Any,
    epoch: Epoch,
    builder: BuilderSnapshot,
    build_id: int,
    now: datetime,
    web_url: str,
) -> Claim:
    attempt_id = claims.take(store, epoch, builder, build_id, now)
    return Claim(roster.builder(store, builder.id), orders.order_of(store, attempt_id, web_url))


def mark_sent(store: Any, epoch: Epoch, attempt_id: int, now: datetime) -> Committed[None]:
    """Record that `build` is about to go on the wire. StaleState unless the attempt is CLAIMED."""
    result = _SENT.run(store, now=now, attempt_id=attempt_id, epoch=epoch.number)
    require_one(result, f"attempt {attempt_id} was to be sent")
    build_id, number, builder_id = _PLACE.one(store, attempt_id=attempt_id)
    change = Change(
        "`build` is sent to the builder",
        AttemptState.CLAIMED,
        AttemptState.SENT,
        builder_id,
        build_id,
        number,
    )
    record(store, now, [change])
    return Committed(None)


def record_progress(
    store: Any, epoch: Epoch, notes: Sequence[ProgressNote], now: datetime
) -> Committed[None]:
    """Write what has become known of running builds; skips attempts that have moved on."""
    for note in notes:
        row = _PLACE.one(store, attempt_id=note.attempt_id)
        if row is not None and _occupied_by(store, row[2], note.attempt_id):
            record(store, now, _noted(store, epoch, note, *row))
    return Committed(None)


def _occupied_by(store: Any, builder_id: int, attempt_id: int) -> bool:
    occupant = _OCCUPANT.one(store, builder_id=builder_id)
    return occupant is not None and occupant[0] == attempt_id


def _noted(
    store: Any, epoch: Epoch, note: ProgressNote, build_id: int, number: int, builder_id: int
) -> list[Change]:
    place = {"builder_id": builder_id, "build_id": build_id, "attempt": number}
    changes = []
    if note.confirmed is not None:
        result = _CONFIRMED.run(
            store, confirmed=note.confirmed, attempt_id=note.attempt_id, epoch=epoch.number
        )
        if result.rowcount:
            states = AttemptState.SENT, AttemptState.CONFIRMED
            changes.append(Change("the builder confirmed the build", *states, **place))
    if note.gathering and _GATHERING.run(store, build_id=build_id, number=number).rowcount:
        states = BuildState.BUILDING, BuildState.GATHERING
        changes.append(Change("log and results are being fetched", *states, **place))
    if note.logtail is not None:
        _LOGTAIL.run(store, logtail=note.logtail, build_id=build_id)
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
    builder = None
    if settlement.builder is not None:
        builder, change = roster.settle_builder(
            store, epoch, settlement.builder, settlement.reason, now
        )
        changes += change
    record(store, now, changes)
    return Committed(builder, announcements)


def open_orders(store: Any, web_url: str = "") -> dict[int, BuildOrder]:
    """What each builder holds, by builder id: see `orders.open_orders`."""
    return orders.open_orders(store, web_url)


def standing(
    store: Any, builder_id: int, web_url: str = ""
) -> tuple[BuilderSnapshot, BuildOrder | None]:
    """One builder, and what it holds."""
    return roster.builder(store, builder_id), orders.order_of_builder(store, builder_id, web_url)


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
