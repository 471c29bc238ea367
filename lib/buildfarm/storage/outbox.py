"""The outbox: notices written with what they tell, bundled into deliveries, and what became of it.

Whoever records a failure calls `tell` in the same act. `address` gives what is new to the
deliveries of whoever is to know; `begin` counts a try before it is made, so that a manager that
is killed in the middle of it tries again later, under the same key.

Layer 3. Tests: tests/unit/storage/test_outbox.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from storm.expr import (
    Add,
    And,
    Asc,
    Count,
    Delete,
    Desc,
    Exists,
    Insert,
    Max,
    Min,
    Not,
    Select,
    Update,
)

from buildfarm.storage.acts import Committed, require_one
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.mailaddresses import address_of_requester
from buildfarm.storage.newstables import IS_NEW, IS_WAITING, Delivery, DeliveryNotice, Notice
from buildfarm.storage.noticerows import (
    NOTICE_COLUMNS,
    NOTICE_TABLES,
    deliveries_where,
    notices_of,
    read_notice,
)
from buildfarm.storage.rows import time_of
from buildfarm.storage.statements import Statement, inserting
from buildfarm.verdicts.news import hides_build, wants
from buildfarm.vocab import news
from buildfarm.vocab.announcements import NewsArrived
from buildfarm.vocab.errors import StaleState
from buildfarm.vocab.news import DeliveryState, NewsKind, Receiver, mail_receiver
from buildfarm.vocab.secrets import without_secrets
from buildfarm.vocab.states import BuildState

#: What every act that tells something announces.
ARRIVED = (NewsArrived(),)

#: Notices times receivers that one act addresses at most: some 30 ms, in which nothing else is
#: written.
ADDRESSED_AT_ONCE = 200

_INSERT = Statement(
    inserting(
        Notice, "time", "kind", "reason", "state", "builder_id", "build_id", "attempt", "addressed"
    )
)


def tell(
    store: Any,
    now: datetime,
    kind: NewsKind,
    place: Place,
    reason: str,
    state: BuildState | None = None,
) -> None:
    """Write a notice of what this act has just recorded; the act announces `ARRIVED`."""
    _INSERT.run(
        store,
        time=now,
        kind=kind.value,
        reason=without_secrets(reason),
        state=None if state is None else state.value,
        builder_id=place.builder_id,
        build_id=place.build_id,
        attempt=place.attempt,
        addressed=False,
    )


def address(
    store: Any, receivers: Sequence[Receiver], requesters: Receiver | None, now: datetime
) -> Committed[int]:
    """Give what is new to the deliveries of those who want it; how many notices that were.

    `requesters` is what a build's requester is as a receiver, but for the name; None where they are
    not told. What nobody wants is addressed as well, to nobody. The more receivers there are, the
    fewer notices at once.
    """
    most = max(1, ADDRESSED_AT_ONCE // (len(receivers) + 1))
    select = Select(NOTICE_COLUMNS, IS_NEW, NOTICE_TABLES, order_by=Asc(Notice.id), limit=most)
    found = [read_notice(row) for row in store.execute(select).get_all()]
    for notice in found:
        told = {one.name: one for one in receivers if wants(one, notice)}
        if requesters is not None and wants(requesters, notice):
            mail = address_of_requester(store, notice)
            if mail is not None:
                told.setdefault(mail_receiver(mail), replace(requesters, name=mail_receiver(mail)))
        for receiver in told.values():
            _add(store, receiver, notice.id, now)
    if found:
        these = Notice.id.is_in([notice.id for notice in found])
        store.execute(Update({Notice.addressed: True}, these), noresult=True)
    return Committed(len(found))


def _add(store: Any, receiver: Receiver, notice_id: int, now: datetime) -> None:
    """Put a notice into the delivery that still gathers, or into a new one."""
    its = Delivery.receiver == receiver.name
    columns = (Delivery.id, Delivery.planned, Delivery.tries)
    row = store.execute(Select(columns, its, order_by=Desc(Delivery.id), limit=1)).get_one()
    due = now + timedelta(seconds=receiver.gather)
    if row is not None:
        delivery_id, planned, tries = row[0], time_of(row[1]), row[2]
        if planned <= now:
            due = max(due, planned + timedelta(seconds=receiver.interval))
        elif not tries and _count(store, delivery_id) < receiver.most:
            _link(store, delivery_id, notice_id)
            return
    values = {
        Delivery.receiver: receiver.name,
        Delivery.state: DeliveryState.WAITING.value,
        Delivery.created: now,
        Delivery.planned: due,
        Delivery.due: due,
        Delivery.tries: 0,
    }
    store.execute(Insert(values), noresult=True)
    (delivery_id,) = store.execute(Select(Max(Delivery.id), its)).get_one()
    _link(store, delivery_id, notice_id)


def _count(store: Any, delivery_id: int) -> int:
    mine = DeliveryNotice.delivery_id == delivery_id
    (count,) = store.execute(Select(Count(), mine, [DeliveryNotice])).get_one()
    return int(count)


def _link(store: Any, delivery_id: int, notice_id: int) -> None:
    row = {DeliveryNotice.delivery_id: delivery_id, DeliveryNotice.notice_id: notice_id}
    store.execute(Insert(row), noresult=True)


def due(store: Any, now: datetime, limit: int) -> tuple[tuple[int, str], ...]:
    """The oldest delivery that is due, by id, of each receiver that has one, with the receiver."""
    select = Select(
        (Min(Delivery.id), Delivery.receiver),
        And(IS_WAITING, Delivery.due <= now),
        [Delivery],
        group_by=Delivery.receiver,
        order_by=Min(Delivery.id),
        limit=limit,
    )
    return tuple((row[0], row[1]) for row in store.execute(select).get_all())


def next_due(store: Any, after: datetime) -> datetime | None:
    """When the next delivery is due that is not due at `after`."""
    select = Select(Min(Delivery.due), And(IS_WAITING, Delivery.due > after), [Delivery])
    time: datetime | None = time_of(store.execute(select).get_one()[0])
    return time


def deliveries_waiting(store: Any) -> int:
    """How many deliveries are to be tried, now or later."""
    return int(store.execute(Select(Count(), IS_WAITING, [Delivery])).get_one()[0])


def has_new(store: Any) -> bool:
    """Whether there are notices that are not addressed."""
    return store.execute(Select(Notice.id, IS_NEW, [Notice], limit=1)).get_one() is not None


def begin(
    store: Any, delivery_id: int, next_try: datetime, private: bool, now: datetime
) -> Committed[news.Delivery]:
    """Count a try that is about to be made; the delivery with the notices that may be told now.

    These are all where the receiver may know of `private` archives: an archive may have become one
    since it was addressed. It is due again at `next_try`, unless what becomes of this try is
    recorded before. Raises StaleState where it is not due any more.
    """
    _write(store, delivery_id, {Delivery.due: next_try, Delivery.tries: Add(Delivery.tries, 1)})
    found = delivery(store, delivery_id)
    told = tuple(one for one in found.notices if private or _may_tell(store, found.receiver, one))
    untold = len(found.notices) - len(told)
    return Committed(replace(found, notices=told, count=found.count - untold))


def _may_tell(store: Any, receiver: str, notice: news.Notice) -> bool:
    """Whether a receiver that may not know of private archives may know this, or has asked for it.

    Who has asked for a build is told of it by mail, as long as they may see it.
    """
    if not hides_build(notice):
        return True
    mail = address_of_requester(store, notice)
    return mail is not None and receiver == mail_receiver(mail)


def end(
    store: Any, delivery_id: int, state: DeliveryState, error: str | None, now: datetime
) -> Committed[None]:
    """Record that a delivery was taken, or that it is given up; the latter is an event, too."""
    values = {Delivery.state: state.value, Delivery.last_error: error, Delivery.ended: now}
    _write(store, delivery_id, values)
    if state is DeliveryState.GIVEN_UP:
        (receiver,) = store.execute(Select(Delivery.receiver, Delivery.id == delivery_id)).get_one()
        reason = f"news for {receiver} were given up (delivery {delivery_id}): {error}"
        record(store, now, [Change(Place(), reason)])
    return Committed(None)


def postpone(store: Any, delivery_id: int, error: str, next_try: datetime) -> Committed[None]:
    """Record why a try has failed, and when the next one is due."""
    _write(store, delivery_id, {Delivery.due: next_try, Delivery.last_error: error})
    return Committed(None)


def _write(store: Any, delivery_id: int, values: dict[Any, Any]) -> None:
    this = And(Delivery.id == delivery_id, IS_WAITING)
    require_one(store.execute(Update(values, this)), f"delivery {delivery_id} was to be made")


def forgo(store: Any, reason: str, now: datetime) -> None:
    """Tell nobody of what waits to be told, in an act that records `reason` itself."""
    given_up = {
        Delivery.state: DeliveryState.GIVEN_UP.value,
        Delivery.last_error: reason,
        Delivery.ended: now,
    }
    store.execute(Update(given_up, IS_WAITING, Delivery), noresult=True)
    store.execute(Update({Notice.addressed: True}, IS_NEW, Notice), noresult=True)


def delivery(store: Any, delivery_id: int) -> news.Delivery:
    """The delivery of this id, with its notices. Raises StaleState where there is none."""
    found = deliveries_where(store, Delivery.id == delivery_id, order=Asc(Delivery.id), limit=1)
    if not found:
        raise StaleState(f"There is no delivery {delivery_id}.")
    return replace(found[0], notices=notices_of(store, delivery_id))


def deliveries(store: Any, every: bool, limit: int) -> tuple[news.Delivery, ...]:
    """The latest deliveries, newest first: those that wait, or every one that is still known."""
    where = () if every else (IS_WAITING,)
    return deliveries_where(store, Delivery.id > 0, *where, order=Desc(Delivery.id), limit=limit)


def forget_news(store: Any, before: datetime, limit: int) -> Committed[int]:
    """Remove deliveries that ended before `before`, and notices that are in none; how many.

    At most `limit` of either. What waits is not removed: it is given up first.
    """
    old = [
        row[0]
        for row in store.execute(
            Select(Delivery.id, Delivery.ended < before, [Delivery], limit=limit)
        ).get_all()
    ]
    if old:
        store.execute(Delete(DeliveryNotice.delivery_id.is_in(old), DeliveryNotice), noresult=True)
        store.execute(Delete(Delivery.id.is_in(old), Delivery), noresult=True)
    linked = Exists(Select(1, DeliveryNotice.notice_id == Notice.id, [DeliveryNotice]))
    unlinked = And(Notice.time < before, Notice.addressed == True, Not(linked))  # noqa: E712
    some = [
        row[0]
        for row in store.execute(Select(Notice.id, unlinked, [Notice], limit=limit)).get_all()
    ]
    if some:
        store.execute(Delete(Notice.id.is_in(some), Notice), noresult=True)
    return Committed(max(len(old), len(some)))
