"""A database of any earlier version becomes one of this version, or stays wholly as it is.

The rows are those of version 1, in SQL that no later release changes. Beside the versions that
there are, three are made up: so that the way from one to the next is tested before it is needed.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from storm.exceptions import IntegrityError

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.postgres import EMPTY, fresh_database
from buildfarm.storage import copies, schema
from buildfarm.storage.database import Database
from buildfarm.vocab.errors import Refused, StorageError

#: A farm of version 1: one build was published, another runs, a third waits.
ROWS = (
    """INSERT INTO builder (name, title, url, processors, virtualized, open_resources,
        restricted_resources, builderok, manual, active, failure_count, clean_status,
        date_clean_status_changed) VALUES
        ('bob', 'Bob', 'http://bob:8221', '["amd64"]', FALSE, '[]', '[]', TRUE, FALSE, TRUE, 0,
        'DIRTY', '2026-01-01 00:00:00.25')""",
    """INSERT INTO archive (name, distribution, suites, architectures, nominated_architecture,
        component, bases, trusted_keys, uploader, path, private, virtualized) VALUES
        ('main', 'debian', '["bookworm"]', '["amd64"]', 'amd64', 'main', '[]', '[]', 'directory',
        '/srv/main', FALSE, FALSE)""",
    """INSERT INTO chroot (distribution, series, architecture, image_type, size, sha1, sha256)
        VALUES ('debian', 'bookworm', 'amd64', 'chroot', 5000000000, 'a', 'b')""",
    """INSERT INTO source (name, version, architecture, binaries, files, dsc_sha256) VALUES
        ('hello', '1.0', '["any"]', '["hello"]', '[]', 'c')""",
    "INSERT INTO requirement (processor, virtualized, resources) VALUES ('amd64', FALSE, '[]')",
    *(
        f"""INSERT INTO build (archive_id, source_id, distribution, series, suite, pocket,
            component, source, version, architecture, arch_indep, virtualized, state, requester,
            created, attempt_count, failure_count, builders_cost, given_back, lost_count, score)
            VALUES (1, 1, 'debian', 'bookworm', 'bookworm', 'Release', 'main', 'hello', '{version}',
            'amd64', TRUE, FALSE, '{state}', 'alice', '2026-01-01', {attempts}, 0, 0, 0, 0, 5)"""
        for version, state, attempts in (
            ("1.0", "FULLYBUILT", 1),
            ("1.1", "BUILDING", 1),
            ("1.2~ä", "NEEDSBUILD", 0),
        )
    ),
    """INSERT INTO queue (build_id, requirement_id, state, score, estimated_duration, logtail)
        VALUES (2, 1, 'RUNNING', 5, 60.5, 'dpkg'), (3, 1, 'WAITING', 5, 60.5, NULL)""",
    """INSERT INTO attempt (build_id, number, builder_id, cookie, state, epoch, spool, outcome,
        claimed, closed, prepared, tries, files) VALUES
        (1, 1, 1, 'one', 'CLOSED', 1, 'one', 'PUBLISHED', '2026-01-01', NULL, TRUE, 0, '[]'),
        (2, 1, 1, 'two', 'SENT', 1, 'two', NULL, '2026-01-02', NULL, FALSE, 0, '[]')""",
    """INSERT INTO event (time, actor, builder_id, build_id, attempt, before, after, reason)
        VALUES ('2026-01-02', 'manager', 1, 2, 1, 'CLAIMED', 'SENT', 'sent to bob')""",
)

TABLES = (
    "farm",
    "builder",
    "archive",
    "chroot",
    "source",
    "requirement",
    "build",
    "queue",
    "attempt",
    "event",
)


def add_column(store: Any) -> None:
    """A made-up version: a column with a value for each row."""
    text = store.get_database().text_column
    store.execute(f"ALTER TABLE builder ADD COLUMN motto {text} NOT NULL DEFAULT ''")
    store.execute("UPDATE builder SET motto = 'I am ' || name")


def add_table(store: Any) -> None:
    """A made-up version: a table that refers to another, filled from what there is."""
    identity = store.get_database().identity_column
    store.execute(f"CREATE TABLE note (id {identity}, build_id BIGINT REFERENCES build (id))")
    store.execute("CREATE UNIQUE INDEX note_build ON note (build_id)")
    store.execute("INSERT INTO note (build_id) SELECT id FROM build ORDER BY id")


def fail(store: Any) -> None:
    """A made-up version whose patch has a mistake, and notices late."""
    store.execute("DELETE FROM event")
    store.execute("ALTER TABLE note ADD COLUMN text INTEGER")
    store.execute("CREATE TABLE half (id INTEGER)")
    store.execute("INSERT INTO nowhere VALUES (1)")


class Steps:
    """What Storm's PatchSet is, made of functions."""

    def __init__(self, *more: Callable[[Any], None]) -> None:
        real = schema.PATCHES
        known = {number: real.get_patch_module(number) for number in real.get_patch_versions()}
        self._modules: dict[int, Any] = {
            **known,
            **{max(known) + n: SimpleNamespace(apply=step) for n, step in enumerate(more, 1)},
        }

    def get_patch_versions(self) -> list[int]:
        """The versions in their order."""
        return sorted(self._modules)

    def get_patch_module(self, version: int) -> Any:
        """What has `apply`."""
        return self._modules[version]


class TestUpgrades(FarmTestCase):
    """On SQLite."""

    def make_place(self) -> str:
        """The URI of a database where there is nothing yet."""
        return f"sqlite:///{self.make_directory() / 'farm.db'}"

    def be_release(self, steps: Steps, version: int) -> None:
        """Be the release that knows `steps` up to `version`."""
        self.patch(schema, "PATCHES", steps)
        self.patch(schema, "CURRENT", version)

    def database_of(self, steps: Steps, version: int) -> Database:
        """A farm of that version, which came to be as farms do: from version 1, step by step."""
        database = Database(self.make_place())
        for release in range(1, version + 1):
            self.be_release(steps, release)
            database.init(self.backups)
            if release == 1:
                self.fill(database)
        return database

    def fill(self, database: Database) -> None:
        """Put the rows into a farm of version 1."""
        store = database.writer()
        try:
            for statement in ROWS:
                store.execute(statement)
            store.commit()
            # Columns of later versions do not count.
            self.columns = {
                table: [name for name, *_ in self.description(store, table)] for table in TABLES
            }
        finally:
            store.close()

    def description(self, store: Any, table: str) -> Any:
        """The columns of a table."""
        return store.execute(f"SELECT * FROM {table}")._raw_cursor.description

    def rows(self, database: Database) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of version 1's columns."""
        store = database.reader()
        try:
            return {
                table: sorted(store.execute(f"SELECT {', '.join(columns)} FROM {table}").get_all())
                for table, columns in self.columns.items()
            }
        finally:
            store.close()

    def setUp(self) -> None:
        super().setUp()
        self.backups: Path = self.make_directory()

    def assert_kept(self, database: Database) -> None:
        """The promises of the schema hold, and ids go on where they were."""
        store = database.writer()
        try:
            for wrong in (
                "UPDATE attempt SET state = 'SENT', build_id = 2, number = 7 WHERE id = 1",
                "UPDATE attempt SET state = 'SENT' WHERE id = 1",
                "UPDATE build SET version = '1.0'",
                "INSERT INTO queue VALUES (99, 99, 'WAITING', 0, 1.0, NULL, NULL)",
            ):
                self.assertRaises(IntegrityError, store.execute, wrong)
                store.rollback()
            store.execute(ROWS[-1])
            [(last,)] = store.execute("SELECT MAX(id) FROM event").get_all()
            self.assertEqual(2, last)
        finally:
            store.close()

    def test_from_every_version(self) -> None:
        """From whichever version: every row is kept, every promise holds, a backup was made."""
        steps = Steps(add_column, add_table)
        versions = steps.get_patch_versions()
        for version in versions[:-1]:
            database = self.database_of(steps, version)
            before = self.rows(database)
            self.assertEqual(3, len(before["build"]))
            self.be_release(steps, versions[-1])
            self.assertIn("needs", str(self.assertRaises(Refused, database.check)))
            done = database.init(self.backups)
            self.assertEqual((version, versions[-1]), (done.before, done.after))
            database.check()
            self.assertEqual(before, self.rows(database))
            self.assert_kept(database)
            store = database.reader()
            self.addCleanup(store.close)
            self.assertEqual(("I am bob",), store.execute("SELECT motto FROM builder").get_one())
            self.assertEqual((3,), store.execute("SELECT COUNT(*) FROM note").get_one())
            assert done.backup is not None
            self.assertEqual(version, copies.inspect(done.backup))

    def test_a_step_that_fails(self) -> None:
        """Where a step fails nothing of the upgrade is there, and the old release goes on."""
        steps = Steps(add_column, add_table, fail)
        last = steps.get_patch_versions()[-1]
        for version in (last - 2, last - 1):
            database = self.database_of(steps, version)
            before = self.rows(database)
            self.be_release(steps, last)
            error = self.assertRaises(StorageError, database.init, self.backups)
            self.assertIn(f"The step to schema version {last} failed", str(error))
            self.be_release(steps, version)
            database.check()
            self.assertEqual(before, self.rows(database))
            self.assert_kept(database)

    def test_a_newer_release(self) -> None:
        """A database that a newer release has upgraded is refused, and nothing is changed."""
        steps = Steps(add_column)
        last = steps.get_patch_versions()[-1]
        database = self.database_of(steps, last)
        before = self.rows(database)
        self.be_release(steps, last - 1)
        for use in (database.check, database.init):
            self.assertIn("newer release", str(self.assertRaises(Refused, use)))
        self.assertEqual(before, self.rows(database))


class TestUpgradesOnPostgres(TestUpgrades):
    """On PostgreSQL."""

    def make_place(self) -> str:
        """An empty database on the server of this process."""
        return fresh_database(self, EMPTY)
