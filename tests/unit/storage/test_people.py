"""People, teams, and rights in archives."""

from buildfarm.storage import people
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import ArchiveRight
from tests.unit.storage.cases import StorageTestCase


class PeopleTestCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        for name, is_team in (("ann", False), ("bert", False), ("moderators", True)):
            self.act(people.add_person, name, name.title(), is_team, "root", self.now())

    def join(self, name: str, team: str = "moderators") -> None:
        """Let somebody join a team."""
        self.act(people.join, name, team, "root", self.now())

    def reasons(self) -> list[str]:
        """What events tell, oldest first."""
        return [reason for (reason,) in self.rows("SELECT reason FROM event ORDER BY id")]


class TestTeams(PeopleTestCase):
    def test_members(self) -> None:
        """Who joins a team is its member, once, until they leave it."""
        self.join("ann")
        self.join("ann")
        self.assertEqual(("ann",), self.ask(people.members, "moderators"))
        self.assertEqual(("moderators",), self.ask(people.person_named, "ann").teams)
        self.act(people.leave, "ann", "moderators", "root", self.now())
        self.assertEqual((), self.ask(people.members, "moderators"))
        self.assertEqual(["ann joined moderators", "ann left moderators"], self.reasons()[-2:])

    def test_everybody(self) -> None:
        """People are listed by name with their teams."""
        self.join("bert")
        self.assertEqual(
            [("ann", ()), ("bert", ("moderators",)), ("moderators", ())],
            [(one.name, one.teams) for one in self.ask(people.people)],
        )

    def test_refused(self) -> None:
        """Only people join and are sent away, only teams are joined, and each has its own name."""
        for act in (
            lambda: self.join("moderators"),
            lambda: self.join("ann", "bert"),
            lambda: self.join("nobody"),
            lambda: self.act(people.leave, "ann", "moderators", "root", self.now()),
            lambda: self.act(people.set_active, "moderators", False, "root", self.now()),
            lambda: self.act(people.add_person, "ann", "", False, "root", self.now()),
            lambda: self.act(people.add_person, "An N", "", False, "root", self.now()),
        ):
            self.assertRaises(Refused, act)


class TestRights(PeopleTestCase):
    def grant(self, name: str, right: ArchiveRight) -> None:
        """Give a right in the archive that every test has."""
        self.act(people.grant, "main", name, right, "root", self.now())

    def test_granted_and_withdrawn(self) -> None:
        """Rights are a person's or a team's, each by itself, and are given once."""
        self.grant("ann", ArchiveRight.READ)
        self.grant("ann", ArchiveRight.READ)
        self.grant("moderators", ArchiveRight.UPLOAD)
        self.assertEqual(
            {
                "main": {
                    ArchiveRight.READ: frozenset({"ann"}),
                    ArchiveRight.UPLOAD: frozenset({"moderators"}),
                }
            },
            self.ask(people.archive_rights),
        )
        self.act(people.withdraw, "main", "ann", ArchiveRight.READ, "root", self.now())
        rights = self.ask(people.archive_rights)
        self.assertEqual([ArchiveRight.UPLOAD], list(rights["main"]))

    def test_nothing_to_withdraw(self) -> None:
        """What was not given cannot be taken."""
        self.assertRaises(
            Refused, self.act, people.withdraw, "main", "ann", ArchiveRight.READ, "r", self.now()
        )
