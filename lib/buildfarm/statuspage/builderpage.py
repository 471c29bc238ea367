"""`/builders/NAME`: one builder, its day as a picture, what it was given, what it can be told.

Layer 5. Tests: tests/functional/statuspage.
"""

from collections.abc import Callable
from datetime import datetime

from buildfarm.statuspage.answers import Answer, View, missing
from buildfarm.statuspage.builderacts import offered
from buildfarm.statuspage.live import Live
from buildfarm.statuspage.routes import Visit
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.statuspage.strip import strip
from buildfarm.storage.builderpages import builder_page
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.doing import doing, since
from buildfarm.verdicts.permissions import private_seen
from buildfarm.vocab.names import is_name
from buildfarm.vocab.statewords import OUTCOMES


class BuilderPages:
    """The page of each builder."""

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
        """The page of the builder that the path names."""
        name, seen = visit.places["name"], private_seen(visit.visitor)
        if not is_name(name):
            raise missing("such builder")
        found = await self._snapshots.get(
            ("builder", name, seen),
            lambda: self._storage.read(builder_page, name, seen, self._utc_now()),
        )
        trouble = self._live.troubles().get(found.builder.id)
        values = {
            "page": found,
            "builder": found.builder,
            "job": None if found.glanced is None else found.glanced.job,
            "doing": None if found.glanced is None else doing(found.glanced, trouble),
            "since": None if found.glanced is None else since(found.glanced),
            "trouble": trouble,
            "outcomes": OUTCOMES,
            "strip": strip(found.spans, found.time),
            "acts": offered(visit.visitor, found.builder),
        }
        return View("builder.html", values, version=(found.time, trouble))
