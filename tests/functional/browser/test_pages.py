"""Every page in a real browser: live, usable by everybody, whatever they use."""

from typing import Any

from playwright.sync_api import Page

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.browser import Tab
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.farm import built_in
from buildfarm.storage import roster
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.functional.browser.cases import BrowserTestCase

#: Whether something is wider than the window.
_TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

#: What wide pages, narrow ones, light and dark ones are.
_LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


def mixed(order: Order) -> Script:
    """What begins with `bad` fails, with `slow` takes long, with `wait` lacks something."""
    name = next(name for name in order.filemap if name.endswith(".dsc"))
    if name.startswith("bad"):
        log = b"checking\n\x1b[31merror: it does not compile\x1b[0m\n" * 40
        return Script(seconds=0.2, outcome=BuildOutcome.PACKAGEFAIL, log=log)
    if name.startswith("wait"):
        return Script(seconds=0.2, outcome=BuildOutcome.DEPFAIL, dependencies="libmissing-dev")
    return built_in(60.0 if name.startswith("slow") else 0.2)(order)


class PageTests(BrowserTestCase):
    async def a_day(self) -> dict[str, int]:
        """A farm with something of everything: built, failed, missing, running, waiting, out."""
        for name in ("alpha", "bravo"):
            await self.farm.add_builder(self.farm.daemon(mixed), name)
        builds = {name: await self.farm.submit(name) for name in ("good", "bad", "wait")}
        for name, state in (
            ("good", BuildState.FULLYBUILT),
            ("bad", BuildState.FAILEDTOBUILD),
            ("wait", BuildState.MANUALDEPWAIT),
        ):
            await self.farm.wait_for_build(builds[name], state)
        await self.farm.add_builder(self.farm.daemon(mixed), "zulu-is-out")
        out = {"builderok": False, "failnotes": "its disk is broken"}
        await self.farm.write(roster.change_builder, "zulu-is-out", out, "test", utc_now())
        for name in ("slow", "slower", "slowest"):
            builds[name] = await self.farm.submit(name)
        for name in ("slow", "slower"):
            await self.farm.wait_for_build(builds[name], BuildState.BUILDING)
        return builds

    def paths(self, builds: dict[str, int]) -> dict[str, str]:
        """The pages, by the names of their pictures."""
        return {
            "index": "/",
            "builder": "/builders/alpha",
            "builder-out": "/builders/zulu-is-out",
            "build-good": f"/builds/{builds['good']}",
            "build-bad": f"/builds/{builds['bad']}",
            "build-dependency": f"/builds/{builds['wait']}",
            "build-running": f"/builds/{builds['slow']}",
            "build-waiting": f"/builds/{builds['slowest']}",
            "queue": "/queue",
            "search": "/search?q=slow",
            "login": "/+login",
        }

    async def test_in_the_light(self) -> None:
        """No page keeps anybody out, by axe's rules."""
        await self.look_at_all("light")

    async def test_in_the_dark(self) -> None:
        """In dark mode neither."""
        await self.look_at_all("dark")

    async def test_on_a_phone(self) -> None:
        """On a narrow screen neither, and nothing has to be scrolled from side to side."""
        await self.look_at_all("phone")

    async def look_at_all(self, look: str) -> None:
        """Visit every page, and keep a picture of each."""
        paths = self.paths(await self.a_day())
        tab = await self.open("/", **_LOOKS[look])
        wrong = []
        for name, path in paths.items():
            await tab.visit(f"{self.root}{path}")
            if await tab.do(lambda page: page.evaluate(_TOO_WIDE)):
                wrong.append(f"{name}: it is wider than the window")
            wrong += [f"{name}: {one}" for one in await tab.fetch_violations()]
            await tab.keep_picture(f"{name}-{look}")
        self.assertEqual([], wrong)

    async def test_without_scripts(self) -> None:
        """Every page says all that it has to say."""
        paths = self.paths(await self.a_day())
        tab = await self.open("/", java_script_enabled=False)
        said = {
            "index": ("alpha", "slow", "zulu-is-out"),
            "builder": ("Last builds", "building"),
            "build-good": ("good_1.0_amd64.deb", "built and published"),
            "build-bad": ("error: it does not compile", "failed to build"),
            "build-dependency": ("libmissing-dev",),
            "build-waiting": ("Why it waits", "alpha"),
            "queue": ("slowest",),
            "search": ("slower",),
        }
        for name, words in said.items():
            await tab.visit(f"{self.root}{paths[name]}")
            text = await tab.do(lambda page: page.locator("main").inner_text())
            for word in words:
                self.assertIn(word, text, name)

    async def test_they_live(self) -> None:
        """What happens on the farm is on every page that shows it, without another visit."""
        await self.farm.add_builder(self.farm.daemon(mixed), "alpha")
        held = await self.farm.submit("slow")
        await self.farm.wait_for_build(held, BuildState.BUILDING)
        tabs = {path: await self.open(path) for path in ("/", "/queue", "/builders/alpha")}
        waiting = await self.farm.submit("good")
        build_page = await self.open(f"/builds/{waiting}")
        await self.sees(tabs["/queue"], "good")
        await self.farm.ask("build.cancel", {"build_id": held})
        await self.farm.wait_until_built([waiting])
        await self.sees(build_page, "built and published")
        await self.sees(build_page, "good_1.0_amd64.deb")
        await self.sees(tabs["/builders/alpha"], "good")
        await self.farm.add_builder(self.farm.daemon(mixed), "bravo")
        await self.sees(tabs["/"], "bravo")

    async def test_an_operator_acts(self) -> None:
        """By a link, a form and the keyboard alone: a builder is disabled, with a note."""
        await self.farm.add_builder(self.farm.daemon(mixed), "alpha")
        tab = await self.open("/")
        await self.log_in(tab)

        def disable(page: Page) -> None:
            page.goto(f"{self.root}/builders/alpha")
            page.keyboard.press("Tab")
            assert page.evaluate("() => document.activeElement.className") == "skip"
            page.keyboard.press("Enter")
            assert page.evaluate("() => document.activeElement.id") == "content"
            note = page.get_by_label("Note")
            for _ in range(30):
                page.keyboard.press("Tab")
                outline = page.evaluate(
                    "() => getComputedStyle(document.activeElement).outlineStyle"
                )
                assert outline != "none", page.evaluate("() => document.activeElement.outerHTML")
                if note.evaluate("element => element === document.activeElement"):
                    break
            page.keyboard.type("its disk is broken")
            page.keyboard.press("Enter")
            page.wait_for_selector("main :text('its disk is broken')")

        await tab.do(disable)
        builder = await self.farm.builder("alpha")
        self.assertEqual((False, "its disk is broken"), (builder.builderok, builder.failnotes))
        await tab.keep_picture("builder-disabled")

    async def test_a_build_is_steered(self) -> None:
        """A moderator cancels a waiting build and tries it again; a stranger is offered nothing."""
        build_id = await self.farm.submit("good")
        stranger = await self.open(f"/builds/{build_id}")
        self.assertEqual(0, await stranger.do(lambda page: page.locator(".actions").count()))
        tab = await self.open("/")
        await self.log_in(tab)

        def steer(page: Page) -> None:
            page.goto(f"{self.root}/builds/{build_id}")
            page.get_by_label("Score").fill("77")
            page.get_by_role("button", name="Rescore").click()
            page.wait_for_selector("dd:text-is('77')")
            page.get_by_role("button", name="Cancel").click()
            page.wait_for_selector(".badge:text('cancelled')")
            page.get_by_role("button", name="Retry").click()
            page.wait_for_selector(".badge:text('waiting')")

        await tab.do(steer)
        self.assertIs(BuildState.NEEDSBUILD, (await self.farm.build(build_id)).state)

    async def sees(self, tab: Tab, words: str) -> None:
        """Wait until the page shows this."""
        await tab.do(
            lambda page: page.wait_for_function(
                "words => document.querySelector('main').innerText.includes(words)", arg=words
            )
        )
