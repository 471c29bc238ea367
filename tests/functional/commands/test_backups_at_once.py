"""Two `backup` commands that are given the same file."""

import signal

from twisted.internet.threads import deferToThread

from tests.functional.commands.cases import CommandTestCase


class TestBackupsAtOnce(CommandTestCase):
    async def test_the_second_is_refused(self) -> None:
        """It takes nothing from under the first, whose backup is whole."""
        await self.run_command("init")
        manager = await self.daemon()
        copy = self.directory / "copy.db"
        unfinished = self.directory / "copy.db.unfinished"
        manager.send_signal(signal.SIGSTOP)
        first = self.start_command("backup", copy)
        await self.wait_until(unfinished.exists)
        written = unfinished.stat().st_ino
        second = self.start_command("backup", copy)
        _, said = await deferToThread(second.communicate, timeout=20)
        self.assertIn("is being made by another command; wait for that", said.decode())
        manager.send_signal(signal.SIGCONT)
        await deferToThread(first.communicate, timeout=20)
        self.assertEqual(0, first.returncode)
        self.assertEqual(written, copy.stat().st_ino)
        self.assertEqual([copy], list(self.directory.glob("copy.db*")))
