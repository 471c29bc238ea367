"""Tokens: what each kind is good for, and for how long."""

from datetime import timedelta
from typing import Any

from buildfarm.storage import people, tokens
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.announcements import PeopleChanged
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import Secret, TokenKind, TokenSnapshot
from tests.unit.storage.cases import StorageTestCase

HOUR = timedelta(hours=1)


class TokenTestCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.act(people.add_person, "ann", "Ann", False, "root", self.now())

    def issue(self, kind: TokenKind, key: str = "key", **details: Any) -> TokenSnapshot:
        """Issue a token whose digest is known."""
        secret = Secret(key, f"digest of {key}")
        return self.act(tokens.issue, kind, secret, "root", self.now(), **details)

    def request(self, key: str = "asked") -> TokenSnapshot:
        """A client asks for a token, for an hour."""
        return self.issue(TokenKind.REQUEST, key, consumer="lp-shell", expires=self.now() + HOUR)

    def good(self, key: str) -> bool:
        """Whether the token of this key still stands."""
        return self.ask(tokens.token_by_key, key).token.is_good(self.now())


class TestAccess(TokenTestCase):
    def test_a_token_speaks_for_its_person(self) -> None:
        """The bearer of an access token is its person with its level; the secret is not kept."""
        self.issue(TokenKind.ACCESS, person="ann", level=AccessLevel.WRITE, purpose="cron")
        bearer = self.ask(tokens.token_by_key, "key")
        assert bearer.person is not None
        self.assertEqual("ann", bearer.person.name)
        self.assertEqual(AccessLevel.WRITE, bearer.token.level)
        self.assertEqual("digest of key", bearer.token.secret_sha256)

    def test_it_ends(self) -> None:
        """A token is good until it expires or is revoked, whichever is first."""
        self.issue(TokenKind.ACCESS, "a", person="ann", level=AccessLevel.READ)
        self.issue(
            TokenKind.ACCESS, "b", person="ann", level=AccessLevel.READ, expires=self.now() + HOUR
        )
        self.assertEqual([True, True], [self.good("a"), self.good("b")])
        self.pass_time(HOUR.total_seconds())
        self.assertEqual([True, False], [self.good("a"), self.good("b")])
        token_id = self.ask(tokens.token_by_key, "a").token.id
        self.act(tokens.revoke, token_id, "ann", self.now())
        self.assertFalse(self.good("a"))

    def test_only_for_active_people(self) -> None:
        """Teams, strangers and people who were deactivated get no token."""
        self.act(people.add_person, "team", "", True, "root", self.now())
        self.act(people.add_person, "gone", "", False, "root", self.now())
        self.act(people.set_active, "gone", False, "root", self.now())
        for name in ("team", "gone", "nobody"):
            self.assertRaises(
                Refused, self.issue, TokenKind.ACCESS, person=name, level=AccessLevel.READ
            )

    def test_listed(self) -> None:
        """What acts for a person is listed, the newest first; requests and links are not."""
        self.request()
        self.issue(TokenKind.ACCESS, "a", person="ann", level=AccessLevel.READ)
        self.issue(TokenKind.SESSION, "s", person="ann", level=AccessLevel.WRITE)
        self.assertEqual(["s", "a"], [one.key for one in self.ask(tokens.tokens, "ann")])
        self.assertEqual((), self.ask(tokens.tokens, "bert"))


class TestLogins(TokenTestCase):
    def link(self, key: str) -> None:
        """A link that is good for an hour."""
        expires = self.now() + HOUR
        self.issue(TokenKind.LOGIN, key, person="ann", level=AccessLevel.WRITE, expires=expires)

    def log_in(self, link: str, session: str = "session") -> TokenSnapshot:
        """Come with a link."""
        until = self.now() + 24 * HOUR
        return self.act(tokens.log_in, link, Secret(session, "digest"), until, self.now())

    def test_a_link_is_good_once(self) -> None:
        """It makes a session of its person and level; then it is used up, and so is an old one."""
        self.link("used")
        self.link("old")
        session = self.log_in("used")
        self.assertEqual(
            (TokenKind.SESSION, "ann", AccessLevel.WRITE, self.now() + 24 * HOUR),
            (session.kind, session.person, session.level, session.expires),
        )
        self.assertRaises(Refused, self.log_in, "used", "another")
        self.pass_time(HOUR.total_seconds())
        self.assertRaises(Refused, self.log_in, "old", "another")
        self.assertEqual("ann logged in", self.rows("SELECT reason FROM event ORDER BY id")[-1][0])

    def test_nothing_else_is_a_link(self) -> None:
        """An access token begins no session, and a link of a person who left does not."""
        self.issue(TokenKind.ACCESS, person="ann", level=AccessLevel.WRITE)
        self.assertRaises(Refused, self.log_in, "key")
        self.link("left")
        self.act(people.set_active, "ann", False, "root", self.now())
        self.assertRaises(Refused, self.log_in, "left")


class TestRevoked(TokenTestCase):
    def test_ones_own(self) -> None:
        """Whoever revokes for themselves finds no token of others."""
        self.act(people.add_person, "bert", "Bert", False, "root", self.now())
        token = self.issue(TokenKind.SESSION, person="ann", level=AccessLevel.WRITE)
        self.assertRaises(Refused, self.act, tokens.revoke, token.id, "bert", self.now(), "bert")
        self.assertTrue(self.good("key"))
        self.act(tokens.revoke, token.id, "ann", self.now(), "ann")
        self.assertFalse(self.good("key"))
        self.assertEqual([PeopleChanged()], self.announced)
        self.assertEqual(
            [(f"the session {token.id} of ann was revoked", "ann")],
            self.rows("SELECT reason, actor FROM event ORDER BY id")[-1:],
        )


class TestForgotten(TokenTestCase):
    def test_what_ended(self) -> None:
        """What ended long ago goes; what stands stays."""
        self.issue(TokenKind.ACCESS, "a", person="ann", level=AccessLevel.READ)
        self.request()
        self.pass_time(3 * HOUR.total_seconds())
        self.assertEqual(1, self.act(tokens.forget_tokens, self.now() - HOUR, 100))
        self.assertTrue(self.good("a"))
        self.assertRaises(Refused, self.ask, tokens.token_by_key, "asked")

    def test_what_nobody_uses(self) -> None:
        """An access token goes when nobody has used it for long, or ever; a new one stays."""
        used = self.issue(TokenKind.ACCESS, "used", person="ann", level=AccessLevel.READ)
        for key in ("never", "long ago"):
            self.issue(TokenKind.ACCESS, key, person="ann", level=AccessLevel.READ)
        long_ago = self.ask(tokens.token_by_key, "long ago").token
        self.act(tokens.note_use, long_ago.id, self.now())
        self.pass_time(3 * HOUR.total_seconds())
        self.issue(TokenKind.ACCESS, "new", person="ann", level=AccessLevel.READ)
        self.act(tokens.note_use, used.id, self.now())
        self.assertEqual(self.now(), self.ask(tokens.token_by_key, "used").token.used)
        self.assertEqual(2, self.act(tokens.forget_unused, self.now() - HOUR, 100))
        self.assertEqual([PeopleChanged()], self.announced)
        self.assertEqual(["new", "used"], [one.key for one in self.ask(tokens.tokens)])
