"""How a client gets a token: it asks, a person answers, it fetches."""

from datetime import timedelta

from testtools import ExpectedException

from buildfarm.identity.attempts import MOST as GUESSES
from buildfarm.identity.exchange import (
    MAX_CONSUMER,
    MOST,
    OPEN_FOR,
    SPAN,
    Exchange,
    Standing,
    TooManyRequests,
)
from buildfarm.identity.secrets import NewSecret
from buildfarm.storage import tokens
from buildfarm.vocab.access import ANYBODY, AccessLevel, Visitor
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import TokenKind
from tests.unit.identity.cases import IdentityTestCase

ANN = Visitor("ann", level=AccessLevel.WRITE)


class ExchangeTests(IdentityTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.exchange = Exchange(self.clock.seconds, self.storage, self.now)

    async def request(self, consumer: str = "script", address: str = "127.0.0.1") -> NewSecret:
        """A client asks."""
        return await self.exchange.request(consumer, address)

    async def standing(self, asked: NewSecret, consumer: str = "script") -> Standing:
        """The client comes for its token."""
        found = await self.exchange.fetch(consumer, asked.key, asked.secret, "127.0.0.1")
        return found.standing

    async def test_granted_once(self) -> None:
        """The client waits, gets a token of the level that was given, and no second one."""
        asked = await self.request()
        self.assertEqual(Standing.OPEN, await self.standing(asked))
        self.assertEqual("script", (await self.exchange.asked(asked.key)).consumer)
        await self.exchange.approve(asked.key, ANN, AccessLevel.READ, timedelta(days=1))
        granted = await self.exchange.fetch("script", asked.key, asked.secret, "127.0.0.1")
        assert granted.secret is not None
        visitor = await self.doorkeeper.visitor(
            TokenKind.ACCESS, granted.secret.key, granted.secret.secret, "127.0.0.1"
        )
        self.assertEqual(("ann", AccessLevel.READ), (visitor.person, visitor.level))
        found = self.ask(tokens.token_by_key, granted.secret.key).token
        self.assertEqual(self.now() + timedelta(days=1), found.expires)
        self.assertEqual(Standing.REFUSED, await self.standing(asked))

    async def test_refused(self) -> None:
        """The client hears it, and the request is answered for good."""
        asked = await self.request()
        await self.exchange.refuse(asked.key, ANN)
        self.assertEqual(Standing.REFUSED, await self.standing(asked))
        with ExpectedException(Refused):
            await self.exchange.approve(asked.key, ANN, AccessLevel.READ, None)

    async def test_not_more_than_the_session_allows(self) -> None:
        """Nobody gives what they have not got, and nobody without a session gives anything."""
        asked = await self.request()
        for visitor in (ANN, ANYBODY):
            with ExpectedException(Refused):
                await self.exchange.approve(asked.key, visitor, AccessLevel.ADMINISTER, None)
        with ExpectedException(Refused):
            await self.exchange.approve(asked.key, ANYBODY, AccessLevel.READ, None)
        self.assertEqual(Standing.OPEN, await self.standing(asked))

    async def test_only_who_asked(self) -> None:
        """Another secret, another consumer, another token: nothing is granted."""
        asked = await self.request()
        await self.exchange.approve(asked.key, ANN, AccessLevel.READ, None)
        wrong = NewSecret(asked.key, "0" * 64)
        self.assertEqual(Standing.REFUSED, await self.standing(wrong))
        self.assertEqual(Standing.REFUSED, await self.standing(asked, "other"))
        self.assertEqual(Standing.REFUSED, await self.standing(self.issue()))
        self.assertEqual(Standing.REFUSED, await self.standing(NewSecret("unknown", "0")))
        self.assertEqual(Standing.GRANTED, await self.standing(asked))

    async def test_too_late(self) -> None:
        """A request is open for an hour."""
        asked = await self.request()
        self.clock.advance(OPEN_FOR.total_seconds())
        self.assertEqual(Standing.REFUSED, await self.standing(asked))
        with ExpectedException(Refused):
            await self.exchange.asked(asked.key)

    async def test_names_that_are_none(self) -> None:
        """Nothing, too much, or what a page cannot show."""
        for consumer in ("", "x" * (MAX_CONSUMER + 1), "a\nb", "a\x1b[31m"):
            with ExpectedException(Refused):
                await self.request(consumer)

    async def test_so_many_from_one_address(self) -> None:
        """Then it waits, while others are served."""
        for _ in range(MOST):
            await self.request()
        with ExpectedException(TooManyRequests):
            await self.request()
        await self.request(address="127.0.0.2")
        self.clock.advance(SPAN)
        await self.request()

    async def test_guessing(self) -> None:
        """An address that guesses waits; one that comes too early, or too late, does not."""
        asked = await self.request()
        for _ in range(2 * GUESSES):
            self.assertEqual(Standing.OPEN, await self.standing(asked))
        await self.exchange.refuse(asked.key, ANN)
        for _ in range(2 * GUESSES):
            self.assertEqual(Standing.REFUSED, await self.standing(asked))
        for _ in range(GUESSES):
            await self.standing(NewSecret(asked.key, "0" * 64))
        with ExpectedException(TooManyRequests):
            await self.standing(asked)
