"""A real browser beside the farm under test: Debian's chromium, headless, driven by playwright.

Beside the layers; for tests/functional/statuspage. Its own tests are in
`tests/functional/farmtesting/test_browser.py`.

The farm runs in the test's reactor, so the browser is driven from a thread of its own; a test
hands it functions that block (`Tab.do`) and awaits what they return. There is one browser for each
process of tests: it starts with the first visit, and ends with the process. Each tab has a new
empty profile. Nothing waits longer than `PATIENCE`.
"""

import atexit
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Request,
    sync_playwright,
)
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

#: Debian's; playwright brings none.
CHROMIUM = "/usr/bin/chromium"

#: Seconds that one step of the browser may take.
PATIENCE = 15.0

#: Where pictures of the pages stay; `make clean` removes them.
SCREENSHOTS = Path("var/screenshots")

#: Nothing but the farm is asked for anything, and tests may run as root, which has no sandbox.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: A page that is left while it loads something, its event stream for one, has done nothing wrong.
_LEFT = "net::ERR_ABORTED"

#: What axe looks at: WCAG 2.2 A and AA, and what it calls best practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Browser:
    """chromium and the thread that drives it."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._playwright: Playwright | None = None
        self._chromium: Any = None
        self._thread = threading.Thread(target=self._work, name="browser", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def run(self, reactor: Any, work: Callable[..., T], *args: Any) -> Deferred[T]:
        """What `work(*args)` returns or raises, in the browser's thread."""
        done: Deferred[T] = Deferred()

        def job() -> None:
            try:
                answer, outcome = done.callback, work(*args)
            except Exception:  # noqa: BLE001 - it is the caller's
                reactor.callFromThread(done.errback, Failure())
            else:
                reactor.callFromThread(answer, outcome)

        self._jobs.put(job)
        return done

    def new_context(self, **options: Any) -> BrowserContext:
        """A new empty profile, in the browser's thread; starts the browser where it is not there.

        `options` are playwright's: `color_scheme`, `viewport`, `java_script_enabled` and so on.
        """
        if self._playwright is None:
            self._playwright = sync_playwright().start()
            self._chromium = self._playwright.chromium.launch(
                executable_path=CHROMIUM, args=list(_FLAGS), timeout=PATIENCE * 1000
            )
        context: BrowserContext = self._chromium.new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        return context

    def close(self) -> None:
        """End the browser and its thread."""
        atexit.unregister(self.close)
        self._jobs.put(None)
        self._thread.join(PATIENCE)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        if self._chromium is not None:
            self._chromium.close()
        if self._playwright is not None:
            self._playwright.stop()


@cache
def the_browser() -> Browser:
    """The one browser of this process."""
    return Browser()


class Tab:
    """One page, in a profile of its own, and all that went wrong on it.

    `troubles` are console errors (violations of the content security policy are among them),
    errors that no script caught, and requests that failed.
    """

    def __init__(self, reactor: Any, browser: Browser, page: Page) -> None:
        self._reactor = reactor
        self._browser = browser
        self._page = page
        self.troubles: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"not caught: {error}"))
        page.on("requestfailed", self._request_failed)

    @classmethod
    async def open(cls, reactor: Any, **options: Any) -> "Tab":
        """An empty tab; the caller closes it. `options` as for `Browser.new_context`."""
        browser = the_browser()

        def opening() -> Tab:
            return cls(reactor, browser, browser.new_context(**options).new_page())

        return await browser.run(reactor, opening)

    async def do(self, work: Callable[[Page], T]) -> T:
        """What `work` makes of the page; it may block."""
        return await self._browser.run(self._reactor, work, self._page)

    async def visit(self, url: str) -> str:
        """Go to `url`; the title of what is there. Its event stream never ends loading."""

        def going(page: Page) -> str:
            page.goto(url, wait_until="load")
            return page.title()

        return await self.do(going)

    async def keep_picture(self, name: str) -> Path:
        """Take a picture of the whole page as it is now; where it is kept."""
        path = SCREENSHOTS / f"{name}.png"
        await self.do(lambda page: page.screenshot(path=path, full_page=True))
        return path

    async def fetch_violations(self) -> list[str]:
        """What axe finds that keeps people from using this page; empty for a good one."""

        def looking(page: Page) -> list[str]:
            found = Axe().run(page, options={"runOnly": _RULES, "resultTypes": ["violations"]})
            return [
                f"{one['id']}: {one['help']}: {node['html'][:200]}"
                for one in found.response["violations"]
                for node in one["nodes"]
            ]

        return await self.do(looking)

    async def close(self) -> None:
        """Leave, with all connections."""
        await self.do(lambda page: page.context.close())

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = message.location.get("url", "")
            self.troubles.append(f"{message.type}: {message.text} ({where})")

    def _request_failed(self, request: Request) -> None:
        if request.failure != _LEFT:
            self.troubles.append(f"failed: {request.url}: {request.failure}")


#: What a step of the browser raises that cannot be taken, or takes too long.
BrowserError = Error
