"""`/`: the farm at a glance.

Layer 5. Tests: tests/functional/statuspage.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from buildfarm.statuspage.answers import Answer, View
from buildfarm.statuspage.live import Live
from buildfarm.statuspage.overview import WANTED, Group, Overview, Row, overview
from buildfarm.statuspage.paging import address, page_number, part
from buildfarm.statuspage.routes import Visit
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import private_seen
from buildfarm.vocab.glance import Doing
from buildfarm.vocab.names import is_name

_KINDS = {"virtual": True, "real": False}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What the list of builders is narrowed to; empty texts do not."""

    state: str = ""
    processor: str = ""
    kind: str = ""
    name: str = ""

    def fits(self, row: Row) -> bool:
        """Whether the list has this builder."""
        builder = row.builder
        return (
            (not self.state or WANTED[self.state](row))
            and (not self.processor or self.processor in builder.processors)
            and (not self.kind or builder.virtualized is _KINDS[self.kind])
            and self.name in builder.name
        )

    def address(self, page: int = 1) -> str:
        """Where a page of this list is."""
        chosen = {"state": self.state, "processor": self.processor, "kind": self.kind}
        return address("/", **chosen, name=self.name, page=page if page > 1 else "")


def narrowing(query: Mapping[str, str]) -> Narrowing:
    """What an address narrows the list to; what could be nothing is left out."""
    state, kind = query.get("state", ""), query.get("kind", "")
    processor, name = query.get("processor", ""), query.get("name", "").strip().lower()
    return Narrowing(
        state if state in WANTED else "",
        processor if is_name(processor) else "",
        kind if kind in _KINDS else "",
        name if is_name(name) else "",
    )


def _group_address(group: Group) -> str:
    """The list of the builders of one kind."""
    return Narrowing("", group.processor, "virtual" if group.virtualized else "real").address()


class Index:
    """The page; `snapshots` has what it shows."""

    def __init__(
        self,
        storage: Transactor,
        snapshots: Snapshots,
        live: Live,
        utc_now: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._snapshots = snapshots
        self._live = live
        self._utc_now = utc_now

    async def show(self, visit: Visit) -> Answer:
        """The page."""
        seen = private_seen(visit.visitor)
        found = await self._snapshots.get(("overview", seen), lambda: self._read(seen))
        wanted, number = narrowing(visit.query), page_number(visit.query)
        listed = part([row for row in found.rows if wanted.fits(row)], number)
        values = {
            "farm": found,
            "wanted": wanted,
            "words": list(WANTED),
            "part": listed,
            "pauses": self._live.pauses(),
            "doing": Doing,
            "group_address": _group_address,
            "processors": sorted({group.processor for group in found.groups}),
        }
        version = found.time, wanted, listed.number, bool(values["pauses"])
        return View("index.html", values, version=version)

    async def _read(self, seen: frozenset[str] | None) -> Overview:
        troubles = dict(self._live.troubles())
        return await self._storage.read(overview, seen, self._utc_now(), troubles)
