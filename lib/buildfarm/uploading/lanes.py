"""Which upload goes next: one lane per archive, served in order, one at a time.

Layer 4, no I/O. An archive that is slow or hung fills its own lane and no other's.
Tests: tests/unit/uploading/test_lanes.py.
"""

from collections import deque
from collections.abc import Iterable

from buildfarm.vocab.upload import UploadTask

#: Tasks of one archive that are held in memory; the rest waits in the database.
LANE_LENGTH = 32

#: A lane with as many needs no more yet: reading for every place that becomes free would read
#: all that is due again for each upload.
_ENOUGH = LANE_LENGTH // 2


class Lanes:
    """Uploads that are due, by archive. A build is in at most one place in them."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[UploadTask]] = {}
        self._running: dict[int, UploadTask] = {}

    def add(self, tasks: Iterable[UploadTask]) -> None:
        """Put each task at the end of its archive's lane, unless it is there already."""
        for task in tasks:
            lane = self._waiting.setdefault(task.archive.id, deque())
            running = self._running.get(task.archive.id)
            known = {waiting.build_id for waiting in lane}
            if task.build_id in known or (running and running.build_id == task.build_id):
                continue
            if len(lane) < LANE_LENGTH:
                lane.append(task)

    def begin(self) -> UploadTask | None:
        """The next task of an archive that is not busy, now running; None where there is none."""
        for archive_id, lane in self._waiting.items():
            if lane and archive_id not in self._running:
                task = self._running[archive_id] = lane.popleft()
                # Served archives go to the end, so that all of them get their turn.
                self._waiting[archive_id] = self._waiting.pop(archive_id)
                return task
        return None

    def end(self, task: UploadTask) -> None:
        """`task` is over, one way or another; its archive is free."""
        del self._running[task.archive.id]

    def supplied(self) -> frozenset[int]:
        """Archives (by id) of which enough is held: half a lane."""
        return frozenset(
            archive_id for archive_id, lane in self._waiting.items() if len(lane) >= _ENOUGH
        )

    @property
    def waiting(self) -> int:
        """How many tasks are held and not begun."""
        return sum(map(len, self._waiting.values()))

    @property
    def running(self) -> int:
        """How many uploads are under way."""
        return len(self._running)
