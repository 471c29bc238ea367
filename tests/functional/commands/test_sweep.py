"""`sweep`: what is old goes when an operator says so, with a daemon and without one."""

import os

from tests.functional.commands.cases import CommandTestCase


class TestSweep(CommandTestCase):
    def leave_a_file(self) -> None:
        """A file in the store that nothing names, since long ago."""
        part = self.state / "files" / "ab"
        part.mkdir(parents=True, exist_ok=True)
        path = part / f"ab{'0' * 62}"
        path.write_bytes(b"left over")
        os.utime(path, (0, 0))

    async def test_without_a_daemon(self) -> None:
        """The command does it by itself."""
        await self.run_command("init")
        self.leave_a_file()
        self.assertIn(": 1 files, 9 bytes.", await self.told("sweep"))
        self.assertIn(": nothing.", await self.told("sweep"))
        self.assertIn("no sweep yet", await self.told("sweep", "--last"))

    async def test_with_a_daemon(self) -> None:
        """The daemon does it, and knows afterwards what it removed."""
        await self.run_command("init")
        await self.daemon()
        self.assertIn("no sweep yet", await self.told("sweep", "--last"))
        self.leave_a_file()
        self.assertIn(": 1 files, 9 bytes.", await self.told("sweep"))
        last = await self.told_json("sweep", "--last")
        self.assertEqual((1, 9, 0), (last["files"], last["bytes"], last["events"]))
