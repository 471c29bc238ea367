"""A farm with its pages, and a real browser that looks at them."""

from typing import Any

from buildfarm.farmtesting.browser import Tab
from buildfarm.vocab.people import TokenKind
from tests.functional.statuspage.farmcases import FarmPagesTestCase


class BrowserTestCase(FarmPagesTestCase):
    """`open` gives tabs; nothing may have gone wrong on any of them in the end."""

    timeout = 90.0

    async def setUp(self) -> None:
        await super().setUp()
        self.addCleanup(self.wait_until, self._is_left, 10.0, "the browser to hang up")

    @property
    def root(self) -> str:
        """The address of the index."""
        return f"http://127.0.0.1:{self.farm.web_port}"

    async def open(self, path: str, **options: Any) -> Tab:
        """A page in a tab with a profile of its own; `options` as for `Browser.new_context`."""
        tab = await Tab.open(self.reactor, **options)
        self.addCleanup(self._leave, tab)
        await tab.visit(f"{self.root}{path}")
        return tab

    async def log_in(self, tab: Tab, person: str = "ann") -> None:
        """Have somebody log in by a link, as the command line makes them."""
        link = await self.issue(TokenKind.LOGIN, person)
        await tab.visit(f"{self.root}/+login?link={link.joined}")
        await tab.do(lambda page: page.get_by_role("button", name=f"Log in as {person}").click())

    async def _leave(self, tab: Tab) -> None:
        await tab.close()
        self.assertEqual([], tab.troubles)

    def _is_left(self) -> bool:
        """Whether nobody is connected to the pages any more."""
        return not any(
            hasattr(one, "server") and one.getHost().port == self.farm.web_port
            for one in self.reactor.getReaders()
        )
