"""People and teams, as launchpadlib sees them."""

from typing import Any

from lazr.restfulclient.errors import NotFound, Unauthorized

from buildfarm.vocab.access import BUILDD_ADMINS, AccessLevel
from tests.functional.webservice.cases import WebServiceTestCase


class PeopleTests(WebServiceTestCase):
    async def test_everybody(self) -> None:
        """People and teams are listed by name; each is of its own type."""
        client = await self.client()

        def look() -> Any:
            return [
                (one.name, one.is_team, one.resource_type_link.rpartition("#")[2])
                for one in client.people
            ]

        self.assertEqual(
            [("ann", False, "person"), ("bert", False, "person"), (BUILDD_ADMINS, True, "team")],
            await self.do(look),
        )

    async def test_teams_and_their_members(self) -> None:
        """A person leads to their teams, a team to its members."""
        client = await self.client()

        def look() -> Any:
            ann, bert = client.people["ann"], client.people["bert"]
            [team] = ann.super_teams
            return team.name, [one.name for one in team.members], len(bert.super_teams)

        self.assertEqual((BUILDD_ADMINS, ["ann"], 0), await self.do(look))

    async def test_one(self) -> None:
        """Found by name, with a name for reading, and since when they are known."""
        client = await self.client()

        def look() -> Any:
            ann = client.people.getByName(name="ann")
            self.assertRaises(NotFound, client.load, f"{self.root}devel/~carl")
            self.assertRaises(NotFound, client.load, f"{self.root}devel/~carl/super_teams")
            return (
                (ann.name, ann.display_name, ann.is_valid, type(ann.date_created).__name__),
                client.people.getByName(name="carl"),
            )

        self.assertEqual((("ann", "Ann", True, "datetime"), None), await self.do(look))

    async def test_oneself(self) -> None:
        """`me` is who the token is of, whatever it allows; nobody without one."""
        bert, nobody = await self.client("bert", AccessLevel.READ), await self.client()

        def look() -> str:
            self.assertRaises(Unauthorized, lambda: nobody.me.name)
            return str(bert.me.name)

        self.assertEqual("bert", await self.do(look))
