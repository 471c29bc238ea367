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
from buildfarm.statuspage.builds import Builds
from buildfarm.statuspage.index import Index
from buildfarm.statuspage.live import Live
from buildfarm.statuspage.login import LoginPages
from buildfarm.statuspage.rendering import Renderer
from buildfarm.statuspage.routes import Route, Routes
from buildfarm.statuspage.sampler import Sampler
from buildfarm.statuspage.site import PagesResource, PeopleRoot
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.statuspage.statics import PATH, Statics
from buildfarm.statuspage.templates import make_environment
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement


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
        snapshots = Snapshots(reactor)
        index = Index(storage, snapshots, live, utc_now)
        routes = [
            Route("/", index.show),
            Route(PATH + "{name}", statics.show),
            *LoginPages(logins).routes,
            *AuthorizePage(exchange).routes,
            *builds.routes,
        ]
        self.root = PeopleRoot(PagesResource(reactor, gate, renderer, Routes(routes)))
        self._builds = builds
        self._sampler = Sampler(reactor, storage, utc_now)

    def publish(self, announcement: Announcement) -> None:
        """Take note of what an act has announced."""

    def start(self) -> None:
        """Begin to take samples for the chart."""
        self._sampler.start()

    async def stop(self, deadline: float) -> None:
        """Take no more samples, and end what viewers follow."""
        self._sampler.stop()
        await self._builds.stop()
