"""Rows of notices and deliveries in, values of `vocab.news` out.

Layer 3. Tests: tests/unit/storage/test_outbox.py.
"""

from typing import Any

from storm.expr import And, Asc, Count, Join, LeftJoin, Select

from buildfarm.storage.newstables import Delivery, DeliveryNotice, Notice
from buildfarm.storage.rows import optional, time_of
from buildfarm.storage.tables import Archive, Build, Builder, Farm
from buildfarm.vocab import news
from buildfarm.vocab.news import BuildInNews, DeliveryState, NewsKind
from buildfarm.vocab.states import BuildState

#: Notices of a delivery that are read; of the others only the number is told.
SHOWN = 100

#: A notice with what it is about.
NOTICE_COLUMNS = (
    Notice.id,
    Notice.time,
    Notice.kind,
    Notice.reason,
    Notice.state,
    Builder.name,
    Notice.attempt,
    Build.id,
    Build.source,
    Build.version,
    Build.architecture,
    Archive.name,
    Build.suite,
    Build.requester,
    Archive.private,
)

NOTICE_TABLES = (
    Notice,
    LeftJoin(Builder, Builder.id == Notice.builder_id),
    LeftJoin(Build, Build.id == Notice.build_id),
    LeftJoin(Archive, Archive.id == Build.archive_id),
)

_DELIVERY = (
    Delivery.id,
    Farm.database_id,
    Delivery.receiver,
    Delivery.state,
    Delivery.created,
    Delivery.due,
    Delivery.tries,
    Delivery.last_error,
    Delivery.ended,
)


def read_notice(row: Any) -> news.Notice:
    """The notice of a row of `NOTICE_COLUMNS`."""
    number, time, kind, reason, state, builder, attempt, build_id, *rest = row
    rest[-1] = bool(rest[-1])
    build = None if build_id is None else BuildInNews(build_id, *rest)
    return news.Notice(
        number,
        time_of(time),
        NewsKind(kind),
        reason,
        optional(BuildState)(state),
        builder,
        attempt,
        build,
    )


def notices_of(store: Any, delivery_id: int) -> tuple[news.Notice, ...]:
    """The first notices of a delivery, at most `SHOWN`."""
    select = Select(
        NOTICE_COLUMNS,
        DeliveryNotice.delivery_id == delivery_id,
        [*NOTICE_TABLES, Join(DeliveryNotice, DeliveryNotice.notice_id == Notice.id)],
        order_by=Asc(Notice.id),
        limit=SHOWN,
    )
    return tuple(read_notice(row) for row in store.execute(select).get_all())


def deliveries_where(store: Any, *where: Any, order: Any, limit: int) -> tuple[news.Delivery, ...]:
    """Deliveries that fulfil all of `where`, each with its number of notices, without these."""
    select = Select(_DELIVERY, And(*where), [Delivery, Farm], order_by=order, limit=limit)
    return tuple(_read(store, row) for row in list(store.execute(select).get_all()))


def _read(store: Any, row: Any) -> news.Delivery:
    number, database_id, receiver, state, created, due, tries, last_error, ended = row
    mine = DeliveryNotice.delivery_id == number
    (count,) = store.execute(Select(Count(), mine, [DeliveryNotice])).get_one()
    return news.Delivery(
        number,
        f"news-{database_id[:8]}-{number}",
        receiver,
        DeliveryState(state),
        time_of(created),
        time_of(due),
        tries,
        last_error,
        time_of(ended),
        count,
    )
