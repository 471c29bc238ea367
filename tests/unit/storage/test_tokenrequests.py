"""Requests for tokens: asked, answered once, exchanged once, and never too many."""

from datetime import timedelta
from unittest import mock

from buildfarm.storage import people, tokenrequests, tokens
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import Secret, TokenKind, TokenSnapshot
from tests.unit.storage.cases import StorageTestCase

HOUR = timedelta(hours=1)
NEW = Secret("new", "digest of new")


class TestRequests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.act(people.add_person, "ann", "Ann", False, "root", self.now())

    def request(self, key: str = "asked") -> TokenSnapshot:
        """A client asks for a token, for an hour."""
        secret = Secret(key, f"digest of {key}")
        expires = self.now() + HOUR
        return self.act(tokenrequests.request, secret, "lp-shell", expires, self.now())

    def approve(self, key: str = "asked", lasts: timedelta | None = None) -> None:
        """Ann says yes."""
        self.act(tokenrequests.approve, key, "ann", AccessLevel.WRITE, self.now(), lasts)

    def exchange(self, key: str = "asked") -> TokenSnapshot:
        """The client comes for its token."""
        return self.act(tokenrequests.exchange, key, NEW, self.now())

    def test_granted(self) -> None:
        """A request that a person approves is exchanged, once, for a token of its own secret."""
        self.request()
        self.approve()
        granted = self.exchange()
        self.assertEqual(
            (TokenKind.ACCESS, "ann", AccessLevel.WRITE, "lp-shell", None),
            (granted.kind, granted.person, granted.level, granted.consumer, granted.expires),
        )
        self.assertRaises(Refused, self.exchange)

    def test_granted_for_a_while(self) -> None:
        """The time that the person gave begins when the token is fetched."""
        self.request()
        self.approve(lasts=24 * HOUR)
        self.pass_time(600)
        self.assertEqual(self.now() + 24 * HOUR, self.exchange().expires)

    def test_not_without_a_yes(self) -> None:
        """What is open, refused or too old is not exchanged."""
        for key in ("open", "refused", "old"):
            self.request(key)
        self.act(tokenrequests.refuse, "refused", "ann", self.now())
        self.approve("old")
        for key in ("open", "refused"):
            self.assertRaises(Refused, self.exchange, key)
        self.pass_time(HOUR.total_seconds())
        self.assertRaises(Refused, self.exchange, "old")

    def test_answered_once(self) -> None:
        """A request has one answer, in time; what was never asked has none."""
        for key in ("refused", "approved", "old"):
            self.request(key)
        self.act(tokenrequests.refuse, "refused", "ann", self.now())
        self.approve("approved")
        self.pass_time(HOUR.total_seconds())
        for key in ("refused", "approved", "old", "unknown"):
            error = self.assertRaises(Refused, self.approve, key)
            self.assertEqual(
                "This request for a token has been answered, is too old, or was never made.",
                str(error),
            )

    def test_by_people_who_are_active(self) -> None:
        """A team says no yes, nor does who has left."""
        self.request()
        self.act(people.set_active, "ann", False, "root", self.now())
        self.assertRaises(Refused, self.approve)

    def test_the_oldest_makes_room(self) -> None:
        """Of those that nobody has answered, so many are kept; what was answered stays."""
        with mock.patch.object(tokenrequests, "MOST", 3):
            self.request("approved")
            self.approve("approved")
            for number in range(5):
                self.request(f"asked {number}")
        kept = [key for (key,) in self.rows("SELECT key FROM token ORDER BY id")]
        self.assertEqual(["approved", "asked 2", "asked 3", "asked 4"], kept)
        self.assertEqual(TokenKind.ACCESS, self.exchange("approved").kind)
        self.assertRaises(Refused, self.ask, tokens.token_by_key, "asked 1")
