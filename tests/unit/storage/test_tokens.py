"""Tokens: what each kind is good for, and for how long."""

from datetime import timedelta
from typing import Any

from buildfarm.storage import people, tokens
from buildfarm.vocab.access import AccessLevel
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

    def test_forgotten(self) -> None:
        """What ended long ago goes; what stands stays."""
        self.issue(TokenKind.ACCESS, "a", person="ann", level=AccessLevel.READ)
        self.request()
        self.pass_time(3 * HOUR.total_seconds())
        self.assertEqual(1, self.act(tokens.forget_tokens, self.now() - HOUR, 100))
        self.assertTrue(self.good("a"))
        self.assertRaises(Refused, self.ask, tokens.token_by_key, "asked")


class TestRequests(TokenTestCase):
    def test_granted(self) -> None:
        """A request that a person approves is exchanged, once, for a token of its own secret."""
        self.request()
        self.act(tokens.approve, "asked", "ann", AccessLevel.WRITE, self.now())
        new = Secret("new", "digest of new")
        granted = self.act(tokens.exchange, "asked", new, self.now())
        self.assertEqual(
            (TokenKind.ACCESS, "ann", AccessLevel.WRITE, "lp-shell", None),
            (granted.kind, granted.person, granted.level, granted.consumer, granted.expires),
        )
        self.assertRaises(Refused, self.act, tokens.exchange, "asked", new, self.now())

    def test_not_without_a_yes(self) -> None:
        """What is open, refused or too old is not exchanged."""
        self.request("open")
        self.request("refused")
        self.act(tokens.refuse, "refused", "ann", self.now())
        self.request("old")
        self.act(tokens.approve, "old", "ann", AccessLevel.READ, self.now())
        new = Secret("new", "digest of new")
        for key in ("open", "refused"):
            self.assertRaises(Refused, self.act, tokens.exchange, key, new, self.now())
        self.pass_time(HOUR.total_seconds())
        self.assertRaises(Refused, self.act, tokens.exchange, "old", new, self.now())

    def test_answered_once(self) -> None:
        """A request has one answer, in time."""
        self.request("refused")
        self.act(tokens.refuse, "refused", "ann", self.now())
        self.request("old")
        self.pass_time(HOUR.total_seconds())
        for key in ("refused", "old"):
            self.assertRaises(
                Refused, self.act, tokens.approve, key, "ann", AccessLevel.READ, self.now()
            )


class TestLogins(TokenTestCase):
    def test_once(self) -> None:
        """A login token is good once, and not after its time."""
        expires = self.now() + HOUR
        for key in ("used", "old"):
            self.issue(TokenKind.LOGIN, key, person="ann", level=AccessLevel.WRITE, expires=expires)
        self.assertEqual("ann", self.act(tokens.use_once, "used", self.now()).person)
        self.assertRaises(Refused, self.act, tokens.use_once, "used", self.now())
        self.pass_time(HOUR.total_seconds())
        self.assertRaises(Refused, self.act, tokens.use_once, "old", self.now())
