"""What a database must forget when it is restored from a backup.

Builders have gone on since the backup was taken: what they run now is nobody's that this database
could know. So nothing that it believed of them is kept, and its cookies begin anew.

Layer 3. Tests: tests/unit/storage/test_restore.py.
"""

import secrets
from datetime import datetime
from typing import Any

from storm.expr import And, Insert, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.epochs import begin_epoch
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.outbox import forgo
from buildfarm.storage.settlements import held, lose_job
from buildfarm.storage.tables import IS_ON_BUILDER, Attempt, Builder, Farm
from buildfarm.vocab.states import CleanStatus

_REASON = "the database was restored from a backup"


def new_database_id() -> str:
    """Eight random hexadecimal digits, which end every cookie of a database."""
    return secrets.token_hex(4)


def name_farm(store: Any) -> None:
    """Give a database that has just been made its first id."""
    farm = {Farm.id: 1, Farm.database_id: new_database_id(), Farm.epoch: 0}
    store.execute(Insert(farm), noresult=True)


def renew(store: Any, database_id: str, now: datetime) -> Committed[int]:
    """Make a copy of an older database into the farm's: how many attempts were given up.

    Its id is new. Attempts that were on a builder are closed as LOST and their builds wait again;
    every builder is DIRTY. News that waited is not told: most of it was, and it is old. Results
    that had been gathered stay due for their upload: they are in the spool, or the upload says that
    they are gone.
    """
    epoch = begin_epoch(store).value
    store.execute(Update({Farm.database_id: database_id}, Farm.id == 1), noresult=True)
    changes: list[Change] = []
    lost = store.execute(Select(Attempt.id, IS_ON_BUILDER, Attempt)).get_all()
    for (attempt_id,) in lost:
        more, _ = lose_job(store, held(store, epoch, attempt_id), _REASON, now)
        changes += more
    believed = And(Builder.active == True, Builder.clean_status != CleanStatus.DIRTY.value)  # noqa: E712
    for builder_id, status in store.execute(
        Select((Builder.id, Builder.clean_status), believed)
    ).get_all():
        dirty = {
            Builder.clean_status: CleanStatus.DIRTY.value,
            Builder.date_clean_status_changed: now,
        }
        store.execute(Update(dirty, Builder.id == builder_id), noresult=True)
        place = Place(builder_id=builder_id)
        changes.append(Change(place, _REASON, CleanStatus(status), CleanStatus.DIRTY))
    forgo(store, _REASON, now)
    record(store, now, changes)
    return Committed(len(lost))
