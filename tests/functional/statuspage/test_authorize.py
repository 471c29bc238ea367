"""The page on which a person gives a program a token."""

import re
from datetime import timedelta
from urllib.parse import quote

from buildfarm.identity.exchange import Standing
from buildfarm.identity.secrets import NewSecret
from buildfarm.storage import tokens
from buildfarm.vocab.access import AccessLevel
from tests.functional.filestore.listeners import Answer
from tests.functional.statuspage.peoplecases import PeoplePagesTestCase

_LEVELS = re.compile(rb'name="level" value="(\w+)"( checked)?')


class AuthorizeTests(PeoplePagesTestCase):
    async def asked(self, consumer: str = "a <script>") -> NewSecret:
        """A program has asked for a token."""
        return await self.exchange.request(consumer, "127.0.0.1")

    def path(self, asked: NewSecret, permission: str = "DESKTOP_INTEGRATION") -> str:
        """What launchpadlib opens in the browser."""
        return f"/+authorize-token?oauth_token={asked.key}&allow_permission={permission}"

    async def answer(self, asked: NewSecret, **form: str) -> Answer:
        """Send the page's form."""
        word = await self.word()
        return await self.post("/+authorize-token", csrf=word, oauth_token=asked.key, **form)

    async def granted(self, asked: NewSecret, consumer: str = "a <script>") -> NewSecret | Standing:
        """What the program hears."""
        found = await self.exchange.fetch(consumer, asked.key, asked.secret, "127.0.0.1")
        return found.secret or found.standing

    async def test_allowed(self) -> None:
        """The program gets a token of the level and the time that were chosen."""
        asked = await self.asked()
        await self.log_in()
        page = await self.look(self.path(asked))
        self.assertEqual((200, "no-store"), (page.status, page.headers["cache-control"]))
        self.assertIn(b"<strong>a &lt;script&gt;</strong>", page.body)
        self.assertNotIn(asked.secret.encode(), page.body)
        page = await self.answer(asked, answer="allow", level="write", lasts="day")
        self.assertEqual(200, page.status)
        self.assertIn(b"gets its token by itself now", page.body)
        secret = await self.granted(asked)
        assert isinstance(secret, NewSecret)
        token = self.ask(tokens.token_by_key, secret.key).token
        self.assertEqual(
            ("ann", AccessLevel.WRITE, self.now() + timedelta(days=1)),
            (token.person, token.level, token.expires),
        )
        self.assertEqual(404, (await self.look(self.path(asked))).status)

    async def test_refused(self) -> None:
        """The program gets none, and its request is answered."""
        asked = await self.asked()
        await self.log_in()
        page = await self.answer(asked, answer="refuse")
        self.assertIn(b"gets no token", page.body)
        self.assertEqual(Standing.REFUSED, await self.granted(asked))
        self.assertEqual(409, (await self.answer(asked, answer="allow", level="read")).status)

    async def test_logs_in_first_and_comes_back(self) -> None:
        """Who has no session learns how to get one, and then sees the request."""
        asked = await self.asked()
        page = await self.look(self.path(asked))
        self.assertIn(b"You have to log in before you can go on.", page.body)
        self.assertNotIn(b"script", page.body.partition(b"<h1>")[2])
        [after] = re.findall(rb'name="next" value="([^"]+)"', page.body)
        back = after.decode().replace("&amp;", "&")
        self.assertEqual(self.path(asked), back)
        answer = await self.post("/+login", link=self.link().joined, next=back)
        self.assertEqual(back, answer.headers["location"])

    async def test_offers_what_was_asked_and_what_the_session_allows(self) -> None:
        """By Launchpad's names; the most of it is chosen already."""
        asked = await self.asked()
        await self.log_in()
        everything = [(b"read", b""), (b"write", b""), (b"administer", b" checked")]
        for permission, levels in (
            ("READ_PUBLIC", [(b"read", b" checked")]),
            ("WRITE_PRIVATE", [(b"read", b""), (b"write", b" checked")]),
            ("DESKTOP_INTEGRATION", everything),
            ("WHATEVER", everything),
        ):
            page = await self.look(self.path(asked, permission))
            self.assertEqual(levels, _LEVELS.findall(page.body), permission)
        await self.log_in(level=AccessLevel.READ)
        page = await self.look(self.path(asked))
        self.assertEqual([(b"read", b" checked")], _LEVELS.findall(page.body))
        page = await self.answer(asked, answer="allow", level="write", lasts="day")
        self.assertEqual(409, page.status)
        self.assertEqual(Standing.OPEN, await self.granted(asked))

    async def test_forms_that_are_none(self) -> None:
        """Another site's, one without an answer, one without a choice: nothing is given."""
        asked = await self.asked()
        await self.log_in()
        page = await self.post(
            "/+authorize-token", csrf="x", oauth_token=asked.key, answer="allow", level="read"
        )
        self.assertEqual(403, page.status)
        for form in ({}, {"answer": "allow"}, {"answer": "allow", "level": "read", "lasts": "x"}):
            self.assertEqual(400, (await self.answer(asked, **form)).status, form)
        self.assertEqual(Standing.OPEN, await self.granted(asked))

    async def test_nobody_asks(self) -> None:
        """An unknown key, and one that is too old, have a page that says so."""
        asked = await self.asked()
        self.pass_time(3600)
        await self.log_in()
        for key in (asked.key, "unknown", "", quote("<b>")):
            page = await self.look(f"/+authorize-token?oauth_token={key}")
            self.assertEqual(404, page.status)
            self.assertIn(b"has been answered, is too old, or was never made", page.body)
