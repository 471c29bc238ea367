"""The database is not there for us: nobody is blamed, and all goes on when it is back."""

import sqlite3
from pathlib import Path

from buildfarm.vocab.states import UploaderKind
from tests.functional.faults.cases import FaultTestCase

#: Seconds for which the database is away.
AWAY = 20.0


class SQLiteTests(FaultTestCase):
    async def test_another_process_keeps_it_locked(self) -> None:
        """Acts wait for it; `why` says so, and nothing is done twice afterwards."""
        await self.farm.add_builders(2, seconds=0.3)
        await self.submit(4)
        self.farm.start_manager()
        await self.wait_until(lambda: len(self.farm.made) >= 5, what=self.farm.story)
        other = sqlite3.connect(self.database(), isolation_level=None, timeout=20.0)
        self.addCleanup(other.close)
        other.execute("BEGIN EXCLUSIVE")
        until = self.reactor.seconds() + AWAY
        await self.wait_until_why_says("the database has taken nothing for", "another process")
        begun = len(self.farm.made)
        await self.wait_until(lambda: self.reactor.seconds() > until, AWAY + 1.0)
        self.assertEqual(begun, len(self.farm.made))
        other.execute("ROLLBACK")
        await self.finish()
        self.assertIn("info buildfarm.scanning.pauses", self.farm.log.read_text())

    async def test_its_file_is_moved_away(self) -> None:
        """It is noticed and said; dispatch pauses until the file is where it was."""
        await self.farm.add_builders(1, seconds=0.3)
        await self.submit(12, UploaderKind.DIRECTORY)
        self.farm.start_manager()
        await self.wait_until(lambda: len(self.farm.made) >= 1, what=self.farm.story)
        away = self.farm.root / "away.db"
        self.move(self.database(), away)
        await self.wait_until(
            lambda: "buildd-manager.db is gone: put the right one back" in self.farm.story()
        )
        await self.pass_time(0.5)  # what was claimed before is begun
        begun = len(self.farm.made)
        await self.pass_time(1.0)
        self.assertEqual(begun, len(self.farm.made))
        self.move(away, self.database())
        await self.finish()

    def move(self, database: Path, to: Path) -> None:
        """Move a database with the files that SQLite keeps beside it."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{database}{suffix}").rename(f"{to}{suffix}")

    def database(self) -> Path:
        """The file of this farm's database."""
        return Path(self.farm.settings.database_uri.removeprefix("sqlite:///"))
