"""Backups of PostgreSQL, and restores into it from either kind of database."""

from datetime import datetime

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.postgres import fresh_database
from buildfarm.storage.database import Database


class TestBackup(FarmTestCase):
    def test_between_kinds(self) -> None:
        """A farm moves from one kind of database to the other by backup and restore."""
        directory = self.make_directory()
        postgres = Database(fresh_database(self))
        sqlite = Database(f"sqlite:///{directory / 'farm.db'}")
        sqlite.init()
        for number, (source, target) in enumerate([(sqlite, postgres), (postgres, sqlite)]):
            source.backup(directory / f"{number}.db")
            target.restore(directory / f"{number}.db", datetime(2026, 1, 1))
            target.check()
