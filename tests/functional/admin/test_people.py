"""The verbs of people, their rights and their tokens."""

from datetime import timedelta

from buildfarm.identity.secrets import digest, parted
from buildfarm.storage import tokens
from buildfarm.vocab.access import BUILDD_ADMINS
from buildfarm.vocab.announcements import PeopleChanged
from tests.functional.admin.cases import VerbTestCase


class TestPeople(VerbTestCase):
    async def test_added_and_listed(self) -> None:
        """People and teams, by name."""
        await self.do("person.add", name="bert")
        ann = await self.do("person.add", name="ann", display_name="Ann Other")
        self.assertEqual(
            ("ann", "Ann Other", False, True, []),
            tuple(ann[key] for key in ("name", "display_name", "is_team", "active", "teams")),
        )
        await self.do("person.add", name=BUILDD_ADMINS, is_team=True)
        await self.do("person.join", name="ann", team=BUILDD_ADMINS)
        self.assertEqual(
            [("ann", [BUILDD_ADMINS]), ("bert", []), (BUILDD_ADMINS, [])],
            [(one["name"], one["teams"]) for one in await self.do("person.list")],
        )
        left = await self.do("person.leave", name="ann", team=BUILDD_ADMINS)
        self.assertEqual([], left["teams"])
        self.assertIn(PeopleChanged(), self.announcements)

    async def test_refused(self) -> None:
        """Bad names, names that are taken, memberships that cannot be."""
        await self.do("person.add", name="ann")
        for verb, params, sentence in (
            ("person.add", {"name": "Ann"}, "'Ann' is no name"),
            ("person.add", {"name": "ann"}, "There is somebody called ann already."),
            ("person.join", {"name": "ann", "team": "none"}, "There is nobody called 'none'."),
            ("person.join", {"name": "ann", "team": "ann"}, "ann cannot join ann"),
            ("person.set", {"name": "eve", "active": True}, "There is nobody called 'eve'."),
        ):
            self.assertIn(sentence, await self.refusal(verb, **params))

    async def test_rights(self) -> None:
        """They are granted and withdrawn; what was not granted cannot be withdrawn."""
        await self.do("person.add", name="ann")
        right = {"archive": "main", "name": "ann", "right": "read"}
        self.assertIsNone(await self.do("archive.grant", **right))
        self.assertIsNone(await self.do("archive.withdraw", **right))
        self.assertIn("had no right to read", await self.refusal("archive.withdraw", **right))
        self.assertIn(
            "no archive", await self.refusal("archive.grant", **{**right, "archive": "x"})
        )


class TestTokens(VerbTestCase):
    async def setUp(self) -> None:
        super().setUp()
        await self.do("person.add", name="ann")

    async def test_created(self) -> None:
        """The secret is told once; the list has neither it nor its digest."""
        made = await self.do("token.create", person="ann", level="write", purpose="cron")
        [listed] = await self.do("token.list")
        self.assertEqual(
            (made["id"], "access", "ann", "write", "cron", None, None),
            tuple(
                listed[key]
                for key in ("id", "kind", "person", "level", "purpose", "expires", "used")
            ),
        )
        for secret in (made["secret"], digest(made["secret"]), made["key"]):
            self.assertNotIn(secret, repr(listed))
        self.assertEqual([], await self.do("token.list", person="bert"))

    async def test_for_a_while(self) -> None:
        """It expires when it was said that it does."""
        await self.do("token.create", person="ann", level="read", lasts=3600.0)
        [found] = self.ask(tokens.tokens, "ann")
        self.assertEqual(timedelta(hours=1), found.expires - found.created)

    async def test_revoked(self) -> None:
        """It is good for nothing, and the daemon hears of it."""
        made = await self.do("token.create", person="ann", level="read")
        await self.do("token.revoke", token_id=made["id"])
        [listed] = await self.do("token.list")
        self.assertIsNotNone(listed["revoked"])
        self.assertIn(PeopleChanged(), self.announcements)
        self.assertEqual("There is no token 77.", await self.refusal("token.revoke", token_id=77))

    async def test_login(self) -> None:
        """The link has a key and a secret, is good for ten minutes, and for so much."""
        address = await self.do("token.login", person="ann", level="read")
        before, _, joined = address.partition("/+login?link=")
        self.assertEqual(self.settings.web.public_url, before)
        key, secret = parted(joined)
        link = self.ask(tokens.token_by_key, key).token
        assert link.expires is not None and link.level is not None
        self.assertEqual(
            (digest(secret), "read", timedelta(minutes=10)),
            (link.secret_sha256, link.level.value, link.expires - link.created),
        )

    async def test_refused(self) -> None:
        """Nobody, a team and somebody who is inactive have no token and no link."""
        await self.do("person.add", name="team", is_team=True)
        await self.do("person.add", name="gone")
        await self.do("person.set", name="gone", active=False)
        for name in ("nobody", "team", "gone"):
            await self.refusal("token.create", person=name, level="read")
            await self.refusal("token.login", person=name)
        self.assertIn("level", await self.refusal("token.create", person="ann", level="all"))
