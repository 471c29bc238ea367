"""The page of a build, as the farm makes it."""

from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.farm import built_in
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.functional.statuspage.farmcases import FarmPagesTestCase
from tests.functional.statuspage.test_logs import logging


class BuildPageTests(FarmPagesTestCase):
    async def page(self, build_id: int, **headers: str) -> str:
        """The page of a build."""
        answer = await self.look(f"/builds/{build_id}", **headers)
        self.assertEqual(200, answer.status, answer.body)
        return answer.body.decode()

    async def test_that_waits(self) -> None:
        """It says where it stands, when it will start, and why each builder does not take it."""
        await self.farm.add_builder(self.farm.daemon(built_in(60.0)))
        first = await self.farm.submit("first")
        await self.farm.wait_for_build(first, BuildState.BUILDING)
        page = await self.page(await self.farm.submit("second"))
        for words in (
            "It waits, at position 1 of the builds of its kind.",
            "Starts probably",
            f"bob is building build {first} (first 1.0 amd64 in main/bookworm).",
            "There is no log yet.",
            "submitted by test",
        ):
            self.assertIn(words, page)

    async def test_that_was_built(self) -> None:
        """Its attempts in words and as a picture, its log, and its results to download."""
        await self.farm.add_builder(self.farm.daemon())
        build_id = await self.farm.submit()
        await self.farm.wait_until_built([build_id])
        page = await self.page(build_id)
        for words in (
            "built and published",
            '<rect class="building"',
            f'href="/builds/{build_id}/files/hello_1.0_amd64.deb"',
            "The build went as its script says.",
            "It was built: the results were published.",
            "</time> attempt 1 on bob, ",
        ):
            self.assertIn(words, page)

    async def test_that_lacks_something(self) -> None:
        """What it waits for is named, and what has to happen."""
        lacking = Script(BuildOutcome.DEPFAIL, 0.2, dependencies="libmissing-dev (>= 2)")
        await self.farm.add_builder(self.farm.daemon(lambda order: lacking))
        build_id = await self.farm.submit()
        await self.farm.wait_for_build(build_id, BuildState.MANUALDEPWAIT)
        page = await self.page(build_id)
        self.assertIn("<dd>libmissing-dev (&gt;= 2)</dd>", page)
        self.assertIn("a dependency is missing", page)

    async def test_what_a_log_tries(self) -> None:
        """Nothing of a log becomes markup, and what would move a cursor is shown."""
        log = b"<script>alert(1)</script>\n\x1b[2J\x1b]0;gone\x07\n\xe2\x80\xaereversed\n" * 3
        await self.farm.add_builder(self.farm.daemon(logging(0.2, log)))
        build_id = await self.farm.submit()
        await self.farm.wait_for_build(build_id, BuildState.FAILEDTOBUILD)
        page = await self.page(build_id)
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", page)
        self.assertIn("\\x1b[2J\\x1b]0;gone\\x07", page)
        self.assertIn("\\u202ereversed", page)
        self.assertFalse({"\x1b", "\x07", "\u202e"} & set(page))

    async def test_beside_something_private(self) -> None:
        """Who may not know of a private build is not told what keeps a builder busy."""
        await self.farm.add_builder(self.farm.daemon(built_in(60.0)))
        hidden = await self.farm.submit("cloaked", archive="secret")
        await self.farm.wait_for_build(hidden, BuildState.BUILDING)
        waiting = await self.farm.submit("second")
        self.assertNotIn("cloaked", await self.page(waiting))
        seen = await self.page(waiting, authorization=await self.authorization("rita"))
        self.assertIn(f"build {hidden} (cloaked 1.0 amd64 in secret/bookworm)", seen)
        self.assertEqual(404, (await self.look(f"/builds/{hidden}")).status)

    async def test_trouble_of_our_own(self) -> None:
        """What names paths of the farm is told to those who run it."""
        await self.farm.add_builder(self.farm.daemon())
        (self.farm.root / "main" / "incoming").rmdir()
        build_id = await self.farm.submit()

        async def postponed() -> bool:
            [attempt] = await self.farm.attempts(build_id) or [None]
            return attempt is not None and attempt.last_error is not None

        await self.wait_until(postponed)
        page = await self.page(build_id)
        self.assertIn("the farm has trouble of its own", page)
        self.assertNotIn(str(self.farm.root), page)
        page = await self.page(build_id, authorization=await self.authorization("ann"))
        self.assertIn(str(self.farm.root), page)

    async def test_what_is_no_build(self) -> None:
        """There is no such page."""
        for path in ("/builds/99", "/builds/x", "/builds/1/files/none", "/builds/" + "9" * 30):
            self.assertEqual(404, (await self.look(path)).status, path)
