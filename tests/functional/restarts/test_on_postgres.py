"""The manager is killed at each numbered step, and at random, with its database in PostgreSQL.

The tests are those of `test_checkpoints` and `test_random_kills`; the promises are the same.
"""

from buildfarm.farmtesting.postgres import fresh_database
from tests.functional.restarts import test_checkpoints, test_random_kills
from tests.functional.restarts.killing import RestartTestCase


class OnPostgres(RestartTestCase):
    """A farm whose database is on the PostgreSQL server of this process."""

    def make_database(self) -> str:
        """A database with a farm that `init` has made."""
        return fresh_database(self)


class PostgresDispatchTests(OnPostgres, test_checkpoints.DispatchTests):
    """Killed while a build is sent to its builder."""


class PostgresGatherTests(OnPostgres, test_checkpoints.GatherTests):
    """Killed while results are fetched."""


class PostgresCleanTests(OnPostgres, test_checkpoints.CleanTests):
    """Killed while a builder is cleaned."""


class PostgresUploadTests(OnPostgres, test_checkpoints.UploadTests):
    """Killed during an upload of any kind."""


class PostgresDirectoryTests(OnPostgres, test_checkpoints.DirectoryTests):
    """Killed while a directory is published."""


class PostgresNewsTests(OnPostgres, test_checkpoints.NewsTests):
    """Killed while a failure is told."""


class PostgresRepreproTests(OnPostgres, test_checkpoints.RepreproTests):
    """Killed while reprepro publishes."""


class PostgresCommandTests(OnPostgres, test_checkpoints.CommandTests):
    """Killed while a program publishes."""


class PostgresRandomKillTests(OnPostgres, test_random_kills.RandomKillTests):
    """Killed ten times, at random."""

    kills = 10
