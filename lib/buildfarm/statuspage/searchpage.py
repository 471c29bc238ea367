"""`/search?q=`: builds by the beginning of their source package's name.

Layer 5. Tests: tests/functional/statuspage.
"""

from buildfarm.statuspage.answers import Answer, View
from buildfarm.statuspage.paging import SIZE, address, page_number
from buildfarm.statuspage.routes import Visit
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.storage.searches import search_builds
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import private_seen
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.names import is_name
from buildfarm.vocab.statewords import STATES

#: Pages that can be looked at: who looks further types more of the name.
_MOST = 100


class SearchPage:
    """The page."""

    def __init__(self, storage: Transactor, snapshots: Snapshots) -> None:
        self._storage = storage
        self._snapshots = snapshots

    async def show(self, visit: Visit) -> Answer:
        """What is found; nothing where the name could be none."""
        typed = visit.query.get("q", "").strip()
        prefix, seen = typed.lower(), private_seen(visit.visitor)
        number = min(page_number(visit.query), _MOST)
        found: tuple[BuildSnapshot, ...] = ()
        if is_name(prefix):
            start = (number - 1) * SIZE
            found = await self._snapshots.get(
                ("search", prefix, number, seen),
                lambda: self._storage.read(search_builds, prefix, seen, start, SIZE + 1),
            )
        values = {
            "typed": typed[:200],
            "is_name": is_name(prefix),
            "builds": found[:SIZE],
            "states": STATES,
            "number": number,
            "earlier": address("/search", q=prefix, page=number - 1) if number > 1 else "",
            "further": (
                address("/search", q=prefix, page=number + 1)
                if len(found) > SIZE and number < _MOST
                else ""
            ),
        }
        return View("search.html", values)
