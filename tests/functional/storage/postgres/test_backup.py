"""Backups of PostgreSQL, and restores into it from either kind of database."""

import sqlite3
import threading
from datetime import datetime
from typing import Any

from buildfarm.farmtesting.postgres import Cluster, fresh_database, shared_cluster
from buildfarm.storage import copies, epochs, roster
from buildfarm.storage.database import Database
from buildfarm.vocab.errors import Refused, StorageError
from tests.unit.storage.cases import StorageTestCase

LATER = datetime(2026, 1, 2, 3, 4, 5)


class BackupTestCase(StorageTestCase):
    """A farm on PostgreSQL in which a build was published and another runs."""

    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.first = self.submit("one")
        order = self.start(self.bob)
        self.gather(order)
        self.publish(order)
        self.second = self.submit("two", "1.0~ä")
        self.start(self.bob)
        self.backup = self.directory / "backup.db"

    def make_database(self) -> Database:
        """A database with a farm that `init` has made."""
        return Database(fresh_database(self))

    def sqlite(self) -> Database:
        """A farm in a file."""
        database = Database(f"sqlite:///{self.make_directory() / 'farm.db'}")
        database.init()
        return database


def everything(database: Database) -> dict[str, Any]:
    """Every snapshot that a farm has, whichever database it is in."""
    store = database.reader()
    try:
        return {
            "builders": roster.builders(store, include_inactive=True),
            "builds": store.execute("SELECT id, source, version, state FROM build").get_all(),
            "attempts": store.execute("SELECT id, cookie, state FROM attempt").get_all(),
            "events": store.execute("SELECT id, reason FROM event ORDER BY id").get_all(),
            "prepared": [bool(row[0]) for row in store.execute("SELECT prepared FROM attempt")],
        }
    finally:
        store.close()


class TestBackup(BackupTestCase):
    def test_everything(self) -> None:
        """A backup is an SQLite file with every row, for its owner alone; it can be read as one."""
        self.database.backup(self.backup)
        self.assertEqual(0o600, self.backup.stat().st_mode & 0o777)
        copies.require_whole(self.backup)
        self.assertEqual([self.backup], list(self.directory.iterdir()))
        copy = Database(f"sqlite:///{self.backup}")
        copy.check()
        self.assertEqual(everything(self.database), everything(copy))

    def test_not_over_a_file(self) -> None:
        """A file that exists is not replaced, and nothing is left of a backup that fails."""
        self.backup.write_text("mine")
        self.assertRaises(Refused, self.database.backup, self.backup)
        self.assertEqual("mine", self.backup.read_text())

    def test_one_moment(self) -> None:
        """What is committed while a backup is taken is in it wholly or not at all."""
        stop = threading.Event()

        def write() -> None:
            store = self.database.writer()
            while not stop.is_set():
                store.execute("UPDATE farm SET epoch = epoch + 1")
                store.execute("UPDATE queue SET score = (SELECT epoch FROM farm)")
                store.commit()
            store.close()

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for number in range(5):
                path = self.directory / f"{number}.db"
                self.database.backup(path)
                connection = sqlite3.connect(path)
                [(epoch, score)] = connection.execute("SELECT epoch, score FROM farm, queue")
                connection.close()
                self.assertIn(score, (epoch, 0))
        finally:
            stop.set()
            thread.join()


class TestRestore(BackupTestCase):
    def test_into_the_other_kind(self) -> None:
        """A farm moves from one kind of database to the other, and goes on there."""
        for number, (source, target) in enumerate(self.moves()):
            path = self.directory / f"{number}.db"
            source.backup(path)
            before = everything(source)
            target.restore(path, LATER)
            after = everything(target)
            self.assertEqual(before["builds"][0], after["builds"][0])
            self.assertEqual(
                [builder.name for builder in before["builders"]],
                [builder.name for builder in after["builders"]],
            )
            self.assertEqual(before["events"], after["events"][: len(before["events"])])
            self.go_on(target)

    def moves(self) -> list[tuple[Database, Database]]:
        """From this one to a file, and from the file to another like this one."""
        file = self.sqlite()
        return [(self.database, file), (file, Database(fresh_database(self)))]

    def go_on(self, database: Database) -> None:
        """Work with the farm in `database`: no id is given twice."""
        self.store.close()
        self.database = database
        self.open_store()
        self.begin_epoch()
        [(last,)] = self.rows("SELECT MAX(id) FROM build")
        self.assertGreater(self.submit(f"three{last}"), last)
        order = self.start(self.builder("bob"))
        self.gather(order)

    def test_what_was_there_is_kept(self) -> None:
        """What a restore replaces is in a schema of another name; a second one keeps both."""
        self.database.backup(self.backup)
        self.store.close()
        kept = [self.database.restore(self.backup, moment).kept for moment in (self.now(), LATER)]
        names = [(name or "").split()[-1] for name in kept]
        self.assertEqual("buildfarm_before_20260102t030405", names[1])
        database = Cluster.name_of(self.database.name)
        for name in names:
            found = shared_cluster().execute(f"SELECT source FROM {name}.build", database)
            self.assertEqual([("one",), ("two",)], sorted(found))

    def test_all_or_nothing(self) -> None:
        """A restore that fails changes nothing, however far it came."""
        self.database.backup(self.backup)
        connection = sqlite3.connect(self.backup)
        connection.execute("UPDATE event SET time = 'never' WHERE id = 1")
        connection.commit()
        connection.close()
        self.store.close()
        before = everything(self.database)
        self.assertRaises(StorageError, self.database.restore, self.backup, LATER)
        self.assertEqual(before, everything(self.database))
        schemas = shared_cluster().execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'buildfarm%'",
            Cluster.name_of(self.database.name),
        )
        self.assertEqual([("buildfarm",)], schemas)

    def test_renewed(self) -> None:
        """The restored farm has a new id, and believes nothing of its builders."""
        before = self.ask(epochs.current_epoch)
        self.database.backup(self.backup)
        self.store.close()
        self.assertEqual(1, self.database.restore(self.backup, LATER).lost)
        self.open_store()
        self.assertNotEqual(before.database_id, self.ask(epochs.current_epoch).database_id)
        self.assertEqual("DIRTY", self.builder("bob").clean_status.value)
