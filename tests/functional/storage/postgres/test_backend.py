"""A farm in a PostgreSQL database: made, checked, and refused where it cannot be used."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.postgres import EMPTY, Cluster, fresh_database, shared_cluster
from buildfarm.storage import epochs, schema
from buildfarm.storage.backend import Initialised
from buildfarm.storage.database import Database
from buildfarm.vocab.errors import DatabaseAway, Refused


class TestInit(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = Database(fresh_database(self, EMPTY))

    def test_new(self) -> None:
        """A new farm has the current version and an id of its own."""
        self.assertEqual(Initialised(0, schema.CURRENT), self.database.init())
        self.database.check()
        store = self.database.reader()
        self.addCleanup(store.close)
        self.assertRegex(epochs.current_epoch(store).database_id, "^[0-9a-f]{8}$")

    def test_settings_of_the_session(self) -> None:
        """Those in the URI are added to the farm's own, and cannot take its schema away."""
        uri = fresh_database(self)
        given = "options=-c%20work_mem%3D9MB%20-c%20search_path%3Dpublic"
        store = Database(f"{uri}{'&' if '?' in uri else '?'}{given}").reader()
        self.addCleanup(store.close)
        self.assertEqual(("9MB",), store.execute("SHOW work_mem").get_one())
        self.assertEqual(("buildfarm",), store.execute("SHOW search_path").get_one())

    def test_again(self) -> None:
        """Initialising again changes nothing."""
        self.database.init()
        self.assertEqual(Initialised(schema.CURRENT, schema.CURRENT), self.database.init())

    def test_not_initialised(self) -> None:
        """An empty database is refused with what to do."""
        error = self.assertRaises(Refused, self.database.check)
        self.assertIn("buildd-manager init", str(error))

    def test_somebody_elses(self) -> None:
        """A schema of our name that is not a farm's is left alone."""
        name = Cluster.name_of(self.database.name)
        shared_cluster().execute("CREATE SCHEMA buildfarm", name)
        self.assertRaises(Refused, self.database.init)
        self.assertRaises(Refused, self.database.check)

    def test_newer(self) -> None:
        """A database that a newer release has written is refused by check and init."""
        self.database.init()
        store = self.database.writer()
        self.addCleanup(store.close)
        store.execute(f"INSERT INTO patch VALUES ({schema.CURRENT + 1})")
        store.commit()
        for use in (self.database.check, self.database.init):
            self.assertIn("newer release", str(self.assertRaises(Refused, use)))

    def test_no_such_database(self) -> None:
        """Where the database does not exist, the administrator is told how to make it."""
        database = Database(shared_cluster().uri("nowhere"))
        for use in (database.check, database.init):
            self.assertIn("createdb", str(self.assertRaises(Refused, use)))


class TestAway(FarmTestCase):
    def test_stopped(self) -> None:
        """A server that does not answer is told from a database that cannot be used."""
        cluster = Cluster.of(self)
        database = Database(cluster.uri("postgres"))
        cluster.stop()
        for use in (database.check, database.init, database.writer, database.reader):
            self.assertRaises(DatabaseAway, use)
