"""The pages of people in a real browser, by keyboard."""

import re

from playwright.sync_api import Page

from buildfarm.farmtesting.browser import Tab
from buildfarm.storage import tokens
from buildfarm.vocab.people import TokenKind
from tests.functional.statuspage.peoplecases import PeoplePagesTestCase


class PeopleSeenTests(PeoplePagesTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.wait_until, self._is_left, 5.0, "the browser to hang up")
        self.tab = await Tab.open(self.reactor)
        self.addCleanup(self.tab.close)

    def _is_left(self) -> bool:
        return not any(
            hasattr(one, "server") and getattr(one.getHost(), "port", 0) == self.port
            for one in self.reactor.getReaders()
        )

    def url(self, path: str) -> str:
        """Where the browser finds a page."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def check(self, name: str) -> None:
        """Nothing is wrong with the page as it is now; a picture is kept."""
        self.assertEqual([], await self.tab.fetch_violations(), name)
        await self.tab.keep_picture(f"people-{name}")

    async def test_a_program_gets_its_token(self) -> None:
        """From the program's link by the login and back, with the keyboard alone."""
        asked = await self.exchange.request("lp-shell", "127.0.0.1")
        path = f"/+authorize-token?oauth_token={asked.key}&allow_permission=DESKTOP_INTEGRATION"
        await self.tab.visit(self.url(path))
        await self.check("login")
        link = self.url(f"/+login?link={self.link().joined}")

        def log_in(page: Page) -> None:
            page.get_by_label("Open the link in this browser").focus()
            page.keyboard.type(link)
            page.keyboard.press("Enter")
            page.get_by_role("heading", name="A program asks for a token").wait_for()

        await self.tab.do(log_in)
        await self.check("authorize")

        def allow(page: Page) -> None:
            page.get_by_role("radio", name=re.compile("^write")).focus()
            page.keyboard.press("Space")
            page.get_by_label("For how long").select_option("day")
            page.get_by_role("button", name="Allow").focus()
            page.keyboard.press("Enter")
            page.get_by_role("heading", name="Allowed").wait_for()

        await self.tab.do(allow)
        await self.check("allowed")
        granted = await self.exchange.fetch("lp-shell", asked.key, asked.secret, "127.0.0.1")
        assert granted.secret is not None

        def revoke(page: Page) -> None:
            page.get_by_role("link", name="Your tokens and sessions").click()
            page.get_by_role("button", name=re.compile("^Revoke lp-shell")).focus()
            page.keyboard.press("Enter")
            page.get_by_role("button", name=re.compile("^Revoke lp-shell")).wait_for(
                state="detached"
            )

        await self.tab.do(revoke)
        await self.check("tokens")
        found = self.ask(tokens.token_by_key, granted.secret.key).token
        self.assertEqual((TokenKind.ACCESS, False), (found.kind, found.is_good(self.now())))
        await self.tab.visit(self.url(f"/+login?link={self.link().joined}"))
        await self.check("link")
        self.assertEqual([], self.tab.troubles)
