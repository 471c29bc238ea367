"""`init`, `backup` and `restore`."""

import sqlite3
import stat

from tests.functional.commands.cases import CommandTestCase


class TestDatabase(CommandTestCase):
    async def test_init(self) -> None:
        """The state directory and the database are made for the manager alone, once."""
        self.assertIn("was made (version ", await self.told("init"))
        self.assertEqual(0o750, stat.S_IMODE(self.state.stat().st_mode))
        database = self.state / "buildd-manager.db"
        self.assertEqual(0o600, stat.S_IMODE(database.stat().st_mode))
        self.assertIn("is up to date (version ", await self.told("init"))

    async def test_state_directory_that_cannot_be(self) -> None:
        """A state directory that cannot be made is refused in a sentence."""
        self.state.write_text("a file")
        self.assertIn(f"{self.state} cannot be used: ", await self.refusal("init"))

    async def add(self, name: str) -> None:
        """Add a builder."""
        await self.run_command("builder", "add", name, f"http://{name}", "--processor", "amd64")

    async def names(self) -> list[str]:
        """The builders' names."""
        return [one["name"] for one in await self.told_json("builder", "list")]

    async def test_back_and_forth(self) -> None:
        """What was backed up is there again after `restore`, and what was before is kept."""
        await self.run_command("init")
        await self.add("bob")
        copy = self.directory / "copy.db"
        self.assertIn("was copied to", await self.told("backup", copy))
        self.assertEqual(0o600, stat.S_IMODE(copy.stat().st_mode))
        await self.add("carol")
        printed = await self.told("restore", copy)
        self.assertEqual(["bob"], await self.names())
        kept = printed.split()[-1].rstrip(".")
        connection = sqlite3.connect(kept)
        self.addCleanup(connection.close)
        self.assertEqual(2, connection.execute("SELECT count(*) FROM builder").fetchone()[0])

    async def test_backup_of_a_running_manager(self) -> None:
        """The manager need not stop, nor reach the directory of the copy."""
        await self.run_command("init")
        await self.daemon()
        await self.add("bob")
        copy = self.directory / "copy.db"
        await self.run_command("backup", copy)
        connection = sqlite3.connect(copy)
        self.addCleanup(connection.close)
        self.assertEqual([("bob",)], connection.execute("SELECT name FROM builder").fetchall())
        self.assertEqual([], list(self.state.glob("backup-*")))

    async def test_backup_refused(self) -> None:
        """A file that exists stays as it is; one of a backup that failed does not stay."""
        copy = self.directory / "copy.db"
        copy.write_text("mine")
        self.assertEqual(f"{copy} cannot be made: File exists.", await self.refusal("backup", copy))
        self.assertEqual("mine", copy.read_text())
        copy.unlink()
        self.assertIn("There is no database", await self.refusal("backup", copy))
        self.assertFalse(copy.exists())

    async def test_restore_refused(self) -> None:
        """What is no backup changes nothing."""
        await self.run_command("init")
        await self.add("bob")
        self.assertIn(
            "is not a database of a build farm", await self.refusal("restore", self.config)
        )
        self.assertIn("There is no backup", await self.refusal("restore", "none"))
        self.assertEqual(["bob"], await self.names())

    async def test_refused_while_the_manager_runs(self) -> None:
        """`init` and `restore` are refused while a daemon runs."""
        await self.run_command("init")
        copy = self.directory / "copy.db"
        await self.run_command("backup", copy)
        process = await self.daemon()
        expected = f"Another manager works in {self.state} (process {process.pid}); stop it first."
        self.assertEqual(expected, await self.refusal("init"))
        self.assertEqual(expected, await self.refusal("restore", copy))
