"""Where the database is, how it is made, upgraded, checked and copied."""

import stat
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.storage import copies, epochs, schema
from buildfarm.storage.backend import Initialised
from buildfarm.storage.database import Database
from buildfarm.vocab.errors import Refused, SettingsError, StorageError
from tests.unit.storage.cases import SQLiteTestCase, StorageTestCase


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestUri(FarmTestCase):
    def test_path(self) -> None:
        """A URI with four slashes names an absolute path."""
        self.assertEqual("/var/lib/farm/farm.db", Database("sqlite:////var/lib/farm/farm.db").name)

    def test_escapes(self) -> None:
        """Characters with a meaning of their own can be written as escapes."""
        self.assertEqual("/a b/f?.db", Database("sqlite:////a%20b/f%3F.db").name)

    def test_what_is_no_database(self) -> None:
        """A URI of another kind, or of none, is refused with an example."""
        for uri in ("mysql://host/farm", "postgres://host", "sqlite:", "farm.db", ""):
            error = self.assertRaises(SettingsError, Database, uri)
            self.assertIn(repr(uri), str(error))


class TestInit(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.make_directory() / "state" / "farm.db"
        self.database = Database(f"sqlite:///{self.path}")

    def test_new(self) -> None:
        """A new database has the current version and an id of its own; nobody else can read it."""
        self.assertEqual(Initialised(0, schema.CURRENT), self.database.init())
        self.database.check()
        store = self.database.writer()
        self.addCleanup(store.close)
        store.execute("SELECT 1")
        epoch = epochs.current_epoch(store)
        self.assertEqual(0, epoch.number)
        self.assertRegex(epoch.database_id, "^[0-9a-f]{8}$")
        self.assertEqual({0o600}, {mode(path) for path in self.path.parent.iterdir()})
        self.assertEqual(0o700, mode(self.path.parent))

    def test_ids_differ(self) -> None:
        """No two databases have the same id, so no two managers the same cookie."""
        other = Database(f"sqlite:///{self.make_directory() / 'farm.db'}")
        ids = set()
        for database in (self.database, other):
            database.init()
            store = database.reader()
            self.addCleanup(store.close)
            ids.add(epochs.current_epoch(store).database_id)
        self.assertEqual(2, len(ids))

    def test_again(self) -> None:
        """A database that is there and current stays as it is."""
        self.database.init()
        before = self.path.read_bytes()
        self.assertEqual(Initialised(schema.CURRENT, schema.CURRENT), self.database.init())
        self.assertEqual(before, self.path.read_bytes())

    def test_after_a_crash(self) -> None:
        """What an interrupted `init` left is no database, and the next one begins afresh."""
        self.database.init()
        unfinished = self.path.with_name("farm.db.new")
        self.path.rename(unfinished)
        unfinished.with_name("farm.db.new-wal").write_bytes(b"rest of a log")
        self.assertRaises(Refused, self.database.check)
        self.assertEqual(0, self.database.init().before)
        self.assertEqual([self.path], list(self.path.parent.iterdir()))

    def test_upgrade(self) -> None:
        """An older database is backed up beside itself, then upgraded."""
        self.database.init()
        store = self.database.writer()
        self.addCleanup(store.close)
        for name in ("sample", "delivery_notice", "delivery", "notice", "depwait", "depwait_check"):
            store.execute(f"DROP TABLE {name}")
        for name in ("token", "archive_right", "membership", "person"):
            store.execute(f"DROP TABLE {name}")
        for name in ("event", "queue", "attempt", "build", "source", "requirement"):
            store.execute(f"DROP TABLE {name}")
        for name in ("chroot", "archive", "builder", "farm"):
            store.execute(f"DROP TABLE {name}")
        store.execute("DELETE FROM patch")
        store.commit()
        refused = self.assertRaises(Refused, self.database.check)
        self.assertIn("buildd-manager init", str(refused))
        done = self.database.init()
        kept = self.path.with_name("farm.db.version-0")
        self.assertEqual(Initialised(0, schema.CURRENT, kept), done)
        self.assertEqual(0o600, mode(kept))
        self.assertEqual(0, copies.inspect(kept))
        self.database.check()

    def test_newer(self) -> None:
        """A database of a newer release is neither used nor changed."""
        self.database.init()
        store = self.database.writer()
        store.execute(f"INSERT INTO patch VALUES ({schema.CURRENT + 1})")
        store.commit()
        store.close()
        for use in (self.database.init, self.database.check):
            refused = self.assertRaises(Refused, use)
            self.assertIn("newer release", str(refused))

    def test_not_ours(self) -> None:
        """A file that is something else is left alone."""
        self.path.parent.mkdir()
        for contents in (b"", b"# a letter\n" * 200):
            self.path.write_bytes(contents)
            for use in (self.database.init, self.database.check):
                refused = self.assertRaises(Refused, use)
                self.assertIn("not a database of a build farm", str(refused))
            self.assertEqual(contents, self.path.read_bytes())

    def test_none(self) -> None:
        """Without a database everything says which command makes one."""
        for use in (self.database.check, self.database.writer, self.database.reader):
            refused = self.assertRaises(Refused, use)
            self.assertIn("buildd-manager init", str(refused))

    def test_a_directory_that_cannot_be_written(self) -> None:
        """A database that cannot be made is told in a sentence."""
        self.path.parent.write_text("a file where the directory should be")
        self.assertRaises(StorageError, self.database.init)


class TestBackup(StorageTestCase):
    def test_a_copy_of_now(self) -> None:
        """A backup has everything that was committed, in one file that needs no other."""
        self.submit()
        self.store.execute("SELECT 1")
        target = self.directory / "backup.db"
        self.database.backup(target)
        self.store.rollback()
        self.assertEqual(0o600, mode(target))
        self.assertFalse(target.with_name("backup.db-wal").exists())
        alone = self.make_directory() / "alone.db"
        alone.write_bytes(target.read_bytes())
        copy = Database(f"sqlite:///{alone}")
        copy.check()
        store = copy.reader()
        self.addCleanup(store.close)
        self.assertEqual((1,), store.execute("SELECT COUNT(*) FROM build").get_one())

    def test_while_somebody_writes(self) -> None:
        """A backup needs no writer to wait, and has nothing that is not committed."""
        self.store.execute("UPDATE farm SET epoch = 99")
        target = self.directory / "backup.db"
        self.database.backup(target)
        self.store.commit()
        store = Database(f"sqlite:///{target}").reader()
        self.addCleanup(store.close)
        self.assertEqual(1, epochs.current_epoch(store).number)

    def test_a_file_that_exists(self) -> None:
        """A backup never replaces a file."""
        target = self.directory / "backup.db"
        target.write_text("last year's")
        self.assertRaises(Refused, self.database.backup, target)
        self.assertEqual("last year's", target.read_text())

    def test_nowhere(self) -> None:
        """A place that cannot be written is told in a sentence."""
        refused = self.assertRaises(Refused, self.database.backup, Path("/nowhere/backup.db"))
        self.assertIn("/nowhere/backup.db", str(refused))


class TestDamaged(SQLiteTestCase):
    def test_a_backup_that_fails(self) -> None:
        """A backup that could not be taken leaves no file that looks like one."""
        self.store.close()
        self.path.write_bytes(b"# a letter\n" * 1000)
        target = self.directory / "backup.db"
        self.assertRaises(StorageError, self.database.backup, target)
        self.assertFalse(target.exists())
