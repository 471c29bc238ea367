"""`person`, `token` and `archive allow` on the command line."""

import stat

from launchpadlib.credentials import Credentials

from tests.functional.commands.cases import CommandTestCase

ADMINS = "launchpad-buildd-admins"


class TestPeople(CommandTestCase):
    async def setUp(self) -> None:
        super().setUp()
        await self.run_command("init")
        await self.run_command("person", "add", "ann", "--display-name", "Ann Other")

    async def test_people_and_teams(self) -> None:
        """Added, joined, listed, and let in no more."""
        await self.run_command("person", "add", "--team", ADMINS)
        told = await self.told("person", "join", "ann", ADMINS)
        self.assertEqual(f"ann (Ann Other), in {ADMINS}.\n", told)
        told = await self.told("person", "set", "ann", "--inactive")
        self.assertEqual(f"ann (Ann Other), in {ADMINS}, inactive.\n", told)
        self.assertIn("Ann Other", await self.told("person", "list"))
        found = await self.told_json("person", "list")
        self.assertEqual(
            [("ann", False, False), (ADMINS, True, True)],
            [(one["name"], one["is_team"], one["active"]) for one in found],
        )
        self.assertEqual(
            "ann (Ann Other), inactive.\n", await self.told("person", "leave", "ann", ADMINS)
        )

    async def test_credentials(self) -> None:
        """A file that launchpadlib reads and nobody else; one that is there is left alone.

        No token is made that would have no place.
        """
        path = self.directory / "credentials"
        create = ("token", "create", "--person", "ann", "--level", "write")
        file = ("--credentials-file", path, "--consumer", "System-wide: farm")
        told = await self.told(*create, *file)
        self.assertEqual(f"Token 1 is in {path}.\n", told)
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        found = Credentials.load_from_path(str(path))
        self.assertEqual("System-wide: farm", found.consumer.key)
        self.assertEqual((32, 64), (len(found.access_token.key), len(found.access_token.secret)))
        before = path.read_bytes()
        self.assertIn(f"cannot be written to {path}", await self.refusal(*create, *file))
        self.assertEqual(before, path.read_bytes())
        nowhere = ("--credentials-file", self.directory / "none" / "credentials")
        self.assertIn("no directory", await self.refusal(*create, *nowhere))
        self.assertEqual([1], [one["id"] for one in await self.told_json("token", "list")])

    async def test_tokens(self) -> None:
        """Made, listed without their secrets, revoked."""
        made = await self.told_json(
            "token",
            "create",
            "--person",
            "ann",
            "--level",
            "read",
            "--days",
            "30",
            "--purpose",
            "cron",
        )
        listed = await self.told("token", "list")
        self.assertIn("cron", listed)
        self.assertNotIn(made["secret"], listed)
        told = await self.told("token", "revoke", str(made["id"]))
        self.assertEqual(f"Token {made['id']} is revoked.\n", told)
        [token] = await self.told_json("token", "list", "--person", "ann")
        self.assertIsNotNone(token["revoked"])
        await self.run_command("token", "create", "--person", "ann", "--level", "all", status=2)

    async def test_login(self) -> None:
        """One line, which is the link."""
        told = await self.told("token", "login", "ann")
        self.assertRegex(told, r"^http://[^ ]+/\+login\?link=[0-9a-f]{32}\.[0-9a-f]{64}\n$")
        self.assertIn("nobody called 'eve'", await self.refusal("token", "login", "eve"))

    async def test_rights(self) -> None:
        """Given to people and teams for an archive, and taken back."""
        archive = ("archive", "add", "main", "--suite", "bookworm", "--uploader", "directory")
        await self.run_command(*archive, "--private")
        right = ("main", "ann", "--right", "read")
        self.assertEqual(
            "ann may read in the archive main.\n", await self.told("archive", "allow", *right)
        )
        told = await self.told("archive", "disallow", *right)
        self.assertEqual("ann may no longer read in the archive main.\n", told)
        self.assertIn("had no right", await self.refusal("archive", "disallow", *right))
