"""Every page of the site, in one table; built and wired here.

Layer 5. Tests: tests/functional/statuspage.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from buildfarm.identity.exchange import Exchange
from buildfarm.identity.gate import Gate
from buildfarm.identity.logins import Logins
from buildfarm.statuspage.answers import Answer, View
from buildfarm.statuspage.authorize import AuthorizePage
from buildfarm.statuspage.live import Live
from buildfarm.statuspage.login import LoginPages
from buildfarm.statuspage.rendering import Renderer
from buildfarm.statuspage.routes import Route, Routes, Visit
from buildfarm.statuspage.site import PagesResource, PeopleRoot
from buildfarm.statuspage.statics import PATH, Statics
from buildfarm.statuspage.templates import make_environment
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement


class Index:
    """`/`: the farm at a glance."""

    def __init__(self, storage: Transactor, utc_now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._utc_now = utc_now

    async def show(self, visit: Visit) -> Answer:
        """The page."""
        return View("index.html", {"now": self._utc_now()})


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
    ) -> None:
        statics = Statics()
        renderer = Renderer(reactor, make_environment(statics.url))
        index = Index(storage, utc_now)
        routes = [
            Route("/", index.show),
            Route(PATH + "{name}", statics.show),
            *LoginPages(logins).routes,
            *AuthorizePage(exchange).routes,
        ]
        self.root = PeopleRoot(PagesResource(gate, renderer, Routes(routes)))

    def publish(self, announcement: Announcement) -> None:
        """Take note of what an act has announced."""

    async def stop(self, deadline: float) -> None:
        """End what viewers follow."""
