"""A backup while others write: nobody waits for it, and it is of one moment."""

import sqlite3
import threading
from pathlib import Path

from twisted.internet.threads import deferToThread

from buildfarm.storage import copies
from buildfarm.storage.commits import commit_group
from tests.functional.storage.writer import SCHEMA, write_pair
from tests.unit.storage.cases import SQLiteTestCase

#: Commits while one backup is under way, each of one act.
WRITES = 200

#: Seconds after which the test has hung.
DEADLINE = 60.0


class TestBackup(SQLiteTestCase):
    timeout = 90.0

    def setUp(self) -> None:
        super().setUp()
        self.store.execute(SCHEMA)
        self.store.commit()

    async def test_under_load(self) -> None:
        """However many commits there are while it reads, none fails, and the copy has none."""
        commit_group(self.store, [write_pair("before", 1)])
        reading, written = threading.Event(), threading.Event()

        class Slow(sqlite3.Connection):
            """Has begun to read, and takes its time."""

            def backup(self, target: sqlite3.Connection) -> None:  # type: ignore[override]
                self.execute("BEGIN")
                self.execute("SELECT COUNT(*) FROM pair").fetchone()
                reading.set()
                if written.wait(DEADLINE):
                    super().backup(target)
                self.execute("ROLLBACK")

        def connect(path: Path) -> sqlite3.Connection:
            factory = Slow if path == self.database.path else sqlite3.Connection
            return sqlite3.connect(path, isolation_level=None, factory=factory)

        self.patch(copies, "connect", connect)
        target = self.directory / "copy.db"
        copying = deferToThread(self.database.backup, target)
        await deferToThread(reading.wait, DEADLINE)
        for number in range(WRITES):
            [outcome] = commit_group(self.store, [write_pair("meanwhile", number)], tries=1)
            self.assertIsNone(outcome.error)
        written.set()
        await copying
        copies.require_whole(target)
        copy = sqlite3.connect(target)
        self.addCleanup(copy.close)
        found = copy.execute("SELECT name, COUNT(*) FROM pair GROUP BY name").fetchall()
        self.assertEqual([("before", 2)], found)
        self.assertEqual(2 * WRITES + 2, len(self.rows("SELECT number FROM pair")))
