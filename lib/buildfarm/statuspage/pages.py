"""Every page of the site, in one table; built and wired here.

Layer 5. Tests: tests/functional/statuspage.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from buildfarm.identity.exchange import Exchange
from buildfarm.identity.gate import Gate
from buildfarm.identity.logins import Logins
from buildfarm.statuspage.authorize import AuthorizePage
from buildfarm.statuspage.buildacts import BuildActs
from buildfarm.statuspage.builderacts import BuilderActs
from buildfarm.statuspage.builderpage import BuilderPages
from buildfarm.statuspage.builds import Builds
from buildfarm.statuspage.changes import Changes
from buildfarm.statuspage.changestream import ChangeStreams
from buildfarm.statuspage.fixedpages import show_help, show_robots
from buildfarm.statuspage.index import Index
from buildfarm.statuspage.live import Live
from buildfarm.statuspage.login import LoginPages
from buildfarm.statuspage.queuepage import QueuePages
from buildfarm.statuspage.rendering import Renderer
from buildfarm.statuspage.routes import Route, Routes
from buildfarm.statuspage.sampler import Sampler
from buildfarm.statuspage.searchpage import SearchPage
from buildfarm.statuspage.site import PagesResource, PeopleRoot
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.statuspage.statics import PATH, Statics
from buildfarm.statuspage.templates import make_environment
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement, PeopleChanged

#: Pages that are read from the database at once: the others' queries have threads left.
_READING = 2


class StatusPages:
    """The pages of a running farm; `root` is where they are, and other resources may be put."""

    def __init__(
        self,
        reactor: Any,
        storage: Transactor,
        gate: Gate,
        utc_now: Callable[[], datetime],
        live: Live,
        *,
        logins: Logins,
        exchange: Exchange,
        builds: Builds,
    ) -> None:
        statics = Statics()
        renderer = Renderer(reactor, make_environment(statics.url))
        snapshots = self._snapshots = Snapshots(reactor, at_once=_READING)
        index = Index(storage, snapshots, live, utc_now)
        builders = BuilderPages(storage, snapshots, live, utc_now)
        self._changes = ChangeStreams(reactor, gate, Changes(reactor, storage))

        def forget() -> None:
            snapshots.forget()
            builds.forget()

        routes = [
            Route("/", index.show),
            *self._changes.routes,
            Route("/builders/{name}", builders.show),
            *BuilderActs(storage, snapshots, utc_now).routes,
            *BuildActs(storage, forget, utc_now).routes,
            Route("/queue", QueuePages(storage, snapshots, utc_now).show),
            Route("/search", SearchPage(storage, snapshots).show),
            Route("/+help", show_help),
            Route("/robots.txt", show_robots),
            Route(PATH + "{name}", statics.show),
            *LoginPages(logins).routes,
            *AuthorizePage(exchange).routes,
            *builds.routes,
        ]
        self.root = PeopleRoot(PagesResource(reactor, gate, renderer, Routes(routes)))
        self._builds = builds
        self._sampler = Sampler(reactor, storage, utc_now)

    @property
    def viewers(self) -> int:
        """How many follow what changes."""
        return self._changes.viewers

    @property
    def being_made(self) -> int:
        """How many pages are being made."""
        return self._snapshots.being_made

    def publish(self, announcement: Announcement) -> None:
        """Take note of what an act has announced."""
        if isinstance(announcement, PeopleChanged):
            self._changes.doubt()

    def start(self) -> None:
        """Begin to take samples for the chart."""
        self._sampler.start()

    async def stop(self, deadline: float) -> None:
        """Take no more samples, and end what viewers follow, the slow ones last."""
        self._sampler.stop()
        await self._builds.stop()
        await self._changes.stop()
