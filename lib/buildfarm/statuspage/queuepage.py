"""`/queue`: what waits, in the order in which it is dispatched, with when it will probably start.

Layer 5. Tests: tests/functional/statuspage.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from buildfarm.statuspage.answers import Answer, View
from buildfarm.statuspage.forecast import starts
from buildfarm.statuspage.paging import SIZE, Part, address, page_number
from buildfarm.statuspage.routes import Visit
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.storage.queuepages import QueuePage, queue_page
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import private_seen
from buildfarm.vocab.names import is_name


class QueuePages:
    """The page, and further ones."""

    def __init__(
        self, storage: Transactor, snapshots: Snapshots, utc_now: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._snapshots = snapshots
        self._utc_now = utc_now

    async def show(self, visit: Visit) -> Answer:
        """The part of the queue that is asked for."""
        seen, number = private_seen(visit.visitor), page_number(visit.query)
        processor = visit.query.get("processor", "")
        processor = processor if is_name(processor) else ""
        start = (number - 1) * SIZE
        found, when = await self._snapshots.get(
            ("queue", processor, number, seen),
            lambda: self._storage.read(_read, seen, self._utc_now(), processor, start),
        )
        number = min(number, max(1, -(-found.total // SIZE)))
        values = {
            "page": found,
            "part": Part(list(zip(found.lines, when, strict=True)), number, found.total),
            "processor": processor,
            "processors": sorted({one.processor for one in found.requirements}),
            "address": partial(_address, processor),
        }
        return View("queue.html", values, version=(found.time, processor, number))


def _read(
    store: object, seen: frozenset[str] | None, now: datetime, processor: str, start: int
) -> tuple[QueuePage, list[float | None]]:
    page = queue_page(store, seen, now, processor, start, SIZE)
    return page, starts(page)


def _address(processor: str, page: int) -> str:
    return address("/queue", processor=processor, page=page if page > 1 else "")
