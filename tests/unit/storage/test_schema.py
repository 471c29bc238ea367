"""Versions of the schema: made, found, refused, and the promises that tables keep themselves."""

from storm.exceptions import IntegrityError

from buildfarm.storage import newstables, schema, tables
from buildfarm.vocab.errors import Refused
from tests.unit.storage.cases import StorageTestCase


class TestSchema(StorageTestCase):
    def test_version_is_recorded(self) -> None:
        """A database says which version it has."""
        self.assertEqual(schema.CURRENT, self.ask(schema.version))

    def test_upgrade_twice(self) -> None:
        """Patches that were applied are not applied again."""
        schema.upgrade(self.store)
        self.assertEqual(schema.CURRENT, self.ask(schema.version))

    def test_newer_is_refused(self) -> None:
        """A database of a newer release is refused in words that say what to do."""
        refused = self.assertRaises(Refused, schema.require_current, schema.CURRENT + 1)
        self.assertIn("newer release", str(refused))

    def test_older_is_refused_until_it_is_upgraded(self) -> None:
        """A database of an older release is refused, naming the command that upgrades it."""
        refused = self.assertRaises(Refused, schema.require_current, 0)
        self.assertIn("buildd-manager init", str(refused))
        schema.require_known(0)

    def test_columns_are_the_tables(self) -> None:
        """Storm's classes name exactly the columns that the patches have made."""
        for table in (*vars(tables).values(), *vars(newstables).values()):
            name = getattr(table, "__storm_table__", None)
            if name is None:
                continue
            result = self.store.execute(f"SELECT * FROM {name}")
            made = {column[0] for column in result._raw_cursor.description}
            known = {key for key, value in vars(table).items() if not key.startswith("_")}
            self.assertEqual(made, known, name)


class TestGuarantees(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder("bob")
        self.eve = self.add_builder("eve")
        self.first = self.submit("one")
        self.second = self.submit("two")
        self.start(self.bob)
        self.start(self.eve)

    def assert_refused(self, statement: str) -> None:
        """Assert that the tables themselves do not allow `statement`."""
        self.assertRaises(IntegrityError, self.store.execute, statement)
        self.store.rollback()

    def test_one_open_attempt_per_build(self) -> None:
        """No build has two open attempts, whatever the code does."""
        self.assert_refused(f"UPDATE attempt SET build_id = {self.first}, number = number + 1")

    def test_one_attempt_on_a_builder(self) -> None:
        """No builder holds two attempts, whatever the code does."""
        self.assert_refused(f"UPDATE attempt SET builder_id = {self.bob.id}")

    def test_one_build_of_its_kind(self) -> None:
        """A version is built once for each architecture of a suite."""
        self.assert_refused("UPDATE build SET source = 'same'")

    def test_one_farm(self) -> None:
        """There is one row about the farm."""
        self.assert_refused("INSERT INTO farm VALUES (2, 'abcdef01', 0)")

    def test_ids_are_not_used_again(self) -> None:
        """The id of a build that is gone is never given to another: cookies name it."""
        self.store.execute("DELETE FROM queue")
        self.store.execute("DELETE FROM attempt")
        self.store.execute("DELETE FROM event")
        self.store.execute("DELETE FROM build")
        self.store.commit()
        self.assertTrue(self.submit("three") > self.second)
