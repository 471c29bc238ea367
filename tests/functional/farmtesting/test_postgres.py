"""The PostgreSQL servers of tests: their own, quick to have, and gone afterwards."""

import signal
import subprocess
import sys
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.postgres import EMPTY, Cluster, fresh_database, shared_cluster
from buildfarm.storage.database import Database
from buildfarm.vocab.errors import Refused

_USER = """
from buildfarm.farmtesting.postgres import Cluster
import signal
print(Cluster().directory, flush=True)
signal.pause()
"""


def killed_user() -> Path:
    """The directory of a cluster whose user was killed."""
    with subprocess.Popen([sys.executable, "-c", _USER], stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout is not None
        directory = Path(user.stdout.readline().strip())
        user.send_signal(signal.SIGKILL)
    return directory


class TestCluster(FarmTestCase):
    def test_restart(self) -> None:
        """What was committed is still there after the server was stopped and started."""
        cluster = Cluster.of(self)
        cluster.execute("CREATE TABLE kept (n INTEGER)")
        for mode in ("fast", "immediate"):
            cluster.execute("INSERT INTO kept VALUES (1)")
            cluster.stop(mode)
            cluster.start()
        self.assertEqual([(1,), (1,)], cluster.execute("SELECT n FROM kept"))

    def test_nothing_is_left(self) -> None:
        """A cluster that is closed leaves neither a process nor a file."""
        cluster = Cluster()
        cluster.close()
        self.assertFalse(cluster.directory.exists())

    async def test_user_killed(self) -> None:
        """A cluster goes with the process that made it, even if that was killed."""
        directory = killed_user()
        await self.wait_until(lambda: not directory.exists(), what=f"{directory} to be removed")


class TestDatabases(FarmTestCase):
    def test_a_farm(self) -> None:
        """A fresh database is a farm that was initialised; no two tests have the same."""
        uris = {fresh_database(self), fresh_database(self)}
        self.assertEqual(2, len(uris))
        for uri in uris:
            Database(uri).check()

    def test_an_empty_one(self) -> None:
        """An empty one is refused until it is initialised."""
        database = Database(fresh_database(self, EMPTY))
        self.assertRaises(Refused, database.check)
        database.init()
        database.check()

    def test_shared(self) -> None:
        """One server is enough for all tests of a process."""
        self.assertIs(shared_cluster(), shared_cluster())
