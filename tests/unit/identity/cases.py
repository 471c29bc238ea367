"""People with tokens in a database of the test's own, and who lets them in."""

from typing import Any

from buildfarm.identity.doorkeeper import Doorkeeper
from buildfarm.identity.secrets import NewSecret, new_secret
from buildfarm.storage import people, tokens
from buildfarm.vocab.access import AccessLevel
from buildfarm.vocab.people import TokenKind
from tests.unit.scanning.cases import InlineStorage
from tests.unit.storage.cases import StorageTestCase


class IdentityTestCase(StorageTestCase):
    """`ann` and `bert` are people; what acts announce, the doorkeeper hears."""

    def setUp(self) -> None:
        super().setUp()
        self.storage: Any = InlineStorage(self)
        self.doorkeeper = Doorkeeper(self.clock, self.storage, self.now)
        self.storage.publish = self.doorkeeper.publish
        for name in ("ann", "bert"):
            self.act(people.add_person, name, name.title(), False, "root", self.now())

    def issue(
        self,
        kind: TokenKind = TokenKind.ACCESS,
        level: AccessLevel = AccessLevel.WRITE,
        person: str = "ann",
        **details: Any,
    ) -> NewSecret:
        """Give somebody a token."""
        new = new_secret()
        self.act(
            tokens.issue,
            kind,
            new.kept,
            "root",
            self.now(),
            person=person,
            level=level,
            **details,
        )
        return new
