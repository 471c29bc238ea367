"""Logging in by a link, logging out, and the page of one's tokens."""

from buildfarm.identity.attempts import MOST
from buildfarm.statuspage.login import own_path
from buildfarm.storage import tokens
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.people import TokenKind
from tests.functional.statuspage.peoplecases import PeoplePagesTestCase


class LoginTests(PeoplePagesTestCase):
    async def test_looking_does_not_use_a_link_up(self) -> None:
        """A previewer may open it as often as it likes; the button's POST logs in, once."""
        path = f"/+login?link={self.link().joined}"
        for _ in range(3):
            page = await self.look(path)
            self.assertEqual((200, "no-store"), (page.status, page.headers["cache-control"]))
            self.assertIn(b"Log in as ann", page.body)
        link = path.partition("=")[2]
        answer = await self.post("/+login", link=link)
        self.assertEqual((303, "/"), (answer.status, answer.headers["location"]))
        again = await self.post("/+login", link=link)
        self.assertEqual(403, again.status)
        self.assertIn(b"has been used, is too old, or is not whole", again.body)
        self.assertNotIn("set-cookie", again.headers)

    async def test_the_cookie(self) -> None:
        """Out of the reach of scripts and of other sites' forms, for a day."""
        answer = await self.log_in()
        _, *attributes = answer.headers["set-cookie"].split("; ")
        self.assertEqual(["Max-Age=86400", "Path=/", "HttpOnly", "SameSite=Lax"], attributes)
        page = await self.look("/+login")
        self.assertIn(b"You are logged in as <strong>ann</strong>", page.body)

    async def test_how_to_get_a_link(self) -> None:
        """Who has none is told; what they paste may be the whole address."""
        page = await self.look("/+login")
        self.assertIn(b"buildd-manager token login NAME", page.body)
        pasted = f" http://farm.example/+login?link={self.link().joined} "
        self.assertEqual(303, (await self.post("/+login", link=pasted)).status)

    async def test_no_link(self) -> None:
        """What is none, one of another kind, one that is too old: a sentence, and nobody is in."""
        old = self.link().joined
        self.pass_time(3600)
        for link in ("x", "", "http://[", self.issue().joined, old):
            page = await self.post("/+login", link=link)
            self.assertEqual(403, page.status, link)
            self.assertIn(b'role="alert"', page.body)
        self.assertEqual(403, (await self.look(f"/+login?link={old}")).status)

    async def test_guessing(self) -> None:
        """It ends after a few tries, with a time to wait."""
        for _ in range(MOST):
            await self.post("/+login", link="a.b")
        answer = await self.post("/+login", link=self.link().joined)
        self.assertEqual((429, "61"), (answer.status, answer.headers["retry-after"]))
        answer = await self.look(f"/+login?link={self.link().joined}")
        self.assertEqual(429, answer.status)

    async def test_from_another_site(self) -> None:
        """Nobody is logged in as somebody by another site's form."""
        more = {"Sec-Fetch-Site": "cross-site"}
        answer = await self.post("/+login", more, link=self.link().joined)
        self.assertEqual(403, answer.status)
        self.assertNotIn("set-cookie", answer.headers)

    async def test_back_to_where_one_was(self) -> None:
        """A path of ours; nobody is led elsewhere."""
        answer = await self.post("/+login", link=self.link().joined, next="/builds/7?x=1")
        self.assertEqual("/builds/7?x=1", answer.headers["location"])
        answer = await self.post("/+login", link=self.link().joined, next="//evil.example/")
        self.assertEqual("/", answer.headers["location"])
        for path in ("http://e", "//e", "/\\e", "\\e", "/a\nb", "/a\r\nSet-Cookie: x", "e"):
            self.assertEqual("", own_path(path), path)

    async def test_a_second_login_ends_the_first(self) -> None:
        """A browser has one session."""
        await self.log_in()
        first = self.cookie
        await self.log_in(person="bert")
        self.assertIn(b"<strong>bert</strong>", (await self.look("/+login")).body)
        self.cookie = first
        self.assertNotIn(b"You are logged in", (await self.look("/+login")).body)


class LogoutTests(PeoplePagesTestCase):
    async def test_logged_out(self) -> None:
        """The cookie is taken back, and is good for nothing where it was copied."""
        await self.log_in()
        answer = await self.post("/+logout", csrf=await self.word())
        self.assertEqual((303, "/"), (answer.status, answer.headers["location"]))
        self.assertIn("Max-Age=0", answer.headers["set-cookie"])
        page = await self.look("/+login")
        self.assertNotIn(b"You are logged in", page.body)
        self.assertIn("Max-Age=0", page.headers["set-cookie"])

    async def test_not_by_another(self) -> None:
        """Without the word of the session nothing happens; looking at it ends nothing."""
        await self.log_in()
        self.assertEqual(403, (await self.post("/+logout", csrf="x")).status)
        await self.look("/+logout")
        self.assertIn(b"You are logged in", (await self.look("/+login")).body)

    async def test_revoked(self) -> None:
        """A session that an operator revokes is at its end at once."""
        await self.log_in()
        [session] = self.ask(tokens.tokens, "ann")
        await self.storage.write(tokens.revoke, session.id, "root", self.now())
        self.assertNotIn(b"You are logged in", (await self.look("/+login")).body)


class TokensTests(PeoplePagesTestCase):
    async def test_listed_and_revoked(self) -> None:
        """One's own tokens, this browser among them, without keys and secrets."""
        mine = self.issue(purpose="<cron>")
        others = self.issue(person="bert", purpose="theirs")
        await self.log_in()
        page = await self.look("/+tokens")
        self.assertIn(b"&lt;cron&gt;", page.body)
        self.assertIn(b"(this browser)", page.body)
        for hidden in (b"theirs", mine.key.encode(), mine.secret.encode(), self.cookie.encode()):
            self.assertNotIn(hidden, page.body)
        word = await self.word("/+tokens")
        token = self.ask(tokens.token_by_key, mine.key).token
        answer = await self.post("/+tokens", csrf=word, token=str(token.id))
        self.assertEqual((303, "/+tokens"), (answer.status, answer.headers["location"]))
        self.assertNotIn(b"cron", (await self.look("/+tokens")).body)
        theirs = self.ask(tokens.token_by_key, others.key).token
        for wrong, status in ((str(theirs.id), 409), ("x", 400), ("9" * 19, 400)):
            answer = await self.post("/+tokens", csrf=word, token=wrong)
            self.assertEqual(status, answer.status, wrong)
        self.assertTrue(self.ask(tokens.token_by_key, others.key).token.is_good(self.now()))

    async def test_without_a_session(self) -> None:
        """Whoever looks logs in first, and comes back."""
        page = await self.look("/+tokens")
        self.assertIn(b'name="next" value="/+tokens"', page.body)
        self.assertEqual(403, (await self.post("/+tokens", token="1")).status)

    async def test_a_session_that_allows_less(self) -> None:
        """Its level is that of the link."""
        await self.log_in(level=AccessLevel.READ)
        [session] = self.ask(tokens.tokens, "ann")
        self.assertEqual((TokenKind.SESSION, AccessLevel.READ), (session.kind, session.level))
