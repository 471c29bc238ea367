"""Logging in by a link, logging out, and what acts for a person."""

from datetime import timedelta

from testtools import ExpectedException

from buildfarm.identity.doorkeeper import WrongToken
from buildfarm.identity.logins import Logins
from buildfarm.identity.secrets import NewSecret
from buildfarm.identity.sessions import NO_SESSION, Session, csrf_word
from buildfarm.storage import tokens
from buildfarm.vocab.access import AccessLevel, Visitor
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import TokenKind
from tests.unit.identity.cases import IdentityTestCase

DAY = timedelta(days=1)


class LoginsTests(IdentityTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logins = Logins(self.storage, self.doorkeeper, DAY, self.now)

    def link(self) -> NewSecret:
        """A link of Ann's, good for an hour."""
        return self.issue(TokenKind.LOGIN, expires=self.now() + timedelta(hours=1))

    async def visitor(self, session: NewSecret) -> Visitor:
        """Who comes with the cookie of this session."""
        return await self.doorkeeper.visitor(
            TokenKind.SESSION, session.key, session.secret, "127.0.0.1"
        )

    async def session(self) -> Session:
        """Ann has logged in."""
        new = await self.logins.log_in(self.link().joined, "127.0.0.1")
        return Session(await self.visitor(new), csrf_word(new.secret), new.key)

    async def test_a_link_makes_a_session_once(self) -> None:
        """Looking whose it is does not use it up; logging in does."""
        link = self.link().joined
        self.assertEqual("ann", await self.logins.whose(link, "127.0.0.1"))
        new = await self.logins.log_in(link, "127.0.0.1")
        visitor = await self.visitor(new)
        self.assertEqual(("ann", AccessLevel.WRITE), (visitor.person, visitor.level))
        self.doorkeeper._known.clear()
        with ExpectedException(WrongToken):
            await self.logins.log_in(link, "127.0.0.1")

    async def test_used_twice_at_once(self) -> None:
        """The database decides, whatever is remembered of the link."""
        link = self.link().joined
        await self.logins.log_in(link, "127.0.0.1")
        with ExpectedException(Refused):
            await self.logins.log_in(link, "127.0.0.1")

    async def test_a_session_ends_by_itself(self) -> None:
        """After the time that the settings say."""
        new = await self.logins.log_in(self.link().joined, "127.0.0.1")
        self.clock.advance(DAY.total_seconds())
        with ExpectedException(WrongToken):
            await self.visitor(new)

    async def test_logged_out(self) -> None:
        """The session is good for nothing at once, whoever has copied its cookie."""
        new = await self.logins.log_in(self.link().joined, "127.0.0.1")
        session = Session(await self.visitor(new), csrf_word(new.secret), new.key)
        await self.logins.log_out(session)
        with ExpectedException(WrongToken):
            await self.visitor(new)

    async def test_ones_own_tokens(self) -> None:
        """Those that stand are listed and can be revoked; those of others cannot."""
        session = await self.session()
        mine, others = self.issue(), self.issue(person="bert")
        self.issue(expires=self.now())
        [token, own_session] = await self.logins.tokens(session)
        self.assertEqual([mine.key, session.key], [token.key, own_session.key])
        await self.logins.revoke(session, token.id)
        self.assertEqual([own_session], list(await self.logins.tokens(session)))
        theirs = self.ask(tokens.token_by_key, others.key).token
        for looks in (session, NO_SESSION):
            with ExpectedException(Refused):
                await self.logins.revoke(looks, theirs.id)
        self.assertTrue(self.ask(tokens.token_by_key, others.key).token.is_good(self.now()))
