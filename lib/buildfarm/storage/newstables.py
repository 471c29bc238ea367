"""The tables of the outbox and of dep-waits as Storm sees them; see `storage.tables`.

Layer 3. The tables themselves are made by `storage.patches.patch_3`. Tests:
tests/unit/storage/test_schema.py.
"""

from storm.expr import SQLRaw
from storm.properties import Bool, DateTime, Int, Unicode


class Notice:
    """What has happened; `vocab.news.Notice`. Not `addressed`: nobody is told of it yet."""

    __storm_table__ = "notice"
    id = Int(primary=True)
    time = DateTime()
    kind = Unicode()
    reason = Unicode()
    state = Unicode()
    builder_id = Int()
    build_id = Int()
    attempt = Int()
    addressed = Bool()


class Delivery:
    """`vocab.news.Delivery`. It takes more notices until it is `due` first, which is `planned`."""

    __storm_table__ = "delivery"
    id = Int(primary=True)
    receiver = Unicode()
    state = Unicode()
    created = DateTime()
    planned = DateTime()
    due = DateTime()
    tries = Int()
    last_error = Unicode()
    ended = DateTime()


class DeliveryNotice:
    """That a delivery tells of a notice."""

    __storm_table__ = "delivery_notice"
    id = Int(primary=True)
    delivery_id = Int()
    notice_id = Int()


class DepWait:
    """`vocab.depwait.DepWait`: the latest check of a build, and how often it was tried again."""

    __storm_table__ = "depwait"
    build_id = Int(primary=True)
    dependencies = Unicode()
    tries = Int()
    not_before = DateTime()
    checked = DateTime()
    state = Unicode()
    finding = Unicode()


class DepWaitCheck:
    """`vocab.depwait.Check`: a build is checked once for each `state` of what was looked at."""

    __storm_table__ = "depwait_check"
    id = Int(primary=True)
    build_id = Int()
    time = DateTime()
    state = Unicode()
    looked_at = Unicode()
    finding = Unicode()
    found = Bool()


# The conditions of the partial indexes, literal as in `storage.tables`.

#: The notice has not been given to anybody's deliveries.
IS_NEW = SQLRaw("NOT notice.addressed")

#: The delivery is still to be made.
IS_WAITING = SQLRaw("delivery.state = 'WAITING'")
