"""The pages of a working farm: the index, builders, the queue, searches."""

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.farm import built_in
from buildfarm.storage import roster
from buildfarm.vocab.people import TokenKind
from buildfarm.vocab.states import BuildState
from tests.functional.filestore.listeners import send_form
from tests.functional.statuspage.farmcases import FarmPagesTestCase

_ALL = ("/", "/builders/bob", "/queue", "/search?q=h", "/search?q=nig", "/search?q=qui")


class PageTests(FarmPagesTestCase):
    async def setUp(self) -> None:
        """Builder bob builds something private; another private build waits, and a public one."""
        await super().setUp()
        await self.farm.add_builder(self.farm.daemon(built_in(60)))
        await self.farm.add_builder(self.farm.daemon(), "eve", manual=True)
        self.hidden = await self.farm.submit("nightowl", archive="secret", score=9)
        await self.farm.wait_for_build(self.hidden, BuildState.BUILDING)
        self.waiting = await self.farm.submit("quietly", archive="secret")
        self.open = await self.farm.submit("hello")

    async def cookie(self, person: str) -> str:
        """The session of somebody who has logged in."""
        link = await self.issue(TokenKind.LOGIN, person)
        answer = await self.clients.run(
            send_form, self.farm.web_port, "/+login", f"link={link.joined}"
        )
        return answer.headers["set-cookie"].partition(";")[0]

    async def shown(self, path: str, cookie: str = "") -> str:
        """The text of a page."""
        page = await self.look(path, **({"cookie": cookie} if cookie else {}))
        self.assertEqual(200, page.status, path)
        return page.body.decode()

    async def test_private_builds_are_seen_by_who_may(self) -> None:
        """Whoever looked before: others learn that something is built, and nothing else."""
        for person, sees in (("rita", True), ("", False), ("ann", True), ("bert", False)):
            cookie = await self.cookie(person) if person else ""
            every = "".join([await self.shown(path, cookie) for path in _ALL])
            for word in ("nightowl", "quietly", f"/builds/{self.hidden}", "secret/bookworm"):
                self.assertEqual(sees, word in every, f"{word} for {person or 'anybody'}")
            self.assertEqual(not sees, "something private" in every)
            self.assertIn("hello", every)

    async def test_the_index(self) -> None:
        """Counts, kinds, and every builder; narrowed as the address says."""
        page = await self.shown("/")
        for text in ("<b>2</b> builders", "<b>1</b> building", "<b>2</b> builds waiting", "amd64"):
            self.assertIn(text, page)
        self.assertIn("/builders/eve", await self.shown("/?state=manual"))
        self.assertNotIn("/builders/bob", await self.shown("/?state=manual&processor=amd64"))
        self.assertIn("No builder is like that", await self.shown("/?name=zzz"))
        self.assertIn("/builders/bob", await self.shown("/?state=%3Cb%3E&page=-1&kind=x&name=%00"))

    async def test_what_is_wrong_is_said_in_words(self) -> None:
        """First, and escaped, on both pages."""
        note = {"builderok": False, "failnotes": "<b>broken</b> \x1b[31mred"}
        await self.farm.ask("builder.set", {"name": "eve", "changes": note})

        async def told() -> bool:
            return "&lt;b&gt;broken&lt;/b&gt;" in await self.shown("/")

        await self.wait_until(told, what="the page to be read again")
        page = await self.shown("/?state=disabled")
        self.assertNotIn("\x1b", page)
        self.assertIn("\\x1b[31mred", await self.shown("/builders/eve"))

    async def test_a_builder(self) -> None:
        """Its day in a picture with a table, what it was given, and 404 for another."""
        page = await self.shown("/builders/bob", await self.cookie("ann"))
        for text in ("<svg", "Of the last 1 h it was", "under way", "nightowl 1.0"):
            self.assertIn(text, page)
        for name in ("nobody", "%3Cb%3E", "x" * 300):
            self.assertEqual(404, (await self.look(f"/builders/{name}")).status)

    async def test_a_removed_builder_keeps_its_page(self) -> None:
        """With nothing to do to it."""
        await self.farm.write(roster.remove_builder, "eve", False, "test", utc_now())
        page = await self.shown("/builders/eve", await self.cookie("ann"))
        self.assertIn("removed", page)
        self.assertNotIn("+act", page)

    async def test_the_queue(self) -> None:
        """In order, with when each starts; beyond the end is the last page."""
        page = await self.shown("/queue?page=7&processor=amd64")
        self.assertLess(page.index("something private"), page.index("hello 1.0"))
        self.assertIn("2 builds wait", page)

    async def test_searches(self) -> None:
        """By the beginning of the name; what is typed comes back as text."""
        self.assertIn(f"/builds/{self.open}", await self.shown("/search?q=HEL"))
        self.assertIn("No source package begins with", await self.shown("/search?q=zz"))
        self.assertIn("&lt;script&gt;", await self.shown("/search?q=%3Cscript%3E"))

    async def test_crawlers_are_told_where_not_to_go(self) -> None:
        """Lists narrowed in every way are no pages of their own."""
        robots = await self.look("/robots.txt")
        self.assertEqual("text/plain; charset=utf-8", robots.headers["content-type"])
        self.assertIn(b"Disallow: /search", robots.body)
