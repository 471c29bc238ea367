"""The pages of people over HTTP, with a database and a clock of the test's own."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from buildfarm.identity.exchange import Exchange
from buildfarm.identity.gate import Gate
from buildfarm.identity.logins import Logins
from buildfarm.identity.secrets import NewSecret
from buildfarm.statuspage.authorize import AuthorizePage
from buildfarm.statuspage.login import LoginPages
from buildfarm.statuspage.rendering import Renderer
from buildfarm.statuspage.routes import Route, Routes
from buildfarm.statuspage.site import PagesResource, PeopleRoot
from buildfarm.statuspage.statics import PATH, Statics
from buildfarm.statuspage.templates import make_environment
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.people import TokenKind
from tests.functional.filestore.listeners import Answer, ListenerTestCase, send_form
from tests.unit.identity.cases import IdentityTestCase

HOUR = timedelta(hours=1)

_WORD = re.compile(rb'name="csrf" value="([0-9a-f]{64})"')


class PeoplePagesTestCase(IdentityTestCase, ListenerTestCase):
    """`cookie` is what the browser has after it has logged in."""

    def setUp(self) -> None:
        super().setUp()
        self.cookie = ""
        self.exchange = Exchange(self.clock.seconds, self.storage, self.now)
        logins = Logins(self.storage, self.doorkeeper, 24 * HOUR, self.now)
        statics = Statics()
        routes = [
            Route(PATH + "{name}", statics.show),
            *LoginPages(logins).routes,
            *AuthorizePage(self.exchange).routes,
        ]
        renderer = Renderer(self.reactor, make_environment(statics.url))
        gate = Gate(self.doorkeeper, ())
        pages = PagesResource(self.reactor, gate, renderer, Routes(routes))
        self.port = self.listen(PeopleRoot(pages))

    def link(self, level: AccessLevel = AccessLevel.ADMINISTER, person: str = "ann") -> NewSecret:
        """A link that is good for an hour."""
        return self.issue(TokenKind.LOGIN, level, person, expires=self.now() + HOUR)

    async def look(self, path: str, **headers: str) -> Answer:
        """The page, as this browser sees it."""
        if self.cookie:
            headers["cookie"] = self.cookie
        return await self.get(self.port, path, **headers)

    async def post(self, path: str, more: dict[str, str] | None = None, **form: str) -> Answer:
        """Post a form from this browser."""
        return await self.clients.run(
            send_form, self.port, path, urlencode(form), self.cookie, more
        )

    async def log_in(self, **details: Any) -> Answer:
        """Log in with a new link."""
        answer = await self.post("/+login", link=self.link(**details).joined)
        self.assertEqual(303, answer.status)
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    async def word(self, path: str = "/+login") -> str:
        """The word of the forms of this session."""
        found = _WORD.search((await self.look(path)).body)
        assert found is not None
        return found[1].decode()
