"""The doorkeeper: who a token makes of its bearer, and who is turned away."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from testtools import ExpectedException
from twisted.internet.defer import Deferred, DeferredList

from buildfarm.identity.attempts import MOST, SPAN
from buildfarm.identity.doorkeeper import (
    NOTED_EACH,
    REMEMBER,
    Doorkeeper,
    TooManyAttempts,
    WrongToken,
)
from buildfarm.identity.secrets import NewSecret, new_secret
from buildfarm.storage import people, tokens
from buildfarm.vocab.access import AccessLevel, Visitor
from buildfarm.vocab.announcements import PeopleChanged
from buildfarm.vocab.errors import StorageError
from buildfarm.vocab.people import ArchiveRight, TokenKind
from tests.unit.storage.cases import StorageTestCase


class DoorkeeperTests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.questions = 0
        self.broken = False
        self.meanwhile: Callable[[], object] = lambda: None
        self.doorkeeper = Doorkeeper(self.clock, self, self.now)
        self.act(people.add_person, "ann", "Ann", False, "root", self.now())
        self.token = self.issue()

    async def read(self, query: Any, *args: Any) -> Any:
        """Answer a query as the transactor does; `meanwhile` happens before it is heard."""
        self.questions += 1
        answer = self.ask(query, *args)
        self.meanwhile()
        return answer

    async def write(self, act: Any, *args: Any) -> Any:
        """Carry out an act as the transactor does."""
        if self.broken:
            raise StorageError("the disk is full")
        return self.act(act, *args)

    def issue(self, level: AccessLevel = AccessLevel.WRITE) -> NewSecret:
        """Give Ann a token."""
        new = new_secret()
        self.act(
            tokens.issue,
            TokenKind.ACCESS,
            new.kept,
            "root",
            self.now(),
            person="ann",
            level=level,
        )
        return new

    async def comes(self, key: str, secret: str, address: str = "127.0.0.1") -> Visitor:
        """Who is let in with this."""
        return await self.doorkeeper.visitor(TokenKind.ACCESS, key, secret, address)

    async def fails(self, key: str, secret: str, address: str = "127.0.0.1") -> None:
        """This does not let anybody in."""
        with ExpectedException(WrongToken):
            await self.comes(key, secret, address)

    async def test_a_visitor_has_its_teams_and_rights(self) -> None:
        """Rights are those of the person and of every team, the level that of the token."""
        self.act(people.add_person, "team", "", True, "root", self.now())
        self.act(people.join, "ann", "team", "root", self.now())
        self.add_archive("secret", private=True)
        self.act(people.grant, "secret", "team", ArchiveRight.READ, "root", self.now())
        self.act(people.grant, "main", "ann", ArchiveRight.UPLOAD, "root", self.now())
        visitor = await self.comes(self.token.key, self.token.secret)
        self.assertEqual(
            Visitor(
                "ann",
                frozenset({"team"}),
                AccessLevel.WRITE,
                frozenset({"secret"}),
                frozenset({"main"}),
            ),
            visitor,
        )

    async def test_wrong_tokens(self) -> None:
        """An unknown key, another's secret, another kind, a person who left: nobody comes in."""
        other = self.issue()
        await self.fails("unknown", self.token.secret)
        await self.fails(self.token.key, other.secret)
        with ExpectedException(WrongToken):
            await self.doorkeeper.visitor(
                TokenKind.SESSION, self.token.key, self.token.secret, "127.0.0.1"
            )
        self.act(people.set_active, "ann", False, "root", self.now())
        self.doorkeeper.publish(self.announced[0])
        await self.fails(self.token.key, self.token.secret)

    async def test_the_database_is_not_asked_each_time(self) -> None:
        """What it said is used for some seconds."""
        for _ in range(5):
            await self.comes(self.token.key, self.token.secret)
        self.assertEqual(1, self.questions)
        self.clock.advance(REMEMBER)
        await self.comes(self.token.key, self.token.secret)
        self.assertEqual(2, self.questions)

    async def test_a_revoked_token_is_good_for_nothing_at_once(self) -> None:
        """Nothing remembered outlives a change that was announced."""
        await self.comes(self.token.key, self.token.secret)
        token_id = self.ask(tokens.token_by_key, self.token.key).token.id
        self.act(tokens.revoke, token_id, "ann", self.now())
        self.assertEqual([PeopleChanged()], self.announced)
        self.doorkeeper.publish(self.announced[0])
        await self.fails(self.token.key, self.token.secret)

    async def test_too_many_attempts(self) -> None:
        """An address that tries many wrong tokens waits, even with a good one; others do not."""
        for _ in range(MOST):
            await self.fails(self.token.key, "wrong")
        with ExpectedException(TooManyAttempts):
            await self.comes(self.token.key, self.token.secret)
        await self.comes(self.token.key, self.token.secret, "127.0.0.2")
        self.clock.advance(SPAN)
        await self.comes(self.token.key, self.token.secret)

    async def test_who_came_in_before(self) -> None:
        """A browser that is made to guess by a page elsewhere does not lock out its person."""
        await self.comes(self.token.key, self.token.secret)
        for _ in range(MOST):
            await self.fails("unknown", "wrong")
        self.clock.advance(REMEMBER)
        await self.comes(self.token.key, self.token.secret)
        with ExpectedException(TooManyAttempts):
            await self.comes(self.token.key, "wrong")
        with ExpectedException(TooManyAttempts):
            other = self.issue()
            await self.comes(other.key, other.secret)

    async def test_many_guesses_at_once(self) -> None:
        """Those that come while the database is asked are counted too."""
        guesses: list[Deferred[Visitor]] = []

        def guess() -> None:
            if len(guesses) < 3 * MOST:
                end: Deferred[Visitor] = Deferred()
                guesses.append(end)
                Deferred.fromCoroutine(self.comes("unknown", "wrong")).chainDeferred(end)

        self.meanwhile = guess
        with ExpectedException(TooManyAttempts):
            await self.comes("unknown", "wrong")
        ends = await DeferredList(guesses, consumeErrors=True)
        kinds = Counter(error.type for _, error in ends)  # type: ignore[attr-defined]
        self.assertEqual({WrongToken: MOST, TooManyAttempts: 2 * MOST}, kinds)

    async def test_what_was_good_once_is_no_guess(self) -> None:
        """A script with a token that has been revoked does not lock out its whole site."""
        other = self.issue()
        token_id = self.ask(tokens.token_by_key, other.key).token.id
        self.act(tokens.revoke, token_id, "ann", self.now())
        for _ in range(MOST + 1):
            await self.fails(other.key, other.secret)
        await self.comes(self.token.key, self.token.secret)

    async def test_who_has_left_does_not_guess(self) -> None:
        """Nor does a script whose person has left; it is let in when they are back."""
        for active in (False, True):
            self.act(people.set_active, "ann", active, "root", self.now())
            self.doorkeeper.publish(self.announced[0])
            if not active:
                for _ in range(MOST + 1):
                    await self.fails(self.token.key, self.token.secret)
        await self.comes(self.token.key, self.token.secret)

    async def test_revoked_while_the_database_is_asked(self) -> None:
        """What it said before is not remembered."""
        token_id = self.ask(tokens.token_by_key, self.token.key).token.id

        def revoke() -> None:
            self.meanwhile = lambda: None
            self.act(tokens.revoke, token_id, "ann", self.now())
            self.doorkeeper.publish(self.announced[0])

        self.meanwhile = revoke
        await self.comes(self.token.key, self.token.secret)
        await self.fails(self.token.key, self.token.secret)

    async def test_its_use_is_noted_once_a_day(self) -> None:
        """So that tokens that nobody uses can be found; where it fails, the visitor comes in."""

        def used() -> Any:
            return self.ask(tokens.token_by_key, self.token.key).token.used

        self.broken = True
        await self.comes(self.token.key, self.token.secret)
        self.assertIsNone(used())
        self.broken = False
        self.clock.advance(NOTED_EACH.total_seconds())
        first = self.now()
        for _ in range(3):
            await self.comes(self.token.key, self.token.secret)
            self.clock.advance(REMEMBER)
        self.assertEqual(first, used())
        self.clock.advance(NOTED_EACH.total_seconds())
        await self.comes(self.token.key, self.token.secret)
        self.assertEqual(self.now(), used())
