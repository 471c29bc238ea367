"""`init`, `backup` and `restore`."""

import signal
import sqlite3
import stat

from twisted.internet.threads import deferToThread

from buildfarm.farmtesting.smalldisk import SmallDisk
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

    async def test_what_a_killed_backup_leaves(self) -> None:
        """It has another name than a backup, and is in nobody's way; a manager removes its own."""
        await self.run_command("init")
        copy = self.directory / "copy.db"
        (self.directory / "copy.db.unfinished").write_text("half of it")
        (self.state / "backup-0123456789abcdef").write_text("half of it")
        await self.daemon()
        self.assertEqual([], list(self.state.glob("backup-*")))
        await self.run_command("backup", copy)
        self.assertEqual([copy], list(self.directory.glob("copy.db*")))
        await self.run_command("backup", self.directory / "another.db")

    async def test_backup_onto_a_full_disk(self) -> None:
        """A copy that does not fit leaves no file, with or without a manager; it is said why."""
        await self.run_command("init")
        place = self.directory / "small"
        place.mkdir()
        disk = SmallDisk(place, 1 << 20)
        self.addCleanup(disk.unmount)
        disk.fill(left=1 << 15)
        before = sorted(place.iterdir())
        expected = "No room left on the disk of copy.db; free some space there."
        self.assertEqual(expected, await self.refusal("backup", place / "copy.db"))
        await self.daemon()
        self.assertEqual(expected, await self.refusal("backup", place / "copy.db"))
        self.assertEqual(before, sorted(place.iterdir()))
        self.assertEqual([], list(self.state.glob("backup-*")))
        disk.free()
        await self.run_command("backup", place / "copy.db")

    async def test_no_room_beside_the_database(self) -> None:
        """Neither `backup` nor `restore` leaves anything on a full disk of the manager's own."""
        copy = self.directory / "copy.db"
        self.state.mkdir()
        disk = SmallDisk(self.state, 4 << 20)
        self.addCleanup(disk.unmount)
        await self.run_command("init")
        await self.run_command("backup", copy)
        await self.add("bob")
        manager = await self.daemon()
        disk.fill(left=1 << 15)
        refusal = await self.refusal("backup", self.directory / "another.db")
        self.assertIn("is full", refusal)
        self.assertEqual([], list(self.state.glob("backup-*")))
        self.assertEqual([copy], list(self.directory.glob("*.db*")))
        await self.stop(manager)
        before = sorted(path.name for path in self.state.iterdir())
        self.assertIn("is full", await self.refusal("restore", copy))
        self.assertEqual(before, sorted(path.name for path in self.state.iterdir()))
        disk.free()
        self.assertEqual(["bob"], await self.names())
        await self.run_command("restore", copy)
        self.assertEqual([], await self.names())

    async def test_backup_killed(self) -> None:
        """Neither the command nor the manager, killed in the middle, leaves a file of that name."""
        await self.run_command("init")
        manager = await self.daemon()
        copy = self.directory / "copy.db"
        manager.send_signal(signal.SIGSTOP)
        command = self.start_command("backup", copy)
        await self.wait_until((self.directory / "copy.db.unfinished").exists)
        command.kill()
        await deferToThread(command.communicate, timeout=20)
        self.assertFalse(copy.exists())

        command = self.start_command("backup", self.directory / "another.db")
        await self.wait_until((self.directory / "another.db.unfinished").exists)
        manager.kill()
        await deferToThread(command.communicate, timeout=20)
        self.assertEqual(1, command.returncode)
        self.assertEqual([], list(self.directory.glob("another.db*")))

        await self.daemon()
        await self.run_command("backup", copy)
        self.assertEqual([copy], list(self.directory.glob("copy.db*")))

    async def test_restore_killed(self) -> None:
        """It is the database of before, whole, or that of the backup, wherever `restore` ends."""
        await self.run_command("init")
        await self.add("bob")
        copy = self.directory / "copy.db"
        await self.run_command("backup", copy)
        await self.add("carol")
        for place in (
            "buildfarm.storage.restoring:renew",
            "buildfarm.storage.copies:keep",
            "pathlib:Path.hardlink_to",
            "buildfarm.storage.copies:move",
            "pathlib:Path.rename",
        ):
            await self.kill_at(place, "restore", copy)
            self.assertEqual(["bob", "carol"], await self.names(), place)
        await self.kill_at("buildfarm.commands.database:_queued", "restore", copy)
        self.assertEqual(["bob"], await self.names())
        await self.run_command("restore", copy)

    async def test_restore_of_half_a_backup(self) -> None:
        """A backup that was cut off, or is of a newer release, is refused; all stays as it was."""
        await self.run_command("init")
        await self.add("bob")
        copy = self.directory / "copy.db"
        await self.run_command("backup", copy)
        whole = copy.read_bytes()
        before = sorted(path.name for path in self.state.iterdir())
        for length in (0, 100, 4096, len(whole) // 2, len(whole) - 4096):
            copy.write_bytes(whole[:length])
            refusal = await self.refusal("restore", copy)
            self.assertTrue("damaged" in refusal or "not a database" in refusal, refusal)
        copy.write_bytes(whole)
        connection = sqlite3.connect(copy)
        connection.execute("INSERT INTO patch (version) VALUES (9999)")
        connection.commit()
        connection.close()
        self.assertIn("newer release", await self.refusal("restore", copy))
        self.assertEqual(before, sorted(path.name for path in self.state.iterdir()))
        self.assertEqual(["bob"], await self.names())

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
