"""Waits for a time so far off that a clock was wrong when it was written.

Times in the database are wall time. One that was written while the machine's clock was days ahead
would hold a build or an upload back for days after the clock was put right.

Layer 3. Tests: tests/unit/storage/test_waits.py.
"""

from datetime import datetime
from typing import Any

from storm.expr import And, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.tables import AWAITS_UPLOAD, Attempt, Queue
from buildfarm.vocab.announcements import Announcement, UploadWaiting, WorkArrived
from buildfarm.vocab.states import QueueState


def end_waits_beyond(store: Any, horizon: datetime) -> Committed[int]:
    """Let what waits for a time after `horizon` wait for none any more; how many that were."""
    told: list[Announcement] = []
    far = Queue.not_before > horizon
    held = tuple(row[0] for row in store.execute(Select(Queue.requirement_id, far)).get_all())
    if held:
        free = {Queue.state: QueueState.WAITING.value, Queue.not_before: None}
        store.execute(Update(free, far, Queue), noresult=True)
        told.append(WorkArrived(held))
    far = And(AWAITS_UPLOAD, Attempt.next_try > horizon)
    postponed = [row[0] for row in store.execute(Select(Attempt.build_id, far)).get_all()]
    if postponed:
        store.execute(Update({Attempt.next_try: None}, far, Attempt), noresult=True)
        told += map(UploadWaiting, postponed)
    return Committed(len(held) + len(postponed), tuple(told))
