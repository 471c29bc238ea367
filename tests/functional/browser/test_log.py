"""A build's page in a real browser: it lives, and its log follows and waits."""

from playwright.sync_api import Page

from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.procfs import resident_memory
from buildfarm.vocab.states import BuildState
from tests.functional.browser.cases import BrowserTestCase
from tests.functional.statuspage.test_logs import LOG, logging

#: Whether the log is scrolled to its end.
_AT_END = """() => {
  const log = document.getElementById("log-lines");
  return log.scrollHeight - log.scrollTop - log.clientHeight < 40;
}"""

_COUNT = "() => document.querySelectorAll('#log-lines .l').length"


class LogTests(BrowserTestCase):
    daemon: FakeDaemon

    async def begin(self, seconds: float, log: bytes = LOG) -> int:
        """A build that has begun, on `self.daemon`."""
        self.daemon = self.farm.daemon(logging(seconds, log))
        await self.farm.add_builder(self.daemon)
        build_id = await self.farm.submit()
        await self.farm.wait_for_build(build_id, BuildState.BUILDING)
        return build_id

    async def test_it_follows_waits_and_ends(self) -> None:
        """The log follows; scrolled up it waits and counts; the page says how the build ends."""
        log = b"".join(
            b"line %05d \x1b[32mof the log\x1b[0m\n" % number for number in range(40_000)
        )
        build_id = await self.begin(60.0, log)
        tab = await self.open(f"/builds/{build_id}")

        def follow(page: Page) -> None:
            page.wait_for_function("() => document.querySelectorAll('#log-lines .l').length > 300")
            assert page.evaluate(_AT_END), "it follows"
            assert page.locator("#log-lines .f2").count() > 0, "it has colours"

        await tab.do(follow)
        await tab.keep_picture("build-following")

        def scroll_up(page: Page) -> str:
            page.locator("#log-lines").hover()
            page.mouse.wheel(0, -600)
            page.wait_for_selector("#log-go-on:not([hidden])")
            page.wait_for_function(
                "() => /Paused – [1-9][0-9]* new line/.test("
                "document.getElementById('log-go-on').textContent)"
            )
            assert not page.evaluate(_AT_END), "it stays where one reads"
            return page.locator("#log-go-on").inner_text()

        self.assertIn("go on", await tab.do(scroll_up))
        await tab.keep_picture("build-paused")

        def go_on(page: Page) -> None:
            page.locator("#log-go-on").click()
            page.wait_for_function(_AT_END)
            assert page.locator("#log-go-on").is_hidden()

        await tab.do(go_on)
        self.daemon._ends = self.reactor.seconds()

        def end(page: Page) -> None:
            page.wait_for_selector(".badge:text('failed to build')")
            page.wait_for_function(
                "() => document.querySelector('#log-lines .l:last-child')"
                ".textContent === 'line 39999 of the log'"
            )

        await tab.do(end)
        await tab.keep_picture("build-failed")

    async def test_earlier_lines(self) -> None:
        """Of a long log the page has the end; what was before comes when one asks for it."""
        log = b"".join(b"line %06d\n" % number for number in range(60_000))
        build_id = await self.begin(0.1, log)
        await self.farm.wait_for_build(build_id, BuildState.FAILEDTOBUILD)
        tab = await self.open(f"/builds/{build_id}")

        def read_back(page: Page) -> tuple[str, int]:
            page.wait_for_function(_AT_END)
            first = page.locator("#log-lines .l").first
            before = first.inner_text()
            for _ in range(4):
                page.locator(".log-nav .earlier").click()
                page.wait_for_function(
                    "before => document.querySelector('#log-lines .l').textContent !== before",
                    arg=before,
                )
                before = first.inner_text()
            return before, page.evaluate(_COUNT)

        before, count = await tab.do(read_back)
        self.assertTrue(before < "line 050000", before)
        self.assertTrue(count <= 3500, count)

        def to_the_end(page: Page) -> None:
            page.locator("#log-go-on").click()
            page.wait_for_function(
                "() => document.querySelector('#log-lines .l:last-child')"
                ".textContent === 'line 059999'"
            )
            page.wait_for_function(_AT_END)

        await tab.do(to_the_end)

    async def test_a_build_that_has_ended(self) -> None:
        """The log is at its end, takes no more room than its lines, and does not take the focus."""
        await self.farm.add_builder(self.farm.daemon(logging(0.1, b"all is well\n" * 10)))
        build_id = await self.farm.submit()
        await self.farm.wait_for_build(build_id, BuildState.FAILEDTOBUILD)
        tab = await self.open(f"/builds/{build_id}")

        def look(page: Page) -> tuple[int, int, str]:
            height = page.evaluate("() => document.getElementById('log-lines').offsetHeight")
            page.set_viewport_size({"width": 800, "height": 100})
            page.reload()
            page.wait_for_function(_AT_END)
            # What follows from scrolling comes with the next frame.
            page.evaluate("() => new Promise(done => setTimeout(done, 200))")
            top = page.evaluate("() => document.getElementById('log-lines').scrollTop")
            return height, top, page.evaluate("() => document.activeElement.localName")

        height, top, focused = await tab.do(look)
        self.assertTrue(10 * 15 < height < 10 * 25, height)
        self.assertTrue(top > 0, top)
        self.assertEqual("body", focused)

    async def test_without_scripts(self) -> None:
        """The end of the log is there, with links to what was before and to the whole."""
        log = b"".join(b"line %06d\n" % number for number in range(20_000))
        build_id = await self.begin(0.1, log)
        await self.farm.wait_for_build(build_id, BuildState.FAILEDTOBUILD)
        tab = await self.open(f"/builds/{build_id}", java_script_enabled=False)

        def read(page: Page) -> list[str]:
            seen = [page.locator("#log-lines .l").last.inner_text()]
            for link in ("Earlier", "Earlier", "Later", "To the end"):
                page.locator(".log-nav").get_by_text(link).click()
                seen.append(page.locator("#log-lines .l").last.inner_text())
            return seen

        seen = await tab.do(read)
        self.assertEqual(("line 019999", "line 019999"), (seen[0], seen[-1]))
        self.assertTrue(seen[0] > seen[1] > seen[2] < seen[3], seen)

    async def test_a_hundred_megabytes(self) -> None:
        """A log of that size can be followed and read back; neither side ever has it whole."""
        line = b"%09d cc -O2 -g -Wall -c -o build/object.o source/object.c %s\n"
        log = b"".join(line % (number, b"-DX=1 " * 6) for number in range(1_000_000))
        build_id = await self.begin(600.0, log)
        self.daemon._log_now = lambda: log  # type: ignore[method-assign]
        before = resident_memory()
        tab = await self.open(f"/builds/{build_id}")

        def read(page: Page) -> tuple[int, int, float]:
            page.wait_for_function(
                "() => document.querySelector('#log-lines .l:last-child')"
                "?.textContent.startsWith('000999999 ')",
                timeout=40_000,
            )
            first = page.locator("#log-lines .l").first
            for _ in range(3):
                shown = first.inner_text()
                page.locator(".log-nav .earlier").click()
                page.wait_for_function(
                    "shown => document.querySelector('#log-lines .l').textContent !== shown",
                    arg=shown,
                )
            heap = page.evaluate("() => performance.memory.usedJSHeapSize")
            return int(first.inner_text()[:9]), page.evaluate(_COUNT), heap

        shown, count, heap = await tab.do(read)
        self.assertTrue(990_000 < shown < 999_500, shown)
        self.assertTrue(count < 3500 and heap < 64 * 2**20, (count, heap))
        self.assertTrue(resident_memory() - before < 64 * 2**20)
        part = await self.look(f"/builds/{build_id}/log", range="bytes=50000000-50000099")
        self.assertEqual((206, log[50_000_000:50_000_100]), (part.status, part.body))
